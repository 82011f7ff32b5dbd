//! The writing thread of a worker's client: requests, and the content of the files that they name where those travel.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use super::protocol::{FileOffer, FilePart, Request};
use crate::target::hash_of;

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A request as it goes out.
    Line(Vec<u8>),
    /// A file that the next request names.
    Offer(PathBuf),
    /// The worker does not have what is called so by content.
    Content(String),
}

/// Files beside a model that are taken for parts of it, at most: weights that an ONNX file keeps in files of their own.
const MOST_PARTS: usize = 32;

/// Writes until the other side is gone; where nothing is to be said for `beat`, that this side is still there.
pub(super) fn write_requests(mut pipe: impl Write, outgoing: &Receiver<Outgoing>, beat: Option<Duration>) {
    let mut offers = Offers::default();
    loop {
        let next = match beat {
            Some(beat) => outgoing.recv_timeout(beat),
            None => outgoing.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let written = match next {
            Ok(Outgoing::Line(line)) => pipe.write_all(&line),
            Ok(Outgoing::Offer(path)) => write_line(&mut pipe, &Request::File { file: offers.of(&path) }),
            Ok(Outgoing::Content(sha256)) => offers.write(&mut pipe, &sha256),
            Err(RecvTimeoutError::Timeout) => write_line(&mut pipe, &Request::Alive),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if written.and_then(|()| pipe.flush()).is_err() {
            return;
        }
    }
}

fn write_line(pipe: &mut impl Write, request: &Request) -> io::Result<()> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    pipe.write_all(&line)
}

/// What was offered.
#[derive(Debug, Default)]
struct Offers {
    /// Hashes of files as they were when they were read.
    known: HashMap<PathBuf, (Stamp, FilePart)>,
    /// Where what is called so by content is.
    paths: HashMap<String, (PathBuf, u64)>,
}

/// What tells that a file was written since.
type Stamp = (u64, Option<SystemTime>);

fn stamp(about: &Metadata) -> Stamp {
    (about.len(), about.modified().ok())
}

impl Offers {
    fn of(&mut self, path: &Path) -> FileOffer {
        match self.parts(path) {
            Ok(parts) => FileOffer { path: path.to_owned(), parts, problem: None },
            Err(error) => FileOffer { path: path.to_owned(), parts: Vec::new(), problem: Some(error.to_string()) },
        }
    }

    /// The file and those beside it whose names begin with its own.
    fn parts(&mut self, path: &Path) -> io::Result<Vec<FilePart>> {
        let mut parts = vec![self.part(path)?];
        let is_model = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"));
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let folder = path.parent().filter(|_| is_model && !name.is_empty());
        let entries = folder.and_then(|folder| {
            std::fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }).ok()
        });
        for entry in entries.into_iter().flatten().filter_map(Result::ok) {
            let beside = entry.file_name().to_string_lossy().into_owned();
            let is_part = beside != name && beside.starts_with(&name) && entry.path().is_file();
            if is_part && parts.len() < MOST_PARTS {
                parts.push(self.part(&entry.path())?);
            }
        }
        Ok(parts)
    }

    fn part(&mut self, path: &Path) -> io::Result<FilePart> {
        let now = stamp(&std::fs::metadata(path)?);
        if let Some((_, part)) = self.known.get(path).filter(|(then, _)| *then == now) {
            return Ok(part.clone());
        }
        let (sha256, bytes) = hash_of(path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let part = FilePart { name, sha256: sha256.clone(), bytes };
        self.known.insert(path.to_owned(), (now, part.clone()));
        self.paths.insert(sha256, (path.to_owned(), bytes));
        Ok(part)
    }

    /// Writes what was asked for. A file that is shorter by now ends the pipe: what was promised cannot be kept.
    fn write(&self, pipe: &mut impl Write, sha256: &str) -> io::Result<()> {
        let Some((path, bytes)) = self.paths.get(sha256) else { return Ok(()) };
        let file = File::open(path)?;
        write_line(pipe, &Request::Content { sha256: sha256.to_owned(), bytes: *bytes })?;
        match io::copy(&mut file.take(*bytes), pipe)? {
            written if written == *bytes => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_offered_with_the_files_beside_it_that_bear_its_name_and_written_when_it_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.onnx");
        for (name, text) in [("net.onnx", "the net"), ("net.onnx.data", "weights"), ("other.onnx.data", "others")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut offers = Offers::default();
        let offer = offers.of(&path);
        let names: Vec<&str> = offer.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["net.onnx", "net.onnx.data"]);
        let mut pipe = Vec::new();
        offers.write(&mut pipe, &offer.parts[1].sha256).unwrap();
        let line = pipe.iter().position(|byte| *byte == b'\n').unwrap();
        let Request::Content { bytes, .. } = serde_json::from_slice(&pipe[..line]).unwrap() else { panic!() };
        assert_eq!((bytes, &pipe[line + 1..]), (7, b"weights".as_slice()));
        std::fs::write(&path, "another net").unwrap();
        assert_ne!(offers.of(&path).parts[0].sha256, offer.parts[0].sha256);
        std::fs::remove_file(&path).unwrap();
        let gone = offers.of(&path);
        assert!(gone.parts.is_empty() && gone.problem.is_some());
    }
}
