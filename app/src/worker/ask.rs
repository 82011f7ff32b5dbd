//! One question to a process that ends with its answer: what drivers are asked may crash or hang, and nothing else with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shufflescope_engine::device::DeviceInfo;

use super::child::{Line, Worker};
use super::protocol::{Event, Request};
use crate::camera::Listed;
use crate::target::Launcher;

/// A driver that has not answered by then hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The devices of the machine that the worker runs on. Blocks until they are known: to be called on a thread.
///
/// # Errors
/// Where a driver crashes or hangs, or the worker cannot be started.
pub fn find_devices(launcher: &Launcher) -> Result<Vec<DeviceInfo>, String> {
    ask(launcher, &Request::FindDevices, PATIENCE, |event| match event {
        Event::Devices { devices } => Some(devices),
        _ => None,
    })
}

/// The cameras of the machine that the worker runs on. Blocks as [`find_devices`] does.
///
/// # Errors
/// As [`find_devices`].
pub fn find_cameras(launcher: &Launcher) -> Result<Vec<Listed>, String> {
    ask(launcher, &Request::FindCameras, PATIENCE, |event| match event {
        Event::Cameras { cameras } => Some(cameras),
        _ => None,
    })
}

fn ask<T>(
    launcher: &Launcher,
    question: &Request,
    patience: Duration,
    answer: impl Fn(Event) -> Option<T>,
) -> Result<T, String> {
    let asking = std::thread::current();
    let mut worker = Worker::start(launcher, None, "a question", Arc::new(move || asking.unpark()))?;
    worker.send(question)?;
    let until = Instant::now() + patience;
    loop {
        match worker.next() {
            Some(Line::Event(event, _)) => {
                if let Some(answer) = answer(*event) {
                    return Ok(answer);
                }
            }
            Some(Line::Lost(reason)) => return Err(format!("a driver or a library failed: {reason}")),
            None if Instant::now() > until => {
                return Err(format!("a driver gave no answer in {} s", patience.as_secs()));
            }
            None => std::thread::park_timeout(Duration::from_millis(50)),
        }
    }
}
