//! Targets behind SSH, against a real sshd on loopback. Without one the tests say that they are skipped.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod commands;
mod content;
mod ends;
#[path = "../support/outcome.rs"]
mod outcome;
mod server;
mod slow;
mod slow_lines;
#[path = "../support/wait.rs"]
mod wait;

use std::time::Duration;

use outcome::outcome;
use server::Server;
use shufflescope::worker::{Client, ClientEvent, Job, reach};
use shufflescope_engine::design::{Design, Edit, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::{Measurement, Protocol};
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::zoo::preset;
use wait::wait_for;

/// Generous: only a hang fails it.
const PATIENCE: Duration = Duration::from_secs(90);

fn small() -> Design {
    preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Input(InputSize::square(32)))
}

/// A network whose single run takes far longer than a worker is given to obey.
fn huge() -> Design {
    preset("shufflenet-v2-164-se").unwrap().apply(&Edit::Input(InputSize::square(512)))
}

fn job(model: impl Into<Model>) -> Job {
    let options = RunOptions::new(DeviceId::Cpu, 1, 1);
    Job { design: model.into(), options, protocol: Protocol::live().in_one_process(), weights: None, scatter: None }
}

/// A client of the server under this port.
fn client(server: &Server, port: u16) -> Client {
    let place = reach(&Server::target_at(port), &server.how()).unwrap();
    Client::new(place.programs, "a test", || {})
}

fn wait<T>(client: &mut Client, wanted: impl FnMut(ClientEvent) -> Option<T>) -> T {
    wait_for(PATIENCE, || client.poll(), wanted)
}

fn result(client: &mut Client) -> Result<Measurement, String> {
    wait(client, outcome)
}
