//! What waits to be written, and the threads that write it: one, and another for each that a dead disk or network share
//! does not let go on. Nothing is read here, and what fails or panics is told and leaves the next write alone.
//!
//! Never do two write one file at once; of several writes that wait for one file only the newest is made.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::panic_text;

/// Threads at one time; the disks of all but one hang.
const MOST_THREADS: usize = 4;

/// Files that wait at one time.
const MOST_WAITING: usize = 64;

/// Puts bytes into a file, whole or not at all.
pub(super) type Disk = dyn Fn(&Path, &[u8]) -> io::Result<()> + Send + Sync;

/// A write.
pub(super) struct Job {
    /// Where to.
    pub path: PathBuf,
    /// Makes what is written.
    pub content: Box<dyn FnOnce() -> Result<Vec<u8>, NotWritten> + Send>,
    /// Whether the folder is made where it is missing.
    pub makes_folder: bool,
    /// Is told what became of it, on the writing thread.
    pub done: Box<dyn FnOnce(Result<(), NotWritten>) + Send>,
}

/// Why a file was not written.
#[derive(Debug)]
pub(super) enum NotWritten {
    /// The system refused.
    Io(io::Error),
    /// There is nothing to write.
    Content(String),
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Content(reason) => f.write_str(reason),
        }
    }
}

/// The queue; its threads end with it, once everything is written.
pub(super) struct WriteQueue(Arc<Shared>);

struct Shared {
    disk: Box<Disk>,
    state: Mutex<State>,
    /// There is something to do, or nothing will be any more.
    changed: Condvar,
    /// Something was done.
    done: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    busy: Vec<Busy>,
    threads: usize,
    is_closed: bool,
}

struct Busy {
    path: PathBuf,
    since: Instant,
    is_told: bool,
}

impl fmt::Debug for WriteQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteQueue").field("waiting", &self.0.lock().waiting.len()).finish_non_exhaustive()
    }
}

impl WriteQueue {
    pub fn new(disk: Box<Disk>) -> Self {
        let (state, changed, done) = (Mutex::default(), Condvar::new(), Condvar::new());
        Self(Arc::new(Shared { disk, state, changed, done }))
    }

    /// Has a file written; a write of the same file that waits still is not made any more.
    pub fn add(&self, job: Job) {
        let path = std::path::absolute(&job.path).unwrap_or_else(|_| job.path.clone());
        let job = Job { path, ..job };
        let mut state = self.0.lock();
        if state.threads == 0 {
            self.start_thread(&mut state);
        }
        let refusal = if state.threads == 0 {
            "no thread can be started to write it; close other programs and try again"
        } else if let Some(older) = state.waiting.iter_mut().find(|other| other.path == job.path) {
            *older = job;
            return;
        } else if state.waiting.len() < MOST_WAITING {
            state.waiting.push_back(job);
            self.0.changed.notify_one();
            return;
        } else {
            "too many files wait to be written; try again later"
        };
        drop(state);
        (job.done)(Err(NotWritten::Content(refusal.into())));
    }

    /// Whether anything is being written or waits for it.
    pub fn is_busy(&self) -> bool {
        let state = self.0.lock();
        !state.busy.is_empty() || !state.waiting.is_empty()
    }

    /// The files that have been written for longer than this and were not told yet; others are written past them.
    pub fn hung(&self, patience: Duration) -> Vec<PathBuf> {
        let mut state = self.0.lock();
        let mut hung = Vec::new();
        for busy in state.busy.iter_mut().filter(|busy| !busy.is_told && busy.since.elapsed() >= patience) {
            busy.is_told = true;
            hung.push(busy.path.clone());
        }
        if !hung.is_empty() {
            self.start_another(&mut state);
        }
        hung
    }

    /// Waits until everything is written, at most for so long; whether it is.
    pub fn finish(&self, limit: Duration) -> bool {
        let mut state = self.0.lock();
        // What waits does not wait for what may hang.
        self.start_another(&mut state);
        let is_open = |state: &mut State| !state.busy.is_empty() || !state.waiting.is_empty();
        let waited = self.0.done.wait_timeout_while(state, limit, is_open).unwrap_or_else(PoisonError::into_inner);
        !waited.1.timed_out()
    }

    /// Starts a thread where all there are do something.
    fn start_another(&self, state: &mut State) {
        if state.busy.len() == state.threads && state.threads < MOST_THREADS {
            self.start_thread(state);
        }
    }

    fn start_thread(&self, state: &mut State) {
        let shared = Arc::clone(&self.0);
        if std::thread::Builder::new().name("writer".into()).spawn(move || shared.work()).is_ok() {
            state.threads += 1;
        }
    }
}

