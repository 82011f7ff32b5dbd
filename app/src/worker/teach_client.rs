//! The window's side of teaching: one work at a time in a process of its own, ended at once where it is cancelled.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::child::{Line, Wake, Worker};
use super::protocol::{Event, Request, Ticket};
use crate::target::Launcher;
use crate::teach::{TeachNews, TeachWork};

/// Without a word for so long it hangs: a slow epoch of a large network says nothing for a while.
const SILENCE: Duration = Duration::from_secs(180);

/// Owns at most one process and in it at most one work.
pub struct TeachClient {
    launcher: Launcher,
    wake: Wake,
    worker: Option<Worker>,
    tickets: u64,
    current: Option<Ticket>,
}

impl TeachClient {
    /// A client that starts workers as `launcher` says. `wake` is called from another thread whenever
    /// [`poll`](Self::poll) has something to do.
    pub fn new(launcher: Launcher, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { launcher, wake: Arc::new(wake), worker: None, tickets: 0, current: None }
    }

    /// Starts a work in place of the one in progress, with so many threads.
    ///
    /// # Errors
    /// Where no process can be started.
    pub fn start(&mut self, work: TeachWork, threads: usize) -> Result<(), String> {
        self.cancel();
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        // The pool of a process has one size for good.
        self.worker = self.worker.take().filter(|worker| worker.threads == Some(threads) && !worker.is_closed());
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start(&self.launcher, Some(threads), "teaching", self.wake.clone())?,
        };
        worker.send(&Request::Teach { ticket, work })?;
        (self.worker, self.current) = (Some(worker), Some(ticket));
        Ok(())
    }

    /// Asks the work in progress to stop with what it has.
    pub fn stop(&mut self) {
        if let Some(worker) = self.worker.as_ref().filter(|_| self.current.is_some()) {
            // One that takes no requests any more is about to be told as lost.
            let _ = worker.send(&Request::Cancel);
        }
    }

    /// Ends the work in progress, at once: its process is ended.
    pub fn cancel(&mut self) {
        if self.current.take().is_some() {
            self.worker = None;
        }
    }

    /// Whether a work is in progress.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.current.is_some()
    }

    /// Process number of the worker, while there is one.
    #[must_use]
    pub fn worker_id(&self) -> Option<u32> {
        self.worker.as_ref().and_then(Worker::id)
    }

    /// What happened since the last call. While [`is_busy`](Self::is_busy), call it at least every second, also without
    /// having been woken, so that what hangs is noticed.
    pub fn poll(&mut self) -> Vec<TeachNews> {
        let mut heard = vec![];
        while let Some(line) = self.worker.as_mut().and_then(Worker::next) {
            match line {
                Line::Event(event, _) => self.take(*event, &mut heard),
                Line::Lost(reason) => self.lose(&reason, &mut heard),
            }
        }
        if self.current.is_some() && self.worker.as_ref().is_some_and(|worker| is_silent(worker.heard)) {
            self.lose("it said nothing for minutes: a library hangs", &mut heard);
        }
        heard
    }

    fn take(&mut self, event: Event, heard: &mut Vec<TeachNews>) {
        let news = match event {
            Event::Teach { ticket, news } if self.current == Some(ticket) => news,
            Event::Failed { message, .. } if self.current.is_some() => TeachNews::Failed { message },
            _ => return,
        };
        if !matches!(news, TeachNews::Reading { .. } | TeachNews::Teaching { .. }) {
            self.current = None;
        }
        heard.push(news);
    }

    /// The process is of no use any more; where nothing was asked of it this needs no words.
    fn lose(&mut self, reason: &str, heard: &mut Vec<TeachNews>) {
        self.worker = None;
        if self.current.take().is_some() {
            let message = format!("the process that teaches was lost ({reason}); your pictures are safe. Teach again");
            heard.push(TeachNews::Failed { message });
        }
    }
}

fn is_silent(heard: Instant) -> bool {
    heard.elapsed() > SILENCE
}

impl std::fmt::Debug for TeachClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TeachClient").field("current", &self.current).finish_non_exhaustive()
    }
}
