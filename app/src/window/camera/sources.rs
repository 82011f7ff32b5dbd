//! The cameras of this machine, looked for by a process of their own: a driver may take its time, or crash.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::camera::Listed;
use crate::window::pacer::Pacer;
use crate::worker::{Launcher, find_cameras};

/// What was found, and whether it is being looked for.
#[derive(Clone, Debug, Default)]
pub struct Sources(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    found: Option<Result<Vec<Listed>, String>>,
    is_looking: bool,
}

impl Sources {
    /// The cameras found last; `None` before anybody looked.
    #[must_use]
    pub fn cameras(&self) -> Option<Vec<Listed>> {
        self.lock().found.as_ref().map(|found| found.clone().unwrap_or_default())
    }

    /// Why cameras could not be looked for.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.lock().found.as_ref().and_then(|found| found.as_ref().err().cloned())
    }

    pub(super) fn was_looked(&self) -> bool {
        let state = self.lock();
        state.is_looking || state.found.is_some()
    }

    pub(super) fn look(&self, launcher: &Launcher, pacer: Pacer) {
        if std::mem::replace(&mut self.lock().is_looking, true) {
            return;
        }
        let (this, launcher) = (self.clone(), launcher.clone());
        std::thread::spawn(move || {
            let found = Some(find_cameras(&launcher));
            *this.lock() = State { found, is_looking: false };
            pacer.wake_now();
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
