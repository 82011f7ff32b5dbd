//! What the window costs, printed beside what it may cost: an edit, fifty of them a second, a measurement, a rest, a start.
//!
//! `cargo bench --package shufflescope --bench window`, about two minutes, best on a quiet machine.
//!
//! The real `App` with the real worker process and no screen: [`Window`] drives egui's context as eframe does, at 1440x900
//! and at most sixty frames a second, makes the triangles of every frame and throws them away. What only a window on a
//! screen can tell, its first picture and its resident memory, is looked for under Xvfb where that is installed.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where something is wrong")]

mod frames;
mod screen;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use frames::Window;
use shufflescope::reader::Readers;
use shufflescope::target::Ssh;
use shufflescope::weights_store::Server;
use shufflescope::window::{App, Care, Command, FontFolders, Freshness, Phase, Setup, SystemDialogs};
use shufflescope::worker::Launcher;
use shufflescope_engine::cost::model_cost;
use shufflescope_engine::design::{Batch, Design, Edit};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::graph::lower;
use shufflescope_engine::guideline::findings;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::zoo;

/// The largest preset.
const LARGEST: &str = "shufflenet-v2-164-se";

/// Long enough for anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    // `cargo test --benches` only wants to know whether it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{:<66} {:>16} {:>10}", "", "measured", "at most");
    start();
    an_edit();
    the_engines_part();
    fifty_edits_a_second();
    edit_to_latency();
    measuring_and_idle();
    screen::start_and_memory(Path::new(PROGRAM));
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_shufflescope");

/// A line of the report.
pub(crate) fn tell(what: &str, measured: &str, at_most: &str, is_within: Option<bool>) {
    let verdict = is_within.map_or("", |is_within| if is_within { "within" } else { "OVER" });
    println!("{what:<66} {measured:>16} {at_most:>10} {verdict}");
}

/// A line about a time.
fn tell_time(what: &str, took: Duration, at_most: Option<Duration>) {
    let budget = at_most.map_or_else(String::new, |most| format!("{} ms", most.as_millis()));
    let measured = format!("{:.2} ms", 1e3 * took.as_secs_f64());
    tell(what, &measured, &budget, at_most.map(|most| took <= most));
}

/// A start without a screen: the largest preset or another design, measured where `measures`.
fn setup(design: Option<Design>, data_folder: Option<&Path>, measures: bool) -> Setup {
    let program = if measures { PROGRAM } else { "no such program" };
    let launcher = |program: &str| Launcher::local(program.into(), vec!["worker".into()]);
    Setup {
        launcher: launcher(program),
        camera_launcher: launcher(PROGRAM),
        ssh: Ssh::of_the_system(),
        data_folder: data_folder.map(Path::to_owned),
        design,
        file: None,
        has_tour: false,
        font_folders: FontFolders::default(),
        options: RunOptions::new(DeviceId::Cpu, 1, 1),
        care: Care::default(),
        // Nobody listens there.
        weights_server: Server { base_url: "http://127.0.0.1:9/".into(), patience: Duration::from_secs(5) },
        readers: Readers { program: PROGRAM.into(), args: vec!["reader".into()], patience: PATIENCE },
        dialogs: Arc::new(SystemDialogs),
    }
}

fn preset(name: &str) -> Design {
    zoo::preset(name).unwrap()
}

/// The middle one and the longest one.
fn middle_and_longest(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() - 1])
}

fn has_latency(app: &App) -> bool {
    app.live().current().is_some()
}

fn is_final(app: &App) -> bool {
    app.live().result().is_some_and(|(_, freshness)| freshness == Freshness::Final)
}

/// The first start on this machine, as far as it needs no screen: nothing is kept from before.
fn start() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut window = Window::open(setup(None, Some(folder.path()), true));
    window.frame(None);
    tell_time("start to first frame, without a screen", began.elapsed(), None);
    assert!(window.run(began + PATIENCE, has_latency), "no latency: {:?}", window.app.live().phase());
    tell_time("start to first measured latency, without a screen", began.elapsed(), None);
    let memory = screen::resident(std::process::id()).map_or_else(|| "unknown".into(), screen::megabytes);
    tell("resident memory, without a screen", &memory, "", None);
    window.app.finish();
}

/// The painting thread's time of frames in which a control edits the largest preset: both passes, with their triangles.
fn an_edit() {
    let mut window = Window::open(setup(Some(preset(LARGEST)), None, false));
    window.app.command(Command::ToggleLive);
    let times = |window: &mut Window, edit: &dyn Fn(u32) -> Option<Edit>| {
        for round in 0..30 {
            window.frame(edit(round));
        }
        middle_and_longest((0..200).map(|round| window.frame(edit(round))).collect())
    };
    let (middle, _) = times(&mut window, &|_| None);
    tell_time(&format!("a frame of {LARGEST} without an edit, median of 200"), middle, None);
    let (middle, longest) = times(&mut window, &|round| Some(Edit::Classes(999 + round % 2)));
    let most = Some(Duration::from_millis(8));
    tell_time(&format!("a frame of {LARGEST} with an edit, median of 200"), middle, most);
    tell_time("  the longest of them", longest, None);
}

