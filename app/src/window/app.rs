//! The window's state and the fixed order of a frame: worker and file events, then commands, then painting.

mod advising;
mod bench_work;
mod camera;
mod carrying_out;
mod dropped;
mod explore;
mod guarding;
mod keeping;
mod outcome;
mod remembering;
mod seen;
mod setting;
mod shortcuts;
mod targets;
mod teach;

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui;
use shufflescope_engine::design::Design;
use shufflescope_engine::graph::LoweringError;
use shufflescope_engine::model::ModelError;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::zoo;

use self::keeping::{draft_of, welcome};
use super::advice::Adviser;
use super::bench::{Bench, Care};
use super::calibration::Calibration;
use super::camera::Camera;
use super::command::{Command, Commands};
use super::compare::Compare;
use super::document::Document;
use super::drafts::{Draft, Drafts, Found};
use super::explore::Explore;
use super::files::{Dialogs, Files};
use super::fonts::{FontFolders, SystemFonts};
use super::forecast::{Forecast, Learning};
use super::gpu_offer::GpuOffer;
use super::guard::Guard;
use super::keeper::Keeper;
use super::lab::Lab;
use super::live::Live;
use super::notices::{Notice, Notices};
use super::over::Over;
use super::pacer::Pacer;
use super::panels::{self, Tabs};
use super::past_runs::PastRuns;
use super::recent::Recent;
use super::scene::Scene;
use super::settings::{self, Change, Changes};
use super::surroundings::Surroundings;
use super::tab::Tab;
use super::targets::Targets;
use super::teach::Teach;
use super::views::ViewChoices;
use crate::reader::Readers;
use crate::target::Ssh;
use crate::weights_store::{Server, folder_in};
use crate::worker::{Launcher, Programs};

/// The design shown at the first start.
const FIRST_DESIGN: &str = "shufflenet-v2-x1.0";

/// Seconds between two looks at targets that say nothing.
const LOOK_AT_TARGETS: f32 = 0.2;

/// Seconds between two looks at what is being written.
const LOOK_AGAIN: f32 = 1.0;

/// How the window starts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The worker process that measures.
    pub launcher: Launcher,
    /// The worker process that looks through the camera and for devices.
    pub camera_launcher: Launcher,
    /// What reaches other machines.
    pub ssh: Ssh,
    /// Where the unsaved design and the settings are kept; nowhere where `None`.
    pub data_folder: Option<PathBuf>,
    /// The design to start with; the one kept from the last session, or the 1.0x preset, where `None`.
    pub design: Option<Design>,
    /// A file to open at once; what is kept from the last session is left for the next one then.
    pub file: Option<PathBuf>,
    /// Whether the tour is shown where it never was.
    pub has_tour: bool,
    /// Where fonts are looked for, for scripts that the window's own fonts do not have.
    pub font_folders: FontFolders,
    /// Device, runtime, threads and batch to start with.
    pub options: RunOptions,
    /// How carefully *Compare* and *Lab* measure.
    pub care: Care,
    /// Where weights are downloaded from.
    pub weights_server: Server,
    /// What reads files and renders exports.
    pub readers: Readers,
    /// What asks for files.
    pub dialogs: Arc<dyn Dialogs>,
}

/// The window without its frame: eframe drives it, and so do the tests.
#[derive(Debug)]
pub struct App {
    document: Document,
    live: Live,
    forecast: Forecast,
    adviser: Adviser,
    calibration: Calibration,
    bench: Bench,
    targets: Targets,
    /// The worker process that looks for this machine's devices.
    own_launcher: Launcher,
    care: Care,
    compare: Compare,
    lab: Lab,
    explore: Explore,
    keeper: Keeper,
    past: PastRuns,
    files: Files,
    camera: Camera,
    teach: Teach,
    surroundings: Surroundings,
    gpu_offer: GpuOffer,
    tabs: Tabs,
    commands: Commands,
    notices: Notices,
    guard: Guard,
    /// Whether the window may close, whatever is not saved.
    is_leaving: bool,
    over: Option<Over>,
    recent: Recent,
    /// What was set when the window started, until it is applied.
    unapplied: Option<settings::Values>,
    changes: Option<Arc<Changes>>,
    text_size: f32,
    /// What was chosen about the views, as the settings have it.
    kept_choices: ViewChoices,
    fonts: SystemFonts,
    pacer: Pacer,
    /// Document and result that the findings' shares of time come from.
    findings_of: (u64, u64),
    /// Where drafts are kept, what is kept of this window, and when the present design was first seen to differ.
    drafts: Option<Drafts>,
    kept: Option<Draft>,
    differs_since: Option<f64>,
    /// The live result that was last looked at for whether it is final.
    noted_live: u64,
    held: bool,
    title: String,
}

