//! Where a job runs, and in which program: this one, one beside it that has what this one was built without, or one on
//! another machine, which the system's `ssh` reaches.

mod address;
mod candle_cuda;
mod copy;
mod launcher;
mod ssh;
mod trouble;

pub use address::{AddressError, HERE, SshAddress, Target};
pub use candle_cuda::{CANDLE_CUDA, CANDLE_CUDA_VARIABLE, NoCandleCuda, find_candle_cuda, needs_candle_cuda};
pub use copy::{Copied, CopyError};
pub(crate) use copy::{hash_of, hex};
pub use launcher::{Launcher, Programs};
pub use ssh::{RemoteProgram, SSH_VARIABLE, Ssh};
pub use trouble::Trouble;
pub(crate) use trouble::explain_end;
use trouble::what_ssh_says;