impl Drop for WriteQueue {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            let Job { path, content, makes_folder, done } = job;
            let write = || {
                let bytes = content()?;
                if let (true, Some(folder)) = (makes_folder, path.parent()) {
                    std::fs::create_dir_all(folder).map_err(NotWritten::Io)?;
                }
                (self.disk)(&path, &bytes).map_err(NotWritten::Io)
            };
            let result = catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|panic| Err(panicked(&*panic)));
            // A panic there has nobody left to tell.
            let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
            self.lock().busy.retain(|busy| busy.path != path);
            self.changed.notify_all();
            self.done.notify_all();
        }
    }

    /// The first write whose file nobody writes; `None` at the end.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            let is_free = |job: &Job| state.busy.iter().all(|busy| busy.path != job.path);
            if let Some(job) = state.waiting.iter().position(is_free).and_then(|at| state.waiting.remove(at)) {
                state.busy.push(Busy { path: job.path.clone(), since: Instant::now(), is_told: false });
                return Some(job);
            }
            if state.is_closed && state.waiting.is_empty() {
                state.threads -= 1;
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> NotWritten {
    NotWritten::Content(format!("the program failed ({}); the file is untouched", panic_text(panic)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const LONG: Duration = Duration::from_secs(60);

    /// Asks for a write of this text; its result comes back with the text.
    fn add(queue: &WriteQueue, path: &str, text: &'static str, results: &Sender<(&'static str, Result<(), String>)>) {
        let results = results.clone();
        queue.add(Job {
            path: path.into(),
            content: Box::new(move || Ok(text.as_bytes().to_vec())),
            makes_folder: false,
            done: Box::new(move |result| results.send((text, result.map_err(|error| error.to_string()))).unwrap()),
        });
    }

    /// A disk on which writing of `hung` waits for a word, and that tells of every write it has made.
    fn disk() -> (WriteQueue, Sender<()>, Receiver<String>) {
        let (go_on, wait) = channel();
        let (made, written) = channel();
        let wait = Mutex::new(wait);
        let queue = WriteQueue::new(Box::new(move |path, bytes| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            match path.file_name().unwrap().to_str().unwrap() {
                "hung" => wait.lock().unwrap().recv().unwrap(),
                "panic" => panic!("on purpose"),
                _ => {}
            }
            made.send(text).unwrap();
            Ok(())
        }));
        (queue, go_on, written)
    }

    fn wait_for_busy(queue: &WriteQueue) {
        while queue.0.lock().busy.is_empty() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_panic_is_told_and_the_next_file_is_written() {
        let (queue, _go_on, written) = disk();
        let (tell, results) = channel();
        add(&queue, "panic", "a", &tell);
        add(&queue, "fine", "b", &tell);
        let (text, result) = results.recv_timeout(LONG).unwrap();
        assert!(text == "a" && result.as_ref().unwrap_err().contains("on purpose"), "{result:?}");
        assert_eq!(results.recv_timeout(LONG).unwrap(), ("b", Ok(())));
        assert_eq!(written.recv_timeout(LONG).unwrap(), "b");
    }

    #[test]
    fn a_write_that_hangs_is_told_once_and_others_are_written_past_it() {
        let (queue, go_on, written) = disk();
        let (tell, results) = channel();
        add(&queue, "hung", "a", &tell);
        wait_for_busy(&queue);
        add(&queue, "fine", "b", &tell);
        assert!(queue.hung(LONG).is_empty());
        assert_eq!(queue.hung(Duration::ZERO), [std::path::absolute("hung").unwrap()]);
        assert!(queue.hung(Duration::ZERO).iter().all(|path| !path.ends_with("hung")), "told once");
        assert_eq!(results.recv_timeout(LONG).unwrap(), ("b", Ok(())));
        assert!(queue.is_busy());
        go_on.send(()).unwrap();
        assert_eq!(results.recv_timeout(LONG).unwrap(), ("a", Ok(())));
        assert_eq!(written.iter().take(2).collect::<Vec<_>>(), ["b", "a"]);
    }

    #[test]
    fn one_file_is_written_by_one_at_a_time_and_of_those_that_wait_the_newest_wins() {
        let (queue, go_on, written) = disk();
        let (tell, results) = channel();
        add(&queue, "hung", "first", &tell);
        wait_for_busy(&queue);
        for text in ["second", "third", "fourth"] {
            add(&queue, "./hung", text, &tell);
        }
        // More threads are there, and none of them writes it.
        queue.hung(Duration::ZERO);
        add(&queue, "fine", "other", &tell);
        assert_eq!(results.recv_timeout(LONG).unwrap().0, "other");
        go_on.send(()).unwrap();
        assert_eq!(results.recv_timeout(LONG).unwrap().0, "first");
        go_on.send(()).unwrap();
        assert_eq!(results.recv_timeout(LONG).unwrap().0, "fourth");
        assert!(queue.finish(LONG));
        drop(queue);
        assert_eq!(written.iter().collect::<Vec<_>>(), ["other", "first", "fourth"]);
    }

    #[test]
    fn the_end_waits_for_what_is_written_but_not_for_ever_and_writes_past_what_hangs() {
        let (queue, _go_on, written) = disk();
        let (tell, _results) = channel();
        add(&queue, "hung", "a", &tell);
        wait_for_busy(&queue);
        add(&queue, "draft", "b", &tell);
        assert!(!queue.finish(Duration::from_millis(300)));
        assert_eq!(written.recv_timeout(LONG).unwrap(), "b");
    }

    #[test]
    fn what_waits_is_written_though_the_queue_is_gone_and_more_than_enough_is_refused() {
        let (queue, go_on, written) = disk();
        let (tell, results) = channel();
        add(&queue, "hung", "a", &tell);
        wait_for_busy(&queue);
        for number in 0..=MOST_WAITING {
            add(&queue, &format!("{number}"), "b", &tell);
        }
        let (_, refused) = results.recv_timeout(LONG).unwrap();
        assert!(refused.unwrap_err().contains("too many"));
        drop(queue);
        go_on.send(()).unwrap();
        assert_eq!(written.iter().count(), 1 + MOST_WAITING);
    }
}
