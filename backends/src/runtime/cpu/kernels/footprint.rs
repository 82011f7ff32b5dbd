//! What a program will allocate, by its steps.

use super::arena::Arena;
use super::program::lay_out_scratch;
use super::step::Step;

/// What a program allocates, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// The arena: feature maps and packed weights.
    pub arena: u64,
    /// The packed weights alone, which exist twice while they move into the arena.
    pub packed: u64,
    /// The scratch of one thread.
    pub scratch: u64,
}

impl Footprint {
    /// Enough for one program and, before or after it, another.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        let larger = |part: fn(&Self) -> u64| part(&self).max(part(&other));
        Self {
            arena: larger(|footprint| footprint.arena),
            packed: larger(|footprint| footprint.packed),
            scratch: larger(|footprint| footprint.scratch),
        }
    }

    /// What [`Program::new`](super::Program::new) would allocate for these steps and feature maps of `floats`.
    pub fn of(steps: &mut [Step], floats: usize) -> Self {
        let weights = steps.iter_mut().filter_map(Step::weights).map(|weights| weights.room());
        let weights = weights.fold(0, usize::saturating_add);
        Self {
            arena: Arena::bytes(floats.saturating_add(16).saturating_add(weights)),
            packed: Arena::bytes(weights),
            scratch: Arena::bytes(lay_out_scratch(steps).unwrap_or(usize::MAX)),
        }
    }
}
