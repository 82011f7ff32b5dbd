//! Brings this very program to another machine, into the user's cache there.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::ssh::{CACHE, RemoteProgram, Ssh, in_sh};
use super::{SshAddress, what_ssh_says};

/// Why this program cannot be brought there.
#[derive(Debug, Error)]
pub enum CopyError {
    /// It cannot be read here.
    #[error("{}: this program cannot be read: {source}", .path.display())]
    Own {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The machines differ.
    #[error(
        "{address} is {there}, this machine is {here}: a copy of this program does not run there. Install ShuffleScope there \
         (its packages are for x86-64 and ARM), and name it where it is not in the search path"
    )]
    OtherMachine {
        /// The target.
        address: SshAddress,
        /// System and processor of this machine.
        here: String,
        /// Those of the target.
        there: String,
    },
    /// `ssh` or a command there failed.
    #[error("{address}: the program cannot be copied: {reason}")]
    Failed {
        /// The target.
        address: SshAddress,
        /// What was said.
        reason: String,
    },
}

/// This program, as it is copied.
#[derive(Clone, Debug)]
pub struct Copied {
    path: PathBuf,
    hash: String,
    bytes: u64,
}

impl Copied {
    /// Reads the program that runs.
    ///
    /// # Errors
    /// Where its file is gone or cannot be read.
    pub fn this_program() -> Result<Self, CopyError> {
        let path = std::env::current_exe().map_err(|source| CopyError::Own { path: "shufflescope".into(), source })?;
        let (hash, bytes) = hash_of(&path).map_err(|source| CopyError::Own { path: path.clone(), source })?;
        Ok(Self { path, hash, bytes })
    }

    /// What it is called there once it is there.
    #[must_use]
    pub fn there(&self) -> RemoteProgram {
        RemoteProgram::copied(&self.hash)
    }

    /// How large it is, for people who are asked.
    #[must_use]
    pub fn megabytes(&self) -> u64 {
        self.bytes.div_ceil(1_000_000)
    }

    /// Brings it there. A copy that was cut off leaves nothing that would be taken for one.
    ///
    /// # Errors
    /// Where the machines differ, or it cannot be written there.
    pub fn bring(&self, ssh: &Ssh, address: &SshAddress) -> Result<(), CopyError> {
        let failed = |reason: String| CopyError::Failed { address: address.clone(), reason };
        let there = said(ssh.command(address, "uname -sm".into()).stdin(Stdio::null())).map_err(failed)?;
        let here = here();
        if !is_same(&here, &there) {
            return Err(CopyError::OtherMachine { address: address.clone(), here, there });
        }
        let program = File::open(&self.path).map_err(|source| CopyError::Own { path: self.path.clone(), source })?;
        let Self { hash, bytes, .. } = self;
        let script = format!(
            "umask 077; d=\"{CACHE}/{hash}\"; t=\"$d/part.$$\"; mkdir -p \"$d\" && cat >\"$t\" && test $(wc -c <\"$t\") -eq {bytes} && \
             chmod 700 \"$t\" && mv -f \"$t\" \"$d/shufflescope\" || {{ rm -f \"$t\"; exit 1; }}"
        );
        said(ssh.command(address, in_sh(&script)).stdin(program)).map(drop).map_err(failed)
    }
}

/// What a command printed, or why there is nothing to read.
fn said(command: &mut Command) -> Result<String, String> {
    let Output { status, stdout, stderr } =
        command.output().map_err(|error| format!("ssh cannot be started: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match status.success() {
        // Start-up files there may print before.
        true => Ok(text(&stdout).lines().last().unwrap_or_default().to_owned()),
        false => Err(what_ssh_says(&format!("{status}: {}", text(&stderr)))),
    }
}

/// System and processor as `uname -sm` tells them.
fn here() -> String {
    let system = match std::env::consts::OS {
        "linux" => "Linux",
        "macos" => "Darwin",
        other => other,
    };
    format!("{system} {}", std::env::consts::ARCH)
}

/// Whether two machines are of one kind, whatever they call it.
fn is_same(here: &str, there: &str) -> bool {
    let usual = |text: &str| text.replace("arm64", "aarch64").replace("amd64", "x86_64");
    usual(here) == usual(there)
}

/// The SHA-256 of a file and its size.
pub(crate) fn hash_of(path: &std::path::Path) -> io::Result<(String, u64)> {
    let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0_u64);
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut chunk)?;
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        bytes += read as u64;
    }
    Ok((hex(&hash.finalize()), bytes))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_the_same_by_system_and_processor_under_any_of_its_names() {
        assert!(is_same("Linux x86_64", "Linux x86_64") && is_same("Linux aarch64", "Linux arm64"));
        assert!(!is_same("Linux x86_64", "Linux aarch64") && !is_same("Linux x86_64", "Darwin x86_64"));
    }

    #[test]
    fn a_file_is_named_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "abc").unwrap();
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_of(&path).unwrap(), (known.to_owned(), 3));
    }
}