/// From the edit to what is said of it on paper, without a window.
fn the_engines_part() {
    let design = preset(LARGEST);
    let part = |round: u32| {
        let began = Instant::now();
        let edited = design.apply(&Edit::Classes(999 + round % 2));
        let graph = lower(&edited, Batch(1)).unwrap();
        let cost = model_cost(&graph);
        std::hint::black_box(findings(&edited, &graph, &cost, None));
        began.elapsed()
    };
    // The first ones are not counted.
    let (middle, _) = middle_and_longest((0..230).map(part).skip(30).collect());
    tell_time("  the engine's part of it: apply, check, lower, cost, findings", middle, Some(Duration::from_millis(1)));
}

/// Whatever is shown as current belongs to the design as it is, in every frame.
fn is_of_now(app: &App, classes: u32) -> bool {
    let now = app.document().valid();
    let is_last = now.model.design().is_some_and(|design| design.classes == classes);
    is_last && app.live().current().is_none_or(|measured| measured.design == now.fingerprint)
}

fn fifty_edits_a_second() {
    let mut window = Window::open(setup(Some(preset("shufflenet-v2-x1.0")), None, true));
    assert!(window.run(Instant::now() + PATIENCE, is_final));
    let began = Instant::now();
    let (mut wrong, mut begun, mut longest, mut was_measured) = (0, 0, Duration::ZERO, false);
    let mut classes = 1_000;
    for edit in 0..100_u32 {
        let at = began + Duration::from_millis(20) * edit;
        window.run(at, |app| {
            wrong += usize::from(!is_of_now(app, classes));
            false
        });
        classes = 999 - edit;
        longest = longest.max(window.frame(Some(Edit::Classes(classes))));
        wrong += usize::from(!is_of_now(&window.app, classes));
        let is_measured = matches!(window.app.live().phase(), Phase::Preparing | Phase::Sampling { .. });
        begun += usize::from(is_measured && !was_measured);
        was_measured = is_measured;
    }
    let last = Instant::now();
    tell("fifty edits a second: seconds for a hundred", &format!("{:.2}", (last - began).as_secs_f64()), "", None);
    tell("  frames that show another design's figures as current", &wrong.to_string(), "0", Some(wrong == 0));
    tell("  measurements begun meanwhile", &begun.to_string(), "", None);
    tell_time("  the longest frame", longest, None);
    let is_there = window.run(last + PATIENCE, |app| {
        wrong += usize::from(!is_of_now(app, classes));
        has_latency(app)
    });
    assert!(is_there && wrong == 0, "{:?}", window.app.live().phase());
    // Were there a queue, it would have to be worked off first.
    tell_time("  from the last edit to its latency", last.elapsed(), Some(Duration::from_millis(500)));
}

fn edit_to_latency() {
    let mut window = Window::open(setup(Some(preset("shufflenet-v2-x1.5")), None, true));
    let mut times = Vec::new();
    for _ in 0..5 {
        window.frame(Some(Edit::Width(1.5)));
        assert!(window.run(Instant::now() + PATIENCE, is_final));
        let edited = Instant::now();
        window.frame(Some(Edit::Width(1.0)));
        assert!(window.run(edited + PATIENCE, has_latency));
        times.push(edited.elapsed());
    }
    let (middle, longest) = middle_and_longest(times);
    tell_time("from an edit to the first latency of 1.0x, median of 5", middle, Some(Duration::from_millis(500)));
    tell_time("  the longest of them", longest, None);
}

fn measuring_and_idle() {
    let mut window = Window::open(setup(Some(preset("shufflenet-v2-x1.0")), None, true));
    assert!(window.run(Instant::now() + PATIENCE, is_final));
    window.app.command(Command::Refine);
    window.frame(None);
    let is_sampling = |app: &App| matches!(app.live().phase(), Phase::Sampling { .. });
    assert!(window.run(Instant::now() + PATIENCE, is_sampling));
    let (began, before) = (Instant::now(), window.frames());
    window.run(began + Duration::from_secs(5), |app| !is_sampling(app));
    let rate = (window.frames() - before) as f64 / began.elapsed().as_secs_f64();
    tell("frames a second while measuring", &format!("{rate:.1}"), "5", Some(rate <= 5.0));
    window.app.command(Command::Cancel);
    window.frame(None);
    // Its layers are still measured apart, and what is pending is written.
    let rests = (0..30).any(|_| {
        let before = window.frames();
        window.run(Instant::now() + Duration::from_secs(2), |_| false);
        window.frames() == before
    });
    let before = window.frames();
    window.run(Instant::now() + Duration::from_secs(5), |_| false);
    let idle = window.frames() - before;
    tell("frames in five seconds at rest", &idle.to_string(), "0", Some(rests && idle == 0));
}
