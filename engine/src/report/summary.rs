//! What a profile says in a few lines: the headline, the environment and the method, for every format that people read.

use super::{Profile, what_fusing_saves};
use crate::device::{Conditions, CoreKind, Machine};
use crate::measure::{Measurement, MedianRange};
use crate::model::Model;
use crate::units::MultAdds;

/// Where a number comes from; never mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Arithmetic over the design.
    Computed,
    /// Taken on the device.
    Measured,
    /// Printed in the source named; other hardware, other software.
    Published,
    /// Nobody knows.
    Unknown,
}

impl Origin {
    /// The word shown beside the number.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::Measured => "measured",
            Self::Published => "published",
            Self::Unknown => "unknown",
        }
    }
}

/// One line of a summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// Its value with its unit.
    pub value: String,
    /// What else belongs to it: the exact count, the interval, the source.
    pub detail: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Totals on paper, the latency where it was measured, and what is published about a preset that was not changed.
#[must_use]
pub fn headline(profile: &Profile) -> Vec<Fact> {
    let total = &profile.cost.total;
    let computed = |name, value: String, detail: String| Fact { name, value, detail, origin: Origin::Computed };
    let flops = MultAdds(total.mult_adds.0.saturating_mul(2));
    let mut facts = vec![
        computed(
            "mult-adds",
            total.mult_adds.to_string(),
            format!("exactly {}; FLOPs = 2 x mult-adds: {flops}", total.mult_adds.0),
        ),
        computed("parameters", total.params.to_string(), format!("exactly {}", total.params.0)),
        computed(
            "memory access",
            total.memory_access_bytes.to_string(),
            format!("{} elements read and written once, exactly {}", total.memory_access, total.memory_access.0),
        ),
        computed(
            "arithmetic intensity",
            total.arithmetic_intensity.map_or_else(|| "none".into(), |flop| format!("{flop:.1} FLOP/B")),
            "FLOPs per byte of memory access".into(),
        ),
        computed(
            "peak activations",
            total.peak_activation_bytes.to_string(),
            format!("alive at {}", total.peak_activation_layer),
        ),
    ];
    facts.extend(profile.measurement.iter().flat_map(|measurement| measured(profile, measurement)));
    facts.extend(taught(profile));
    facts.extend(published(profile));
    facts
}

/// What was measured on a person's own pictures.
fn taught(profile: &Profile) -> Option<Fact> {
    let accuracy = profile.accuracy.as_ref()?;
    let detail = format!(
        "{} of {} held-out pictures of {}; 95 % interval",
        accuracy.correct(),
        accuracy.held_out(),
        accuracy.data()
    );
    Some(Fact { name: "accuracy", value: accuracy.to_string(), detail, origin: Origin::Measured })
}

fn measured(profile: &Profile, measurement: &Measurement) -> Vec<Fact> {
    let whole = &measurement.whole;
    let gflops = 2.0 * profile.cost.total.mult_adds.as_f64() / whole.median.as_f64().max(1.0);
    let images = f64::from(measurement.batch) / whole.median.as_secs_f64().max(1e-12);
    let fact = |name, value, detail| Fact { name, value, detail, origin: Origin::Measured };
    let mut facts = vec![
        fact(
            "latency",
            whole.median.to_string(),
            format!(
                "median of {} runs; {}; interval {} to {} ({}); fastest {}",
                whole.samples,
                whole.certainty(),
                whole.low,
                whole.high,
                measurement.interval_rests_on(),
                whole.min
            ),
        ),
        fact("rate", format!("{images:.1} images/s"), format!("{gflops:.1} GFLOP/s at batch {}", measurement.batch)),
    ];
    facts
        .extend(on_device(measurement).into_iter().map(|DeviceFact { name, value, detail }| fact(name, value, detail)));
    facts
}

/// What a device that is fed by the host tells beside the latency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFact {
    /// What it is.
    pub name: &'static str,
    /// Its value with its unit, or `unknown`.
    pub value: String,
    /// Of what it is, and where it lies.
    pub detail: String,
}

