//! How the system's `ssh` is asked to run something on another machine.
//!
//! Its configuration, keys, agent and jump hosts are the user's, and so is what it does about host keys. It is never asked
//! for a password: there is nobody to type one. What it runs there is one line that every usual shell reads alike.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{Launcher, SshAddress};

/// The environment variable with another `ssh` than the one in the search path, as `GIT_SSH` is for Git.
pub const SSH_VARIABLE: &str = "SHUFFLESCOPE_SSH";

/// What is told to every `ssh`: nobody can be asked, a cut line is noticed within 15 seconds, and nothing of a person's
/// configuration that is meant for a session at a terminal gets into the protocol.
const OPTIONS: [&str; 7] = [
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
];

/// The program there, where it is not in the search path: a path of characters that no shell gives a meaning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RemoteProgram(String);

impl FromStr for RemoteProgram {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_alphanumeric() || "/._-+ @:,=".contains(c);
        // A shell goes home by itself, and `ssh` begins there.
        let path = text.strip_prefix("~/").map_or_else(|| text.to_owned(), |rest| format!("./{rest}"));
        if path.is_empty() || path.starts_with('-') || !path.chars().all(is_plain) {
            return Err(
                "a path on the target of letters, digits, spaces and `/._-+@:,=`, not beginning with `-`".into()
            );
        }
        Ok(Self(path))
    }
}

impl fmt::Display for RemoteProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl RemoteProgram {
    /// One of this program's copies in the user's cache there.
    pub(super) fn copied(hash: &str) -> Self {
        Self(format!("{COPIES}/{hash}/shufflescope"))
    }

    /// The line that runs it as a worker. Relative to the home folder where it is no whole path.
    fn command(&self) -> String {
        let path = &self.0;
        match path.strip_prefix(COPIES) {
            // The cache is where a variable of that machine says.
            Some(rest) => in_sh(&format!("exec \"{CACHE}{rest}\" worker")),
            None if path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c)) => format!("{path} worker"),
            None => format!("'{path}' worker"),
        }
    }
}

/// Stands for the folder of copies, whose path only the machine itself knows.
const COPIES: &str = "//copies";

/// The folder of copies as a shell there finds it.
pub(super) const CACHE: &str = "${XDG_CACHE_HOME:-$HOME/.cache}/shufflescope/programs";

/// The exit code of a shell that finds no program.
pub const NO_PROGRAM: i32 = 127;

/// Looks where programs are that people install for themselves too: a shell without a terminal often does not.
const IN_PATH: &str = "PATH=\"$PATH:$HOME/.local/bin:$HOME/.cargo/bin:/usr/local/bin\"; exec shufflescope worker";

/// A line that has `sh` run this script: users' own shells differ. There is no quote, backslash or exclamation mark in it.
pub(super) fn in_sh(script: &str) -> String {
    debug_assert!(!script.contains(['\'', '\\', '!', '\n']), "{script}");
    format!("sh -c '{script}'")
}

/// The `ssh` program of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssh {
    /// Where it is, or its name in the search path.
    pub program: PathBuf,
}

impl Ssh {
    /// What the variable says, or the one in the search path.
    #[must_use]
    pub fn of_the_system() -> Self {
        let set = std::env::var_os(SSH_VARIABLE).filter(|path| !path.is_empty());
        Self { program: set.unwrap_or_else(|| OsString::from("ssh")).into() }
    }

    /// How a worker is started there: the program named, or the one in the search path.
    #[must_use]
    pub fn worker(&self, address: &SshAddress, program: Option<&RemoteProgram>) -> Launcher {
        let command = program.map_or_else(|| in_sh(IN_PATH), RemoteProgram::command);
        Launcher { program: self.program.clone(), args: arguments(address, command), remote: Some(address.clone()) }
    }

    /// An `ssh` that runs this line there, not started.
    pub(super) fn command(&self, address: &SshAddress, line: String) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(arguments(address, line));
        command
    }
}

fn arguments(address: &SshAddress, line: String) -> Vec<String> {
    let options = OPTIONS.iter().flat_map(|option| ["-o".to_owned(), (*option).to_owned()]);
    std::iter::once("-T".to_owned()).chain(options).chain(address.arguments()).chain([line]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(program: Option<&str>) -> String {
        let ssh = Ssh { program: "ssh".into() };
        let program = program.map(|path| path.parse().unwrap());
        let launcher = ssh.worker(&"ssh://pi@board:2222".parse().unwrap(), program.as_ref());
        let Launcher { args, remote, .. } = launcher;
        assert!(remote.is_some());
        let [before @ .., host, line] = args.as_slice() else { panic!("{args:?}") };
        assert_eq!((before.last().unwrap().as_str(), host.as_str()), ("--", "board"));
        assert!(before.windows(2).any(|two| two == ["-o", "BatchMode=yes"]), "{before:?}");
        assert!(!args.iter().any(|arg| arg.contains("StrictHostKeyChecking")), "host keys are the user's business");
        line.clone()
    }

    #[test]
    fn the_line_is_one_that_every_shell_reads_alike() {
        assert_eq!(line(Some("/opt/shuffle-scope_1/bin/shufflescope")), "/opt/shuffle-scope_1/bin/shufflescope worker");
        assert_eq!(line(Some("~/bin/shufflescope")), "./bin/shufflescope worker");
        assert_eq!(line(Some("/opt/my programs/shufflescope")), "'/opt/my programs/shufflescope' worker");
        assert!(line(None).starts_with("sh -c 'PATH="), "{}", line(None));
        let copy = RemoteProgram::copied("0123abcd").command();
        assert_eq!(
            copy,
            "sh -c 'exec \"${XDG_CACHE_HOME:-$HOME/.cache}/shufflescope/programs/0123abcd/shufflescope\" worker'"
        );
    }

    #[test]
    fn a_path_that_a_shell_would_read_otherwise_is_refused() {
        for path in ["", "-x", "a;b", "a'b", "a\\b", "$HOME/x", "a`b`", "a\nb", "a|b", "a&b", "~bob/x!", "a\"b"] {
            assert!(path.parse::<RemoteProgram>().is_err(), "{path}");
        }
    }
}
