//! One download at a time, on a thread.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::weights_store::{FetchError, Progress, Published, Server, fetch};
use crate::window::pacer::Pacer;

/// A download, on its way or ended.
#[derive(Debug)]
pub struct Download {
    /// What is downloaded.
    pub published: &'static Published,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    cancelled: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    progress: Option<Progress>,
    ended: Option<Result<PathBuf, FetchError>>,
}

impl Download {
    pub(super) fn start(published: &'static Published, folder: PathBuf, server: Server, pacer: Pacer) -> Self {
        let shared = Arc::<Shared>::default();
        let tell = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut show = |progress| {
                tell.lock().progress = Some(progress);
                pacer.wake();
            };
            let ended = fetch(&published.expected(), &folder, &server, &tell.cancelled, &mut show);
            tell.lock().ended = Some(ended);
            pacer.wake_now();
        });
        Self { published, shared }
    }

    /// Stops it; what has come is kept.
    pub(super) fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.shared.lock().progress
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.shared.lock().ended.is_none()
    }

    /// Whether a person has stopped it, or it broke off: the same download goes on from there.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        let ended = &self.shared.lock().ended;
        matches!(ended, Some(Err(FetchError::Cancelled { .. } | FetchError::Interrupted { .. })))
    }

    /// Why it failed, where it did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        match &self.shared.lock().ended {
            Some(Err(FetchError::Cancelled { .. })) | Some(Ok(_)) | None => None,
            Some(Err(error)) => Some(error.to_string()),
        }
    }

    /// Whether the file is there.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.shared.lock().ended, Some(Ok(_)))
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
