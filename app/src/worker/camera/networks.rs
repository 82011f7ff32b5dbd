//! Makes the networks that look at the frames, on a thread: reading weights and packing them can take a second, and a
//! dragged width asks often.
//!
//! A network runs only while nobody else measures on its device, and nobody measures there while it runs: the turn on the
//! device belongs to the network in the pipeline and is let go with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::Builder;
use std::time::Duration;

use shufflescope_engine::classify::Picture;
use shufflescope_engine::device::DeviceId;

use crate::camera::{
    Classify, Classifying, Generation, Mailbox, Outcome, Pipeline, SharedClock, SmoothingSwitch, Wish,
};
use crate::worker::events::Events;
use crate::worker::protocol::{CameraEvent, Event};
use crate::worker::turn::{Turn, Turns};
use crate::{ends_process, explain, panic_text};

/// How long the thread waits for a wish at a time.
const LOOK_UP: Duration = Duration::from_secs(3600);

/// The thread's two boxes.
pub(super) struct Networks {
    wishes: Arc<Mailbox<Wish>>,
    pipeline: Arc<Mutex<Weak<Pipeline>>>,
}

impl Networks {
    /// # Errors
    /// Where the system has no thread left.
    pub fn start(
        events: Events,
        clock: SharedClock,
        smoothing: SmoothingSwitch,
        turns: Turns,
        client: String,
    ) -> std::io::Result<Self> {
        let (wishes, pipeline) = (Arc::new(Mailbox::default()), Arc::new(Mutex::new(Weak::new())));
        let (inbox, through) = (Arc::clone(&wishes), Arc::clone(&pipeline));
        let mut maker = Maker { wishes: inbox, pipeline: through, events, clock, smoothing, turns, client, held: None };
        Builder::new().name("camera networks".into()).spawn(move || maker.run())?;
        Ok(Self { wishes, pipeline })
    }

    /// Another network is wanted.
    pub fn wish(&self, wish: Wish) {
        self.wishes.put(wish);
    }

    /// The pipeline that the networks wanted from now on belong to.
    pub fn look_through(&self, pipeline: Weak<Pipeline>) {
        *self.pipeline.lock().unwrap_or_else(PoisonError::into_inner) = pipeline;
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        self.wishes.close();
    }
}

/// The thread's side.
struct Maker {
    wishes: Arc<Mailbox<Wish>>,
    pipeline: Arc<Mutex<Weak<Pipeline>>>,
    events: Events,
    clock: SharedClock,
    smoothing: SmoothingSwitch,
    turns: Turns,
    client: String,
    /// The turn of the network in the pipeline, which the next one on the same device takes over.
    held: Option<(DeviceId, Weak<Turn>)>,
}

impl Maker {
    fn run(&mut self) {
        loop {
            match self.wishes.take(LOOK_UP) {
                Some(wish) => {
                    let generation = wish.generation;
                    // Files and libraries that nobody expected.
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.carry_out(&wish))) {
                        self.set(None, generation);
                        let message = format!("the network cannot be made: {}", panic_text(&*panic));
                        self.say(CameraEvent::Failed { generation, message });
                    }
                }
                None if self.wishes.is_closed() => return,
                None => {}
            }
        }
    }

    fn say(&self, event: CameraEvent) {
        self.events.send(&Event::Camera(event));
    }

    fn pipeline(&self) -> Option<Arc<Pipeline>> {
        self.pipeline.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    /// Gives the pipeline a network, or none.
    fn set(&self, network: Option<Box<dyn Classify>>, generation: Generation) {
        if let Some(pipeline) = self.pipeline() {
            pipeline.set_classifier(network, generation);
        }
    }

    fn carry_out(&mut self, wish: &Wish) {
        let generation = wish.generation;
        let (fit, offers, opened) = wish.look();
        self.say(CameraEvent::Fits { generation, fit: Box::new(fit), offers });
        if !wish.classifier || self.pipeline().is_none() {
            return self.set(None, generation);
        }
        let Some(turn) = self.turn(wish.run.device, generation) else { return };
        match wish.classifier(opened, self.clock.clone(), self.smoothing.clone()) {
            Ok(network) => {
                self.set(Some(Box::new(InTurn { network, _turn: turn })), generation);
                self.say(CameraEvent::Ready { generation });
            }
            Err(error) => {
                self.set(None, generation);
                if let Some(pipeline) = self.pipeline().filter(|_| ends_process(&error)) {
                    pipeline.give_up(explain(&error));
                }
                self.say(CameraEvent::Failed { generation, message: explain(&error) });
            }
        }
    }

    /// The turn on the device; `None` where another network is wanted meanwhile, or the source closed.
    fn turn(&mut self, device: DeviceId, generation: Generation) -> Option<Arc<Turn>> {
        let held = self.held.as_ref().filter(|(of, _)| *of == device).and_then(|(_, turn)| turn.upgrade());
        if held.is_some() {
            return held;
        }
        let is_given_up = || self.wishes.is_full() || self.wishes.is_closed() || self.pipeline().is_none();
        let tell = |behind: &str| {
            // Not even the network before runs while another one is waited for.
            self.set(None, generation);
            self.say(CameraEvent::Waiting { generation, behind: behind.to_owned() });
        };
        let turn = Arc::new(self.turns.wait(device, &self.client, &is_given_up, tell)?);
        self.held = Some((device, Arc::downgrade(&turn)));
        Some(turn)
    }
}

/// A network that has the turn on its device for as long as it is there.
struct InTurn {
    network: Classifying,
    _turn: Arc<Turn>,
}

impl Classify for InTurn {
    fn classify(&mut self, picture: &Picture) -> anyhow::Result<Outcome> {
        self.network.classify(picture)
    }
}
