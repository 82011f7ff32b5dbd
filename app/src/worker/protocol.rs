//! What window and worker say to each other.

use serde::{Deserialize, Serialize};
use shufflescope_engine::design::Design;
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::{Measurement, Peaks, ProcessSamples, Protocol};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::units::Nanos;

/// Spoken by this build; both sides must agree.
pub const VERSION: u32 = 2;

/// A line longer than this is not from our worker.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// Names one request; larger is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub u64);

/// Window to worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// First line: which protocol the window speaks.
    Hello {
        /// [`VERSION`].
        version: u32,
    },
    /// Measures; a newer request cancels an older one.
    Measure {
        /// Tags every event that answers.
        ticket: Ticket,
        /// What to measure.
        job: Box<Job>,
    },
    /// Measures what the device can do at most, with the worker's threads; a newer request cancels it.
    Peaks {
        /// Tags the event that answers.
        ticket: Ticket,
        /// The device.
        device: DeviceId,
    },
    /// Stops the measurement in progress.
    Cancel,
}

/// One measurement, with everything that influences it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The network.
    pub design: Design,
    /// Device, runtime, threads, batch.
    pub options: RunOptions,
    /// How to measure.
    pub protocol: Protocol,
    /// A weights file, or seeded random weights.
    pub weights: Option<std::path::PathBuf>,
    /// In live mode: goes on sampling until the median is known as well as rigorous mode asks, 5 s at most.
    pub refine: bool,
}

/// Worker to window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Answer to the greeting.
    Hello {
        /// [`VERSION`] of the worker.
        version: u32,
        /// Size of the worker's thread pool, as it reports it.
        threads: usize,
    },
    /// Weights are being made and packed.
    Preparing {
        /// The request.
        ticket: Ticket,
    },
    /// Samples are coming in.
    Progress {
        /// The request.
        ticket: Ticket,
        /// Done, from 0 to 1.
        fraction: f64,
        /// Time left, by the protocol's budget.
        left: Nanos,
        /// What the samples so far say, once there are enough.
        partial: Option<Box<Measurement>>,
    },
    /// Done: the summary and the raw samples that it was made from.
    Done {
        /// The request.
        ticket: Ticket,
        /// The summary of this process.
        measurement: Box<Measurement>,
        /// Its raw samples, for a summary over several processes.
        samples: Box<ProcessSamples>,
    },
    /// What the device can do at most.
    Peaks {
        /// The request.
        ticket: Ticket,
        /// As measured.
        peaks: Box<Peaks>,
    },
    /// Cancelled by request or by a newer one.
    Cancelled {
        /// The request.
        ticket: Ticket,
    },
    /// The request cannot be done.
    Failed {
        /// The request.
        ticket: Ticket,
        /// Cause and remedy.
        message: String,
    },
}
