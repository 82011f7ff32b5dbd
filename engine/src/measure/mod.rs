//! Measures an executable: the protocol, the sampler that follows it, and the immutable result.
//!
//! The way of a number: [`sample`] drives an [`Executable`](crate::runtime::Executable) in one process and keeps every
//! raw time in [`ProcessSamples`]; [`Measurement::summarise`] makes one [`Measurement`] of one or more processes, with
//! spread, [`Repeatability`] and [`Warning`]s. Where networks are to be compared, [`interleave`] measures them in turns
//! into [`Interleaved`], and [`compare()`] gives the verdict on any two. [`measure_apart`] times every layer as a kernel
//! of its own, in proportion to which [`Split`] divides a fused kernel's time. Only these three touch the world, and that
//! through a [`Clock`](crate::clock::Clock) and a [`Canary`], so the whole scheduler is tested on the clock of [`fake`] that takes
//! exactly the time it is told.

mod apart;
mod breakdown;
mod canary;
mod compare;
mod disturbance;
mod error;
pub mod fake;
mod interleave;
mod interleaved;
mod judge;
mod key;
mod measurement;
mod noise_floor;
mod peaks;
mod progress;
mod protocol;
mod repeatability;
mod sampler;
mod samples;
mod schedule;
mod split;
mod spread;
mod statistics;
mod student;
mod timed;
mod usual_clock;
mod warm_up;
mod warning;
mod within_run;

pub use apart::{Apart, LayerTime, measure_apart};
pub use breakdown::{Breakdown, KernelLabel, KernelTime};
pub use canary::{ArithmeticCanary, Canary, CanaryReport};
pub use compare::{Comparison, Difference, LEAST_MARGIN, MINIMUM_ROUNDS, PairedSamples, RatioInterval, compare};
pub use disturbance::{Counts, SystemWatch, Undisturbed, Watch};
pub use error::MeasureError;
pub use interleave::{InterleaveProgress, InterleaveRules, InterleaveStep, interleave};
pub use interleaved::{Block, Interleaved, Round, RowRecord};
pub use key::MeasureKey;
pub use measurement::{Circumstances, Measurement, ProcessRecord};
pub use noise_floor::NoiseFloor;
pub use peaks::{Peaks, PeaksError, measure_peaks};
pub use progress::{Phase, Progress};
pub use protocol::{EarlyStop, Mode, Processes, Protocol, RunCounts, SamplingRules, SteadyRule, WarmUpRules};
pub use repeatability::{Basis, EarlierRuns, Repeatability, Scatter};
pub use sampler::{Instruments, sample};
pub use samples::{Discard, MarkedRun, ProcessSamples, SetAside, Stop};
pub use split::{KernelSplit, SPLIT_LABEL, Split};
pub use spread::{MedianRange, Spread, WithinRun};
pub use statistics::{Interval, Sorted};
pub use warm_up::WarmUp;
pub use warning::Warning;
