//! The child's side: reads requests, hands them to whoever answers, until the window is gone.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use shufflescope_engine::device::{Machine, devices};
use shufflescope_engine::measure::SystemWatch;
use shufflescope_engine::units::Nanos;

use super::camera::Cameras;
use super::content::{Contents, Missing};
use super::events::Events;
use super::measuring::Measuring;
use super::protocol::{CameraEvent, CameraRequest, Event, Host, MAX_LINE_BYTES, PROGRAM, Request, Ticket, VERSION};
use super::teaching;
use super::threads::use_threads;
use super::turn::Turns;
use crate::camera::list;

/// Requests that wait; a window never has so many.
const QUEUE: usize = 256;

/// Serves requests until the other side closes the pipe. To be called before this process starts another thread.
///
/// # Errors
/// Where the other side does not greet or speaks another version.
pub fn serve(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> anyhow::Result<()> {
    let events = Events::new(output);
    let heard = Heard::default();
    let mut input = BufReader::new(Listening { input, heard: heard.clone() });
    let mut line = Vec::new();
    // Read before any thread is there: the greeting says how many there are to be.
    let greeting = match read_request(&mut input, &mut line) {
        None => return Ok(()),
        Some(request) => request,
    };
    let Request::Hello { version, client, threads, silence } = greeting else {
        bail!("the first request was no greeting")
    };
    if let Some(threads) = threads {
        use_threads(threads);
    }
    events.send(&Event::Hello { version: VERSION, threads: rayon::current_num_threads(), program: PROGRAM.into() });
    if version != VERSION {
        bail!("the other side speaks protocol version {version}, this worker {VERSION}: use the same release on both");
    }
    if let Some(silence) = silence {
        end_after(silence, heard)?;
    }
    let newest = Arc::new(AtomicU64::new(0));
    let watch = SystemWatch::default();
    let contents = Contents::of_this_user();
    let (sender, requests) = sync_channel(QUEUE);
    let reader =
        Reader { newest: newest.clone(), repaints: watch.repaints(), contents: contents.clone(), requests: sender };
    std::thread::Builder::new().name("requests".into()).spawn(move || reader.run(input))?;
    let turns = Turns::of_this_user();
    let cameras = Cameras::new(events.clone(), turns.clone(), client.clone())?;
    let measuring = Measuring::new(events.clone(), newest.clone(), client, turns.clone(), watch);
    let desk = Desk { events, newest, contents, turns };
    desk.answer(&requests, measuring, cameras);
    Ok(())
}

/// What requests are answered with.
struct Desk {
    events: Events,
    newest: Arc<AtomicU64>,
    contents: Contents,
    turns: Turns,
}

impl Desk {
    fn answer(&self, requests: &Receiver<Request>, mut measuring: Measuring, mut cameras: Cameras) {
        while let Ok(mut request) = requests.recv() {
            if !self.bring_files(&mut request) {
                continue;
            }
            match request {
                Request::Measure { ticket, job, threads } => measuring.measure(ticket, &job, threads),
                Request::Apart { ticket, job } => measuring.take_apart(ticket, &job),
                Request::TakeTurns { ticket, job } => measuring.take_turns(ticket, &job),
                Request::Search { ticket, job } => measuring.search(ticket, &job),
                Request::Peaks { ticket, device } => measuring.peaks(ticket, device),
                Request::CameraRun { ticket, job } => measuring.run_camera(ticket, &job),
                Request::Teach { ticket, work } => teaching::answer(&self.events, &self.newest, ticket, &work),
                // A driver that crashes or makes a library panic ends this process, and nothing else.
                Request::FindDevices => self.events.send(&self.look_around()),
                Request::FindCameras => self.events.send(&Event::Cameras { cameras: list() }),
                Request::Camera(request) => cameras.take(request),
                Request::Hello { .. } | Request::Painting | Request::Cancel => {}
                Request::File { .. } | Request::Content { .. } | Request::Alive => {}
            }
        }
    }

    fn look_around(&self) -> Event {
        let devices = devices();
        let available = devices.iter().filter(|device| device.is_available()).map(|device| device.id);
        let busy = self.turns.holder(available);
        let host = Host { machine: Machine::detect(), threads: rayon::current_num_threads(), busy };
        Event::Devices { devices, host: Some(Box::new(host)) }
    }

    /// Puts the files of this machine in the place of those that a request names. Where one cannot be had, that is the
    /// answer.
    fn bring_files(&self, request: &mut Request) -> bool {
        let asker = Asker::of(request);
        let want = |sha256: &str| self.events.send(&Event::Wants { sha256: sha256.to_owned() });
        let is_given_up = || match asker {
            Asker::Ticket(ticket) => {
                // A sign of life: a large file may take minutes.
                self.events.send(&Event::Preparing { ticket, longest_run: Nanos::ZERO });
                self.newest.load(Ordering::Acquire) != ticket.0
            }
            Asker::Camera(_) | Asker::Nobody => false,
        };
        let moved = request.move_files(&mut |named| self.contents.path(named, &want, &is_given_up));
        let event = match (moved, asker) {
            (Ok(()), _) => return true,
            (Err(Missing::GivenUp), Asker::Ticket(ticket)) => Event::Cancelled { ticket },
            (Err(Missing::Failed(message)), Asker::Ticket(ticket)) => Event::Failed { ticket, message, restart: false },
            (Err(Missing::Failed(message)), Asker::Camera(generation)) => {
                Event::Camera(CameraEvent::Failed { generation, message })
            }
            (Err(_), Asker::Nobody | Asker::Camera(_)) => return false,
        };
        self.events.send(&event);
        false
    }
}

/// Who is told where a request cannot be done.
#[derive(Clone, Copy)]
enum Asker {
    Ticket(Ticket),
    Camera(crate::camera::Generation),
    Nobody,
}

impl Asker {
    const fn of(request: &Request) -> Self {
        match request {
            Request::Measure { ticket, .. }
            | Request::Apart { ticket, .. }
            | Request::TakeTurns { ticket, .. }
            | Request::CameraRun { ticket, .. } => Self::Ticket(*ticket),
            Request::Camera(CameraRequest::Network { wish }) => Self::Camera(wish.generation),
            _ => Self::Nobody,
        }
    }
}

/// Reads requests while a measurement runs, so that a newer one can stop it.
struct Reader {
    newest: Arc<AtomicU64>,
    repaints: Arc<AtomicU64>,
    contents: Contents,
    requests: SyncSender<Request>,
}

impl Reader {
    fn run(self, mut input: impl BufRead) {
        let mut line = Vec::new();
        loop {
            // The window is gone: stop at once, also in the middle of a run.
            let Some(request) = read_request(&mut input, &mut line) else { std::process::exit(0) };
            match request {
                Request::Measure { ticket, .. }
                | Request::Apart { ticket, .. }
                | Request::TakeTurns { ticket, .. }
                | Request::Search { ticket, .. }
                | Request::CameraRun { ticket, .. }
                | Request::Teach { ticket, .. }
                | Request::Peaks { ticket, .. } => self.newest.store(ticket.0, Ordering::Release),
                Request::Cancel => self.newest.store(u64::MAX, Ordering::Release),
                Request::Painting => {
                    self.repaints.fetch_add(1, Ordering::AcqRel);
                    continue;
                }
                Request::Alive => continue,
                Request::File { file } => {
                    self.contents.offer(file);
                    continue;
                }
                Request::Content { sha256, bytes } => {
                    if self.contents.receive(&sha256, bytes, &mut input).is_err() {
                        std::process::exit(0);
                    }
                    continue;
                }
                Request::Hello { .. } | Request::FindDevices | Request::FindCameras | Request::Camera(_) => {}
            }
            // Waiting here would mean not to hear that the window is gone.
            if self.requests.try_send(request).is_err() {
                give_up("too many requests wait to be answered");
            }
        }
    }
}

/// The next request; `None` where the other side is gone.
fn read_request(input: &mut impl BufRead, line: &mut Vec<u8>) -> Option<Request> {
    line.clear();
    match input.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', line) {
        Ok(0) | Err(_) => return None,
        Ok(_) => {}
    }
    match serde_json::from_slice::<Request>(line) {
        Ok(request) => Some(request),
        // Not our window. Say so where a person may see it and stop, rather than guess.
        Err(error) => give_up(&format!("not a request: {error}")),
    }
}

/// When the other side was last heard.
#[derive(Clone)]
struct Heard(Arc<Mutex<Instant>>);

impl Default for Heard {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Heard {
    fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn ago(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// An input that notes when something came.
struct Listening<R> {
    input: R,
    heard: Heard,
}

impl<R: Read> Read for Listening<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.heard.now();
        Ok(read)
    }
}

/// Ends this process once nothing was heard for so long.
fn end_after(silence: Nanos, heard: Heard) -> std::io::Result<()> {
    let silence = Duration::from(silence);
    std::thread::Builder::new().name("silence".into()).spawn(move || wait_for_silence(silence, &heard)).map(drop)
}

fn wait_for_silence(silence: Duration, heard: &Heard) {
    while let Some(left) = silence.checked_sub(heard.ago()).filter(|left| !left.is_zero()) {
        std::thread::sleep(left);
    }
    std::process::exit(0);
}

/// Ends the process with its last words.
fn give_up(reason: &str) -> ! {
    let _ = writeln!(std::io::stderr(), "{reason}");
    std::process::exit(2)
}
