//! A monkey at the window: every command and every answer of a dialog in any order, with worker processes killed in
//! between. It never panics, always has a valid last network, and every save lands where it belongs.

#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use shufflescope::camera::{Resolution, SourceSpec};
use shufflescope::window::{
    Analysis, CameraCommand, Choice, Command, Dialogs, ExploreCommand, Export, GuardAnswer, Origin, Over, Owner,
    Pending, Question, Reply, ResultForm, Run, Side, Tab, TextSize, View, Wanted, Wish,
};
use shufflescope_engine::design::{BlockEdit, BlockKind, Design, Edit, Stage, StageEdit, StemEdit};
use shufflescope_engine::experiment::{Experiment, Scale};
use shufflescope_engine::model::Model;
use shufflescope_engine::report::Format;
use shufflescope_engine::search::{Capacity, Goal};
use shufflescope_engine::units::Nanos;
use shufflescope_engine::zoo;
use support::{Window, quick, small};

/// Networks of the files that are there at the start, by their number of classes: no edit of the monkey's changes it, so
/// that it tells whose design a file holds.
const FILES: [(&str, u32); 3] = [("a.toml", 101), ("b.toml", 102), ("c.toml", 103)];

/// What the monkey does.
#[derive(Clone, Debug)]
enum Deed {
    Give(Box<Command>),
    Open(usize),
    Drop(Vec<usize>),
    Press(egui::Key, bool),
    Wait(u8),
    /// Kills the processes that the window has started.
    Kill,
}

/// How the next dialogs end, and after how many milliseconds.
#[derive(Clone, Debug)]
enum Whim {
    Choose(usize),
    ThinkBetter,
    None,
}

/// Dialogs that end as the monkey pleases.
#[derive(Debug, Default)]
struct Fickle {
    whims: Mutex<Vec<(Whim, u8)>>,
    folder: PathBuf,
    /// New files that were named, each once.
    named: Mutex<Vec<PathBuf>>,
}

impl Dialogs for Fickle {
    fn show(&self, question: Question) -> Pending {
        let (whim, delay) = self.whims.lock().unwrap().pop().unwrap_or((Whim::ThinkBetter, 0));
        let reply = match (whim, question.wanted) {
            (Whim::None, _) => Reply::NoDialog,
            (Whim::ThinkBetter, _) => Reply::Cancelled,
            (Whim::Choose(_), Wanted::Folder) => Reply::Chosen(self.folder.clone()),
            (Whim::Choose(index), Wanted::File) => Reply::Chosen(self.folder.join(there()[index % there().len()])),
            (Whim::Choose(_), Wanted::NewFile(offered)) => {
                let mut named = self.named.lock().unwrap();
                let ending = Path::new(&offered).extension().map_or("toml", |ending| ending.to_str().unwrap());
                let path = self.folder.join(format!("new-{}.{ending}", named.len()));
                named.push(path.clone());
                Reply::Chosen(path)
            }
        };
        Box::new(move || {
            std::thread::sleep(Duration::from_millis(delay.into()));
            reply
        })
    }
}

/// What can be opened: designs, an ONNX model, a profile, and what is none of them.
fn there() -> [&'static str; 8] {
    ["a.toml", "b.toml", "c.toml", "net.onnx", "profile.json", "garbage.toml", "garbage.onnx", "missing.toml"]
}

fn edit() -> impl Strategy<Value = Edit> {
    let stage = (
        0_usize..4,
        prop_oneof![
            (0_u32..300).prop_map(StageEdit::Channels),
            (0_u32..6).prop_map(StageEdit::Repeats),
            (0_u32..4).prop_map(StageEdit::Stride),
            (0_u32..8).prop_map(|size| StageEdit::Block(BlockEdit::Kernel(size))),
        ],
    );
    prop_oneof![
        (0.0..3.0_f64).prop_map(Edit::Width),
        (0_u32..64).prop_map(Edit::StemChannels),
        prop::option::of(0_u32..600).prop_map(Edit::Head),
        stage.prop_map(|(stage, change)| Edit::Stage { stage, change }),
        (0_u32..8).prop_map(|size| Edit::Blocks(BlockEdit::Kernel(size))),
        (0_u32..9).prop_map(|groups| Edit::Blocks(BlockEdit::Groups(groups))),
        Just(Edit::Fit),
        "[a-z ]{0,12}".prop_map(Edit::Rename),
        stages_edit(),
        stages_edit(),
    ]
}

/// Blocks of other kinds, and stages that come, go and move.
fn stages_edit() -> impl Strategy<Value = Edit> {
    let kind = || prop::sample::select(BlockKind::ALL.to_vec());
    let stage = |kind: BlockKind| Box::new(Stage { channels: 24, repeats: 1, stride: 1, block: kind.block() });
    prop_oneof![
        (0_usize..5, kind()).prop_map(move |(at, kind)| Edit::AddStage { at, stage: stage(kind) }),
        (0_usize..5).prop_map(Edit::RemoveStage),
        (0_usize..5).prop_map(Edit::DuplicateStage),
        (0_usize..5, 0_usize..5).prop_map(|(from, to)| Edit::MoveStage { from, to }),
        (0_usize..4, kind()).prop_map(|(stage, kind)| {
            let change = StageEdit::Block(BlockEdit::Kind(kind));
            Edit::All(vec![Edit::Stage { stage, change }, Edit::Fit])
        }),
        any::<bool>().prop_map(|on| Edit::Stem(StemEdit::MaxPool(on))),
    ]
}

