//! The thin layer between [`App`] and the operating system's window.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use eframe::egui;
use shufflescope_engine::design::Design;
use shufflescope_engine::runtime::RunOptions;

use super::app::{App, Setup};
use super::bench::Care;
use super::files::SystemDialogs;
use super::fonts::FontFolders;
use super::libraries;
use super::theme;
use crate::reader::Readers;
use crate::target::Ssh;
use crate::weights_store::Server;
use crate::worker::Launcher;

/// Names the folder of the user's data.
const APP_ID: &str = "shufflescope";

/// The window's icon, drawn once from `assets/icon.svg`.
const ICON: &[u8] = include_bytes!("../../../assets/icon.png");

/// What paints the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Renderer {
    /// Vulkan, Metal or Direct3D 12
    Wgpu,
    /// OpenGL
    Glow,
}

/// How the window starts.
#[derive(Clone, Debug)]
pub struct WindowOptions {
    /// The worker process.
    pub launcher: Launcher,
    /// What reads files and renders exports.
    pub readers: Readers,
    /// The design to start with; the last session's where `None`.
    pub design: Option<Design>,
    /// A file to open at once.
    pub file: Option<PathBuf>,
    /// Device, runtime, threads and batch to start with.
    pub options: RunOptions,
    /// What paints the window; wgpu, and glow where that finds no adapter, where `None`.
    pub renderer: Option<Renderer>,
}

/// Shows the window until it is closed.
///
/// # Errors
/// One sentence that names the command-line way, where no window can be shown.
pub fn run(options: WindowOptions) -> anyhow::Result<()> {
    if !has_display() {
        anyhow::bail!("no display was found, so the window cannot open; {COMMAND_LINE}");
    }
    let data_folder = crate::data_folder();
    let WindowOptions { launcher, readers, design, file, options, renderer } = options;
    let (care, weights_server) = (Care::default(), Server::pytorch());
    let camera_launcher = launcher.clone();
    let dialogs = std::sync::Arc::new(SystemDialogs);
    let (has_tour, font_folders) = (true, FontFolders::of_the_system());
    let setup = Setup {
        launcher,
        camera_launcher,
        ssh: Ssh::of_the_system(),
        data_folder,
        design,
        file,
        has_tour,
        font_folders,
        options,
        care,
        weights_server,
        readers,
        dialogs,
    };
    let first = match renderer {
        None | Some(Renderer::Wgpu) => eframe::Renderer::Wgpu,
        Some(Renderer::Glow) => eframe::Renderer::Glow,
    };
    let failure = match (show(first, setup.clone()), renderer) {
        // Nobody asked for wgpu: OpenGL may do where it finds no adapter.
        (Err(wgpu @ Failure { kind: Kind::Graphics, .. }), None) => show(eframe::Renderer::Glow, setup)
            .err()
            .map(|glow| Failure { reason: format!("{}; {}", wgpu.reason, glow.reason), ..glow }),
        (Err(Failure { kind: Kind::Graphics, reason }), Some(renderer)) => {
            let other = if renderer == Renderer::Wgpu { "glow" } else { "wgpu" };
            let reason = format!("{reason}; `--renderer {other}` may do");
            Some(Failure { kind: Kind::Graphics, reason })
        }
        (result, _) => result.err(),
    };
    match failure {
        None => Ok(()),
        Some(failure) => Err(anyhow::anyhow!("{}; {COMMAND_LINE}", failure.told())),
    }
}

const COMMAND_LINE: &str =
    "use the command line instead: `shufflescope profile shufflenet-v2-x1.0` (see `shufflescope --help`)";

/// Whether there may be a display; elsewhere than on Linux and its like there always is.
fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(all(unix, not(target_os = "macos"))) || set("DISPLAY") || set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET")
}

type PanicHook = dyn Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send + 'static;

/// Why a renderer did not do.
struct Failure {
    kind: Kind,
    reason: String,
}

impl Failure {
    /// What happened, and what to install where that is what is missing.
    fn told(self) -> String {
        let Self { kind, reason } = self;
        match (kind, libraries::missing_for_display()) {
            (Kind::Later, _) => format!("the window broke off: {reason}"),
            (Kind::Display | Kind::Library, Some(missing)) => format!("the window cannot open: {missing}"),
            (Kind::Display, None) => format!("no display was found ({reason}), so the window cannot open"),
            (Kind::Library, None) => format!("the window cannot open ({reason})"),
            (Kind::Graphics, _) => match libraries::to_draw() {
                Some(missing) => format!("the window cannot open ({reason}); {missing}"),
                None => format!("the window cannot open ({reason})"),
            },
        }
    }
}

/// When it failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// There is no connection to the display, with any renderer.
    Display,
    /// A system library is missing, which panics; the event loop cannot be made a second time.
    Library,
    /// Before the window was there: another renderer may do.
    Graphics,
    /// After the window had been there.
    Later,
}

fn show(renderer: eframe::Renderer, setup: Setup) -> Result<(), Failure> {
    let mut viewport = egui::ViewportBuilder::default()
        .with_app_id(APP_ID)
        .with_title("ShuffleScope")
        .with_inner_size([1440.0, 900.0])
        .with_min_inner_size([1000.0, 640.0])
        .with_drag_and_drop(true);
    if let Ok(icon) = eframe::icon_data::from_png_bytes(ICON) {
        viewport = viewport.with_icon(icon);
    }
    // Fonts for other scripts are the window's own business, off the painting thread.
    let native =
        eframe::NativeOptions { viewport, renderer, centered: true, system_font_fallback: false, ..Default::default() };
    let opened = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_open = std::sync::Arc::clone(&opened);
    let create: eframe::AppCreator<'_> = Box::new(move |creation| {
        is_open.store(true, std::sync::atomic::Ordering::Relaxed);
        theme::install(&creation.egui_ctx);
        Ok(Box::new(Native(App::new(setup)?)))
    });
    // Missing system libraries make some of the libraries below panic before the window is there; that is told as an
    // error of one sentence. Later panics are bugs and are told in full.
    let usual: std::sync::Arc<PanicHook> = std::panic::take_hook().into();
    let (was_open, hook) = (std::sync::Arc::clone(&opened), std::sync::Arc::clone(&usual));
    std::panic::set_hook(Box::new(move |info| {
        if was_open.load(std::sync::atomic::Ordering::Relaxed) {
            hook(info);
        }
    }));
    let result = catch_unwind(AssertUnwindSafe(|| eframe::run_native("ShuffleScope", native, create)));
    std::panic::set_hook(Box::new(move |info| usual(info)));
    let opened = opened.load(std::sync::atomic::Ordering::Relaxed);
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            let display = matches!(error, eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_));
            let kind = match (opened, display) {
                (true, _) => Kind::Later,
                (false, true) => Kind::Display,
                (false, false) => Kind::Graphics,
            };
            // Of a chain of causes the last one is for people.
            let reason = error.to_string();
            Err(Failure { kind, reason: reason.rsplit(": ").next().unwrap_or(&reason).to_owned() })
        }
        Err(panic) => {
            let kind = if opened { Kind::Later } else { Kind::Library };
            Err(Failure { kind, reason: said(panic.as_ref()) })
        }
    }
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.and_then(|text| text.lines().next()).unwrap_or("a library failed").trim().to_owned()
}

struct Native(App);

impl eframe::App for Native {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.0.logic(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.0.ui(ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.0.finish();
    }
}
