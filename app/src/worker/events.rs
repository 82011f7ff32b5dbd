//! The worker's output.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::protocol::Event;

/// Writes events; when nobody reads them any more there is nothing left to do.
#[derive(Clone)]
pub(super) struct Events {
    output: Arc<Mutex<Box<dyn Write + Send>>>,
}

impl Events {
    pub fn new(output: impl Write + Send + 'static) -> Self {
        Self { output: Arc::new(Mutex::new(Box::new(output))) }
    }

    pub fn send(&self, event: &Event) {
        self.send_with(event, &[]);
    }

    /// Writes an event and the raw bytes behind it, as many as it says.
    pub fn send_with(&self, event: &Event, bytes: &[u8]) {
        debug_assert_eq!(event.payload(), bytes.len());
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let written = output.write_all(&line).and_then(|()| output.write_all(bytes)).and_then(|()| output.flush());
        if written.is_err() {
            std::process::exit(0);
        }
    }
}
