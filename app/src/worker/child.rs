//! One child process and the threads that read and write its pipes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use shufflescope_engine::units::Nanos;

use super::offers::{Outgoing, write_requests};
use super::protocol::{Event, MAX_LINE_BYTES, MAX_PAYLOAD_BYTES, PROGRAM, Request, VERSION};
use super::reaper;
use crate::last_words::LastWords;
use crate::target::{Launcher, Trouble, explain_end};

/// Lines waiting in either direction; a full queue of requests means that the child hangs.
const QUEUE: usize = 64;

/// A worker that has not greeted by then is given up.
const GREETING: Duration = Duration::from_secs(20);

/// One on another machine hears at least this often from here.
const BEAT: Duration = Duration::from_secs(10);

/// One on another machine that has not heard anything for so long takes the line for cut, and ends.
const SILENCE: Nanos = Nanos::from_secs(40);

/// Lines that start-up files on another machine may print before the worker speaks.
const NOISE: usize = 200;

/// How long the end of a process and of its error output are waited for, once its output is closed, to tell how it ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Called from another thread whenever something has come in.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// What came out of the child.
#[derive(Debug)]
pub(super) enum Line {
    /// A well-formed event, and the raw bytes behind it.
    Event(Box<Event>, Vec<u8>),
    /// The worker is of no use any more, and why.
    Lost(String),
}

/// What the reading thread hands on.
#[derive(Debug)]
enum Heard {
    Event(Box<Event>, Vec<u8>),
    Garbage(String),
    Closed,
}

/// A running worker. Dropping it kills the process, and waits for nothing.
#[derive(Debug)]
pub(super) struct Worker {
    /// `None` only while it is dropped.
    process: Option<Child>,
    requests: SyncSender<Outgoing>,
    lines: Receiver<Heard>,
    last_words: LastWords,
    /// How it was started.
    pub launcher: Launcher,
    /// CPU threads it was started with.
    pub threads: Option<usize>,
    started: Instant,
    greeted: bool,
    /// What is wrong, once it is of no use.
    pub trouble: Trouble,
    /// When its output was closed.
    closed: Option<Instant>,
    /// When it last said something, or was started.
    pub heard: Instant,
    /// Whether it was told that the window paints, and not yet that this is over.
    pub painting: bool,
}

impl Worker {
    /// Starts a worker with a pool of `threads` (its own choice where `None`) and greets it as `client`; `wake` is called
    /// when a line has come in.
    pub fn start(launcher: &Launcher, threads: Option<usize>, client: &str, wake: Wake) -> Result<Self, String> {
        let program = || launcher.program.display();
        let worker = Self::spawn(launcher, threads, wake)
            .map_err(|error| format!("{} cannot be started: {error}", program()))?;
        let client = match &launcher.remote {
            None => client.to_owned(),
            Some(_) => format!("{client} of another machine"),
        };
        let silence = worker.is_remote().then_some(SILENCE);
        worker.send(&Request::Hello { version: VERSION, client, threads, silence })?;
        Ok(worker)
    }

    /// Whether it runs on another machine.
    pub const fn is_remote(&self) -> bool {
        self.launcher.remote.is_some()
    }

