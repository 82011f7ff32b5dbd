//! One measurement at a time on a device, across windows, tabs and command lines.
//!
//! Whoever measures holds a lock on a file of the device in the cache folder. The system lets go of it when the process
//! ends, however it ends, so a dead process keeps nobody waiting. Where no lock can be had, because the folder cannot be
//! written or the file system knows no locks, measuring goes on without one.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use shufflescope_engine::device::DeviceId;
use shufflescope_engine::files::FileLock;

/// The folder in the cache.
const FOLDER: &str = "locks";

/// Time between two looks whether the device is free.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Time after which it is said again for whom somebody waits: a sign of life.
const SAY_AGAIN: Duration = Duration::from_secs(5);

/// Most of a holder's name that is read.
const NAME_BYTES: usize = 200;

/// The right to measure on a device, until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _lock: Option<FileLock>,
}

/// Where turns are taken.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    folder: PathBuf,
}

/// What came of asking for a turn.
#[derive(Debug)]
pub(super) enum Asked {
    /// It is ours.
    Mine(Turn),
    /// Somebody else has it: who.
    Taken(String),
}

impl Turns {
    /// Those of this machine's user.
    pub fn of_this_user() -> Self {
        Self { folder: crate::cache_folder().unwrap_or_else(std::env::temp_dir).join(FOLDER) }
    }

    /// Who measures on one of these devices at the moment.
    pub fn holder(&self, devices: impl IntoIterator<Item = DeviceId>) -> Option<String> {
        devices.into_iter().find_map(|device| {
            let lock = self.folder.join(file_name(device));
            // What was never measured on need not get a file for the question.
            if !lock.is_file() || FileLock::attempt(&lock).ok()?.is_some() {
                return None;
            }
            Some(self.name(device))
        })
    }

    /// What whoever holds the lock said of itself.
    fn name(&self, device: DeviceId) -> String {
        let name = std::fs::read(self.holder_file(device)).unwrap_or_default();
        let name = String::from_utf8_lossy(name.get(..NAME_BYTES.min(name.len())).unwrap_or_default());
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        if name.is_empty() { "another program".into() } else { name }
    }

    /// A locked file cannot be read by others on Windows: the holder's name stands in one beside it.
    fn holder_file(&self, device: DeviceId) -> PathBuf {
        self.folder.join(format!("{}.holder", file_name(device)))
    }

    /// Takes the turn on `device` if nobody has it; `me` is what others are told then.
    pub(super) fn ask(&self, device: DeviceId, me: &str) -> Asked {
        self.lock(device, me).unwrap_or(Asked::Mine(Turn { _lock: None }))
    }

    /// Waits until nobody else has it; `None` once it `is_given_up`. Tells for whom it waits, and goes on telling.
    pub fn wait(
        &self,
        device: DeviceId,
        me: &str,
        is_given_up: &dyn Fn() -> bool,
        mut tell: impl FnMut(&str),
    ) -> Option<Turn> {
        let mut told: Option<(String, Instant)> = None;
        let mut looks = 0_u32;
        loop {
            let behind = match self.ask(device, me) {
                Asked::Mine(turn) => return Some(turn),
                Asked::Taken(behind) => behind,
            };
            looks = looks.saturating_add(1);
            let is_known = told.as_ref().is_some_and(|(last, at)| *last == behind && at.elapsed() < SAY_AGAIN);
            // Whoever is about to let go is not worth a word.
            if looks > 1 && !is_known {
                tell(&behind);
                told = Some((behind, Instant::now()));
            }
            std::thread::sleep(LOOK_AGAIN);
            if is_given_up() {
                return None;
            }
        }
    }

    fn lock(&self, device: DeviceId, me: &str) -> io::Result<Asked> {
        std::fs::create_dir_all(&self.folder)?;
        let Some(lock) = FileLock::attempt(&self.folder.join(file_name(device)))? else {
            return Ok(Asked::Taken(self.name(device)));
        };
        // Only words for people: that they may be missing harms nobody.
        let _ = std::fs::write(self.holder_file(device), format!("{me} (process {})", std::process::id()));
        Ok(Asked::Mine(Turn { _lock: Some(lock) }))
    }
}

fn file_name(device: DeviceId) -> String {
    device.to_string().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_waits_for_the_first_and_is_told_for_whom() {
        let folder = tempfile::tempdir().unwrap();
        let turns = Turns { folder: folder.path().join("new") };
        let ask = |device, me| turns.ask(device, me);
        let Asked::Mine(first) = ask(DeviceId::Cpu, "the window") else { panic!("nobody had it") };
        let Asked::Taken(holder) = ask(DeviceId::Cpu, "profile") else { panic!("the window has it") };
        assert_eq!(turns.holder([DeviceId::Cuda(0), DeviceId::Cpu]), Some(holder.clone()), "who looks on is told too");
        assert_eq!(holder, format!("the window (process {})", std::process::id()));
        assert!(matches!(ask(DeviceId::Cuda(0), "profile"), Asked::Mine(_)), "another device is free");
        drop(first);
        assert_eq!(turns.holder([DeviceId::Cpu]), None);
        assert!(matches!(ask(DeviceId::Cpu, "profile"), Asked::Mine(_)));
    }

    #[test]
    fn waiting_tells_for_whom_and_ends_when_it_is_given_up_or_free() {
        let folder = tempfile::tempdir().unwrap();
        let turns = Turns { folder: folder.path().into() };
        let Asked::Mine(held) = turns.ask(DeviceId::Cpu, "the camera") else { panic!("nobody had it") };
        let told = std::cell::RefCell::new(Vec::new());
        let tell = |behind: &str| told.borrow_mut().push(behind.to_owned());
        let given_up = turns.wait(DeviceId::Cpu, "profile", &|| !told.borrow().is_empty(), tell);
        assert!(given_up.is_none());
        assert_eq!(*told.borrow(), [format!("the camera (process {})", std::process::id())]);
        drop(held);
        assert!(turns.wait(DeviceId::Cpu, "profile", &|| true, |_| panic!("it is free")).is_some());
    }

    #[test]
    fn where_no_lock_can_be_had_nobody_is_kept_from_measuring() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a file");
        std::fs::write(&file, "").unwrap();
        let turns = Turns { folder: file };
        let both = [turns.ask(DeviceId::Cpu, "profile"), turns.ask(DeviceId::Cpu, "the window")];
        assert!(both.iter().all(|asked| matches!(asked, Asked::Mine(Turn { _lock: None }))));
    }
}
