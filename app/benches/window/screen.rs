//! The real program on a screen that nobody sees: how long until it paints, and what memory it takes.
//!
//! Xvfb keeps its screen in a file (`-fbdir`), so that the first picture is seen without asking the X server, which is busy
//! then. The program starts as at first use: its folders are empty. Elsewhere than on Linux, and without Xvfb, nothing is
//! measured, and a line says so.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{PATIENCE, tell, tell_time};

/// Time between two looks at the screen.
const LOOK: Duration = Duration::from_millis(10);

/// Values of pixels that a painted window has at least: letters with smooth edges.
const VALUES: usize = 32;

/// How long the window is left alone before its memory is looked at: it has measured and rests.
const SETTLE: Duration = Duration::from_secs(15);

/// A process that ends with its owner.
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the program under Xvfb.
pub fn start_and_memory(program: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let Some((_server, display)) = server(folder.path()) else {
        return tell("on a screen (Xvfb)", "not measured", "", None);
    };
    let pixels = folder.path().join("Xvfb_screen0");
    let home = folder.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let began = Instant::now();
    let mut command = Command::new(program);
    command.env("DISPLAY", display).env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET").env("HOME", &home);
    for variable in ["XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
        command.env(variable, home.join(variable));
    }
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut window = Owned(child);
    while values(&pixels) < VALUES {
        let ended = window.0.try_wait().unwrap();
        if ended.is_some() || began.elapsed() > PATIENCE {
            return tell("on a screen (Xvfb)", "no window came", "", None);
        }
        std::thread::sleep(LOOK);
    }
    tell_time("start to first picture, under Xvfb, painted without a GPU", began.elapsed(), None);
    std::thread::sleep(SETTLE);
    let memory = |process| resident(process).map_or_else(|| "unknown".into(), megabytes);
    tell("resident memory of the window, under Xvfb", &memory(window.0.id()), "", None);
    let workers: u64 = children(window.0.id()).into_iter().filter_map(resident).sum();
    tell("  of its workers", &megabytes(workers), "", None);
}

/// An X server of its own with its screen in a file of this folder, and what programs call it.
fn server(folder: &Path) -> Option<(Owned, String)> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let arguments = ["-displayfd", "1", "-screen", "0", "1440x900x24", "-nolisten", "tcp", "-fbdir"];
    let server =
        Command::new("Xvfb").args(arguments).arg(folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut server = Owned(server);
    // It says its number once it is ready.
    let mut number = String::new();
    BufReader::new(server.0.stdout.take()?).read_line(&mut number).ok()?;
    let number: u32 = number.trim().parse().ok()?;
    Some((server, format!(":{number}")))
}

/// How many values the pixels in the middle of the screen have, up to some.
fn values(screen: &Path) -> usize {
    let bytes = std::fs::read(screen).unwrap_or_default();
    let middle = bytes.len() / 3..bytes.len() / 3 * 2;
    let mut seen: Vec<&[u8]> = Vec::new();
    // What comes before the pixels shifts them, which matters to none of this.
    for pixel in bytes.get(middle).unwrap_or_default().chunks_exact(4) {
        if !seen.contains(&pixel) {
            seen.push(pixel);
            if seen.len() >= VALUES {
                break;
            }
        }
    }
    seen.len()
}

/// Bytes of a process that are in memory, where the system tells.
pub fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kilobytes)
}

/// The processes that a process has started, and those that these have.
fn children(parent: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let own: Vec<u32> =
        lists.flat_map(|list| list.split_whitespace().map(str::parse).collect::<Vec<_>>()).flatten().collect();
    let further: Vec<u32> = own.iter().flat_map(|&child| children(child)).collect();
    [own, further].concat()
}

/// In words.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}