    fn spawn(launcher: &Launcher, threads: Option<usize>, wake: Wake) -> std::io::Result<Self> {
        let mut command = Command::new(&launcher.program);
        command.args(&launcher.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (requests, outgoing) = sync_channel(QUEUE);
        let (incoming, lines) = sync_channel(QUEUE);
        let (started, heard) = (Instant::now(), Instant::now());
        // From here on the process is ended whatever goes wrong.
        let (process, last_words, launcher) = (Some(process), LastWords::default(), launcher.clone());
        let (greeted, trouble, closed, painting) = (false, Trouble::Other, None, false);
        let worker = Self {
            process,
            requests,
            lines,
            last_words,
            launcher,
            threads,
            started,
            greeted,
            trouble,
            closed,
            heard,
            painting,
        };
        let is_remote = worker.is_remote();
        let (beat, noise) = (is_remote.then_some(BEAT), if is_remote { NOISE } else { 0 });
        let (Some(stdin), Some(stdout), Some(errors)) = pipes else {
            return Err(std::io::Error::other("the worker has no pipes"));
        };
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        thread("worker-stdin").spawn(move || write_requests(stdin, &outgoing, beat))?;
        thread("worker-stdout").spawn(move || read_events(stdout, noise, &incoming, &*wake))?;
        worker.last_words.listen(errors, "worker-stderr")?;
        Ok(worker)
    }

    /// Sends a request without waiting.
    ///
    /// # Errors
    /// Where the child does not take requests any more, or the request cannot be said.
    pub fn send(&self, request: &Request) -> Result<(), String> {
        let mut line = serde_json::to_vec(request).map_err(|error| format!("the request cannot be sent: {error}"))?;
        line.push(b'\n');
        let busy = |_| "it does not take requests any more".to_owned();
        if self.is_remote() {
            for path in request.files() {
                self.requests.try_send(Outgoing::Offer(path.to_owned())).map_err(busy)?;
            }
        }
        self.requests.try_send(Outgoing::Line(line)).map_err(busy)
    }

    /// The next event, if one has come in.
    pub fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(closed) = self.closed {
                return self.obituary(closed).map(Line::Lost);
            }
            match self.lines.try_recv() {
                Ok(Heard::Event(event, bytes)) => {
                    self.heard = Instant::now();
                    match *event {
                        Event::Hello { version: VERSION, ref program, .. } if program == PROGRAM => self.greeted = true,
                        Event::Hello { version, program, .. } => {
                            self.trouble = Trouble::OtherRelease;
                            let path = self.launcher.name();
                            let remedy = if self.is_remote() { " (--copy-program brings this one there)" } else { "" };
                            return Some(Line::Lost(format!(
                                "{path} is release {} of ShuffleScope, protocol version {version}; this program is release \
                                 {PROGRAM}, protocol version {VERSION}: use the same release of both{remedy}",
                                if program.is_empty() { "0.2.0 or older" } else { program.as_str() }
                            )));
                        }
                        Event::Wants { sha256 } => {
                            if self.requests.try_send(Outgoing::Content(sha256)).is_err() {
                                return Some(Line::Lost("it does not take requests any more".into()));
                            }
                        }
                        _ => return Some(Line::Event(event, bytes)),
                    }
                }
                Ok(Heard::Garbage(text)) => return Some(Line::Lost(format!("it printed what is no event: `{text}`"))),
                Ok(Heard::Closed) | Err(TryRecvError::Disconnected) => self.closed = Some(Instant::now()),
                Err(TryRecvError::Empty) if !self.greeted && self.started.elapsed() > GREETING => {
                    return Some(Line::Lost("it did not greet".into()));
                }
                Err(TryRecvError::Empty) => return None,
            }
        }
    }

    /// How the process ended, with the end of its error output; `None` while that may still become known.
    fn obituary(&mut self, closed: Instant) -> Option<String> {
        let may_wait = closed.elapsed() < LAST_WORDS;
        let status = match self.process.as_mut().map(Child::try_wait) {
            Some(Ok(None)) if may_wait => return None,
            Some(Ok(Some(_))) if may_wait && !self.last_words.are_over() => return None,
            Some(Ok(Some(status))) => Some(status),
            _ => None,
        };
        if let Some(remote) = &self.launcher.remote {
            let said = self.last_words.behind(String::new());
            let code = status.as_ref().and_then(ExitStatus::code);
            let (trouble, reason) = explain_end(remote, code, self.greeted, said.trim_start_matches(": "));
            self.trouble = trouble;
            return Some(reason);
        }
        Some(self.last_words.behind(status.map_or_else(|| "it closed its output".into(), |status| status.to_string())))
    }

    /// Whether it has said who it is.
    pub const fn has_greeted(&self) -> bool {
        self.greeted
    }

    /// Whether it has ended, as far as anybody has looked: nothing is to be asked of it any more.
    pub const fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Operating system's number of the process.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            reaper::end(process);
        }
    }
}

/// Reads to the end. So many lines before the first event may be something else.
fn read_events(stdout: impl Read, mut noise: usize, lines: &SyncSender<Heard>, wake: &(dyn Fn() + Send + Sync)) {
    let mut stdout = BufReader::new(stdout);
    let mut text = Vec::new();
    loop {
        let line = read_event(&mut stdout, &mut text);
        match &line {
            Heard::Garbage(_) if noise > 0 => {
                noise -= 1;
                continue;
            }
            _ => noise = 0,
        }
        let last = !matches!(line, Heard::Event(..));
        if lines.send(line).is_err() {
            return;
        }
        wake();
        if last {
            return;
        }
    }
}

fn read_event(stdout: &mut impl BufRead, text: &mut Vec<u8>) -> Heard {
    text.clear();
    match stdout.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', text) {
        Ok(0) | Err(_) => return Heard::Closed,
        Ok(_) => {}
    }
    let Ok(event) = serde_json::from_slice::<Event>(text) else {
        return Heard::Garbage(String::from_utf8_lossy(text.get(..200).unwrap_or(text)).trim().to_owned());
    };
    let expected = event.payload();
    if expected > MAX_PAYLOAD_BYTES {
        return Heard::Garbage(format!("{expected} bytes in one piece"));
    }
    // Room is made as bytes come, and not before: a line is quick to promise much.
    let mut bytes = Vec::new();
    match stdout.by_ref().take(expected as u64).read_to_end(&mut bytes) {
        Ok(read) if read == expected => Heard::Event(Box::new(event), bytes),
        Ok(_) | Err(_) => Heard::Closed,
    }
}
