//! Files of which a process that dies leaves nothing half behind: [written whole or not at all](write_atomically), and
//! [held](FileLock) by one process at a time; and files that are read with care.
//! JSON is read from slices of bytes everywhere, so that each value's reading is compiled once.

mod atomic;
pub mod json;
mod left_over;
mod lock;
mod read;

pub use self::atomic::{check_writable, write_atomically};
pub use self::lock::FileLock;
pub use self::read::{open_regular, open_regular_with, read_at_most, read_regular};
