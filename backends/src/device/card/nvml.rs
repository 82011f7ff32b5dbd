//! The sensors of NVIDIA's cards, through its management library, which comes with the driver and is loaded when it is
//! first asked for.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use nvml_wrapper::Nvml;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};

use super::place::{Place, Slot};
use super::{CardSensors, CardState, Throttle};
use crate::units::Bytes;

/// The sensors of the card at a place; `None` where the library is not there or lists no card that this can only be.
pub(super) fn sensors(place: &Place) -> Option<Box<dyn CardSensors>> {
    static LIBRARY: OnceLock<Option<Nvml>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| Nvml::init().ok()).as_ref()?;
    let count = library.device_count().ok()?;
    let listed = |index: u32| {
        let card = library.device_by_index(index).ok();
        let slot = card.as_ref().and_then(|card| card.pci_info().ok());
        let name = card.as_ref().and_then(|card| card.name().ok());
        Place { slot: slot.and_then(|pci| Slot::parse(&pci.bus_id)), name }
    };
    let cards: Vec<Place> = (0..count).map(listed).collect();
    let index = u32::try_from(place.among(&cards)?).ok()?;
    Some(Box::new(Sensors { library, index }))
}

struct Sensors {
    library: &'static Nvml,
    index: u32,
}

impl CardSensors for Sensors {
    fn read(&self) -> CardState {
        let Ok(card) = self.library.device_by_index(self.index) else {
            return CardState { readings: 1, ..CardState::default() };
        };
        let reasons = card.current_throttle_reasons().ok();
        let throttled_by = reasons.map(causes).unwrap_or_default();
        CardState {
            sm_clock_mhz: card.clock_info(Clock::SM).ok(),
            memory_clock_mhz: card.clock_info(Clock::Memory).ok(),
            temperature_c: card.temperature(TemperatureSensor::Gpu).ok(),
            power_w: card.power_usage().ok().map(|milliwatts| f64::from(milliwatts) / 1e3),
            memory_used: card.memory_info().ok().map(|memory| Bytes(memory.used)),
            throttled: reasons.map(|_| !throttled_by.is_empty()),
            throttled_by,
            readings: 1,
        }
    }
}

/// What of the reasons for a clock holds a card down that would run faster: neither idling nor a clock that a person set.
fn causes(reasons: ThrottleReasons) -> BTreeSet<Throttle> {
    let causes = [
        (ThrottleReasons::SW_POWER_CAP, Throttle::PowerLimit),
        (ThrottleReasons::SW_THERMAL_SLOWDOWN, Throttle::Heat),
        (ThrottleReasons::HW_THERMAL_SLOWDOWN, Throttle::Heat),
        (ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN, Throttle::PowerBrake),
        (ThrottleReasons::HW_SLOWDOWN, Throttle::Hardware),
        (ThrottleReasons::SYNC_BOOST, Throttle::OtherCard),
    ];
    causes.into_iter().filter(|(reason, _)| reasons.contains(*reason)).map(|(_, cause)| cause).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idling_and_clocks_that_a_person_set_are_no_throttling() {
        for reasons in [
            ThrottleReasons::NONE,
            ThrottleReasons::GPU_IDLE,
            ThrottleReasons::APPLICATIONS_CLOCKS_SETTING | ThrottleReasons::DISPLAY_CLOCK_SETTING,
        ] {
            assert!(causes(reasons).is_empty(), "{reasons:?}");
        }
        let hot = ThrottleReasons::SW_THERMAL_SLOWDOWN | ThrottleReasons::HW_THERMAL_SLOWDOWN;
        assert_eq!(causes(hot | ThrottleReasons::GPU_IDLE), [Throttle::Heat].into());
        let both = ThrottleReasons::SW_POWER_CAP | ThrottleReasons::HW_SLOWDOWN;
        assert_eq!(causes(both), [Throttle::PowerLimit, Throttle::Hardware].into());
    }

    /// Whatever this machine has.
    #[test]
    fn a_card_that_is_not_there_has_no_sensors() {
        let nowhere = Place { slot: Slot::parse("ffff:ff:1f.0"), name: Some("no such card".into()) };
        assert!(sensors(&nowhere).is_none());
    }
}
