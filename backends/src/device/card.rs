//! What a graphics card tells of itself while it computes: clocks, temperature, power, memory in use.

mod nvml;
mod place;

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Device;
use crate::units::Bytes;

/// What one or more readings of a card's sensors say, taken between runs; `None` is unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CardState {
    /// The lowest clock of the multiprocessors, in MHz.
    pub sm_clock_mhz: Option<u32>,
    /// The lowest clock of the memory, in MHz.
    pub memory_clock_mhz: Option<u32>,
    /// The highest temperature, in degrees Celsius.
    pub temperature_c: Option<u32>,
    /// The highest power, in watts.
    pub power_w: Option<f64>,
    /// The most memory in use, by whichever program.
    #[serde(rename = "memory_used_bytes")]
    pub memory_used: Option<Bytes>,
    /// Whether the card held its clocks down at any of them.
    pub throttled: Option<bool>,
    /// Why it did.
    #[serde(default)]
    pub throttled_by: BTreeSet<Throttle>,
    /// How many readings this is of; 0 where the card's library is not there.
    pub readings: u32,
}

/// Why a card holds its clocks down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Throttle {
    /// It takes as much power as it may.
    PowerLimit,
    /// It is too hot.
    Heat,
    /// The power supply asks for it.
    PowerBrake,
    /// Its hardware protects itself, from heat or from power.
    Hardware,
    /// Another card, whose clocks it follows, does.
    OtherCard,
}

impl Throttle {
    /// The cause in a few words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PowerLimit => "its power limit",
            Self::Heat => "heat",
            Self::PowerBrake => "the power supply",
            Self::Hardware => "its hardware's protection",
            Self::OtherCard => "another card that it keeps pace with",
        }
    }
}

impl CardState {
    /// What both say together: the lowest clocks, the highest of everything else.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        fn both<T: Copy>(one: Option<T>, other: Option<T>, choose: fn(T, T) -> T) -> Option<T> {
            one.zip(other).map(|(one, other)| choose(one, other)).or(one).or(other)
        }
        Self {
            sm_clock_mhz: both(self.sm_clock_mhz, other.sm_clock_mhz, u32::min),
            memory_clock_mhz: both(self.memory_clock_mhz, other.memory_clock_mhz, u32::min),
            temperature_c: both(self.temperature_c, other.temperature_c, u32::max),
            power_w: both(self.power_w, other.power_w, f64::max),
            memory_used: both(self.memory_used, other.memory_used, Bytes::max),
            throttled: both(self.throttled, other.throttled, |one, other| one || other),
            throttled_by: &self.throttled_by | &other.throttled_by,
            readings: self.readings.saturating_add(other.readings),
        }
    }

    /// The clock of the multiprocessors, for people.
    #[must_use]
    pub fn sm_clock(&self) -> String {
        told(self.sm_clock_mhz, |mhz| format!("{mhz} MHz"))
    }

    /// Whether it held its clocks down and why, for people.
    #[must_use]
    pub fn throttling(&self) -> String {
        match self.throttled {
            None => "throttling unknown".into(),
            Some(false) => "not throttled".into(),
            Some(true) if self.throttled_by.is_empty() => "throttled".into(),
            Some(true) => format!("throttled by {}", self.causes()),
        }
    }

    /// Why it held its clocks down, for people.
    #[must_use]
    pub fn causes(&self) -> String {
        self.throttled_by.iter().map(|cause| cause.name()).collect::<Vec<_>>().join(", ")
    }
}

/// Everything but the multiprocessors' clock, for people.
impl fmt::Display for CardState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.readings == 0 {
            return f.write_str("NVIDIA's library (NVML) is not there or does not know the card");
        }
        write!(
            f,
            "memory clock {}, temperature {}, power {}, memory in use {}; {}",
            told(self.memory_clock_mhz, |mhz| format!("{mhz} MHz")),
            told(self.temperature_c, |celsius| format!("{celsius} °C")),
            told(self.power_w, |watts| format!("{watts:.0} W")),
            told(self.memory_used, |bytes| bytes.to_string()),
            self.throttling(),
        )
    }
}