/// Taking a design in hand names it as what a file holds, so a fixed network is taken.
fn explore() -> impl Strategy<Value = ExploreCommand> {
    let alexnet: Model = zoo::network("alexnet").unwrap().into();
    let (budget, most) = (Nanos::from_millis(3), Capacity::MultAdds);
    let goal = Goal { budget, at_least_mult_adds: None, at_most_params: None, most };
    let wish = Wish { goal, origin: Origin::Design(Box::new(small())), seconds: 1, seed: 1 };
    prop::sample::select(vec![
        ExploreCommand::Start(Box::new(wish)),
        ExploreCommand::Open(Box::new(alexnet.clone())),
        ExploreCommand::Compare(Box::new(alexnet)),
    ])
}

fn command() -> impl Strategy<Value = Command> {
    let presets: Vec<Model> = zoo::presets().iter().take(4).map(|preset| preset.design.clone().into()).collect();
    let camera = prop_oneof![
        Just(CameraCommand::Start(SourceSpec::Synthetic { seed: 1 }, Resolution { width: 160, height: 120 })),
        Just(CameraCommand::Stop),
        Just(CameraCommand::Record),
        Just(CameraCommand::WeightsDialog),
        Just(CameraCommand::LabelsDialog),
        Just(CameraCommand::PictureDialog),
        Just(CameraCommand::FolderDialog),
        Just(CameraCommand::SnapshotDialog),
    ];
    let layer = prop::option::of(prop::sample::select(vec!["stage2.0", "conv1", "fc", "nowhere"]));
    let side = prop::sample::select(vec![Side::A, Side::B]);
    let choice = prop::sample::select(vec![Choice::Present, Choice::Pinned, Choice::Zoo("shufflenet-v2-x0.5")]);
    prop_oneof![
        8 => edit().prop_map(Command::Edit),
        4 => Just(Command::Undo),
        2 => Just(Command::Redo),
        4 => Just(Command::Save),
        2 => Just(Command::SaveAs),
        2 => Just(Command::OpenDialog),
        1 => prop::sample::select(presets).prop_map(|model| Command::OpenModel(Box::new(model))),
        1 => Just(Command::BackToDesign),
        3 => prop::sample::select(vec![GuardAnswer::Save, GuardAnswer::LetGo, GuardAnswer::LetGo, GuardAnswer::Cancel])
            .prop_map(Command::Answer),
        1 => prop::sample::select(vec![Over::Finder, Over::Tour, Over::About])
            .prop_map(|over| Command::ShowOver(Some(over))),
        1 => Just(Command::ShowOver(None)),
        1 => prop::sample::select(vec![
            Command::DismissAll, Command::LookForRecent, Command::ForgetMissing, Command::TextSize(TextSize::Larger),
            Command::TextSize(TextSize::Smaller),
        ]),
        1 => Just(Command::ExportDialog(Export::Profile(Format::Json))),
        1 => Just(Command::ExportDialog(Export::Profile(Format::Html))),
        1 => layer.prop_map(|path| Command::Select(path.map(Into::into))),
        1 => prop::sample::select(Tab::ALL.to_vec()).prop_map(Command::ShowTab),
        1 => prop::sample::select(View::ALL.to_vec()).prop_map(Command::Show),
        1 => prop::sample::select(vec![
            Command::Pin, Command::Unpin, Command::ToggleLive, Command::MeasureAgain, Command::Refine,
            Command::MeasureCeilings, Command::TakeApart, Command::Cancel, Command::StartCompare, Command::Dismiss,
            Command::ToggleTheme, Command::StopRun(Owner::Compare), Command::StopRun(Owner::Lab), Command::StopRun(Owner::Explore),
            Command::Calibrate, Command::StopRun(Owner::Calibration), Command::StopRun(Owner::Advice),
            Command::ExportComparison(ResultForm::Json),
            Command::Copy { text: "a,b".into(), what: "a row".into() },
            Command::RunLab(Run::Experiments(vec![Experiment::G1], Scale::X1)),
        ]),
        1 => edit().prop_map(Command::Try),
        1 => explore().prop_map(Command::Explore),
        1 => camera.prop_map(Command::Camera),
        1 => (side.clone(), choice).prop_map(|(side, choice)| Command::Choose(side, choice)),
        1 => side.prop_map(Command::ChooseFileDialog),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let keys =
        prop::sample::select(vec![egui::Key::Z, egui::Key::S, egui::Key::Escape, egui::Key::Space, egui::Key::Tab]);
    prop_oneof![
        20 => command().prop_map(|command| Deed::Give(Box::new(command))),
        3 => (0..there().len()).prop_map(Deed::Open),
        1 => prop::collection::vec(0..there().len(), 1..4).prop_map(Deed::Drop),
        2 => (keys, any::<bool>()).prop_map(|(key, with)| Deed::Press(key, with)),
        4 => (1_u8..40).prop_map(Deed::Wait),
        1 => Just(Deed::Kill),
    ]
}

fn whim() -> impl Strategy<Value = (Whim, u8)> {
    let whim = prop_oneof![
        6 => (0..there().len()).prop_map(Whim::Choose),
        1 => Just(Whim::ThinkBetter),
        1 => Just(Whim::None),
    ];
    (whim, 0_u8..60)
}

/// Kills every process that this one has started; where the system does not list them, none.
fn kill_children() {
    #[cfg(target_os = "linux")]
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // Behind the name in brackets: the state and the parent.
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        if parent == Some(std::process::id()) {
            let _ = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
    }
}

/// Whose design every file may hold, by its number of classes.
type Owners = BTreeMap<PathBuf, Vec<u32>>;

fn check(window: &Window, owners: &Owners) {
    let valid = window.app().document().valid();
    let batch = u32::try_from(valid.graph.input_shape().batch).unwrap();
    assert!(Analysis::of(valid.model.clone(), batch).is_ok(), "the last valid network is valid");
    for (path, classes) in owners {
        if path.extension().is_some_and(|ending| ending == "toml") && path.exists() {
            let design = Design::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(classes.contains(&design.classes), "{}: of {}, not {classes:?}", path.display(), design.classes);
        }
    }
}

fn play(deeds: Vec<Deed>, whims: Vec<(Whim, u8)>) {
    let folder = tempfile::tempdir().unwrap();
    let mut owners = Owners::new();
    for (name, classes) in FILES {
        fs::write(folder.path().join(name), small().apply(&Edit::Classes(classes)).to_toml().unwrap()).unwrap();
        owners.insert(folder.path().join(name), vec![classes]);
    }
    fs::write(folder.path().join("garbage.toml"), "classes = \"many\"\n[[stage]").unwrap();
    fs::write(folder.path().join("garbage.onnx"), [8, 255, 255, 255, 255, 255]).unwrap();
    fs::write(folder.path().join("net.onnx"), [0; 64]).unwrap();
    fs::write(folder.path().join("profile.json"), "{\"schema\": 1}").unwrap();
    let data = folder.path().join("data");
    let dialogs = Arc::new(Fickle { whims: Mutex::new(whims), folder: folder.path().to_owned(), ..Fickle::default() });
    let mut start = quick(Some(&data));
    start.dialogs = dialogs.clone();
    let mut window = Window::with(start.clone(), [1000.0, 640.0], egui::Theme::Dark);
    let mut named = 0;
    for deed in deeds {
        let before = window.app().document().draft().classes;
        match deed {
            Deed::Give(command) => window.harness.state_mut().command(*command),
            Deed::Open(index) => {
                window.harness.state_mut().command(Command::Open(folder.path().join(there()[index])));
            }
            Deed::Drop(files) => {
                let paths: Vec<PathBuf> = files.into_iter().map(|index| folder.path().join(there()[index])).collect();
                window.drop_files(paths);
            }
            Deed::Press(key, with) => {
                let modifiers = if with { egui::Modifiers::COMMAND } else { egui::Modifiers::NONE };
                window.harness.key_press_modifiers(modifiers, key);
            }
            Deed::Wait(millis) => std::thread::sleep(Duration::from_millis(millis.into())),
            Deed::Kill => kill_children(),
        }
        window.harness.step();
        // A new file is of the document that was there when it was asked for, in this frame: the one before it, or one
        // that was opened at its beginning.
        let after = window.app().document().draft().classes;
        for path in dialogs.named.lock().unwrap().iter().skip(named) {
            owners.insert(path.clone(), vec![before, after]);
            named += 1;
        }
        check(&window, &owners);
    }
    let last = window.app().document().draft().clone();
    window.close();
    // Saves that were asked for before the end are done by now.
    start.design = None;
    start.dialogs = Arc::new(Fickle::default());
    let window = Window::with(start, [1000.0, 640.0], egui::Theme::Dark);
    check(&window, &owners);
    if last.check().is_ok() {
        assert_eq!(*window.app().document().draft(), last, "the next window goes on where this one ended");
    }
    window.close();
}

/// A dozen lives, the same in every run unless `PROPTEST_RNG_SEED` or `PROPTEST_CASES` says otherwise: what the project's
/// CI says is about the commit; looking for more is done by hand.
fn lives() -> ProptestConfig {
    let mut config = ProptestConfig { max_shrink_iters: 20, failure_persistence: None, ..Default::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 12;
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(12);
    }
    config
}

proptest! {
    #![proptest_config(lives())]

    #[test]
    fn nothing_breaks_and_every_save_lands_where_it_belongs(
        deeds in prop::collection::vec(deed(), 40..80),
        whims in prop::collection::vec(whim(), 30),
    ) {
        play(deeds, whims);
    }
}
