//! Opens the window where the system gives a program of the command line a console of its own: Windows, from the start menu.
//!
//! `shufflescope` stays a program of the command line there: shells wait for it and hear its exit code, as they do not for
//! programs without a console.

#![cfg_attr(windows, windows_subsystem = "windows")]

use std::process::{Command, ExitCode, Output, Stdio};

/// Windows: a console that nobody sees, which the worker processes share.
#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

fn main() -> ExitCode {
    match open() {
        Ok(Output { status, .. }) if status.success() => ExitCode::SUCCESS,
        Ok(Output { stderr, .. }) => complain(String::from_utf8_lossy(&stderr).trim()),
        Err(error) => complain(&format!("shufflescope cannot be started: {error}")),
    }
}

/// The program beside this one, with the same arguments, until its window is closed.
fn open() -> std::io::Result<Output> {
    let name = format!("shufflescope{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(std::env::current_exe()?.with_file_name(name));
    command.args(std::env::args_os().skip(1)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(&mut command, CREATE_NO_WINDOW);
    command.spawn()?.wait_with_output()
}

/// There is no stream that anybody would see.
fn complain(text: &str) -> ExitCode {
    let dialog = rfd::MessageDialog::new().set_level(rfd::MessageLevel::Error).set_title("ShuffleScope");
    let _ = dialog.set_description(text).show();
    ExitCode::FAILURE
}