/// Device time, enqueue and transfer, apart from each other; on the processor, which has none of them, how many threads run
/// and why; and what fewer bits do to the logits.
#[must_use]
pub fn on_device(measurement: &Measurement) -> Vec<DeviceFact> {
    let Some(enqueue) = &measurement.enqueue else {
        return threads(measurement).into_iter().chain(effect(measurement)).collect();
    };
    let fact = |name, value: String, detail: String| DeviceFact { name, value, detail };
    let interval = |range: &MedianRange| format!("interval {} to {}", range.low, range.high);
    let bound = if measurement.launch_bound().is_some() { "; launch-bound: the device waits for the host" } else { "" };
    let mut facts = vec![
        match &measurement.device_time {
            Some(device) => fact(
                "device time",
                device.median.to_string(),
                format!("by the device's own timestamps, first kernel to last; {}", interval(device)),
            ),
            None => fact("device time", "unknown".into(), "the device gives no timestamps that can be believed".into()),
        },
        fact(
            "enqueue",
            enqueue.median.to_string(),
            format!("host time until the calls that start a run returned; {}{bound}", interval(&(*enqueue).into())),
        ),
    ];
    if let Some(transfer) = &measurement.transfer {
        let what = "host time to bring the input to the device and the result back, in no other number";
        facts.push(fact("transfer", transfer.median.to_string(), format!("{what}; {}", interval(transfer))));
    }
    facts.extend(effect(measurement));
    if let Some(card) = &measurement.conditions.card {
        facts.push(fact("card", card.sm_clock(), format!("clock of the multiprocessors; {card}")));
    }
    facts
}

/// How many of the threads asked for ran, and what others would take, where that was tried.
#[must_use]
pub fn threads(measurement: &Measurement) -> Option<DeviceFact> {
    let choice = measurement.thread_choice.as_ref()?;
    let value =
        if choice.is_as_asked() { choice.used.to_string() } else { format!("{} of {}", choice.used, choice.asked) };
    let found = Some(choice.describe()).filter(|found| !found.is_empty());
    let detail = found.unwrap_or_else(|| "a run takes so long that all of them help".into());
    Some(DeviceFact { name: "threads", value, detail })
}

/// What the precision does to the logits, where that is known.
fn effect(measurement: &Measurement) -> Option<DeviceFact> {
    let effect = measurement.precision_effect.as_ref()?;
    let of = measurement.precision;
    let ranges = effect.ranges.as_ref().map(|ranges| format!("; ranges of values from {ranges}")).unwrap_or_default();
    let same = "beside f32 on the same input, relative to the greatest logit";
    let detail = format!("{of} {same}; {}{ranges}", effect.top1());
    Some(DeviceFact { name: "logits", value: effect.difference(), detail })
}

fn published(profile: &Profile) -> Vec<Fact> {
    let Some(published) = profile.design.published() else {
        if profile.accuracy.is_some() {
            return Vec::new();
        }
        let detail = match profile.design {
            Model::Design(_) => "nobody has trained this design",
            Model::Network(_) => "no figure of a publication is known here",
            Model::File(_) => "the file does not tell it",
        };
        return vec![Fact {
            name: "accuracy",
            value: "unknown".into(),
            detail: detail.into(),
            origin: Origin::Unknown,
        }];
    };
    let fact = |name, value: String, what: &str| Fact {
        name,
        value,
        detail: format!("{what}{}", published.source),
        origin: Origin::Published,
    };
    let mut facts = vec![match published.top1_error_percent {
        Some(error) => fact("top-1 error", format!("{error:.1} %"), "ImageNet, single crop; "),
        None => Fact { name: "accuracy", value: "unknown".into(), detail: String::new(), origin: Origin::Unknown },
    }];
    if let Some(batches) = published.gpu_batches_per_second {
        facts.push(fact("GPU speed", format!("{batches} batches/s"), "batches of 8 on a GTX 1080Ti; "));
    }
    if let Some(images) = published.arm_images_per_second {
        facts.push(fact("ARM speed", format!("{images} images/s"), "one thread of a Snapdragon 810; "));
    }
    facts
}

/// The machine, the program and, where something was measured, the conditions meanwhile.
#[must_use]
pub fn environment(profile: &Profile) -> Vec<(&'static str, String)> {
    let machine = &profile.machine;
    let unknown = || "unknown".to_owned();
    let count = |cores: Option<usize>| cores.map_or_else(unknown, |cores| cores.to_string());
    let list = |names: &[String]| if names.is_empty() { "none known".into() } else { names.join(", ") };
    let system: Vec<&str> =
        [&machine.os, &machine.os_version, &machine.kernel_version].into_iter().flatten().map(String::as_str).collect();
    let mut facts = vec![
        ("processor", machine.cpu_model.clone().unwrap_or_else(unknown)),
        ("cores", cores(machine, &count(machine.physical_cores), &count(machine.logical_cores))),
        ("instruction sets", list(&machine.instruction_sets)),
        ("memory", machine.memory.map_or_else(unknown, |memory| memory.to_string())),
        ("system", if system.is_empty() { unknown() } else { system.join(" ") }),
        (
            "program",
            format!(
                "ShuffleScope {} ({}, {}), Candle {}",
                machine.version, machine.build, machine.target, machine.candle
            ),
        ),
    ];
    if let Model::File(file) = &profile.design {
        facts.insert(0, ("model", format!("{}, content {}", file.path().display(), file.content())));
    }
    if let Some(measurement) = &profile.measurement {
        let conditions = &measurement.conditions;
        let others = conditions.others_cpu_share.map_or_else(unknown, |share| format!("{:.0} %", 100.0 * share));
        facts.push(("other programs", format!("{others} of the processor meanwhile")));
        facts.push(("clock", clock(conditions)));
        if !conditions.cores.is_empty() {
            facts.push(("kept to cores", CoreKind::describe_all(&conditions.cores)));
        }
    }
    facts
}

