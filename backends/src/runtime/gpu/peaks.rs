//! What a GPU can do at most.

use crate::units::{Bytes, MultAdds, Nanos};

/// The best that was seen, each as work and the time that it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpuPeaks {
    /// Multiplications with addition in 32 bits, in registers.
    pub compute: (MultAdds, Nanos),
    /// Bytes read and written by a copy through memory.
    pub copy: (Bytes, Nanos),
    /// From one tiny launch to the next that depends on it.
    pub launch: Nanos,
}
