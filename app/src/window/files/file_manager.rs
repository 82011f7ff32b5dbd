//! The system's file manager.

use std::path::Path;

/// Shows a folder in the system's file manager and waits for the program that is asked to; not for the painting thread.
pub(super) fn show_folder(folder: &Path) -> Result<(), String> {
    let program = if cfg!(windows) {
        "explorer"
    } else if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    show_with(program, folder)
}

fn show_with(program: &str, folder: &Path) -> Result<(), String> {
    use std::process::{Command, Stdio};
    let quiet =
        Command::new(program).arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match quiet {
        // Explorer ends with 1 whatever it did.
        Ok(status) if status.success() || cfg!(windows) => Ok(()),
        Ok(status) => Err(format!("`{program} {}` failed ({status}).", folder.display())),
        Err(error) => Err(format!("`{program}` cannot be started: {error}. The folder is {}.", folder.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_manager_that_is_missing_is_told_with_the_folder() {
        let error = show_with("no such program", Path::new("/some/folder")).unwrap_err();
        assert!(error.contains("no such program") && error.contains("/some/folder"), "{error}");
    }
}
