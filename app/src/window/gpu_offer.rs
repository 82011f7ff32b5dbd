//! Where there is a graphics card, the window asks once whether to measure there, and never again.

use shufflescope_engine::device::{DeviceId, DeviceInfo};

/// See the module.
#[derive(Debug)]
pub struct GpuOffer(State);

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// No card was seen yet.
    Waiting,
    /// The question is there to be read.
    Asked(Question),
    /// It was answered, or put in an earlier session.
    Over,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The card.
    pub device: DeviceId,
    /// For people.
    pub text: String,
}

impl GpuOffer {
    /// Nothing is asked where an earlier session did.
    #[must_use]
    pub const fn new(was_asked: bool) -> Self {
        Self(if was_asked { State::Over } else { State::Waiting })
    }

    /// Looks at what was found while `chosen` is measured on. Answers whether the question is put now.
    pub fn look(&mut self, devices: &[DeviceInfo], chosen: DeviceId) -> bool {
        match self.0 {
            State::Asked(_) if chosen.is_gpu() => self.0 = State::Over,
            State::Waiting if !chosen.is_gpu() => {
                if let Some(question) = question(devices) {
                    self.0 = State::Asked(question);
                    return true;
                }
            }
            State::Waiting | State::Asked(_) | State::Over => {}
        }
        false
    }

    /// The question, while it is not answered.
    #[must_use]
    pub const fn question(&self) -> Option<&Question> {
        match &self.0 {
            State::Asked(question) => Some(question),
            State::Waiting | State::Over => None,
        }
    }

    /// Takes the question away; answers the card that was asked about.
    pub fn close(&mut self) -> Option<DeviceId> {
        match std::mem::replace(&mut self.0, State::Over) {
            State::Asked(question) => Some(question.device),
            State::Waiting | State::Over => None,
        }
    }
}

/// About the first card that can be used; what only plays one is none.
fn question(devices: &[DeviceInfo]) -> Option<Question> {
    let is_card = |info: &&DeviceInfo| matches!(info.id, DeviceId::Gpu(_)) && info.is_available();
    let card = devices.iter().find(is_card)?;
    let name = card.name.clone().unwrap_or_else(|| format!("The graphics card {}", card.id));
    Some(Question { device: card.id, text: format!("{name} can be measured: use it?") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> DeviceInfo {
        DeviceInfo { name: Some("NVIDIA H100".into()), ..DeviceInfo::unknown(DeviceId::Gpu(0)) }
    }

    fn machine(cards: Vec<DeviceInfo>) -> Vec<DeviceInfo> {
        let around = [DeviceId::Cpu, DeviceId::SoftwareGpu, DeviceId::Cuda(0)].map(DeviceInfo::unknown);
        around.into_iter().chain(cards).collect()
    }

    #[test]
    fn a_card_is_offered_once_and_the_next_session_knows() {
        let mut offer = GpuOffer::new(false);
        assert!(!offer.look(&machine(vec![]), DeviceId::Cpu));
        assert_eq!(offer.question(), None, "nothing is found yet, or no card is there");
        assert!(offer.look(&machine(vec![card()]), DeviceId::Cpu));
        assert_eq!(offer.question().unwrap().text, "NVIDIA H100 can be measured: use it?");
        assert!(!offer.look(&machine(vec![card()]), DeviceId::Cpu), "it is put once");
        assert_eq!(offer.close(), Some(DeviceId::Gpu(0)));
        assert!(!offer.look(&machine(vec![card()]), DeviceId::Cpu));
        assert_eq!(offer.close(), None);

        let mut next = GpuOffer::new(true);
        assert!(!next.look(&machine(vec![card()]), DeviceId::Cpu));
        assert_eq!(next.question(), None);
    }

    #[test]
    fn a_card_that_does_not_work_and_what_only_plays_one_are_not_offered() {
        let mut offer = GpuOffer::new(false);
        let broken = DeviceInfo { unavailable: Some("no driver".into()), ..card() };
        offer.look(&machine(vec![broken]), DeviceId::Cpu);
        assert_eq!(offer.question(), None);
    }

    #[test]
    fn whoever_measures_on_a_gpu_already_is_not_asked_and_choosing_one_is_an_answer() {
        for chosen in [DeviceId::Gpu(0), DeviceId::Cuda(0), DeviceId::SoftwareGpu] {
            let mut offer = GpuOffer::new(false);
            assert!(!offer.look(&machine(vec![card()]), chosen));
            assert_eq!(offer.question(), None, "{chosen}");
            offer.look(&machine(vec![card()]), DeviceId::Cpu);
            assert!(offer.question().is_some(), "{chosen}");
            offer.look(&machine(vec![card()]), chosen);
            assert_eq!(offer.question(), None, "{chosen}");
        }
    }
}