impl App {
    /// The window's state at the start.
    ///
    /// # Errors
    /// Where the design to start with is not valid.
    pub fn new(setup: Setup) -> Result<Self, ModelError> {
        let Setup {
            launcher,
            camera_launcher,
            ssh,
            data_folder,
            design,
            options,
            care,
            weights_server,
            readers,
            dialogs,
            ..
        } = setup;
        let Setup { file, has_tour, font_folders, .. } = setup;
        let weights_folder = data_folder.as_deref().map(folder_in);
        let pacer = Pacer::default();
        let recover = design.is_none() && file.is_none();
        let found = data_folder.as_deref().map(|folder| Drafts::find(folder, recover)).unwrap_or_default();
        let Found { drafts, recovered, said } = found;
        let settings::Found { values, changes, said: said_of_settings } = settings::find(data_folder.as_deref());
        let mut notices = Notices::default();
        welcome(drafts.as_ref(), recovered.as_ref(), said).into_iter().for_each(|notice| notices.push(notice));
        said_of_settings.into_iter().for_each(|text| notices.push(Notice::error(text)));
        let mut commands = Commands::default();
        file.into_iter().for_each(|file| commands.push(Command::Open(file)));
        let first = || zoo::preset(FIRST_DESIGN).or_else(|| zoo::presets().first().map(|preset| preset.design.clone()));
        let document = match (recovered, design.or_else(first)) {
            (Some(Draft { design, file, is_saved }), _) => Document::recovered(design, file, is_saved, options)?,
            (None, Some(design)) => Document::new(design, options)?,
            (None, None) => return Err(LoweringError::Design(no_design()).into()),
        };
        let programs = Programs::from(launcher.clone());
        let client = || targets::client(&programs, &pacer);
        let own = drafts.as_ref().map(|drafts| drafts.own().to_owned());
        Ok(Self {
            kept: draft_of(&document),
            document,
            live: Live::new(client()),
            forecast: Forecast::new(Learning::new(pacer.clone())),
            adviser: Adviser::new(care.clone(), pacer.clone()),
            calibration: Calibration::new(pacer.clone()),
            bench: Bench::new(client()),
            targets: Targets::new(&values.targets, launcher.clone(), ssh, pacer.clone()),
            own_launcher: camera_launcher.clone(),
            care: care.clone(),
            compare: Compare::new(care.clone(), pacer.clone()),
            lab: Lab::new(care, pacer.clone()),
            explore: Explore::default(),
            keeper: Keeper::new(data_folder.as_deref(), pacer.clone()),
            past: PastRuns::default(),
            surroundings: Surroundings::look(camera_launcher.clone(), pacer.clone()),
            gpu_offer: GpuOffer::new(values.gpu_offered),
            teach: Teach::new(data_folder.as_deref(), camera_launcher.clone(), pacer.clone()),
            camera: Camera::new(camera_launcher, weights_folder, weights_server, pacer.clone()),
            files: Files::new(values.export_folder.clone(), own, readers, dialogs, pacer.clone()),
            drafts,
            tabs: Tabs::default(),
            commands,
            notices,
            guard: Guard::default(),
            is_leaving: false,
            over: (has_tour && !values.tour_shown).then_some(Over::Tour),
            recent: Recent::new(values.recent.clone(), pacer.clone()),
            unapplied: Some(values),
            changes,
            text_size: 1.0,
            kept_choices: ViewChoices::default(),
            fonts: SystemFonts::new(font_folders, pacer.clone()),
            pacer,
            findings_of: (0, 0),
            noted_live: 0,
            differs_since: None,
            held: false,
            title: String::new(),
        })
    }

