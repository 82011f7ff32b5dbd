//! Where networks run and what the machine is: device names, opening, discovery, and the conditions of a measurement.
//!
//! What does not change while the program runs is the [`Machine`]; what changes from one measurement to the next are the
//! [`Conditions`]. Whatever a sensor does not tell is `None`: unknown is never 0 and never "fine".

#[cfg(feature = "gpu")]
mod adapters;
mod card;
mod conditions;
mod cores;
pub mod cuda;
mod discover;
mod emulator;
mod id;
mod info;
mod instruction_sets;
mod machine;
mod no_gpu;
mod nodes;
mod open;
mod precision;
mod sensors;

pub use card::{CardProbe, CardState, Throttle};
pub use conditions::{ClockLimit, Conditions, ConditionsProbe, available_memory};
pub use cores::{CoreKind, cores_of_this_thread, keep_to_fastest, like_cores, usable_cores};
pub use discover::devices;
pub use emulator::emulator;
pub use id::{DeviceId, ParseDeviceError};
pub use info::{DeviceApi, DeviceInfo, DeviceKind};
pub use machine::{CANDLE_VERSION, Machine};
pub use no_gpu::NoGpu;
pub use open::{Device, DeviceError};
pub use precision::Precision;
