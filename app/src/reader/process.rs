//! The window's side: starts a reader, waits for its answer, and ends it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::protocol::{Answer, Head, MOST_ATTACHED, MOST_LINE, Request, VERSION};
use crate::last_words::LastWords;

/// How long a process that has closed its output is waited for, to learn how it ended.
const FUNERAL: Duration = Duration::from_secs(2);

/// How readers are started, and how long each may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readers {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Longest time for one answer.
    pub patience: Duration,
}

/// An answer and the bytes behind it.
#[derive(Debug)]
pub struct Reply {
    /// What the reader says.
    pub answer: Answer,
    /// What followed.
    pub attached: Vec<u8>,
}

/// A running reader. Dropping it kills the process.
#[derive(Debug)]
pub struct Handle(Sender<Told>);

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = self.0.send(Told::Cancelled);
    }
}

/// What a reader's end is about.
#[derive(Debug)]
enum Told {
    Answered(io::Result<Reply>),
    Cancelled,
}

impl Readers {
    /// This very program with the hidden subcommand `reader`.
    ///
    /// # Errors
    /// Where the system does not tell the program's path.
    pub fn this_program() -> io::Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self { program, args: vec!["reader".into()], patience: Duration::from_secs(120) })
    }

    /// Has a request answered. `then` is called on a thread of its own with the answer, or why there is none; not where
    /// the handle was dropped before. `what` is what is done, such as "reading a.onnx".
    pub fn start(
        &self,
        request: Request,
        what: String,
        then: impl FnOnce(Result<Reply, String>) + Send + 'static,
    ) -> Handle {
        let (tell, told) = channel();
        let (readers, outbox) = (self.clone(), tell.clone());
        std::thread::spawn(move || match Process::start(&readers, request, outbox) {
            Ok(process) => process.wait(&told, readers.patience, &what, then),
            Err(error) => then(Err(format!("{what}: no process could be started for it: {error}"))),
        });
        Handle(tell)
    }
}

struct Process {
    child: Child,
    last_words: LastWords,
}

impl Process {
    fn start(readers: &Readers, request: Request, tell: Sender<Told>) -> io::Result<Self> {
        let mut child = Command::new(&readers.program)
            .args(&readers.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdin, stdout, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Self { child, last_words: LastWords::default() };
        let (Some(stdin), Some(stdout), Some(errors)) = (stdin, stdout, errors) else {
            return Err(io::Error::other("it has no pipes"));
        };
        process.last_words.listen(errors, "reader-stderr")?;
        std::thread::Builder::new().name("reader-stdout".into()).spawn(move || {
            let (close, closed) = channel::<()>();
            // The pipe stays open until the answer is there: a reader whose window is gone sees it close.
            let writing = thread_writing(stdin, request, closed);
            let reply = read_reply(stdout);
            drop(close);
            drop(writing);
            let _ = tell.send(Told::Answered(reply));
        })?;
        Ok(process)
    }

    fn wait(mut self, told: &Receiver<Told>, patience: Duration, what: &str, then: impl FnOnce(Result<Reply, String>)) {
        match told.recv_timeout(patience) {
            Ok(Told::Answered(Ok(reply))) => then(Ok(reply)),
            Ok(Told::Answered(Err(error))) => {
                then(Err(format!("{what}: the reader stopped: {}", self.obituary(&error))))
            }
            Err(RecvTimeoutError::Timeout) => {
                let seconds = patience.as_secs_f64();
                then(Err(format!(
                    "{what} took longer than {seconds:.0} s and was given up: is its disk or network slow?"
                )));
            }
            Ok(Told::Cancelled) | Err(RecvTimeoutError::Disconnected) => {}
        }
        let _ = self.child.kill();
        // A process that hangs in the system ends when the system lets it; only this thread waits for it.
        let _ = self.child.wait();
    }

    /// How the process ended, with what it said last.
    fn obituary(&mut self, error: &io::Error) -> String {
        let since = Instant::now();
        let mut status = None;
        while (status.is_none() || !self.last_words.are_over()) && since.elapsed() < FUNERAL {
            status = self.child.try_wait().ok().flatten();
            std::thread::sleep(Duration::from_millis(5));
        }
        let ended = match status {
            Some(status) if !status.success() => status.to_string(),
            _ => error.to_string(),
        };
        self.last_words.behind(ended)
    }
}

fn thread_writing(mut stdin: ChildStdin, request: Request, closed: Receiver<()>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut line = serde_json::to_vec(&request).unwrap_or_default();
        line.push(b'\n');
        // A reader that takes no request has ended, and its end is told.
        let _ = stdin.write_all(&line).and_then(|()| stdin.flush());
        let _ = closed.recv();
    })
}

fn read_reply(stdout: ChildStdout) -> io::Result<Reply> {
    let mut stdout = BufReader::new(stdout);
    let mut line = Vec::new();
    stdout.by_ref().take(MOST_LINE.0).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it said nothing"));
    }
    let broken = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason);
    let head: Head = serde_json::from_slice(&line).map_err(|_| broken("it said something else than an answer"))?;
    if head.version != VERSION {
        return Err(broken("the program was updated while its window was open; save and start it again"));
    }
    if head.attached > MOST_ATTACHED {
        return Err(broken("its answer is too long"));
    }
    let mut attached = Vec::new();
    stdout.take(head.attached.0).read_to_end(&mut attached)?;
    if attached.len() as u64 != head.attached.0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "its answer breaks off"));
    }
    Ok(Reply { answer: head.answer, attached })
}
