//! The window's state and the fixed order of a frame: worker and file events, then commands, then painting.

mod advising;
mod bench_work;
mod camera;
mod dropped;
mod explore;
mod keeping;
mod outcome;
mod remembering;
mod shortcuts;

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
use super::files::{Dialogs, Files, Place};
use super::forecast::{Forecast, Learning};
use super::gpu_offer::GpuOffer;
use super::keeper::Keeper;
use super::lab::Lab;
use super::live::Live;
use super::pacer::Pacer;
use super::panels;
use super::past_runs::PastRuns;
use super::scene::{Notice, Scene};
use super::surroundings::Surroundings;
use super::tab::{Tab, Tabs};
use crate::reader::Readers;
use crate::weights_store::{Server, folder_in};
use crate::worker::{Client, Launcher};

/// The design shown at the first start.
const FIRST_DESIGN: &str = "shufflenet-v2-x1.0";

/// Seconds between two looks at what is being written.
const LOOK_AGAIN: f32 = 1.0;

/// How the window starts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The worker process that measures.
    pub launcher: Launcher,
    /// The worker process that looks through the camera and for devices.
    pub camera_launcher: Launcher,
    /// Where the unsaved design is kept; nowhere where `None`.
    pub data_folder: Option<PathBuf>,
    /// The design to start with; the one kept from the last session, or the 1.0x preset, where `None`.
    pub design: Option<Design>,
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
    compare: Compare,
    lab: Lab,
    explore: Explore,
    keeper: Keeper,
    past: PastRuns,
    files: Files,
    camera: Camera,
    surroundings: Surroundings,
    gpu_offer: GpuOffer,
    tabs: Tabs,
    commands: Commands,
    notice: Option<Notice>,
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
        let Setup { launcher, camera_launcher, data_folder, design, options, care, weights_server, readers, dialogs } =
            setup;
        let weights_folder = data_folder.as_deref().map(folder_in);
        let pacer = Pacer::default();
        let found = data_folder.as_deref().map(|folder| Drafts::find(folder, design.is_none())).unwrap_or_default();
        let Found { drafts, recovered, said } = found;
        let notice = welcome(drafts.as_ref(), recovered.as_ref(), said);
        let first = || zoo::preset(FIRST_DESIGN).or_else(|| zoo::presets().first().map(|preset| preset.design.clone()));
        let document = match (recovered, design.or_else(first)) {
            (Some(Draft { design, file, is_saved }), _) => Document::recovered(design, file, is_saved, options)?,
            (None, Some(design)) => Document::new(design, options)?,
            (None, None) => return Err(LoweringError::Design(no_design()).into()),
        };
        let client = || {
            let wake = pacer.clone();
            Client::new(launcher.clone(), "the window", move || wake.wake())
        };
        let own = drafts.as_ref().map(|drafts| drafts.own().to_owned());
        Ok(Self {
            kept: draft_of(&document),
            document,
            live: Live::new(client()),
            forecast: Forecast::new(Learning::new(pacer.clone())),
            adviser: Adviser::new(care.clone(), pacer.clone()),
            calibration: Calibration::new(pacer.clone()),
            bench: Bench::new(client()),
            compare: Compare::new(care.clone(), pacer.clone()),
            lab: Lab::new(care, pacer.clone()),
            explore: Explore::default(),
            keeper: Keeper::new(data_folder.as_deref(), pacer.clone()),
            past: PastRuns::default(),
            surroundings: Surroundings::look(camera_launcher.clone(), pacer.clone()),
            gpu_offer: GpuOffer::new(data_folder.as_deref()),
            camera: Camera::new(camera_launcher, weights_folder, weights_server, pacer.clone()),
            files: Files::new(data_folder.as_deref(), own, readers, dialogs, pacer.clone()),
            drafts,
            tabs: Tabs::default(),
            commands: Commands::default(),
            notice,
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
        let (now, held) = ctx.input(|input| (input.time, input.pointer.any_down()));
        for event in self.files.poll() {
            self.take(event, now);
        }
        if self.files.is_writing() {
            // A disk that does not answer tells nobody.
            ctx.request_repaint_after_secs(LOOK_AGAIN);
        }
        self.take_answers();
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
        self.settle(now);
        if let Some(seconds) = self.advance_camera() {
            ctx.request_repaint_after_secs(seconds as f32);
        }
        if let Some(seconds) = self.live.advance(now) {
            ctx.request_repaint_after_secs(seconds as f32);
        }
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
        self.tell_painting(false);
    }

    /// A repaint begins or ends: runs meanwhile are set aside.
    fn tell_painting(&mut self, begins: bool) {
        self.live.painting(begins);
        self.bench.painting(begins);
    }

    fn paint(&mut self, ui: &mut egui::Ui) {
        let Self { document, live, forecast, adviser, calibration, bench, compare, lab, past, camera, .. } = self;
        let Self { explore, files, surroundings, .. } = self;
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
            surroundings,
            gpu_question,
            export_folder,
            errands,
        };
        panels::show(ui, scene, &mut self.tabs, self.notice.as_ref(), &mut self.commands);
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
        self.camera.finish();
    }

    /// The network and what follows from it.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// The measurement.
    #[must_use]
    pub const fn live(&self) -> &Live {
        &self.live
    }

    /// The long measurements.
    #[must_use]
    pub const fn bench(&self) -> &Bench {
        &self.bench
    }

    /// The comparison.
    #[must_use]
    pub const fn compare(&self) -> &Compare {
        &self.compare
    }

    /// The lab's results.
    #[must_use]
    pub const fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The search.
    #[must_use]
    pub const fn explore(&self) -> &Explore {
        &self.explore
    }

    /// Earlier runs of the network.
    #[must_use]
    pub const fn past(&self) -> &PastRuns {
        &self.past
    }

    /// The camera.
    #[must_use]
    pub const fn camera(&self) -> &Camera {
        &self.camera
    }

    /// Devices and machine.
    #[must_use]
    pub const fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// The offer of a graphics card.
    #[must_use]
    pub const fn gpu_offer(&self) -> &GpuOffer {
        &self.gpu_offer
    }

    /// The tab shown.
    #[must_use]
    pub const fn tab(&self) -> Tab {
        self.tabs.shown
    }

    /// What is shown at the bottom.
    #[must_use]
    pub const fn notice(&self) -> Option<&Notice> {
        self.notice.as_ref()
    }

    /// Carries a command out as if a person had given it.
    pub fn command(&mut self, command: Command) {
        self.commands.push(command);
    }

    fn carry_out(&mut self, command: Command, ctx: &egui::Context, now: f64) {
        match command {
            Command::Edit(edit) => self.edit(&edit, now),
            Command::Run(options) => self.document.set_options(options),
            Command::Undo => self.document.undo(),
            Command::Redo => self.document.redo(),
            Command::Select(path) => self.document.selected = path,
            Command::Pin => self.pin(),
            Command::Unpin => self.document.pinned = None,
            Command::ShowTab(tab) => self.tabs.shown = tab,
            Command::Show(view) => self.tabs.views.shown = view,
            Command::Camera(command) => self.carry_out_camera(command),
            Command::Explore(command) => self.carry_out_explore(command, now),
            Command::Try(edit) => self.try_change(&edit),
            Command::Calibrate => self.calibrate(),
            Command::ToggleLive => self.live.toggle(),
            Command::MeasureAgain => self.live.again(),
            Command::Refine => self.live.refine(),
            Command::MeasureCeilings => self.live.measure_ceilings(),
            Command::TakeApart => self.live.take_apart(),
            Command::Cancel => self.cancel(),
            Command::OpenDialog => self.files.ask_to_open(Place::Document),
            Command::Open(path) => self.open(Place::Document, path),
            Command::OpenModel(model) => self.document.open_model(*model, now),
            Command::BackToDesign => self.document.back_to_design(),
            Command::Save => self.save(false),
            Command::SaveAs => self.save(true),
            Command::ExportDialog(what) => self.files.ask_to_export(what, self.material()),
            Command::Export(what, path) => {
                let material = Box::new(self.material());
                self.files.export(path, what, material);
            }
            Command::CancelErrand(id) => {
                if let Some(event) = self.files.cancel(id) {
                    self.take(event, now);
                }
            }
            Command::Choose(side, choice) => self.compare.choose(side, choice),
            Command::ChooseFileDialog(side) => self.files.ask_to_open(Place::Side(side)),
            Command::ChooseFile(side, path) => self.open(Place::Side(side), path),
            Command::StartCompare => self.start_compare(),
            Command::RunLab(run) => self.run_lab(&run),
            Command::ExportText(name, form, text) => self.files.ask_to_write(&name, form.ending(), text.into_bytes()),
            Command::Copy { text, what } => {
                ctx.copy_text(text);
                self.notice = Some(Notice::done(format!("Copied {what}.")));
            }
            Command::StopRun(owner) => self.stop_run(owner),
            Command::ExportComparison(form) => self.export_comparison(form),
            Command::ShowFolder(folder) => self.files.show_folder(folder),
            Command::Dismiss => self.notice = None,
            Command::AcceptGpu => {
                if let Some(device) = self.gpu_offer.close() {
                    self.document.set_options(self.document.options().on(device));
                }
            }
            Command::DeclineGpu => drop(self.gpu_offer.close()),
            Command::ToggleTheme => ctx.set_theme(match ctx.theme() {
                egui::Theme::Dark => egui::Theme::Light,
                egui::Theme::Light => egui::Theme::Dark,
            }),
        }
    }

    /// Offers the graphics card that was found, once.
    fn offer_gpu(&mut self) {
        let device = self.document.options().device;
        if let Some(file) = self.gpu_offer.look(self.surroundings.devices(), device) {
            self.files.note(file.to_owned());
        }
    }

    /// Makes an old result stale before anybody sees it beside the new design.
    fn settle(&mut self, now: f64) {
        let options = self.document.valid_options();
        self.live.want(&self.document.valid().model, options, now);
        self.ask_for_scatter();
        self.live.hold(self.is_bench_taken() || self.camera.is_running());
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
