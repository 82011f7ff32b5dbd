//! Carries out what the window asks of the camera. Nothing here waits for a driver: sources, networks and the closing of
//! both have threads of their own.

use std::sync::Arc;
use std::thread::JoinHandle;

use shufflescope_engine::clock::MonotonicClock;

use super::networks::Networks;
use super::session::Session;
use crate::camera::{Capture, Pipeline, SharedClock, SmoothingSwitch, SourceOptions, SourceSpec};
use crate::worker::events::Events;
use crate::worker::protocol::{self, CameraEvent, CameraRequest, Event};
use crate::worker::turn::Turns;

/// See the module.
pub(in crate::worker) struct Cameras {
    events: Events,
    clock: SharedClock,
    smoothing: SmoothingSwitch,
    networks: Networks,
    open: Option<Session>,
    /// The thread that closes the source that was open before.
    closing: Option<JoinHandle<()>>,
}

impl Cameras {
    /// No source is open; `client` is what others are told that have to wait for the network.
    pub fn new(events: Events, turns: Turns, client: String) -> std::io::Result<Self> {
        let clock: SharedClock = Arc::new(MonotonicClock::new());
        let smoothing = SmoothingSwitch::new(true);
        let networks = Networks::start(events.clone(), clock.clone(), smoothing.clone(), turns, client)?;
        Ok(Self { events, clock, smoothing, networks, open: None, closing: None })
    }

    pub fn take(&mut self, request: CameraRequest) {
        match request {
            CameraRequest::Open { session, source, options } => self.open(session, &source, options),
            CameraRequest::Close => self.close(),
            CameraRequest::Network { wish } => self.networks.wish(*wish),
            CameraRequest::Smooth { on } => self.smoothing.set(on),
            CameraRequest::RestartStatistics => self.with_open(Session::restart_statistics),
            CameraRequest::Took { number } => self.with_open(|open| open.took(number)),
            CameraRequest::Shown { number } => self.with_open(|open| open.shown(number)),
            CameraRequest::Still => self.with_open(|open| open.send_still(&self.events)),
        }
    }

    fn with_open(&self, work: impl FnOnce(&Session)) {
        if let Some(open) = &self.open {
            work(open);
        }
    }

    fn open(&mut self, number: protocol::Session, source: &SourceSpec, options: SourceOptions) {
        self.close();
        let started = Capture::start_after(self.closing.take(), source, options, self.clock.clone())
            .and_then(|capture| Pipeline::start(capture, None, self.clock.clone(), Box::new(|| {})))
            .and_then(|pipeline| {
                let pipeline = Arc::new(pipeline);
                self.networks.look_through(Arc::downgrade(&pipeline));
                Session::start(number, pipeline, self.clock.clone(), self.events.clone())
            });
        match started {
            Ok(session) => self.open = Some(session),
            Err(error) => {
                let message = format!("no thread can be started for the camera: {error}; close other programs");
                self.events.send(&Event::Camera(CameraEvent::Broken { session: number, message }));
            }
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.closing = Some(open.close());
        }
    }
}
