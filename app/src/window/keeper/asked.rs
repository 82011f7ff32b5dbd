//! An answer of the store that is on its way to who has asked.

use std::sync::mpsc::{Receiver, channel};

/// See the module. Dropping it says that nobody wants the answer any more.
#[derive(Debug)]
pub struct Asked<T>(Receiver<T>);

impl<T: Send + 'static> Asked<T> {
    /// What gives the answer, and what waits for it.
    pub(super) fn new() -> (impl FnOnce(T) + Send, Self) {
        let (tell, answer) = channel();
        let tell = move |answer| {
            let _ = tell.send(answer);
        };
        (tell, Self(answer))
    }
}

impl<T> Asked<T> {
    /// The answer, once, where it is there. There is none where the store cannot be read: that is told elsewhere.
    #[must_use]
    pub fn take(&self) -> Option<T> {
        self.0.try_recv().ok()
    }
}
