//! One question to a process that ends with its answer: what drivers are asked may crash or hang, and nothing else with it.

use std::sync::Arc;
use std::time::Duration;

use shufflescope_engine::device::DeviceInfo;

use super::child::{Line, Worker};
use super::protocol::{CameraRun, Event, Host, Request, Ticket};
use crate::camera::{Listed, Watched};
use crate::target::{Launcher, Trouble};

/// A driver that has not answered by then hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The devices of the machine that the worker runs on. Blocks until they are known: to be called on a thread.
///
/// # Errors
/// Where a driver crashes or hangs, or the worker cannot be started.
pub fn find_devices(launcher: &Launcher) -> Result<Vec<DeviceInfo>, String> {
    ask(launcher, &Request::FindDevices, PATIENCE, |event| match event {
        Event::Devices { devices, .. } => Some(devices),
        _ => None,
    })
    .map_err(|(_, reason)| reason)
}

/// The devices of the machine that the worker runs on, and the machine itself. Blocks as [`find_devices`] does.
///
/// # Errors
/// As [`find_devices`], with the kind of trouble.
pub(super) fn look_around(launcher: &Launcher) -> Result<(Host, Vec<DeviceInfo>), (Trouble, String)> {
    ask(launcher, &Request::FindDevices, PATIENCE, |event| match event {
        Event::Devices { devices, host } => Some((*host?, devices)),
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
    .map_err(|(_, reason)| reason)
}

/// Has frames taken and classified on the worker's machine for a while; `tell` hears of whoever is waited for. Blocks until
/// that is over.
///
/// # Errors
/// Cause and remedy.
pub fn run_camera(launcher: &Launcher, job: CameraRun, mut tell: impl FnMut(&str)) -> Result<Watched, String> {
    let request = Request::CameraRun { ticket: Ticket(1), job: Box::new(job) };
    let answer = ask(launcher, &request, PATIENCE, |event| match event {
        Event::CameraRun { watched, .. } => Some(Ok(*watched)),
        Event::Failed { message, .. } => Some(Err(message)),
        Event::Cancelled { .. } => Some(Err("it was cancelled".into())),
        Event::Waiting { behind, .. } => {
            tell(&behind);
            None
        }
        _ => None,
    });
    answer.map_err(|(_, reason)| reason).flatten()
}

fn ask<T>(
    launcher: &Launcher,
    question: &Request,
    patience: Duration,
    mut answer: impl FnMut(Event) -> Option<T>,
) -> Result<T, (Trouble, String)> {
    let asking = std::thread::current();
    let other = |reason| (Trouble::Other, reason);
    let wake = Arc::new(move || asking.unpark());
    let mut worker = Worker::start(launcher, None, "a question", wake).map_err(other)?;
    worker.send(question).map_err(other)?;
    loop {
        match worker.next() {
            Some(Line::Event(event, _)) => {
                if let Some(answer) = answer(*event) {
                    return Ok(answer);
                }
            }
            Some(Line::Lost(reason)) if worker.is_remote() => return Err((worker.trouble, reason)),
            Some(Line::Lost(reason)) => return Err(other(format!("a driver or a library failed: {reason}"))),
            None if worker.heard.elapsed() > patience => {
                return Err(other(format!("a driver gave no answer in {} s", patience.as_secs())));
            }
            None => std::thread::park_timeout(Duration::from_millis(50)),
        }
    }
}
