//! What a person should know before trusting a number: each warning carries its figures, its cause and a remedy.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use thiserror::Error;

use super::samples::Discard;
use crate::units::Nanos;

/// A reason to doubt a measurement. In JSON: `kind`, the figures, and `message`, the text shown to people.
#[derive(Clone, Debug, Error, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", tag = "kind", rename_all = "kebab-case")]
#[schemars(!remote, transform = with_message)]
pub enum Warning {
    /// The run's own median is not known well.
    #[error(
        "rough: this run's median is only known to ± {}; close other programs or measure in rigorous mode",
        percent(.half_width)
    )]
    Rough {
        /// Relative half-width of the interval within the run.
        half_width: f64,
    },
    /// Rigorous mode ended before it knew the median well enough.
    #[error(
        "time was up at ± {}, far from the target of ± {}; measure again on a quieter machine",
        percent(.half_width), percent(.target)
    )]
    TargetNotReached {
        /// Relative half-width of the median's interval.
        half_width: f64,
        /// The half-width aimed for.
        target: f64,
    },
    /// Too few samples for a 95 % interval.
    #[error(
        "only {samples} samples: the interval is their whole range and holds the median with {} probability; \
         measure in rigorous mode, or a smaller input or batch",
        percent(.coverage)
    )]
    FewSamples {
        /// Unmarked samples taken.
        samples: usize,
        /// Actual coverage of the interval.
        coverage: f64,
    },
    /// Fewer processes than the protocol asks for.
    #[error(
        "only {processes} of at least {minimum} processes were measured, so differences between processes are \
         hardly covered; let the measurement finish"
    )]
    FewProcesses {
        /// Processes with samples.
        processes: usize,
        /// Fewest that the protocol asks for.
        minimum: usize,
    },
    /// Timing the kernels slowed the run down.
    #[error(
        "timing each kernel made the run {} of its unmarked time; take the per-layer times as proportions, \
         the headline is not affected",
        percent(.ratio)
    )]
    MarkingOverhead {
        /// Median of the marked runs relative to the unmarked ones.
        ratio: f64,
    },
    /// Warm-up ended because its time was up.
    #[error(
        "the times were still changing when warm-up ended after {runs} runs and {time}; \
         measure again, or in rigorous mode, which warms up longer"
    )]
    NotSettled {
        /// Warm-up runs of the process concerned.
        runs: usize,
        /// Its warm-up time.
        #[serde(rename = "time_ns")]
        time: Nanos,
    },
    /// The processor changed its speed for good.
    #[error(
        "fixed work took {} of its earlier time in the later half: the processor's clock changed; \
         let it cool down, close other programs, and measure again",
        percent(1.0 + .drift)
    )]
    CanaryDrift {
        /// Median of the later readings relative to that of the earlier ones: 0.14 is 14 % slower.
        drift: f64,
    },
    /// Rigorous mode found too few samples at the processor's usual clock.
    #[error(
        "fixed work took {} of its usual time on this machine, and too little ran at the usual clock: this is of all \
         samples; close other programs, let it cool down, and measure again",
        percent(.ratio)
    )]
    ClockOff {
        /// Median canary reading relative to the usual one: 1.14 is 14 % slower.
        ratio: f64,
    },
    /// Many samples were disturbed from outside.
    #[error(
        "{} of the samples were disturbed: {}; close other programs, use fewer threads, and measure again",
        percent(.share), .cause.name()
    )]
    Disturbed {
        /// By what.
        cause: Discard,
        /// Share of the unmarked samples, 0 to 1.
        share: f64,
    },
    /// Other programs used the processor.
    #[error("other programs used {} of the processor meanwhile; close them and measure again", percent(.share))]
    BusyMachine {
        /// Share of all cores, 0 to 1.
        share: f64,
    },
    /// One run is too short for the timer.
    #[error(
        "one run is too short for the timer's tick of {precision}: each sample is the average of {runs_per_sample} runs, \
         so the spread of single runs is not seen; raise the batch or the input"
    )]
    CoarseTimer {
        /// The tick.
        #[serde(rename = "precision_ns")]
        precision: Nanos,
        /// Runs averaged in each sample.
        runs_per_sample: u64,
    },
    /// Fresh processes measured different medians. Only in files of version 0.1: the interval says it now.
    #[error(
        "the processes' medians lie {} apart (memory layout, thread placement or other programs); \
         judge differences smaller than that with care",
        percent(.spread)
    )]
    SpreadBetweenProcesses {
        /// Largest less smallest process median, relative to the median of all.
        spread: f64,
    },
    /// The device waits for the host.
    #[error(
        "launch-bound: enqueuing took {} of {}, so the device waits for the host; \
         raise the batch, or use a runtime with fewer kernels",
        percent(.ratio), of_what(.device_time)
    )]
    LaunchBound {
        /// Median enqueue time relative to the device time or, where that is unknown, to the median whole time.
        ratio: f64,
        /// Median device time.
        #[serde(default, rename = "device_time_ns")]
        device_time: Option<Nanos>,
    },
    /// The host waits much longer than the device computes.
    #[error(
        "the device computes for {device_time} of the {whole} that the host waits: the other {} go into enqueuing \
         ({enqueue}), the way to the device and the word that it is done; raise the batch, which costs this once",
        rest(.whole, .device_time)
    )]
    HostLatency {
        /// Median whole time.
        #[serde(rename = "whole_ns")]
        whole: Nanos,
        /// Median device time.
        #[serde(rename = "device_time_ns")]
        device_time: Nanos,
        /// Median enqueue time.
        #[serde(rename = "enqueue_ns")]
        enqueue: Nanos,
    },
    /// There was no time to find every kernel's fastest form.
    #[error(
        "{kernels} kernels may have a faster form, which there was no time yet to look for; measure again, what is found is \
         remembered"
    )]
    Untuned {
        /// How many.
        kernels: usize,
    },
    /// There is no compiler for kernels here.
    #[error(
        "the kernels were made beforehand for any card and any size, and are slower than those compiled here would be; \
         install the CUDA toolkit or PyPI's `nvidia-cuda-nvrtc`, or set `SHUFFLESCOPE_NVRTC` to the folder that has it"
    )]
    KernelsMadeBeforehand,
    /// The runtime used another number of threads than asked for.
    #[error("{asked} threads were asked for, the runtime used {used}; the result is for {used}")]
    ThreadsDiffer {
        /// Threads asked for.
        asked: usize,
        /// Threads used, as the runtime reports them.
        used: usize,
    },
    /// The card held its clocks down.
    #[error(
        "the card held its clocks down because of {by} (multiprocessors at {}): let it cool down, raise its power limit, or \
         keep others off it, and measure again",
        megahertz(.sm_clock_mhz)
    )]
    CardThrottled {
        /// Why, in words.
        by: String,
        /// The lowest clock of the multiprocessors that was read.
        sm_clock_mhz: Option<u32>,
    },
    /// Another processor only plays this one.
    #[error(
        "{by} plays this processor: the times are the emulator's and say nothing of a real one; measure on the machine \
         itself"
    )]
    Emulated {
        /// The emulator.
        by: String,
    },
    /// Not all threads had one of the fastest cores.
    #[error(
        "{threads} threads ran on cores of several kinds ({kinds}), and the fast ones wait for the slow ones; \
         use at most {fastest}"
    )]
    MixedCores {
        /// Threads used.
        threads: usize,
        /// The kinds, the fastest first, in words.
        kinds: String,
        /// Cores of the fastest kind.
        fastest: usize,
    },
    /// Threads have to share cores.
    #[error("{threads} threads share {cores} cores and wait for each other; use at most {cores}")]
    MoreThreadsThanCores {
        /// Threads used.
        threads: usize,
        /// Cores that the process may use.
        cores: usize,
    },
}

