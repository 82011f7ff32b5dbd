//! How different a network looks from itself: what no comparison on this machine may be finer than.
//!
//! Measured by interleaving a network with a second copy of itself, prepared anew and so elsewhere in memory. Whatever
//! difference is left over all sittings is the machine's and the method's: what only scatters from sitting to sitting is
//! in the interval of every ratio already. The [store](crate::store::Store::floor) remembers those seen, and the largest
//! of the last five counts.

use serde::{Deserialize, Serialize};

/// The share by which a network differed from itself: 0.012 is 1.2 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoiseFloor {
    /// The share.
    pub share: f64,
}

impl NoiseFloor {
    /// The larger of both.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { share: self.share.max(other.share) }
    }
}
