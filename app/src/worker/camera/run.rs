//! A whole run in front of a camera of this machine, for a command line elsewhere: only what came of it goes over the line.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::units::Nanos;

use crate::camera::{
    Capture, Classify, Fit, Pipeline, SharedClock, SmoothingSwitch, Watched, WeightsChoice, Wish, watch,
};
use crate::worker::protocol::CameraRun;

/// Told how far it is, from 0 to 1, and how much time is left; may stop it.
pub(in crate::worker) type Tell<'a> = &'a mut dyn FnMut(f64, Nanos) -> ControlFlow<()>;

/// Runs it. The caller has the turn on the network's device.
pub(in crate::worker) fn run(job: &CameraRun, tell: Tell<'_>) -> anyhow::Result<Watched> {
    let clock: SharedClock = Arc::new(MonotonicClock::new());
    let network = job.wish.as_deref().map(|wish| network(wish, &clock)).transpose()?;
    let no_thread = "no thread can be started";
    let capture = Capture::start(&job.source, job.options, Arc::clone(&clock)).context(no_thread)?;
    let pipeline = Pipeline::start(capture, network, clock, Box::new(|| {})).context(no_thread)?;
    let time = Duration::from(job.time);
    watch(pipeline, time, &mut |_, left| {
        let done = 1.0 - left.as_secs_f64() / time.as_secs_f64().max(1e-9);
        tell(done.clamp(0.0, 1.0), left.into())
    })
}

fn network(wish: &Wish, clock: &SharedClock) -> anyhow::Result<Box<dyn Classify>> {
    let (fit, _, opened) = wish.look();
    if let (WeightsChoice::Only(_), Fit::TimeOnly { reason, .. }) = (&wish.choice, &fit) {
        bail!("{reason}");
    }
    Ok(Box::new(wish.classifier(opened, Arc::clone(clock), SmoothingSwitch::new(true))?))
}
