//! `shufflescope devices`: what can be measured on, and with what.

use serde::Serialize;
use shufflescope_engine::device::{CoreKind, DeviceInfo, Machine, devices};

use super::output::print;
use crate::worker::CandleCuda;

/// What tells devices apart that are the same card.
const DIFFERENCE: &str = "\
  gpu:N is a graphics card of any maker with our own kernels, through Vulkan, Metal or Direct3D 12 (--runtime tuned);
  cuda:N may be the same card through CUDA: with our own kernels (--runtime tuned), which need the driver alone,
  or with stock Candle (--runtime candle) in a program of its own; metal:N is an Apple GPU with stock Candle, a feature.
  gpu:software is the processor in the part of a card: good for tests, and no measure of any GPU.
";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing {
    machine: Machine,
    devices: Vec<DeviceInfo>,
    /// The program that stock Candle on CUDA runs in.
    candle_cuda: CandleCuda,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let candle_cuda = CandleCuda::ask();
    let listing = Listing { machine: Machine::detect(), devices: candle_cuda.beside(devices()), candle_cuda };
    print(&if arguments.json { serde_json::to_string_pretty(&listing)? + "\n" } else { plain(listing) })
}

fn plain(Listing { machine, devices, candle_cuda }: Listing) -> String {
    let unknown = || "unknown".to_owned();
    let count = |cores: Option<usize>| cores.map_or_else(unknown, |cores| cores.to_string());
    let list = |names: &[String]| if names.is_empty() { "none".into() } else { names.join(" ") };
    let mut text = String::from("devices\n");
    let width = devices.iter().map(|device| device.id.to_string().len()).max().unwrap_or_default();
    for device in &devices {
        text += format!("  {:<width$}  {}", device.id, state(device)).trim_end();
        text += "\n";
    }
    text += DIFFERENCE;
    let facts = [
        ("cores", format!("{} physical, {} logical", count(machine.physical_cores), count(machine.logical_cores))),
        ("kinds of core", kinds_of_core(&machine)),
        ("instruction sets", list(&machine.instruction_sets)),
        ("memory", machine.memory.map_or_else(unknown, |memory| memory.to_string())),
        ("system", [machine.os, machine.os_version].into_iter().flatten().collect::<Vec<_>>().join(" ")),
        ("features compiled in", list(&machine.features)),
        ("Candle on CUDA", beside(&candle_cuda)),
        (
            "build",
            format!(
                "shufflescope {} ({}), candle {}, {}",
                machine.version, machine.build, machine.candle, machine.target
            ),
        ),
    ];
    for (name, fact) in facts {
        text += &format!("{name:<22}{fact}\n");
    }
    text
}

/// Big and little ones, where the system tells them apart.
fn kinds_of_core(machine: &Machine) -> String {
    match &*machine.core_kinds {
        [] => "one, or unknown".into(),
        kinds => CoreKind::describe_all(kinds),
    }
}

/// Where stock Candle on CUDA is, and what it can use; or how to get it.
fn beside(found: &CandleCuda) -> String {
    let CandleCuda { program, devices, problem } = found;
    let ids: Vec<String> = devices.iter().map(|device| device.id.to_string()).collect();
    match (program, problem) {
        (Some(program), Some(problem)) => format!("{} cannot be used: {problem}", program.display()),
        (Some(program), None) => format!("{}: {}", program.display(), ids.join(" ")),
        (None, Some(problem)) => format!("not found: {problem}"),
        (None, None) => "compiled in".into(),
    }
}

/// A device's name and what is known of it, or why it cannot be used.
fn state(device: &DeviceInfo) -> String {
    let name = device.name.clone().unwrap_or_default();
    match (&device.unavailable, device.facts()) {
        (Some(reason), _) => format!("{name}{}not available: {reason}", if name.is_empty() { "" } else { "; " }),
        (None, facts) if facts.is_empty() => name,
        (None, facts) => format!("{name} ({facts}{})", timestamps(device)),
    }
}

/// Said only of what has no clock: kernels are timed there by the host's.
const fn timestamps(device: &DeviceInfo) -> &'static str {
    match device.timestamps {
        Some(false) => ", no timestamps",
        Some(true) | None => "",
    }
}

#[cfg(test)]
mod tests {
    use shufflescope_engine::device::{DeviceApi, DeviceId, DeviceKind, Precision};

    use super::*;

    #[test]
    fn every_device_is_told_with_what_is_known_and_the_software_one_as_what_it_is() {
        let card = DeviceInfo {
            name: Some("NVIDIA H100".into()),
            kind: Some(DeviceKind::DiscreteGpu),
            backend: Some(DeviceApi::Vulkan),
            driver: Some("NVIDIA 580.95.05".into()),
            precisions: Precision::PORTABLE.to_vec(),
            timestamps: Some(true),
            ..DeviceInfo::unknown(DeviceId::Gpu(0))
        };
        let software = DeviceInfo {
            name: Some("llvmpipe".into()),
            kind: Some(DeviceKind::Software),
            backend: Some(DeviceApi::Vulkan),
            timestamps: Some(false),
            ..DeviceInfo::unknown(DeviceId::SoftwareGpu)
        };
        let missing = DeviceInfo { unavailable: Some("no driver".into()), ..DeviceInfo::unknown(DeviceId::Cuda(0)) };
        let candle_cuda = CandleCuda {
            program: Some("shufflescope-candle-cuda".into()),
            problem: Some("no driver".into()),
            ..CandleCuda::default()
        };
        let devices = vec![card, software, missing];
        let text = plain(Listing { machine: Machine::detect(), devices, candle_cuda });
        for line in [
            "  gpu:0         NVIDIA H100 (discrete GPU, Vulkan, NVIDIA 580.95.05, f32 and f16)",
            "  gpu:software  llvmpipe (software: the processor plays a GPU, Vulkan, no timestamps)",
            "  cuda:0        not available: no driver",
            "Candle on CUDA        shufflescope-candle-cuda cannot be used: no driver",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}\n{text}");
        }
        assert!(text.contains("cuda:N may be the same card through CUDA: with our own kernels"), "{text}");
    }
}
