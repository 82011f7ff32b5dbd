//! Paces repaints that nobody asked for, so that painting does not disturb the samples that are being taken.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use eframe::egui;

/// Between four and five repaints a second while the worker talks and the person does nothing: what a person does meanwhile adds
/// its own.
const SPACING: Duration = Duration::from_millis(225);

/// Wakes the window from any thread, not too often.
#[derive(Clone, Debug, Default)]
pub struct Pacer(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    ctx: OnceLock<egui::Context>,
    painted: Mutex<Option<Instant>>,
}

impl Pacer {
    /// Notes that the window is being painted now.
    pub fn painted(&self, ctx: &egui::Context) {
        self.0.ctx.get_or_init(|| ctx.clone());
        *self.0.painted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Asks for a repaint at once, for what a person watches: a camera's picture.
    pub fn wake_now(&self) {
        if let Some(ctx) = self.0.ctx.get() {
            ctx.request_repaint();
        }
    }

    /// Asks for a repaint, at the earliest one spacing after the last one.
    pub fn wake(&self) {
        let Some(ctx) = self.0.ctx.get() else { return };
        let painted = *self.0.painted.lock().unwrap_or_else(PoisonError::into_inner);
        let since = painted.map_or(SPACING, |at| at.elapsed());
        ctx.request_repaint_after(SPACING.saturating_sub(since));
    }
}
