//! Drives the window without a screen: the real `App`, the real worker process, no GPU.

#![allow(dead_code, reason = "not every test file needs everything")]

mod cpu_renderer;
mod dialogs;
pub mod made_up;
pub mod measured;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui_kittest::kittest::NodeT;
use egui_kittest::{Harness, HarnessBuilder};
use shufflescope::reader::Readers;
use shufflescope::target::Ssh;
use shufflescope::weights_store::Server;
use shufflescope::window::{App, Care, FontFolders, Setup, theme};
use shufflescope::worker::Launcher;
use shufflescope_engine::design::{Design, Edit, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::units::Nanos;
use shufflescope_engine::zoo;

pub use cpu_renderer::CpuRenderer;
pub use dialogs::ScriptedDialogs;

/// Long enough for a slow machine under load; never waited for where things go well.
const PATIENCE: Duration = Duration::from_secs(60);

/// A window of this size with the theme's fonts and colours.
pub struct Window {
    pub harness: Harness<'static, App>,
}

/// Ends a process as the system does, without its having a say.
pub fn kill(process: u32) {
    let id = process.to_string();
    let status = if cfg!(windows) {
        std::process::Command::new("taskkill").args(["/F", "/PID", &id]).status()
    } else {
        std::process::Command::new("kill").args(["-9", &id]).status()
    };
    assert!(status.unwrap().success());
}

/// The worker of the program under test.
pub fn launcher() -> Launcher {
    Launcher::local(env!("CARGO_BIN_EXE_shufflescope").into(), vec!["worker".into()])
}

/// How a window starts.
pub fn setup(data_folder: Option<&Path>) -> Setup {
    Setup {
        launcher: launcher(),
        camera_launcher: launcher(),
        ssh: Ssh { program: "no such ssh".into() },
        data_folder: data_folder.map(Path::to_owned),
        design: Some(small()),
        file: None,
        has_tour: false,
        font_folders: FontFolders::default(),
        options: RunOptions::new(DeviceId::Cpu, 1, 1),
        care: Care::default(),
        // Nobody listens there.
        weights_server: Server { base_url: "http://127.0.0.1:9/".into(), patience: Duration::from_secs(5) },
        readers: Readers {
            program: env!("CARGO_BIN_EXE_shufflescope").into(),
            args: vec!["reader".into()],
            patience: PATIENCE,
        },
        dialogs: Arc::new(ScriptedDialogs::default()),
    }
}

/// A window whose tabs measure few rounds, briefly, and in one process.
pub fn quick(data_folder: Option<&Path>) -> Setup {
    let mut start = setup(data_folder);
    let Care { rules, processes, protocol } = &mut start.care;
    (*processes, *protocol) = (1, protocol.in_one_process());
    (rules.minimum_rounds, rules.maximum_rounds) = (30, 30);
    rules.block = Nanos::from_millis(1);
    (rules.warm_up.minimum_time, rules.warm_up.maximum_time) = (Nanos::from_millis(1), Nanos::from_millis(5));
    rules.warm_up.patience = Nanos::from_millis(20);
    start
}

/// A network that takes about a millisecond.
pub fn small() -> Design {
    zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Input(InputSize::square(32)))
}

/// A file with that network under this name.
pub fn design_file(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(format!("{name}.toml"));
    Design { name: name.into(), ..small() }.write(&path).unwrap();
    path
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

impl Window {
    /// Roles and names that more than one visible control has; a screen reader could not tell these apart.
    pub fn names_given_twice(&self) -> Vec<(String, String)> {
        let mut names = BTreeMap::<(String, String), usize>::new();
        for node in self.harness.root().children_recursive() {
            let node = node.accesskit_node();
            if egui::accessibility::is_input(node.role()) && !node.is_hidden() {
                *names.entry((format!("{:?}", node.role()), node.label().unwrap_or_default())).or_default() += 1;
            }
        }
        names.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect()
    }

    /// The small network at 1440x900, dark.
    pub fn open() -> Self {
        Self::with(setup(None), [1440.0, 900.0], egui::Theme::Dark)
    }

    /// Any start, size and theme.
    pub fn with(setup: Setup, size: [f32; 2], theme: egui::Theme) -> Self {
        Self::of(Harness::builder(), setup, size, theme)
    }

    /// As [`with`](Self::with), at 1440x900 and dark; characters that no font has are boxes and no failure.
    pub fn with_boxes(setup: Setup) -> Self {
        Self::of(Harness::builder().allow_missing_glyphs(), setup, [1440.0, 900.0], egui::Theme::Dark)
    }

    fn of(builder: HarnessBuilder<App>, setup: Setup, size: [f32; 2], theme: egui::Theme) -> Self {
        let app = App::new(setup).unwrap();
        let harness = builder
            .with_size(size)
            .with_theme(theme)
            .with_max_steps(12)
            .with_context_setup(theme::install)
            .renderer(CpuRenderer::default())
            .build_ui_state(
                move |ui, app: &mut App| {
                    app.logic(ui.ctx());
                    app.ui(ui);
                },
                app,
            );
        let mut window = Self { harness };
        window.step();
        window
    }

    /// Ends the program as a person does: what is to be kept is on disk when this returns.
    pub fn close(mut self) {
        self.harness.state_mut().finish();
    }

    /// The state under test.
    pub fn app(&self) -> &App {
        self.harness.state()
    }

    /// Drops these files onto the window, all at once.
    pub fn drop_files(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        let files = files.into_iter().map(|file| Arc::new(Dropped(file)) as _);
        self.harness.input_mut().dropped_files.extend(files);
    }

    /// The window as it is painted, saved where a person has asked to see it:
    /// `SHUFFLESCOPE_PICTURES=/tmp cargo test --test window picture::`.
    pub fn picture(&mut self, name: &str) -> image::RgbaImage {
        let picture = self.harness.render().unwrap();
        if let Some(folder) = std::env::var_os("SHUFFLESCOPE_PICTURES") {
            picture.save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
        }
        picture
    }

    /// A few frames: enough for a click and what it does.
    pub fn step(&mut self) {
        self.harness.run_steps(3);
    }

    /// Frames until `ready`, or a panic that says what was waited for.
    pub fn wait(&mut self, what: &str, ready: impl Fn(&App) -> bool) {
        let start = Instant::now();
        loop {
            self.harness.step();
            if ready(self.app()) {
                return;
            }
            let phase = self.app().live().phase();
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}; {phase:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Every text on the screen.
    pub fn texts(&self) -> Vec<String> {
        let nodes = self.harness.root().children_recursive();
        nodes.flat_map(|node| [node.accesskit_node().label(), node.accesskit_node().value()]).flatten().collect()
    }

    /// Whether a text on the screen contains `part`.
    pub fn says(&self, part: &str) -> bool {
        self.texts().iter().any(|text| text.contains(part))
    }
}
