//! What kernels must know of a card.

/// What a card allows in one block, and how many it runs at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Card {
    /// Compute capability times ten: 75, 86, 90.
    pub capability: u32,
    /// Most shared memory of a block in bytes (`CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN`).
    pub shared_bytes: u32,
    /// Streaming multiprocessors.
    pub multiprocessors: u32,
    /// Most blocks in a cluster: 1 without clusters, 16 where a size beyond the portable 8 is allowed.
    pub cluster: u32,
}

impl Card {
    /// What every card from compute capability 7.5 on has.
    pub const LEAST: Self = Self { capability: 75, shared_bytes: 65_536, multiprocessors: 16, cluster: 1 };
    /// An RTX 3060, for the larger cards without clusters.
    pub const RTX_3060: Self = Self { capability: 86, shared_bytes: 101_376, multiprocessors: 28, cluster: 1 };
    /// An H100.
    pub const H100: Self = Self { capability: 90, shared_bytes: 232_448, multiprocessors: 132, cluster: 16 };

    /// Whether there are tensor cores for 16 bits that our kernels know.
    #[must_use]
    pub const fn has_f16(&self) -> bool {
        self.capability >= 75
    }

    /// Whether the tensor cores take TF32.
    #[must_use]
    pub const fn has_tf32(&self) -> bool {
        self.capability >= 80
    }
}
