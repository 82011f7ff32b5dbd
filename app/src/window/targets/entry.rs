//! A target in the list: what is known of it, and how it is asked.

use std::sync::Arc;

use super::side::Side;
use crate::later::Later;
use crate::target::{Copied, RemoteProgram, Ssh, Target};
use crate::window::pacer::Pacer;
use crate::worker::{Place, Reaching, reach};

/// What is known of a target.
#[derive(Clone, Debug)]
pub enum State {
    /// It was not asked yet.
    Unknown,
    /// It is being asked, or the program is being copied there.
    Asking,
    /// It answered.
    Ready(Arc<Place>),
    /// It cannot be measured on.
    Failed(Refusal),
}

/// Why a target cannot be measured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Cause and remedy.
    pub reason: String,
    /// The size in megabytes of the copy of this program that may help.
    pub copy: Option<u64>,
}

/// See the module.
#[derive(Debug)]
pub struct Entry {
    pub(super) target: Target,
    pub(super) program: Option<RemoteProgram>,
    pub(super) is_ticked: bool,
    state: State,
    asking: Later<Result<Place, Refusal>>,
    pub(super) side: Side,
}

impl Entry {
    pub(super) fn new(target: Target, program: Option<RemoteProgram>, pacer: &Pacer) -> Self {
        let (wake, side) = (pacer.clone(), Side::new(pacer.clone()));
        let asking = Later::new(move || wake.wake_now());
        Self { target, program, is_ticked: false, state: State::Unknown, asking, side }
    }

    /// Which.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The program there, where one is named.
    #[must_use]
    pub const fn program(&self) -> Option<&RemoteProgram> {
        self.program.as_ref()
    }

    /// Whether the present network is to be measured there too.
    #[must_use]
    pub const fn is_ticked(&self) -> bool {
        self.is_ticked
    }

    /// What is known of it.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// What was measured there side by side with others.
    #[must_use]
    pub const fn side(&self) -> &Side {
        &self.side
    }

    /// What it said, once it has answered.
    #[must_use]
    pub const fn place(&self) -> Option<&Arc<Place>> {
        match &self.state {
            State::Ready(place) => Some(place),
            State::Unknown | State::Asking | State::Failed(_) => None,
        }
    }

    /// Asks it, on a thread; with `copy` this program is copied there where it has none of this release.
    pub(super) fn ask(&mut self, ssh: &Ssh, copy: bool) {
        let how = Reaching { ssh: ssh.clone(), program: self.program.clone(), copy };
        let target = self.target.clone();
        self.state = State::Asking;
        self.asking.start(move || {
            reach(&target, &how).map_err(|error| {
                let may_copy = error.asks_for_copy() && how.program.is_none();
                let copy = may_copy.then(|| Copied::this_program().ok().map(|copied| copied.megabytes())).flatten();
                Refusal { reason: error.to_string(), copy }
            })
        });
    }

    /// Takes the answer.
    pub(super) fn advance(&mut self) {
        match self.asking.take() {
            Some(Ok(Ok(place))) => self.state = State::Ready(Arc::new(place)),
            Some(Ok(Err(refusal))) => self.state = State::Failed(refusal),
            Some(Err(reason)) => self.state = State::Failed(Refusal { reason, copy: None }),
            None => {}
        }
    }
}
