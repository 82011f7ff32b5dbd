//! Paces repaints that nobody asked for, so that painting does not disturb the samples that are being taken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use eframe::egui;

/// Between four and five repaints a second while the worker talks and the person does nothing: what a person does meanwhile adds
/// its own.
const SPACING: Duration = Duration::from_millis(225);

/// The same while an edit has no latency yet: what arrives first is shown at once, as a person sees it.
const AWAITED: Duration = Duration::from_millis(40);

/// egui paints twice where it is asked for a repaint without delay.
const ONCE: Duration = Duration::from_millis(1);

/// Wakes the window from any thread, not too often.
#[derive(Clone, Debug, Default)]
pub struct Pacer(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    ctx: OnceLock<egui::Context>,
    painted: Mutex<Option<Instant>>,
    awaited: AtomicBool,
}

impl Pacer {
    /// Notes that the window is being painted now.
    pub fn painted(&self, ctx: &egui::Context) {
        self.0.ctx.get_or_init(|| ctx.clone());
        *self.0.painted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Says whether the design in hand waits for its first latency.
    pub fn await_number(&self, is_awaited: bool) {
        self.0.awaited.store(is_awaited, Ordering::Relaxed);
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
        let spacing = if self.0.awaited.load(Ordering::Relaxed) { AWAITED } else { SPACING };
        let since = painted.map_or(spacing, |at| at.elapsed());
        ctx.request_repaint_after(spacing.saturating_sub(since).max(ONCE));
    }
}
