//! How what was asked of a worker ends.

use shufflescope::worker::ClientEvent;
use shufflescope_engine::measure::Measurement;

/// The measurement or why there is none, where the event is the end of one.
pub fn outcome(event: ClientEvent) -> Option<Result<Measurement, String>> {
    match event {
        ClientEvent::Done { measurement, .. } => Some(Ok(*measurement)),
        ClientEvent::Failed { message, .. } | ClientEvent::WorkerLost { message } => Some(Err(message)),
        _ => None,
    }
}
