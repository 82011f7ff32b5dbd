//! `shufflescope devices`: what can be measured on, and with what.

use serde::Serialize;
use shufflescope_engine::device::{DeviceInfo, Machine, devices};

use super::output::print;

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
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let listing = Listing { machine: Machine::detect(), devices: devices() };
    if arguments.json {
        return print(&(serde_json::to_string_pretty(&listing)? + "\n"));
    }
    let Listing { machine, devices } = listing;
    let unknown = || "unknown".to_owned();
    let count = |cores: Option<usize>| cores.map_or_else(unknown, |cores| cores.to_string());
    let list = |names: &[String]| if names.is_empty() { "none".into() } else { names.join(" ") };
    let mut text = String::from("devices\n");
    for device in devices {
        let name = device.name.unwrap_or_default();
        let state = device.unavailable.map_or_else(String::new, |reason| format!("not available: {reason}"));
        text += format!("  {:<8}  {name}{state}", device.id).trim_end();
        text += "\n";
    }
    let facts = [
        ("cores", format!("{} physical, {} logical", count(machine.physical_cores), count(machine.logical_cores))),
        ("instruction sets", list(&machine.instruction_sets)),
        ("memory", machine.memory.map_or_else(unknown, |memory| memory.to_string())),
        ("system", [machine.os, machine.os_version].into_iter().flatten().collect::<Vec<_>>().join(" ")),
        ("features compiled in", list(&machine.features)),
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
    print(&text)
}
