//! The child's side: reads requests, hands them to whoever answers, until the window is gone.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::bail;
use shufflescope_engine::device::devices;
use shufflescope_engine::measure::SystemWatch;

use super::camera::Cameras;
use super::events::Events;
use super::measuring::Measuring;
use super::protocol::{Event, MAX_LINE_BYTES, PROGRAM, Request, VERSION};
use super::teaching;
use super::turn::Turns;
use crate::camera::list;

/// Requests that wait; a window never has so many.
const QUEUE: usize = 256;

/// Serves requests until the other side closes the pipe.
///
/// # Errors
/// Where the other side does not greet or speaks another version.
pub fn serve(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> anyhow::Result<()> {
    let events = Events::new(output);
    let newest = Arc::new(AtomicU64::new(0));
    let watch = SystemWatch::default();
    let (sender, requests) = sync_channel(QUEUE);
    let reader = Reader { newest: newest.clone(), repaints: watch.repaints(), requests: sender };
    std::thread::Builder::new().name("requests".into()).spawn(move || reader.run(input))?;

    let hello = Event::Hello { version: VERSION, threads: rayon::current_num_threads(), program: PROGRAM.into() };
    let client = match requests.recv() {
        Ok(Request::Hello { version, client }) if version == VERSION => client,
        Ok(Request::Hello { version, .. }) => {
            events.send(&hello);
            bail!(
                "the other side speaks protocol version {version}, this worker {VERSION}: use the same release on both"
            );
        }
        Ok(_) => bail!("the first request was no greeting"),
        Err(_) => return Ok(()),
    };
    events.send(&hello);
    let turns = Turns::of_this_user();
    let cameras = Cameras::new(events.clone(), turns.clone(), client.clone())?;
    let measuring = Measuring::new(events.clone(), newest.clone(), client, turns, watch);
    answer(&requests, (&events, &newest), measuring, cameras);
    Ok(())
}

fn answer(
    requests: &Receiver<Request>,
    (events, newest): (&Events, &AtomicU64),
    mut measuring: Measuring,
    mut cameras: Cameras,
) {
    while let Ok(request) = requests.recv() {
        match request {
            Request::Measure { ticket, job } => measuring.measure(ticket, &job),
            Request::Apart { ticket, job } => measuring.take_apart(ticket, &job),
            Request::TakeTurns { ticket, job } => measuring.take_turns(ticket, &job),
            Request::Search { ticket, job } => measuring.search(ticket, &job),
            Request::Peaks { ticket, device } => measuring.peaks(ticket, device),
            Request::Teach { ticket, work } => teaching::answer(events, newest, ticket, &work),
            // A driver that crashes or makes a library panic ends this process, and nothing else.
            Request::FindDevices => events.send(&Event::Devices { devices: devices() }),
            Request::FindCameras => events.send(&Event::Cameras { cameras: list() }),
            Request::Camera(request) => cameras.take(request),
            Request::Hello { .. } | Request::Painting | Request::Cancel => {}
        }
    }
}

/// Reads requests while a measurement runs, so that a newer one can stop it.
struct Reader {
    newest: Arc<AtomicU64>,
    repaints: Arc<AtomicU64>,
    requests: SyncSender<Request>,
}

impl Reader {
    fn run(self, input: impl Read) {
        let mut input = BufReader::new(input);
        let mut line = Vec::new();
        loop {
            line.clear();
            match input.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line) {
                // The window is gone: stop at once, also in the middle of a run.
                Ok(0) | Err(_) => std::process::exit(0),
                Ok(_) => {}
            }
            let request = match serde_json::from_slice::<Request>(&line) {
                Ok(request) => request,
                // Not our window. Say so where a person may see it and stop, rather than guess.
                Err(error) => give_up(&format!("not a request: {error}")),
            };
            match &request {
                Request::Measure { ticket, .. }
                | Request::Apart { ticket, .. }
                | Request::TakeTurns { ticket, .. }
                | Request::Search { ticket, .. }
                | Request::Teach { ticket, .. }
                | Request::Peaks { ticket, .. } => self.newest.store(ticket.0, Ordering::Release),
                Request::Cancel => self.newest.store(u64::MAX, Ordering::Release),
                Request::Painting => {
                    self.repaints.fetch_add(1, Ordering::AcqRel);
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

/// Ends the process with its last words.
fn give_up(reason: &str) -> ! {
    let _ = writeln!(std::io::stderr(), "{reason}");
    std::process::exit(2)
}