    /// Everything but painting; also called while the window is hidden.
    pub fn logic(&mut self, ctx: &egui::Context) {
        self.pacer.painted(ctx);
        self.apply_settings(ctx);
        self.fonts.advance(ctx);
        let (now, held) = ctx.input(|input| (input.time, input.pointer.any_down()));
        for event in self.files.poll() {
            self.take(event, ctx, now);
        }
        if self.files.is_writing() {
            // A disk that does not answer tells nobody.
            ctx.request_repaint_after_secs(LOOK_AGAIN);
        }
        self.take_answers();
        self.guard_closing(ctx);
        self.shortcuts(ctx);
        let left_out = self.dropped_files(ctx);
        for command in self.commands.take() {
            self.carry_out(command, ctx, now);
        }
        if let Some(text) = left_out {
            self.fail(text);
        }
        if !self.files.errands().is_empty() {
            ctx.request_repaint_after_secs(0.5);
        }
        self.held = held;
        self.offer_gpu();
        self.work_at_bench(ctx);
        self.targets.advance();
        if self.targets.is_measuring() || self.targets.is_asking() {
            // What hangs has to be noticed.
            ctx.request_repaint_after_secs(LOOK_AT_TARGETS);
        }
        self.settle(now);
        if let Some(seconds) = self.advance_camera() {
            ctx.request_repaint_after_secs(seconds as f32);
        }
        if let Some(seconds) = self.advance_teach(now) {
            ctx.request_repaint_after_secs(seconds as f32);
        }
        if let Some(seconds) = self.live.advance(now) {
            ctx.request_repaint_after_secs(seconds as f32);
        }
        self.pacer.await_number(self.live.phase().is_busy() && self.live.current().is_none());
        self.note_live_result();
        self.learn();
        self.look_up_what_is_shown();
        self.refresh_findings();
        self.keep_safe(ctx, now);
        self.set_title(ctx);
    }

    /// Paints; what a person does is carried out at once, so that a second pass shows it in the same frame.
    pub fn ui(&mut self, ui: &mut egui::Ui) {
        self.tell_painting(true);
        self.paint(ui);
        self.keep_choices();
        self.fonts.search();
        self.tell_painting(false);
    }

    /// A repaint begins or ends: runs meanwhile are set aside.
    fn tell_painting(&mut self, begins: bool) {
        self.live.painting(begins);
        self.bench.painting(begins);
    }

    fn paint(&mut self, ui: &mut egui::Ui) {
        let Self { document, live, forecast, adviser, calibration, bench, compare, lab, past, camera, .. } = self;
        let Self { explore, files, surroundings, targets, teach, .. } = self;
        let (export_folder, errands, gpu_question) =
            (files.export_folder(), files.errands(), self.gpu_offer.question());
        let scene = Scene {
            document,
            live,
            forecast,
            adviser,
            calibration,
            bench,
            compare,
            lab,
            explore,
            past,
            camera,
            teach,
            surroundings,
            targets,
            gpu_question,
            export_folder,
            errands,
            notices: &self.notices,
            recent: &self.recent,
            text_size: self.text_size,
            guard: self.guard.asks(),
            keeps_draft: self.drafts.is_some(),
            over: self.over,
        };
        panels::show(ui, scene, &mut self.tabs, &mut self.commands);
        if self.commands.is_empty() {
            return;
        }
        let ctx = ui.ctx().clone();
        let now = ctx.input(|input| input.time);
        for command in self.commands.take() {
            self.carry_out(command, &ctx, now);
        }
        self.settle(now);
        self.advance_camera();
        self.refresh_findings();
        ctx.request_discard("a command changed what is shown");
        ctx.request_repaint();
    }

    /// Writes what has to survive the end of the program: the design first, before anything is waited for.
    pub fn finish(&mut self) {
        self.keep_now();
        self.files.finish();
        self.stop_search();
        self.finish_summaries();
        self.keeper.finish();
        self.teach.finish();
        self.camera.finish();
    }

    /// Carries a command out as if a person had given it.
    pub fn command(&mut self, command: Command) {
        self.commands.push(command);
    }

    /// Offers the graphics card that was found, once.
    fn offer_gpu(&mut self) {
        let device = self.document.options().device;
        if self.gpu_offer.look(self.surroundings.devices(), device) {
            self.change_settings(Change::GpuOffered);
        }
    }

    /// Makes an old result stale before anybody sees it beside the new design.
    fn settle(&mut self, now: f64) {
        let options = self.document.valid_options();
        self.live.want(&self.document.valid().model, options, now);
        self.ask_for_scatter();
        let is_taken = self.camera.is_running() || self.targets.is_measuring() || self.teach.running().is_some();
        self.live.hold(self.is_bench_taken() || is_taken);
        self.foresee();
        if self.tabs.shown == Tab::Compare || self.compare.version() == 0 {
            self.compare.settle(&self.document);
        }
    }

    fn refresh_findings(&mut self) {
        let of = (self.document.revision(), self.live.version());
        if self.findings_of != of {
            self.findings_of = of;
            self.document.set_measured(self.live.current());
        }
    }

    fn set_title(&mut self, ctx: &egui::Context) {
        let mark = if self.document.is_modified() { "* " } else { "" };
        let title = format!("{mark}{} - ShuffleScope", self.document.name());
        if title != self.title {
            self.title.clone_from(&title);
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title));
        }
    }
}

fn no_design() -> shufflescope_engine::design::DesignErrors {
    shufflescope_engine::design::DesignErrors { name: FIRST_DESIGN.into(), errors: Vec::new() }
}
