//! Writes and removes a project's files, one after another in the order in which things were done, so that what is deleted
//! is gone and what is undone is back.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shufflescope_engine::files::write_atomically;

use crate::teach::Place;
use crate::window::pacer::Pacer;

/// Pictures that wait to be written; where a disk is slower than a camera, no more are taken.
pub(super) const MOST_WAITING: usize = 100;

/// Makes a file's bytes, on the thread that writes them.
type Content = Box<dyn FnOnce() -> Result<Vec<u8>, String> + Send>;

/// Where the bytes of a deleted file are while the deletion can be undone: in memory alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Grave(Arc<Mutex<Option<Vec<u8>>>>);

impl Grave {
    fn put(&self, bytes: Vec<u8>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
    }

    fn take(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// One thing to do.
enum Order {
    Write(PathBuf, Content),
    Bury(PathBuf, Grave),
    Raise(PathBuf, Grave),
    Remove(PathBuf),
    RemoveFolder(PathBuf),
    /// Removes pictures that the index does not know: a program that was killed has left them.
    Sweep(Place, BTreeSet<u64>),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Keeper {
    orders: Option<Sender<Order>>,
    waiting: Arc<AtomicUsize>,
    problems: Receiver<String>,
}

impl Keeper {
    pub fn new(pacer: Pacer) -> Self {
        let ((orders, inbox), (tell, problems)) = (channel(), channel());
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let work = move || {
            for order in inbox {
                if let Err(problem) = carry_out(order) {
                    let _ = tell.send(problem);
                }
                left.fetch_sub(1, Ordering::AcqRel);
                pacer.wake();
            }
        };
        let started = std::thread::Builder::new().name("teach files".into()).spawn(work);
        Self { orders: started.is_ok().then_some(orders), waiting, problems }
    }

    /// How many orders wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// What went wrong since the last call.
    pub fn problems(&self) -> Vec<String> {
        self.problems.try_iter().collect()
    }

    pub fn write(&self, path: PathBuf, content: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static) {
        self.order(Order::Write(path, Box::new(content)));
    }

    /// Removes a file and keeps its bytes in the grave.
    pub fn bury(&self, path: PathBuf, grave: Grave) {
        self.order(Order::Bury(path, grave));
    }

    /// Brings a file back.
    pub fn raise(&self, path: PathBuf, grave: Grave) {
        self.order(Order::Raise(path, grave));
    }

    pub fn remove(&self, path: PathBuf) {
        self.order(Order::Remove(path));
    }

    pub fn remove_folder(&self, path: PathBuf) {
        self.order(Order::RemoveFolder(path));
    }

    pub fn sweep(&self, place: Place, known: BTreeSet<u64>) {
        self.order(Order::Sweep(place, known));
    }

    /// Waits until everything is on disk, but not for long; for the end of the program.
    pub fn finish(&self, patience: Duration) {
        let since = Instant::now();
        while self.waiting() > 0 && since.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            self.waiting.fetch_add(1, Ordering::AcqRel);
            if orders.send(order).is_err() {
                self.waiting.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }
}

fn carry_out(order: Order) -> Result<(), String> {
    let named = |path: &Path, what: &str, error: io::Error| format!("{} cannot be {what}: {error}.", path.display());
    match order {
        Order::Write(path, content) => {
            let bytes = content().map_err(|reason| format!("{} cannot be written: {reason}.", path.display()))?;
            write(&path, &bytes).map_err(|error| named(&path, "written", error))
        }
        Order::Bury(path, grave) => {
            // One that cannot be read is deleted all the same; what it held was not kept.
            if let Ok(bytes) = std::fs::read(&path) {
                grave.put(bytes);
            }
            gone(std::fs::remove_file(&path)).map_err(|error| named(&path, "deleted", error))
        }
        Order::Raise(path, grave) => match grave.take() {
            Some(bytes) => write(&path, &bytes).map_err(|error| named(&path, "written", error)),
            None => Ok(()),
        },
        Order::Remove(path) => gone(std::fs::remove_file(&path)).map_err(|error| named(&path, "deleted", error)),
        Order::RemoveFolder(path) => {
            gone(std::fs::remove_dir_all(&path)).map_err(|error| named(&path, "deleted", error))
        }
        Order::Sweep(place, known) => {
            let Ok(entries) = std::fs::read_dir(place.pictures()) else { return Ok(()) };
            for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
                let number = path.file_stem().and_then(|name| name.to_str()?.parse::<u64>().ok());
                let is_ours = number.is_some_and(|number| place.picture(number) == path && !known.contains(&number));
                if is_ours {
                    gone(std::fs::remove_file(&path)).map_err(|error| named(&path, "deleted", error))?;
                }
            }
            Ok(())
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    write_atomically(path, bytes)
}

/// What is not there is deleted already.
fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn what_is_deleted_is_gone_and_comes_back_when_that_is_undone() {
        let folder = tempfile::tempdir().unwrap();
        let (keeper, path) = (Keeper::new(Pacer::default()), folder.path().join("pictures/000001.png"));
        keeper.write(path.clone(), || Ok(vec![1, 2, 3]));
        let grave = Grave::default();
        keeper.bury(path.clone(), grave.clone());
        keeper.finish(LONG);
        assert!(!path.exists());
        keeper.raise(path.clone(), grave);
        keeper.finish(LONG);
        assert_eq!(std::fs::read(&path).unwrap(), [1, 2, 3]);
        keeper.write(folder.path().join("pictures/000009.png"), || Ok(vec![9]));
        keeper.write(folder.path().join("pictures/notes.txt"), || Ok(vec![8]));
        keeper.sweep(Place(folder.path().into()), BTreeSet::from([1]));
        keeper.finish(LONG);
        let left = |name: &str| folder.path().join("pictures").join(name).exists();
        assert!(left("000001.png") && !left("000009.png") && left("notes.txt"));
        keeper.remove_folder(folder.path().join("pictures"));
        keeper.remove(path.clone());
        keeper.finish(LONG);
        assert!(!path.parent().unwrap().exists() && keeper.problems().is_empty());
    }

    #[test]
    fn what_cannot_be_written_is_told_and_the_next_order_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(Pacer::default());
        keeper.write(folder.path().join("a.png"), || Err("it has no pixels".into()));
        std::fs::write(folder.path().join("file"), b"in the way").unwrap();
        keeper.write(folder.path().join("file/b.png"), || Ok(vec![1]));
        keeper.write(folder.path().join("c.png"), || Ok(vec![1]));
        keeper.finish(LONG);
        let problems = keeper.problems();
        assert!(problems.len() == 2 && problems[0].contains("it has no pixels"), "{problems:?}");
        assert!(folder.path().join("c.png").exists());
    }
}
