//! The cameras of this machine, looked for on a thread: a driver may take its time.

use std::sync::{Arc, Mutex, PoisonError};

use crate::camera::{Listed, list};
use crate::window::pacer::Pacer;

/// What was found, and whether it is being looked for.
#[derive(Clone, Debug, Default)]
pub struct Sources(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cameras: Option<Vec<Listed>>,
    is_looking: bool,
}

impl Sources {
    /// The cameras found last; `None` before anybody looked.
    #[must_use]
    pub fn cameras(&self) -> Option<Vec<Listed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).cameras.clone()
    }

    pub(super) fn was_looked(&self) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_looking || state.cameras.is_some()
    }

    pub(super) fn look(&self, pacer: Pacer) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut state.is_looking, true) {
            return;
        }
        let shared = Arc::clone(&self.0);
        std::thread::spawn(move || {
            let found = list();
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            *state = State { cameras: Some(found), is_looking: false };
            drop(state);
            pacer.wake_now();
        });
    }
}
