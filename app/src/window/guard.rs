//! The guard of unsaved work: what would take a design away that is not saved waits for an answer, and where that is to
//! save it, until it is on disk.

use std::path::PathBuf;

/// What a person wants that takes the present design away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Another design from the beginning.
    New,
    /// The network of this file.
    Open(PathBuf),
    /// The end of the window.
    Quit,
}

impl Intent {
    /// Whether it takes the design away. A model stands in its place, and the design is behind it as it was.
    #[must_use]
    pub fn takes_design_away(&self) -> bool {
        let Self::Open(path) = self else { return true };
        !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"))
    }

    /// What it does, behind "before".
    #[must_use]
    pub fn about(&self) -> String {
        match self {
            Self::New => "a new design is started".into(),
            Self::Open(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                format!("{name} is opened")
            }
            Self::Quit => "the window closes".into(),
        }
    }
}

/// What is to become of a design that is not saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is saved first.
    Save,
    /// It is let go of.
    LetGo,
    /// It stays, and nothing happens.
    Cancel,
}

/// What follows from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The design is to be saved.
    Save,
    /// What was wanted is to be done.
    Go(Intent),
    /// Nothing.
    Stay,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Guard(State);

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing waits.
    #[default]
    Idle,
    /// A person is asked.
    Asking(Intent),
    /// The design is on its way to a file.
    Saving(Intent),
}

impl Guard {
    /// Asks what is to become of the design; what was wanted before is given up.
    pub fn ask(&mut self, intent: Intent) {
        self.0 = State::Asking(intent);
    }

    /// What waits for an answer.
    #[must_use]
    pub const fn asks(&self) -> Option<&Intent> {
        match &self.0 {
            State::Asking(intent) => Some(intent),
            State::Idle | State::Saving(_) => None,
        }
    }

    /// Whether something waits for the design to be saved.
    #[must_use]
    pub const fn waits_for_save(&self) -> bool {
        matches!(self.0, State::Saving(_))
    }

    /// Takes the answer.
    pub fn answer(&mut self, answer: Answer) -> Next {
        let State::Asking(intent) = std::mem::take(&mut self.0) else { return Next::Stay };
        match answer {
            Answer::Save => {
                self.0 = State::Saving(intent);
                Next::Save
            }
            Answer::LetGo => Next::Go(intent),
            Answer::Cancel => Next::Stay,
        }
    }

    /// A design was saved; `is_safe` says whether that leaves nothing to be lost. What can be done now.
    pub fn saved(&mut self, is_safe: bool) -> Option<Intent> {
        match std::mem::take(&mut self.0) {
            State::Saving(intent) | State::Asking(intent) if is_safe => Some(intent),
            // It was edited meanwhile.
            State::Saving(intent) | State::Asking(intent) => {
                self.ask(intent);
                None
            }
            State::Idle => None,
        }
    }

    /// The design was not saved: what waited for it does not happen.
    pub fn not_saved(&mut self) {
        if matches!(self.0, State::Saving(_)) {
            self.0 = State::Idle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Guard {
        let mut guard = Guard::default();
        guard.ask(Intent::Quit);
        guard
    }

    #[test]
    fn what_is_wanted_happens_once_the_design_is_on_disk_and_not_before() {
        let mut guard = asked();
        assert_eq!(guard.asks(), Some(&Intent::Quit));
        assert_eq!(guard.answer(Answer::Save), Next::Save);
        assert_eq!(guard.asks(), None);
        assert_eq!(guard.saved(true), Some(Intent::Quit));
        assert_eq!(guard.saved(true), None, "once");
    }

    #[test]
    fn a_design_that_is_edited_while_it_is_saved_is_asked_about_again() {
        let mut guard = asked();
        guard.answer(Answer::Save);
        assert_eq!(guard.saved(false), None);
        assert_eq!(guard.asks(), Some(&Intent::Quit));
    }

    #[test]
    fn a_save_that_fails_and_a_second_thought_leave_everything_as_it_is() {
        let mut guard = asked();
        guard.answer(Answer::Save);
        guard.not_saved();
        assert_eq!(guard.saved(true), None);
        let mut guard = asked();
        assert_eq!(guard.answer(Answer::Cancel), Next::Stay);
        assert_eq!(guard.answer(Answer::LetGo), Next::Stay, "nothing waits any more");
        guard.ask(Intent::New);
        guard.not_saved();
        assert_eq!(guard.answer(Answer::LetGo), Next::Go(Intent::New), "a failed save does not take a question away");
    }
}
