//! The child's side of files that travel: they are kept by content in the user's cache, and asked for only where they are
//! not there yet. So a second process, and the next day's, need not be sent them again.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::protocol::{FileOffer, FilePart};
use crate::target::hex;

/// The folder in the cache.
const FOLDER: &str = "content";

/// Offers that are kept; a client has a handful.
const MOST_OFFERS: usize = 256;

/// Time between two signs of life while a file comes.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// What nobody asked for in so long is removed.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 3600);

/// What was offered and what came of it; clones are of the same.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    folder: PathBuf,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    offers: HashMap<PathBuf, FileOffer>,
    /// Why what is called so by content could not be taken.
    failed: HashMap<String, String>,
}

/// Why a file is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Nobody wants it any more.
    GivenUp,
    /// Cause and remedy.
    Failed(String),
}

impl Contents {
    pub fn of_this_user() -> Self {
        Self::in_folder(crate::cache_folder().unwrap_or_else(std::env::temp_dir).join(FOLDER))
    }

    fn in_folder(folder: PathBuf) -> Self {
        Self { folder, shared: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file that requests from now on may name.
    pub fn offer(&self, file: FileOffer) {
        let mut state = self.state();
        if state.offers.len() >= MOST_OFFERS {
            state.offers.clear();
        }
        for part in &file.parts {
            state.failed.remove(&part.sha256);
        }
        state.offers.insert(file.path.clone(), file);
    }

    /// Takes a file's bytes out of the pipe, all of them whatever becomes of it.
    ///
    /// # Errors
    /// Where the pipe ends.
    pub fn receive(&self, sha256: &str, bytes: u64, pipe: &mut impl Read) -> io::Result<()> {
        let mut pipe = pipe.take(bytes);
        let kept = self.keep(sha256, bytes, &mut pipe);
        io::copy(&mut pipe, &mut io::sink())?;
        if pipe.limit() > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // Who waits looks and falls asleep under this lock: it is woken, or sees what there is to see.
        let mut state = self.state();
        if let Err(error) = kept {
            let reason = format!("it cannot be kept in {}: {error}", self.folder.display());
            state.failed.insert(sha256.to_owned(), reason);
        }
        drop(state);
        self.shared.changed.notify_all();
        Ok(())
    }

    fn keep(&self, sha256: &str, bytes: u64, pipe: &mut impl Read) -> io::Result<()> {
        let places: Vec<PathBuf> = {
            let state = self.state();
            let parts = state.offers.values().flat_map(|offer| offer.parts.iter().map(move |part| (offer, part)));
            parts
                .filter(|(_, part)| part.sha256 == sha256)
                .filter_map(|(offer, part)| self.place(offer, part))
                .collect()
        };
        let Some((first, others)) = places.split_first() else { return Err(io::Error::other("it was not offered")) };
        forget_old(&self.folder);
        let folder = first.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let (mut hash, mut chunk, mut read) = (Sha256::new(), vec![0; 1 << 16], 0_u64);
        loop {
            let count = pipe.read(&mut chunk)?;
            let Some(part) = chunk.get(..count).filter(|part| !part.is_empty()) else { break };
            hash.update(part);
            file.write_all(part)?;
            read += count as u64;
        }
        if read != bytes || hex(&hash.finalize()) != sha256 {
            return Err(io::Error::other("it changed on its way: try again"));
        }
        file.persist(first).map_err(|error| error.error)?;
        for other in others {
            if let Some(folder) = other.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::copy(first, other)?;
        }
        Ok(())
    }

    /// Where a part of a file is kept: in a folder of the whole file's content, under its own name.
    fn place(&self, offer: &FileOffer, part: &FilePart) -> Option<PathBuf> {
        let whole = offer.parts.first()?;
        let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_name = !matches!(part.name.as_str(), "" | "." | "..")
            && part.name.len() <= 255
            && !part.name.contains(['/', '\\', '\0', ':']);
        (is_hash(&whole.sha256) && is_hash(&part.sha256) && is_name)
            .then(|| self.folder.join(&whole.sha256).join(&part.name))
    }

    /// Where a file is that a request names: where it says if nothing was offered, for then this is its own machine.
    /// Otherwise it is asked for with `want` and waited for; `is_given_up` is asked now and then.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub fn path(&self, named: &Path, want: &dyn Fn(&str), is_given_up: &dyn Fn() -> bool) -> Result<PathBuf, Missing> {
        let Some(offer) = self.state().offers.get(named).cloned() else { return Ok(named.to_owned()) };
        let of = |reason: &str| Missing::Failed(format!("{}: {reason}", named.display()));
        if let Some(problem) = &offer.problem {
            return Err(of(problem));
        }
        for part in &offer.parts {
            let place =
                self.place(&offer, part).ok_or_else(|| of("its name cannot be used on this machine: rename it"))?;
            self.fetch(part, &place, want, is_given_up).map_err(|missing| match missing {
                Missing::Failed(reason) => of(&reason),
                Missing::GivenUp => Missing::GivenUp,
            })?;
        }
        let whole = offer.parts.first().and_then(|part| self.place(&offer, part));
        whole.ok_or_else(|| of("nothing was offered of it"))
    }

    fn fetch(
        &self,
        part: &FilePart,
        place: &Path,
        want: &dyn Fn(&str),
        is_given_up: &dyn Fn() -> bool,
    ) -> Result<(), Missing> {
        if is_there(place, part.bytes) {
            return Ok(());
        }
        want(&part.sha256);
        let mut state = self.state();
        loop {
            if let Some(reason) = state.failed.get(&part.sha256) {
                return Err(Missing::Failed(reason.clone()));
            }
            if is_there(place, part.bytes) {
                return Ok(());
            }
            let waited = self.shared.changed.wait_timeout(state, SIGN_OF_LIFE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if is_given_up() {
                return Err(Missing::GivenUp);
            }
        }
    }
}

/// Whether a file is kept whole; it counts as used today.
fn is_there(place: &Path, bytes: u64) -> bool {
    let Ok(file) = File::open(place) else { return false };
    let _ = file.set_modified(SystemTime::now());
    file.metadata().is_ok_and(|about| about.is_file() && about.len() == bytes)
}

/// Removes what nobody asked for in a long time. That something stays harms nobody.
fn forget_old(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let files = std::fs::read_dir(entry.path()).into_iter().flatten().filter_map(Result::ok);
        let newest = files.filter_map(|file| file.metadata().ok()?.modified().ok()).max();
        let is_old = |time: SystemTime| time.elapsed().is_ok_and(|age| age > FORGOTTEN);
        if newest.is_some_and(is_old) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn offer(path: &str, texts: &[(&str, &str)]) -> FileOffer {
        let part = |(name, text): &(&str, &str)| FilePart {
            name: (*name).into(),
            sha256: hex(&Sha256::digest(text)),
            bytes: text.len() as u64,
        };
        FileOffer { path: path.into(), parts: texts.iter().map(part).collect(), problem: None }
    }

    #[test]
    fn a_file_is_asked_for_once_and_then_kept_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let contents = Contents::in_folder(folder.path().into());
        let named = Path::new("/home/me/net.onnx");
        let never = || false;
        assert_eq!(contents.path(named, &|_| panic!(), &never), Ok(named.to_owned()), "of this very machine");
        let texts = [("net.onnx", "the net"), ("net.onnx.data", "weights")];
        contents.offer(offer("/home/me/net.onnx", &texts));
        let wanted = RefCell::new(Vec::new());
        let want = |sha256: &str| {
            let text = texts[wanted.borrow().len()].1;
            wanted.borrow_mut().push(sha256.to_owned());
            contents.receive(sha256, text.len() as u64, &mut text.as_bytes()).unwrap();
        };
        let place = contents.path(named, &want, &never).unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "the net");
        assert_eq!(std::fs::read_to_string(place.with_file_name("net.onnx.data")).unwrap(), "weights");
        assert_eq!(wanted.borrow().len(), 2);
        let another = Contents::in_folder(folder.path().into());
        another.offer(offer("/elsewhere/net.onnx", &texts));
        assert_eq!(another.path(Path::new("/elsewhere/net.onnx"), &|_| panic!("it is there"), &never), Ok(place));
    }

    #[test]
    fn what_changed_on_its_way_or_cannot_be_had_is_an_error_and_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let contents = Contents::in_folder(folder.path().into());
        let (named, never) = (Path::new("a.pth"), || false);
        contents.offer(offer("a.pth", &[("a.pth", "weights")]));
        let other = |sha256: &str| contents.receive(sha256, 7, &mut "WEIGHTS".as_bytes()).unwrap();
        let Err(Missing::Failed(reason)) = contents.path(named, &other, &never) else { panic!() };
        assert!(reason.contains("a.pth") && reason.contains("changed on its way"), "{reason}");
        contents.offer(offer("a.pth", &[("a.pth", "weights")]));
        assert_eq!(contents.path(named, &|_| {}, &|| true), Err(Missing::GivenUp));
        for name in ["..", "a/b", "", "a\\b"] {
            contents.offer(offer("a.pth", &[(name, "weights")]));
            assert!(matches!(contents.path(named, &|_| panic!("{name}"), &never), Err(Missing::Failed(_))));
        }
        let cut = contents.receive(&"0".repeat(64), 9, &mut "short".as_bytes());
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.path()).collect();
        assert!(left.iter().all(|path| std::fs::read_dir(path).unwrap().next().is_none()), "{left:?}");
    }
}
