//! Reading files of others: only regular ones, and never more of them than is asked for.
//!
//! A pipe without a writer never opens, a device may never end, and what a path names may change between a look and the
//! opening. So the file is opened without waiting, and what was opened is looked at.

use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use crate::units::Bytes;

/// Opens a regular file for reading; how long it is.
///
/// # Errors
/// What the system says; where `path` names a folder, pipe, socket or device, which of them.
pub fn open_regular(path: &Path) -> io::Result<(File, Bytes)> {
    open_regular_with(OpenOptions::new().read(true), path)
}

/// As [`open_regular`], in another way than for reading only.
///
/// # Errors
/// As [`open_regular`].
pub fn open_regular_with(options: &mut OpenOptions, path: &Path) -> io::Result<(File, Bytes)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Neither waits for a pipe's other end nor takes a terminal over; regular files do not care.
        options.custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY);
    }
    let opened = options.open(path).and_then(|file| {
        let metadata = file.metadata()?;
        Ok((file, metadata))
    });
    match opened {
        Ok((file, metadata)) if metadata.is_file() => Ok((file, Bytes(metadata.len()))),
        Ok((_, metadata)) => Err(refusal(metadata.file_type())),
        // A socket does not open, nor does a folder on Windows; what it is says more than the system's reason.
        Err(error) => match std::fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => Err(refusal(metadata.file_type())),
            _ => Err(error),
        },
    }
}

/// The content of a regular file that has at most so many bytes.
///
/// # Errors
/// As [`open_regular`]; where the file is longer, both figures.
pub fn read_regular(path: &Path, most: Bytes) -> io::Result<Vec<u8>> {
    let (file, length) = open_regular(path)?;
    if length > most {
        let told = format!("it is too large: it has {length}, and at most {most} are read");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, told));
    }
    read_at_most(file, most)
}

/// What `reader` has from here to its end, which may be at most so many bytes away: a file may grow, or not tell its
/// length.
///
/// # Errors
/// What the system says; where there is more, that it is too much.
pub fn read_at_most(reader: impl Read, most: Bytes) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(most.0.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most.0 {
        let told = format!("it is too large: at most {most} are read");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, told));
    }
    Ok(bytes)
}

fn refusal(found: FileType) -> io::Error {
    let what = if found.is_dir() { "it is a folder and not a regular file" } else { special(found) };
    let kind = if found.is_dir() { io::ErrorKind::IsADirectory } else { io::ErrorKind::InvalidInput };
    io::Error::new(kind, what)
}

#[cfg(unix)]
fn special(found: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if found.is_fifo() {
        "it is a pipe and not a regular file: write what comes out of it to a file, and read that"
    } else if found.is_socket() {
        "it is a socket and not a regular file"
    } else {
        "it is a device and not a regular file"
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "it is not a regular file"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_file_is_read_up_to_the_limit_and_a_larger_one_is_refused_with_both_figures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [7; 2048]).unwrap();
        assert_eq!(read_regular(&path, Bytes(2048)).unwrap(), [7; 2048]);
        let error = read_regular(&path, Bytes(1024)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let said = error.to_string();
        assert!(said.contains(&Bytes(2048).to_string()) && said.contains(&Bytes(1024).to_string()), "{said}");
        assert!(read_at_most(io::repeat(0), Bytes(10)).is_err(), "what never ends is not read to its end");
        let error = read_regular(folder.path(), Bytes(9)).unwrap_err();
        assert!(error.to_string().contains("a folder"), "{error}");
        assert_eq!(open_regular(&folder.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn pipes_sockets_and_devices_are_refused_at_once_also_by_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, socket, link) = (folder.path().join("p"), folder.path().join("s"), folder.path().join("link"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for (path, what) in
            [(&*pipe, "a pipe"), (&*link, "a pipe"), (&*socket, "a socket"), ("/dev/zero".as_ref(), "a device")]
        {
            let error = open_regular(path).unwrap_err().to_string();
            assert!(error.contains(what), "{}: {error}", path.display());
        }
        let mut appending = OpenOptions::new();
        let error = open_regular_with(appending.read(true).append(true).create(true), &pipe).unwrap_err().to_string();
        assert!(error.contains("a pipe"), "{error}");
    }
}
