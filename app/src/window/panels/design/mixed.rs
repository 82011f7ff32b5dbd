//! A setting over many stages.

use shufflescope_engine::design::{BlockEdit, Stage};

/// What stages have of one setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting<T> {
    /// None has it.
    Absent,
    /// Every one that has it agrees.
    Same(T),
    /// They differ; the first one's value.
    Mixed(T),
}

impl<T: PartialEq + Copy> Setting<T> {
    /// What these stages have.
    pub fn of(stages: &[Stage], get: impl Fn(&Stage) -> Option<T>) -> Self {
        let mut values = stages.iter().filter_map(get);
        match values.next() {
            None => Self::Absent,
            Some(first) if values.all(|value| value == first) => Self::Same(first),
            Some(first) => Self::Mixed(first),
        }
    }

    /// What the units of these stages have: `pick` tells the setting among all of a unit's.
    pub fn of_units(stages: &[Stage], pick: impl Fn(BlockEdit) -> Option<T>) -> Self {
        Self::of(stages, |stage| stage.block.settings().into_iter().find_map(&pick))
    }

    /// The value where there is one, and whether all share it.
    pub const fn value(&self) -> Option<(T, bool)> {
        match self {
            Self::Absent => None,
            Self::Same(value) => Some((*value, true)),
            Self::Mixed(value) => Some((*value, false)),
        }
    }

    /// The value that all share.
    pub const fn shared(&self) -> Option<T> {
        match self {
            Self::Same(value) => Some(*value),
            Self::Absent | Self::Mixed(_) => None,
        }
    }
}
