//! One child process and the threads that read and write its pipes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::protocol::{Event, MAX_LINE_BYTES, Request};

/// Lines waiting in either direction; a full queue of requests means that the child hangs.
const QUEUE: usize = 64;

/// What is kept of the child's error output.
const STDERR_BYTES: usize = 4096;

/// How to start a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Launcher {
    /// This very program with the hidden subcommand `worker`.
    ///
    /// # Errors
    /// Where the system does not tell the program's path.
    pub fn this_program() -> std::io::Result<Self> {
        Ok(Self { program: std::env::current_exe()?, args: vec!["worker".into()] })
    }
}

/// What came out of the child.
#[derive(Debug)]
pub(super) enum Line {
    /// A well-formed event.
    Event(Box<Event>),
    /// A line that is no event.
    Garbage(String),
    /// The pipe is closed.
    Closed,
}

/// A running worker. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Worker {
    process: Child,
    requests: SyncSender<Request>,
    lines: Receiver<Line>,
    stderr: Arc<Mutex<Vec<u8>>>,
    /// CPU threads it was started with.
    pub threads: usize,
    /// Since when it runs.
    pub started: Instant,
    /// Whether it has greeted.
    pub greeted: bool,
    /// Whether it was told that the window paints, and not yet that this is over.
    pub painting: bool,
}

impl Worker {
    /// Starts a worker with a pool of `threads`; `wake` is called when a line has come in.
    pub fn start(launcher: &Launcher, threads: usize, wake: Arc<dyn Fn() + Send + Sync>) -> std::io::Result<Self> {
        let mut process = Command::new(&launcher.program)
            .args(&launcher.args)
            .env("RAYON_NUM_THREADS", threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let closed = || std::io::Error::other("the worker has no pipes");
        let stdin = process.stdin.take().ok_or_else(closed)?;
        let stdout = process.stdout.take().ok_or_else(closed)?;
        let errors = process.stderr.take().ok_or_else(closed)?;
        let (requests, outgoing) = sync_channel(QUEUE);
        let (incoming, lines) = sync_channel(QUEUE);
        let stderr = Arc::new(Mutex::new(vec![]));
        let tail = stderr.clone();
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        thread("worker-stdin").spawn(move || write_requests(stdin, &outgoing))?;
        thread("worker-stdout").spawn(move || read_events(stdout, &incoming, &*wake))?;
        thread("worker-stderr").spawn(move || keep_tail(errors, &tail))?;
        Ok(Self { process, requests, lines, stderr, threads, started: Instant::now(), greeted: false, painting: false })
    }

    /// Sends a request without waiting; `false` where the child does not take requests any more.
    pub fn send(&self, request: Request) -> bool {
        self.requests.try_send(request).is_ok()
    }

    /// The next line, if one has come in.
    pub fn next(&self) -> Option<Line> {
        match self.lines.try_recv() {
            Ok(line) => Some(line),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Line::Closed),
        }
    }

    /// How the process ended, with the end of its error output.
    pub fn obituary(&mut self) -> String {
        let status = match self.process.try_wait() {
            Ok(Some(status)) => status.to_string(),
            _ => "it closed its output".into(),
        };
        let tail = self.stderr.lock().map(|tail| String::from_utf8_lossy(&tail).trim().to_owned()).unwrap_or_default();
        if tail.is_empty() { status } else { format!("{status}: {tail}") }
    }

    /// Operating system's number of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn write_requests(mut stdin: ChildStdin, requests: &Receiver<Request>) {
    for request in requests {
        let Ok(mut line) = serde_json::to_vec(&request) else { continue };
        line.push(b'\n');
        if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read_events(stdout: impl Read, lines: &SyncSender<Line>, wake: &(dyn Fn() + Send + Sync)) {
    let mut stdout = BufReader::new(stdout);
    let mut text = Vec::new();
    loop {
        text.clear();
        let line = match stdout.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut text) {
            Ok(0) | Err(_) => Line::Closed,
            Ok(_) => match serde_json::from_slice(&text) {
                Ok(event) => Line::Event(Box::new(event)),
                Err(_) => Line::Garbage(String::from_utf8_lossy(&text[..text.len().min(200)]).trim().to_owned()),
            },
        };
        let last = !matches!(line, Line::Event(_));
        if lines.send(line).is_err() {
            return;
        }
        wake();
        if last {
            return;
        }
    }
}

fn keep_tail(mut errors: impl Read, tail: &Mutex<Vec<u8>>) {
    let mut chunk = [0; 1024];
    while let Ok(read @ 1..) = errors.read(&mut chunk) {
        let Ok(mut tail) = tail.lock() else { return };
        tail.extend_from_slice(&chunk[..read]);
        let excess = tail.len().saturating_sub(STDERR_BYTES);
        tail.drain(..excess);
    }
}