/// Whole percent from 10 % up, one digit below.
fn percent(ratio: impl std::borrow::Borrow<f64>) -> String {
    let percent = ratio.borrow() * 100.0;
    if percent.abs() < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

fn megahertz(clock: &Option<u32>) -> String {
    clock.map_or_else(|| "an unknown clock".into(), |mhz| format!("{mhz} MHz"))
}

fn rest(whole: &Nanos, device_time: &Nanos) -> Nanos {
    whole.since(*device_time)
}

fn of_what(device_time: &Option<Nanos>) -> String {
    match device_time {
        Some(device) => format!("the {device} that the device computes"),
        None => "the whole time".into(),
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct WithMessage<'a> {
            #[serde(flatten, with = "Warning")]
            warning: &'a Warning,
            message: String,
        }
        WithMessage { warning: self, message: self.to_string() }.serialize(serializer)
    }
}

/// The key that is written beside the figures and not read.
fn with_message(schema: &mut Schema) {
    let kinds = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    for kind in kinds.into_iter().flatten().filter_map(Value::as_object_mut) {
        let message = json!({ "description": "The text shown to people.", "type": "string" });
        if let Some(properties) = kind.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("message".into(), message);
        }
        if let Some(required) = kind.get_mut("required").and_then(Value::as_array_mut) {
            required.push("message".into());
        }
    }
}

impl<'de> Deserialize<'de> for Warning {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_exported_with_its_figures_and_its_text() {
        let warning = Warning::MoreThreadsThanCores { threads: 8, cores: 2 };
        let json = serde_json::to_value(&warning).unwrap();
        let message = "8 threads share 2 cores and wait for each other; use at most 2";
        let expected = serde_json::json!({
            "kind": "more-threads-than-cores", "threads": 8, "cores": 2, "message": message,
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Warning>(json).unwrap(), warning);
    }

    #[test]
    fn the_text_names_cause_and_remedy_with_readable_figures() {
        let text = Warning::Rough { half_width: 0.0834 }.to_string();
        assert_eq!(
            text,
            "rough: this run's median is only known to ± 8.3 %; close other programs or measure in rigorous mode"
        );
        let text = Warning::NotSettled { runs: 12, time: Nanos::from_millis(150) }.to_string();
        assert!(text.contains("12 runs and 150 ms"), "{text}");
        let text = Warning::CanaryDrift { drift: -0.2 }.to_string();
        assert!(text.contains("took 80 % of its earlier time"), "{text}");
        let text = Warning::CardThrottled { by: "heat".into(), sm_clock_mhz: Some(1_200) }.to_string();
        assert!(text.contains("because of heat (multiprocessors at 1200 MHz): let it cool down"), "{text}");
        let text = Warning::Disturbed { cause: Discard::Preempted, share: 0.25 }.to_string();
        assert!(text.starts_with("25 % of the samples were disturbed: the system took a core away; close"), "{text}");
    }
}
