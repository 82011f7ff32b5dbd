//! Stock Candle on CUDA as a program of its own: how it is found, refused and used. No CUDA is needed: a script plays it,
//! which hands everything on to the plain program, with the processor under the name of the card.

#![cfg(all(target_os = "linux", not(feature = "cuda")))]
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

#[path = "support/program.rs"]
mod program;
#[path = "support/wait.rs"]
mod wait;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use program::{command, said};
use serde_json::Value;
use shufflescope::worker::{Client, ClientEvent, Job, Launcher, PROGRAM, Programs, VERSION};
use shufflescope_engine::design::{Edit, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::{Measurement, Protocol};
use shufflescope_engine::runtime::{RunOptions, Runtime};
use shufflescope_engine::zoo::preset;
use wait::wait_for;

/// Generous: only a hang fails it.
const PATIENCE: Duration = Duration::from_secs(120);

const PLAIN: &str = env!("CARGO_BIN_EXE_shufflescope");

/// A program in this folder that runs this script.
fn script(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("shufflescope-candle-cuda");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The plain program, which takes the processor for the card.
fn stand_in(folder: &Path) -> PathBuf {
    let to_processor = r#"sed -u 's/"cuda:0"/"cpu"/g'"#;
    let to_card = r#"sed -u -E 's/"(id|device)":"cpu"/"\1":"cuda:0"/g'"#;
    script(folder, &format!("{to_processor} | '{PLAIN}' \"$@\" | {to_card}"))
}

fn launcher(program: impl Into<PathBuf>) -> Launcher {
    Launcher::local(program.into(), vec!["worker".into()])
}

/// Runs the plain program with a data folder of its own; `beside` is what the variable says.
fn shufflescope(args: &[&str], beside: &Path) -> Output {
    let home = tempfile::tempdir().unwrap();
    command(home.path(), args).env("SHUFFLESCOPE_CANDLE_CUDA", beside).output().unwrap()
}

fn job(device: DeviceId) -> Job {
    let design = preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Input(InputSize::square(32))).into();
    let options = RunOptions { runtime: Runtime::Candle, ..RunOptions::new(device, 1, 1) };
    Job { design, options, protocol: Protocol::live().in_one_process(), weights: None, scatter: None }
}

fn measured(client: &mut Client, job: Job) -> Result<Measurement, String> {
    client.measure(job);
    wait_for(
        PATIENCE,
        || client.poll(),
        |event| match event {
            ClientEvent::Done { measurement, .. } => Some(Ok(*measurement)),
            ClientEvent::Failed { message, .. } | ClientEvent::WorkerLost { message } => Some(Err(message)),
            _ => None,
        },
    )
}

#[test]
fn the_other_program_measures_what_this_one_was_built_without_and_this_one_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let programs = Programs { own: launcher(PLAIN), candle_cuda: Ok(launcher(stand_in(folder.path()))) };
    let mut client = Client::new(programs, "a test", || {});
    let processes = [DeviceId::Cpu, DeviceId::Cuda(0), DeviceId::Cpu].map(|device| {
        let measurement = measured(&mut client, job(device)).unwrap();
        assert_eq!((measurement.device, measurement.runtime), (device, Runtime::Candle));
        // A depthwise layer of 24 channels is 24 convolutions in Candle.
        let kernels = measurement.breakdown.unwrap().kernels;
        assert!(
            kernels.iter().any(|kernel| kernel.launches == 24) && kernels.iter().any(|kernel| kernel.launches == 1)
        );
        client.worker_id().unwrap()
    });
    assert!(processes[0] != processes[1] && processes[1] != processes[2], "each in its own program: {processes:?}");
}