fn cores(machine: &Machine, physical: &str, logical: &str) -> String {
    let kinds = CoreKind::describe_all(&machine.core_kinds);
    format!("{physical} physical, {logical} logical{}{kinds}", if kinds.is_empty() { "" } else { ": " })
}

/// The processor's clock, what it is held to, and the heat, as far as each is known.
fn clock(conditions: &Conditions) -> String {
    let mut facts = vec![match conditions.cpu_mhz {
        Some(mhz) => format!("{mhz} MHz, the fastest core"),
        None => "unknown".to_owned(),
    }];
    facts.extend(conditions.clock_limit.map(|limit| format!("held to {} of {} MHz", limit.mhz, limit.most_mhz)));
    facts.extend(conditions.cpu_celsius.map(|celsius| format!("{celsius:.0} °C")));
    facts.join("; ")
}

/// How the measurement was taken; empty where nothing was measured.
#[must_use]
pub fn method(profile: &Profile) -> Vec<(&'static str, String)> {
    let Some(measurement) = &profile.measurement else { return Vec::new() };
    let discarded: Vec<String> =
        measurement.discarded.iter().map(|(cause, count)| format!("{count} ({})", cause.name())).collect();
    let warm_up = &measurement.warm_up;
    let drift = measurement.canary.drift.map_or_else(|| "unknown".into(), |drift| format!("{:+.1} %", 100.0 * drift));
    let threads = if measurement.threads == 1 { "thread" } else { "threads" };
    let mut facts = vec![
        ("device", format!("{}, {} {threads}", measurement.device, measurement.threads)),
        ("runtime", format!("{}{}", measurement.runtime, measurement.precision.remark())),
        ("batch", measurement.batch.to_string()),
        ("mode", format!("{}, processes: {}", measurement.mode, measurement.processes.len())),
        (
            "latency",
            "median of unmarked runs; fresh runs: Student's t over processes or earlier runs; this run: batch means"
                .into(),
        ),
        (
            "warm-up",
            format!(
                "{} runs in {}, first run {}, {}",
                warm_up.runs,
                warm_up.time,
                warm_up.first_run,
                if warm_up.settled { "settled" } else { "not settled" }
            ),
        ),
        ("timer", format!("tick {}, a reading costs {}", measurement.timer.precision, measurement.timer.read_cost)),
        (
            "canary",
            format!(
                "fixed work, {} readings, drift {drift}, {} disturbed",
                measurement.canary.readings, measurement.canary.disturbed
            ),
        ),
        ("left out", if discarded.is_empty() { "no sample".into() } else { discarded.join(", ") }),
    ];
    if let Some(breakdown) = &measurement.breakdown {
        let overhead = breakdown.marking_overhead.map_or_else(|| "unknown".into(), |ratio| format!("{ratio:.3}"));
        facts.push((
            "kernel times",
            format!(
                "medians of {} marked runs, {} clock: sum {} + unaccounted {} = marked whole {}; marking overhead {overhead}",
                breakdown.samples, breakdown.clock, breakdown.sum, breakdown.unaccounted, breakdown.marked_whole
            ),
        ));
    }
    let kernels = measurement.breakdown.iter().flat_map(|breakdown| &breakdown.kernels);
    if let Some(most) = kernels.max_by_key(|kernel| kernel.launches).filter(|kernel| kernel.launches > 1) {
        let (runtime, layers, launches) = (measurement.runtime, most.layers.join(", "), most.launches);
        facts.push((
            "launches",
            format!("{runtime} goes through grouped convolutions group by group: {launches} for {layers}"),
        ));
    }
    if let Some(apart) = &measurement.apart {
        let saved = what_fusing_saves(measurement).map(|text| format!(" {text}")).unwrap_or_default();
        let layers = apart.layers.len();
        facts.push((
            "layers apart",
            format!(
                "medians of marked runs with {layers} layers as kernels of their own, whole {}.{saved}",
                apart.whole
            ),
        ));
    }
    facts
}
