//! The one store: what was measured on this machine, for windows and command lines at once.
//!
//! An embedded database (SQLite, write-ahead log) in the program's data folder. It keeps the last result of every
//! comparison, experiment, network and sweep point ([`Kept`]), the noise floors seen, and every finished run
//! ([`RunRecord`]) with the medians of its processes, which is what the variance between processes and the
//! [history](HistoryRow) of a design come from. Every row knows its [`RunContext`]: machine, program version, device and
//! way of running; what another context saw is never taken for the present one's.
//!
//! Nothing here is needed to measure: where the store cannot be used, its caller says so once and goes on without.

mod context;
mod error;
mod floors;
mod history;
mod kept;
mod lock;
mod open;
mod runs;
mod schema;
mod set_aside;
mod take_over;
#[cfg(test)]
mod tests;
mod timestamp;

pub use context::{RunContext, VERSION};
pub use error::StoreError;
pub use history::{HistoryOptions, HistoryRow};
pub use kept::{Kept, Kind};
pub use open::{Opened, Store};
pub use runs::RunRecord;
pub use set_aside::Damaged;
pub use timestamp::Timestamp;
