//! Where there is a graphics card, the window asks once whether to measure there, and never again.

use std::path::{Path, PathBuf};

use shufflescope_engine::device::{DeviceId, DeviceInfo};

/// The file in the data folder that says that the question was put.
const FILE: &str = "gpu-offered.txt";

/// See the module.
#[derive(Debug)]
pub struct GpuOffer {
    file: Option<PathBuf>,
    state: State,
}

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
    /// Nothing is asked where an earlier session did. Without a data folder nobody knows, and every session asks.
    #[must_use]
    pub fn new(data_folder: Option<&Path>) -> Self {
        let file = data_folder.map(|folder| folder.join(FILE));
        let was_asked = file.as_ref().is_some_and(|file| file.exists());
        Self { file, state: if was_asked { State::Over } else { State::Waiting } }
    }

    /// Looks at what was found while `chosen` is measured on. Answers a file to be written where the question is put now.
    #[must_use]
    pub fn look(&mut self, devices: &[DeviceInfo], chosen: DeviceId) -> Option<&Path> {
        match self.state {
            State::Asked(_) if chosen.is_gpu() => self.state = State::Over,
            State::Waiting if !chosen.is_gpu() => {
                self.state = State::Asked(question(devices)?);
                return self.file.as_deref();
            }
            State::Waiting | State::Asked(_) | State::Over => {}
        }
        None
    }

    /// The question, while it is not answered.
    #[must_use]
    pub const fn question(&self) -> Option<&Question> {
        match &self.state {
            State::Asked(question) => Some(question),
            State::Waiting | State::Over => None,
        }
    }

    /// Takes the question away; answers the card that was asked about.
    pub fn close(&mut self) -> Option<DeviceId> {
        match std::mem::replace(&mut self.state, State::Over) {
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
        let folder = tempfile::tempdir().unwrap();
        let mut offer = GpuOffer::new(Some(folder.path()));
        assert_eq!(offer.look(&machine(vec![]), DeviceId::Cpu), None);
        assert_eq!(offer.question(), None, "nothing is found yet, or no card is there");
        let file = offer.look(&machine(vec![card()]), DeviceId::Cpu).unwrap().to_owned();
        assert_eq!(offer.question().unwrap().text, "NVIDIA H100 can be measured: use it?");
        assert_eq!(offer.look(&machine(vec![card()]), DeviceId::Cpu), None, "one file is enough");
        assert_eq!(offer.close(), Some(DeviceId::Gpu(0)));
        assert_eq!(offer.look(&machine(vec![card()]), DeviceId::Cpu), None);
        assert_eq!(offer.close(), None);

        std::fs::write(file, "").unwrap();
        let mut next = GpuOffer::new(Some(folder.path()));
        assert_eq!(next.look(&machine(vec![card()]), DeviceId::Cpu), None);
        assert_eq!(next.question(), None);
    }

    #[test]
    fn a_card_that_does_not_work_and_what_only_plays_one_are_not_offered() {
        let mut offer = GpuOffer::new(None);
        let broken = DeviceInfo { unavailable: Some("no driver".into()), ..card() };
        let _ = offer.look(&machine(vec![broken]), DeviceId::Cpu);
        assert_eq!(offer.question(), None);
    }

    #[test]
    fn whoever_measures_on_a_gpu_already_is_not_asked_and_choosing_one_is_an_answer() {
        for chosen in [DeviceId::Gpu(0), DeviceId::Cuda(0), DeviceId::SoftwareGpu] {
            let mut offer = GpuOffer::new(None);
            assert_eq!(offer.look(&machine(vec![card()]), chosen), None);
            assert_eq!(offer.question(), None, "{chosen}");
            let _ = offer.look(&machine(vec![card()]), DeviceId::Cpu);
            assert!(offer.question().is_some(), "{chosen}");
            let _ = offer.look(&machine(vec![card()]), chosen);
            assert_eq!(offer.question(), None, "{chosen}");
        }
    }
}
