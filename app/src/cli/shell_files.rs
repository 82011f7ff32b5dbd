//! `shufflescope shell-files`: the manual pages and what completes command lines, for those who make packages.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{CommandFactory, ValueEnum};
use clap_complete::{Shell, generate_to};

/// What packages name the program.
const NAME: &str = "shufflescope";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder to write `man/` and `completions/` into
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(super) fn run(Arguments { folder }: &Arguments) -> anyhow::Result<()> {
    write(folder).with_context(|| format!("`{}` cannot be written", folder.display()))
}

fn write(folder: &Path) -> std::io::Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    std::fs::create_dir_all(&man)?;
    std::fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(super::Arguments::command(), &man)?;
    for &shell in Shell::value_variants() {
        generate_to(shell, &mut super::Arguments::command(), NAME, &completions)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_is_shown_has_a_manual_page_and_every_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        run(&Arguments { folder: folder.path().into() }).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let whole = read("man/shufflescope.1");
        let command = super::super::Arguments::command();
        for shown in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = shown.get_name();
            assert!(read(&format!("man/shufflescope-{name}.1")).contains(".SH"), "{name}");
            assert!(whole.contains(&format!("shufflescope\\-{name}(1)")), "{name}: {whole}");
            assert!(read("completions/shufflescope.bash").contains(name), "{name}");
        }
        assert!(!folder.path().join("man/shufflescope-worker.1").exists(), "hidden ones are nobody's to call");
        let completions = std::fs::read_dir(folder.path().join("completions")).unwrap();
        assert_eq!(completions.count(), Shell::value_variants().len());
    }
}
