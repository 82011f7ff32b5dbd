//! Files of which a process that dies leaves nothing half behind: [written whole or not at all](write_atomically), and
//! [held](FileLock) by one process at a time.

mod atomic;
mod left_over;
mod lock;

pub use atomic::{check_writable, write_atomically};
pub use lock::FileLock;