#[test]
fn the_command_line_profiles_stock_candle_on_the_card_through_it() {
    let folder = tempfile::tempdir().unwrap();
    let beside = stand_in(folder.path());
    let arguments = ["profile", "shufflenet-v2-x0.5", "--input", "32", "--threads", "1", "--device", "cuda:0"];
    let arguments = [&arguments[..], &["--runtime", "candle"]].concat();
    let output = shufflescope(&[&arguments[..], &["--json"]].concat(), &beside);
    assert!(output.status.success(), "{}", said(&output));
    let profile: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(profile["measurement"]["device"], "cuda:0");
    let kernels = profile["measurement"]["breakdown"]["kernels"].as_array().unwrap();
    assert!(kernels.iter().any(|kernel| kernel["launches"] == 24), "grouped convolutions");
    assert!(kernels.iter().any(|kernel| kernel.get("launches").is_none()), "left out where it is one");
    let output = shufflescope(&arguments, &beside);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("candle on cuda:0") && text.contains("(24 launches)"), "{text}");
}

#[test]
fn devices_tells_where_it_is_and_lists_its_cards() {
    let folder = tempfile::tempdir().unwrap();
    let beside = stand_in(folder.path());
    let text = String::from_utf8(shufflescope(&["devices"], &beside).stdout).unwrap();
    let line = format!("Candle on CUDA        {}: cuda:0", beside.display());
    assert!(text.lines().any(|told| told == line), "{line}\n{text}");
    let listing: Value = serde_json::from_slice(&shufflescope(&["devices", "--json"], &beside).stdout).unwrap();
    assert_eq!(listing["candle_cuda"]["program"], beside.display().to_string());
    let cards: Vec<_> = listing["devices"].as_array().unwrap().iter().filter(|info| info["id"] == "cuda:0").collect();
    assert!(matches!(cards.as_slice(), [card] if card["unavailable"].is_null()), "{cards:?}");
}

#[test]
fn where_it_is_missing_the_command_line_and_the_client_say_how_to_build_it_and_where_to_put_it() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let arguments = ["profile", "shufflenet-v2-x0.5", "--runtime", "candle", "--device", "cuda:0"];
    let output = shufflescope(&arguments, &nowhere);
    let message = said(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    for part in
        [&*nowhere.to_string_lossy(), "--features cuda --bin shufflescope-candle-cuda", "SHUFFLESCOPE_CANDLE_CUDA"]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
    let listed = String::from_utf8(shufflescope(&["devices"], &nowhere).stdout).unwrap();
    assert!(listed.contains("Candle on CUDA        not found: SHUFFLESCOPE_CANDLE_CUDA says"), "{listed}");
    let missing = shufflescope::target::NoCandleCuda::NotBeside { looked_for: nowhere };
    let programs = Programs { own: launcher(PLAIN), candle_cuda: Err(missing.clone()) };
    let mut client = Client::new(programs, "a test", || {});
    assert_eq!(measured(&mut client, job(DeviceId::Cuda(0))).unwrap_err(), missing.to_string());
    assert!(!client.is_busy());
    measured(&mut client, job(DeviceId::Cpu)).unwrap();
}

#[test]
fn one_of_another_release_or_protocol_is_refused() {
    for (hello, told) in [
        (format!(r#"{{"event":"hello","version":{VERSION},"threads":1,"program":"9.9.9"}}"#), "is release 9.9.9"),
        (r#"{"event":"hello","version":6,"threads":1}"#.to_owned(), "is release 0.2.0 or older"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let other = script(folder.path(), &format!("echo '{hello}'\nexec sleep 600"));
        let programs = Programs { own: launcher(PLAIN), candle_cuda: Ok(launcher(other.clone())) };
        let mut client = Client::new(programs, "a test", || {});
        let message = measured(&mut client, job(DeviceId::Cuda(0))).unwrap_err();
        let this =
            format!("this program is release {PROGRAM}, protocol version {VERSION}: use the same release of both");
        for part in [&*other.to_string_lossy(), told, &this] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

#[test]
fn one_that_does_not_start_for_lack_of_a_library_says_so() {
    let folder = tempfile::tempdir().unwrap();
    // Its words come after its end, as they may on a busy machine.
    let broken = script(
        folder.path(),
        "(sleep 0.2; echo 'error while loading shared libraries: libcublas.so.13' >&2) >/dev/null &\nexit 127",
    );
    let text = String::from_utf8(shufflescope(&["devices"], &broken).stdout).unwrap();
    assert!(text.contains("cannot be used: ") && text.contains("libcublas.so.13"), "{text}");
}
