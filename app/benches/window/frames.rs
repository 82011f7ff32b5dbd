//! Drives the window's frames as eframe does, without a screen.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use eframe::egui;
use shufflescope::window::{App, Command, Setup, theme};
use shufflescope_engine::design::Edit;

/// What a screen shows each frame for.
const REFRESH: Duration = Duration::from_micros(16_667);

/// See the module.
pub struct Window {
    ctx: egui::Context,
    /// What is painted.
    pub app: App,
    alarm: Arc<Alarm>,
    opened: Instant,
    painted: Instant,
    frames: usize,
}

/// When the next frame is due, as egui asks for it from any thread.
#[derive(Default)]
struct Alarm {
    due: Mutex<Option<Instant>>,
    rings: Condvar,
}

impl Window {
    /// Opens it; its first frame is due at once.
    pub fn open(setup: Setup) -> Self {
        let (ctx, alarm) = (egui::Context::default(), Arc::new(Alarm::default()));
        theme::install(&ctx);
        let set = Arc::clone(&alarm);
        ctx.set_request_repaint_callback(move |wanted| set.set(wanted.delay));
        alarm.set(Duration::ZERO);
        let now = Instant::now();
        Self { ctx, app: App::new(setup).unwrap(), alarm, opened: now, painted: now, frames: 0 }
    }

    /// Frames so far.
    pub const fn frames(&self) -> usize {
        self.frames
    }

    /// Paints a frame, in which an edit comes as a control of a panel pushes it: it is carried out and shown in the same
    /// frame. Says how long that took, triangles included.
    pub fn frame(&mut self, mut edit: Option<Edit>) -> Duration {
        self.alarm.clear();
        self.painted = Instant::now();
        self.frames += 1;
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1440.0, 900.0))),
            time: Some(self.opened.elapsed().as_secs_f64()),
            focused: true,
            ..Default::default()
        };
        let app = &mut self.app;
        let output = self.ctx.run_ui(input, |ui| {
            app.logic(ui.ctx());
            if let Some(edit) = edit.take() {
                app.command(Command::Edit(edit));
            }
            app.ui(ui);
        });
        std::hint::black_box(self.ctx.tessellate(output.shapes, output.pixels_per_point));
        self.painted.elapsed()
    }

    /// Paints what is due, as often as a screen refreshes at most, until `is_ready` or `deadline`; says whether it is.
    pub fn run(&mut self, deadline: Instant, mut is_ready: impl FnMut(&App) -> bool) -> bool {
        loop {
            if is_ready(&self.app) {
                return true;
            }
            if !self.alarm.wait(deadline) {
                return false;
            }
            std::thread::sleep((self.painted + REFRESH).saturating_duration_since(Instant::now()));
            self.frame(None);
        }
    }
}

impl Alarm {
    /// A frame is wanted after this delay; an earlier wish stands.
    fn set(&self, delay: Duration) {
        let Some(at) = Instant::now().checked_add(delay) else { return };
        let mut due = self.due.lock().unwrap();
        *due = Some(due.map_or(at, |earlier| earlier.min(at)));
        self.rings.notify_all();
    }

    /// What was wanted is being painted.
    fn clear(&self) {
        *self.due.lock().unwrap() = None;
    }

    /// Waits until a frame is due; `false` where none is before the deadline.
    fn wait(&self, deadline: Instant) -> bool {
        let mut due = self.due.lock().unwrap();
        loop {
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            if due.is_some_and(|at| at <= now) {
                return true;
            }
            let until = due.map_or(deadline, |at| at.min(deadline));
            due = self.rings.wait_timeout(due, until - now).unwrap().0;
        }
    }
}