fn told<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "unknown".into(), text)
}

/// The sensors of one card.
trait CardSensors: Send {
    /// What they say now: a state of one reading.
    fn read(&self) -> CardState;
}

/// Watches a card; [`read`](Self::read) it between runs.
pub struct CardProbe {
    /// `None` where they cannot be read.
    sensors: Option<Box<dyn CardSensors>>,
    so_far: CardState,
}

impl CardProbe {
    /// The sensors of a device; `None` where it is no card of NVIDIA's, whose sensors nothing here can read.
    #[must_use]
    pub fn of(device: &Device) -> Option<Self> {
        let place = place::Place::of(device)?;
        Some(Self { sensors: nvml::sensors(&place), so_far: CardState::default() })
    }

    /// Takes a reading; what all of them say. A few milliseconds: never inside a run.
    pub fn read(&mut self) -> CardState {
        if let Some(sensors) = &self.sensors {
            self.so_far = self.so_far.and(&sensors.read());
        }
        self.so_far.clone()
    }
}

impl fmt::Debug for CardProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardProbe").field("so_far", &self.so_far).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Says these, one after the other.
    struct Told(Mutex<Vec<CardState>>);

    impl CardSensors for Told {
        fn read(&self) -> CardState {
            self.0.lock().unwrap().remove(0)
        }
    }

    fn reading(clock: u32, power: f64, throttled_by: &[Throttle]) -> CardState {
        CardState {
            sm_clock_mhz: Some(clock),
            memory_clock_mhz: Some(2_619),
            temperature_c: Some(40),
            power_w: Some(power),
            memory_used: Some(Bytes(1 << 30)),
            throttled: Some(!throttled_by.is_empty()),
            throttled_by: throttled_by.iter().copied().collect(),
            readings: 1,
        }
    }

    #[test]
    fn readings_add_up_to_the_lowest_clock_the_highest_power_and_every_cause() {
        let told = vec![
            reading(1_980, 300.0, &[]),
            reading(1_755, 350.0, &[Throttle::PowerLimit]),
            CardState { sm_clock_mhz: None, power_w: None, ..reading(0, 0.0, &[Throttle::Heat]) },
        ];
        let mut probe = CardProbe { sensors: Some(Box::new(Told(Mutex::new(told)))), so_far: CardState::default() };
        assert_eq!(probe.read(), reading(1_980, 300.0, &[]));
        probe.read();
        let all = probe.read();
        assert_eq!((all.sm_clock_mhz, all.power_w, all.readings), (Some(1_755), Some(350.0), 3));
        assert_eq!(all.throttling(), "throttled by its power limit, heat");
        assert_eq!(
            all.to_string(),
            "memory clock 2619 MHz, temperature 40 °C, power 350 W, memory in use 1.00 GiB; throttled by its power limit, \
             heat"
        );
    }

    #[test]
    fn what_cannot_be_read_is_unknown_and_never_fine() {
        let mut probe = CardProbe { sensors: None, so_far: CardState::default() };
        let state = probe.read();
        assert_eq!((state.throttled, state.readings, state.sm_clock()), (None, 0, "unknown".into()));
        assert!(state.to_string().contains("NVML"), "{state}");
        let json = serde_json::to_value(&state).unwrap();
        assert!(json["sm_clock_mhz"].is_null() && json["throttled"].is_null(), "{json}");
        let partly = CardState { temperature_c: Some(40), readings: 1, ..CardState::default() };
        let text = partly.to_string();
        assert!(text.contains("power unknown") && text.ends_with("throttling unknown"), "{text}");
        assert_eq!(serde_json::from_value::<CardState>(serde_json::to_value(&partly).unwrap()).unwrap(), partly);
    }

    #[test]
    fn the_processor_has_no_sensors_of_a_card() {
        assert!(CardProbe::of(&Device::cpu()).is_none());
    }
}
