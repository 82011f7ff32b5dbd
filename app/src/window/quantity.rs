//! What bars and boxes can be measured by: time, mult-adds or memory access.

use serde::{Deserialize, Serialize};
use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::units::{Elements, MultAdds, Nanos};

use super::layer_times::LayerTimes;

/// What is meant by large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Measured time, or predicted time while nothing is measured.
    #[default]
    Time,
    /// Mult-adds, on paper.
    MultAdds,
    /// Memory access, on paper.
    MemoryAccess,
}

impl Quantity {
    /// All of them with a word for each, in the order offered.
    pub const CHOICES: [(Self, &'static str); 3] =
        [(Self::Time, "time"), (Self::MultAdds, "mult-adds"), (Self::MemoryAccess, "memory access")];

    /// A word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::MultAdds => "mult-adds",
            Self::MemoryAccess => "memory access",
        }
    }
}

/// What several layers take and cost together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Measured or predicted; `None` where neither is known.
    pub time: Option<Nanos>,
    /// Multiply-accumulates.
    pub mult_adds: MultAdds,
    /// Elements read and written.
    pub memory_access: Elements,
}

impl Amounts {
    /// Adds a layer.
    pub fn add(&mut self, layer: &LayerCost, times: Option<&LayerTimes>) {
        self.mult_adds += layer.mult_adds;
        self.memory_access += layer.memory_access;
        if let Some(times) = times {
            self.time = Some(self.time.unwrap_or_default() + times.of(&layer.path));
        }
    }

    /// Several layers.
    #[must_use]
    pub fn of<'a>(layers: impl IntoIterator<Item = &'a LayerCost>, times: Option<&LayerTimes>) -> Self {
        let mut amounts = Self::default();
        layers.into_iter().for_each(|layer| amounts.add(layer, times));
        amounts
    }

    /// The number itself, to compare with others of its kind; 0 where it is not known.
    #[must_use]
    pub fn get(&self, quantity: Quantity) -> f64 {
        match quantity {
            Quantity::Time => self.time.unwrap_or_default().as_f64(),
            Quantity::MultAdds => self.mult_adds.as_f64(),
            Quantity::MemoryAccess => self.memory_access.as_f64(),
        }
    }

    /// The share of a whole; `None` where either is not known.
    #[must_use]
    pub fn share(&self, quantity: Quantity, whole: &Self) -> Option<f64> {
        match quantity {
            Quantity::Time => Some(self.time?.share_of(whole.time?)),
            Quantity::MultAdds => Some(self.mult_adds.share_of(whole.mult_adds)),
            Quantity::MemoryAccess => Some(self.memory_access.share_of(whole.memory_access)),
        }
    }

    /// The number with its unit; `None` where it is not known.
    #[must_use]
    pub fn text(&self, quantity: Quantity) -> Option<String> {
        match quantity {
            Quantity::Time => self.time.map(|time| time.to_string()),
            Quantity::MultAdds => Some(format!("{} mult-adds", self.mult_adds)),
            Quantity::MemoryAccess => Some(format!("{} elements read and written", self.memory_access)),
        }
    }
}
