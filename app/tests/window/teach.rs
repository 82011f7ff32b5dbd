//! Teaching in the camera tab, driven through its accessible controls: the drawn scene as the camera, the demo's network
//! as the design.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::support::{ScriptedDialogs, Window, setup, small};
use egui::{Event, Modifiers, PointerButton};
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::camera::WeightsChoice;
use shufflescope::teach::{Kind, Project};
use shufflescope::window::{App, Command, Export, Fit, Setup, TeachCommand, TeachOutcome};
use shufflescope_engine::classify::{Classifier, ClassifierOptions, Picture, demo};
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::design::{Edit, StageEdit};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::model::{Model, ModelFile};
use shufflescope_engine::report::{Format, Profile};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::training::{Passport, Way};
use shufflescope_engine::weights::WeightsFile;

fn begin(data_folder: &Path) -> Setup {
    let mut start = setup(Some(data_folder));
    // Nothing is measured here.
    start.launcher.program = "no such program".into();
    start.design = Some(demo::design());
    start
}

/// The camera tab of the demo's network with the drawn scene before it.
fn open(start: Setup) -> Window {
    let mut window = Window::with(start, [1440.0, 1100.0], egui::Theme::Dark);
    window.harness.get_by_label("Camera tab").click_accesskit();
    window.step();
    window
}

fn start_scene(window: &mut Window) {
    window.harness.get_by_label("Start the drawn scene").click_accesskit();
    window.step();
    window.wait("a frame", |app| app.camera().frame().is_some());
    window.step();
}

fn teach(window: &mut Window, command: TeachCommand) {
    window.harness.state_mut().command(Command::Teach(command));
    window.step();
}

fn add_class(window: &mut Window, name: &str) {
    window.harness.get_by_label("name of a new class").focus();
    window.step();
    window.harness.event(Event::Text(name.into()));
    window.step();
    window.harness.get_by_label("Add class").click_accesskit();
    window.step();
}

/// Holds the button of a class until it has so many pictures.
fn hold(window: &mut Window, class: &str, pictures: usize) {
    window.harness.get_by_label(&format!("show {class}")).scroll_to_me();
    window.step();
    let at = window.harness.get_by_label(&format!("show {class}")).rect().center();
    let button =
        |pressed| Event::PointerButton { pos: at, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
    window.harness.event(Event::PointerMoved(at));
    window.harness.event(button(true));
    window.step();
    let shows = window.app().teach().shows();
    assert!(shows.is_some(), "{class} is not held at {at}: {:?}", window.picture(class).dimensions());
    window.wait(&format!("{pictures} pictures of {class}"), |app| count(app, class) >= pictures);
    window.harness.event(button(false));
    window.step();
    assert_eq!(window.app().teach().shows(), None);
}

fn count(app: &App, class: &str) -> usize {
    app.teach().classes().iter().find(|of| of.name == class).map_or(0, |class| class.shots.len())
}

fn picture_files(app: &App) -> usize {
    std::fs::read_dir(app.teach().folder().unwrap().join("pictures")).map_or(0, Iterator::count)
}

fn taught_outcome(window: &mut Window) {
    window.wait("the end of teaching", |app| app.teach().running().is_none() && app.teach().outcome().is_some());
    let outcome = window.app().teach().outcome().unwrap();
    assert!(matches!(outcome, TeachOutcome::Taught(_)), "{outcome:?}");
    window.step();
}

/// The labels of the newest frame, where the network in hand has answered it.
fn labels(app: &App) -> Option<Vec<String>> {
    let frame = app.camera().frame().filter(|frame| app.camera().is_current(frame))?;
    let top = frame.head.top.as_ref()?.as_ref().ok()?;
    Some(top.iter().map(|class| class.label.clone()).collect())
}

fn knows(app: &App, classes: &[&str]) -> bool {
    let mut known = labels(app).unwrap_or_default();
    known.sort();
    known == classes
}

/// A folder with two classes of plain pictures, and one file that is none.
fn things(folder: &Path) -> PathBuf {
    let things = folder.join("things");
    for (class, colour) in [("mug", [200, 40, 40]), ("plant", [30, 160, 60])] {
        std::fs::create_dir_all(things.join(class)).unwrap();
        for number in 0..6_u8 {
            let pixel =
                |x: u32, y: u32| image::Rgb(colour.map(|of: u8| of.wrapping_add(number * 5 + ((x + y) % 7) as u8)));
            let path = things.join(class).join(format!("{number}.png"));
            image::RgbImage::from_fn(40, 30, pixel).save(path).unwrap();
        }
    }
    std::fs::write(things.join("mug/broken.jpg"), b"no picture").unwrap();
    things
}

#[test]
fn a_person_names_classes_shows_them_and_the_camera_tells_them_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(begin(folder.path()));
    assert!(window.harness.get_by_label("Teach at once").accesskit_node().is_disabled());
    start_scene(&mut window);
    add_class(&mut window, "first");
    add_class(&mut window, "second");
    assert!(window.says("it needs at least 2 pictures"), "{:?}", window.texts());

    hold(&mut window, "first", 8);
    hold(&mut window, "second", 6);
    let newest = format!("picture {} of first", count(window.app(), "first"));
    assert!(window.says(&newest) && window.says("from 20 on it gets better"), "{:?}", window.texts());
    // A click that nobody holds takes one.
    let before = count(window.app(), "second");
    window.harness.get_by_label("show second").click_accesskit();
    window.step();
    assert_eq!(count(window.app(), "second"), before + 1);

    // Deleting one is complete, and undoing it brings it back.
    let all = count(window.app(), "first");
    window.wait("the files", |app| picture_files(app) == all + before + 1);
    let newest = format!("picture {all} of first");
    window.harness.get_by_label(&newest).click_accesskit();
    window.step();
    assert_eq!(count(window.app(), "first"), all - 1);
    window.wait("the file to be gone", |app| picture_files(app) == all + before);
    window.harness.get_by_label("Undo pictures").click_accesskit();
    window.step();
    assert_eq!(count(window.app(), "first"), all);
    window.wait("the file to be back", |app| picture_files(app) == all + before + 1);

    window.harness.get_by_label("Teach at once").click_accesskit();
    window.step();
    taught_outcome(&mut window);
    assert!(window.says("accuracy on your held-out pictures: ") && window.says("`my things` ("));
    window.wait("the taught classes", |app| knows(app, &["first", "second"]));
    window.step();
    assert!(window.says("taught on `my things`") && window.says("Measured accuracy: "));
    window.harness.check_accessibility();
    assert!(window.names_given_twice().is_empty(), "{:?}", window.names_given_twice());

    // Another width is another network: what was taught does not fit, and nothing is made up.
    let wider = Edit::Stage { stage: 0, change: StageEdit::Channels(64) };
    window.harness.state_mut().command(Command::Edit(wider));
    window.wait("the misfit", |app| matches!(app.camera().fit(), Some(Fit::TimeOnly { .. })));
    window.step();
    assert!(window.says("What was taught does not fit this design") && !window.says("accuracy on your held-out"));
    window.harness.state_mut().command(Command::Undo);
    window.wait("the taught classes again", |app| knows(app, &["first", "second"]));

    // A narrower one is taught at once by itself, from the weights cut to fit.
    let narrower = Edit::Stage { stage: 2, change: StageEdit::Channels(96) };
    window.harness.state_mut().command(Command::Edit(narrower));
    window.wait("the narrower network's answers", |app| {
        app.teach().taught().len() == 2 && knows(app, &["first", "second"])
    });
    window.step();
    assert!(window.says("accuracy on your held-out pictures: ") && window.says("cut to fit"));
    window.harness.state_mut().command(Command::Undo);
    window.wait("the first ones again", |app| knows(app, &["first", "second"]));

    // The project is there again in the next session, with what was taught.
    let pictures = (count(window.app(), "first"), count(window.app(), "second"));
    window.close();
    let mut window = open(begin(folder.path()));
    assert_eq!((count(window.app(), "first"), count(window.app(), "second")), pictures);
    window.wait("a small picture", |app| app.teach().thumbnail(app.teach().classes()[0].shots[0].number).is_some());
    window.step();
    assert!(window.says("accuracy on your held-out pictures: "));
    window.harness.get_by_label("Use what was taught").click_accesskit();
    window.step();
    start_scene(&mut window);
    window.wait("the taught classes once more", |app| knows(app, &["first", "second"]));

    // Deleting the project leaves nothing.
    let project = window.app().teach().folder().unwrap().to_owned();
    assert!(project.is_dir());
    window.harness.get_by_label("Project menu").click_accesskit();
    window.step();
    window.harness.get_by_label("Delete project").click_accesskit();
    window.step();
    assert!(window.says("This cannot be undone"));
    window.harness.get_by_label("Delete all of the project").click_accesskit();
    window.step();
    assert!(!project.exists() && window.app().teach().classes().is_empty());
    assert_eq!(*window.app().camera().choice(), WeightsChoice::Automatic);
    window.close();
}

#[test]
fn a_class_name_that_is_typed_keeps_its_focus_when_a_class_above_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(begin(folder.path()));
    add_class(&mut window, "first");
    add_class(&mut window, "second");
    let type_text = |window: &mut Window, text: &str| {
        window.harness.event(Event::Text(text.into()));
        window.step();
    };
    window.harness.get_by_label("name of class second").focus();
    window.step();
    window.harness.key_press_modifiers(Modifiers::COMMAND, egui::Key::A);
    type_text(&mut window, "sec");
    let first = window.app().teach().classes()[0].id;
    teach(&mut window, TeachCommand::DeleteClass(first));
    assert!(window.harness.get_by_label("name of class second").is_focused());
    type_text(&mut window, "ond thing");
    window.harness.key_press(egui::Key::Enter);
    window.step();
    let names: Vec<&str> = window.app().teach().classes().iter().map(|class| class.name.as_str()).collect();
    assert_eq!(names, ["second thing"]);
}

#[test]
fn folders_are_taken_in_and_what_was_taught_travels_with_every_export() {
    let folder = tempfile::tempdir().unwrap();
    let (data, from) = (folder.path().join("data"), things(folder.path()));
    let mut start = begin(&data);
    let dialogs = ScriptedDialogs::default();
    dialogs.choose(from.clone());
    start.dialogs = Arc::new(dialogs);
    let mut window = open(start);
    window.harness.get_by_label("Take in folders").click_accesskit();
    window.wait("the folder", |app| app.teach().outcome().is_some());
    window.step();
    assert_eq!((count(window.app(), "mug"), count(window.app(), "plant")), (6, 6));
    assert!(window.says("12 pictures were taken in.") && window.says("broken.jpg"));
    teach(&mut window, TeachCommand::RenameProject("kitchen".into()));
    // A class that is deleted comes back with its pictures.
    window.harness.get_by_label("delete class mug").click_accesskit();
    window.step();
    window.wait("the files to be gone", |app| picture_files(app) == 6);
    window.harness.get_by_label("Undo pictures").click_accesskit();
    window.wait("the files to be back", |app| picture_files(app) == 12);
    window.wait("what fits", |app| app.camera().fit().is_some());
    window.step();
    window.harness.get_by_label("Teach at once").click_accesskit();
    window.step();
    taught_outcome(&mut window);
    // Red and green are told apart by any features.
    assert!(window.says("100 % [") && window.says("of 2 held out of `kitchen` (12 pictures)"));

    let export = |window: &mut Window, what: Export, name: &str| {
        let path = folder.path().join(name);
        window.harness.state_mut().command(Command::Export(what, path.clone()));
        let said = name.to_owned();
        window.wait("the export", move |app| app.notice().is_some_and(|notice| notice.text.contains(&said)));
        assert!(path.exists(), "{:?}", window.app().notice());
        path
    };
    let profile = Profile::read(&export(&mut window, Export::Profile(Format::Json), "profile.json")).unwrap();
    let accuracy = profile.accuracy.unwrap();
    assert_eq!((accuracy.correct(), accuracy.held_out(), accuracy.data().name.as_str()), (2, 2, "kitchen"));
    let weights = export(&mut window, Export::Safetensors, "weights.safetensors");
    let mut file = WeightsFile::open(&weights).unwrap();
    let passport = Passport::in_file(&file).unwrap();
    assert_eq!((passport.classes.as_slice(), &passport.accuracy), (&["mug".to_owned(), "plant".into()][..], &accuracy));

    // The exported model says the same as the taught weights, of every picture.
    let onnx = ModelFile::open(&export(&mut window, Export::Onnx, "model.onnx")).unwrap();
    let options = ClassifierOptions::new(RunOptions::new(DeviceId::Cpu, 1, 1));
    let mut exported = Classifier::of_file(&onnx, &options).unwrap();
    let mut taught = Classifier::open(&Model::from(demo::design()), &mut file, &options).unwrap();
    let clock = MonotonicClock::new();
    for (class, name) in ["mug", "plant"].into_iter().enumerate() {
        let image = image::open(from.join(name).join("3.png")).unwrap().into_rgb8();
        let picture = Picture::new(image.width(), image.height(), image.into_raw()).unwrap();
        let [a, b] = [&mut exported, &mut taught].map(|of| of.classify(&picture, &clock).unwrap());
        assert_eq!((a.top(1)[0].index, b.top(1)[0].index), (class, class));
        assert!(a.logits.iter().zip(&b.logits).all(|(a, b)| (a - b).abs() < 1e-3), "{:?} {:?}", a.logits, b.logits);
    }
    let source = std::fs::read_to_string(export(&mut window, Export::Pytorch, "model.py")).unwrap();
    assert!(source.contains("256, 2"), "a classifier of two classes: {source}");
    window.close();
}

#[test]
fn a_worker_that_is_killed_harms_no_picture_and_pictures_that_nobody_knows_are_swept_away() {
    let folder = tempfile::tempdir().unwrap();
    let (data, from) = (folder.path().join("data"), things(folder.path()));
    let mut start = begin(&data);
    start.camera_launcher.program = "no such program".into();
    let mut window = open(start);
    teach(&mut window, TeachCommand::TakeIn(from.clone()));
    window.wait("the failure", |app| matches!(app.teach().outcome(), Some(TeachOutcome::Failed(_))));
    window.step();
    assert!(window.says("no such program cannot be started"));
    window.close();

    let mut window = open(begin(&data));
    teach(&mut window, TeachCommand::TakeIn(from));
    window.wait("the folder", |app| app.teach().outcome().is_some());
    let place = window.app().teach().folder().unwrap().to_owned();
    window.close();
    // What a killed program has left between a picture and the index.
    std::fs::write(place.join("pictures/999999.png"), b"left over").unwrap();
    let known = Project::read(&place).unwrap();
    assert_eq!(known.shots().count(), 12);
    let mut window = open(begin(&data));
    window.wait("the sweep", |app| picture_files(app) == 12);
    assert_eq!(count(window.app(), "plant"), 6);
    // A picture that is gone is named, and the others are enough.
    window.wait("what fits", |app| app.camera().fit().is_some());
    let first = known.shots().next().unwrap().number;
    std::fs::remove_file(place.join(format!("pictures/{first:06}.png"))).unwrap();
    window.harness.get_by_label("Teach at once").click_accesskit();
    window.step();
    taught_outcome(&mut window);
    assert!(window.says(&format!("{first:06}.png")) && window.says("(11 pictures)"));
    window.close();
}

#[test]
fn a_training_that_is_killed_goes_on_one_that_is_stopped_keeps_its_best_and_one_that_is_cancelled_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (data, from) = (folder.path().join("data"), things(folder.path()));
    let mut window = open(Setup { design: Some(small()), ..begin(&data) });
    teach(&mut window, TeachCommand::TakeIn(from));
    window.wait("the folder", |app| app.teach().outcome().is_some());
    let train = |window: &mut Window| {
        teach(window, TeachCommand::Teach(Kind::Trained { seconds: 600 }));
        window.wait("the curves", |app| app.teach().running().is_some_and(|running| running.curve().len() >= 2));
        window.step();
    };
    train(&mut window);
    assert!(window.says("Teaching, from nothing") && window.says("curve: loss ") && window.says(" left"));
    crate::support::kill(window.app().teach().worker_id().unwrap());
    window.wait("the loss", |app| matches!(app.teach().outcome(), Some(TeachOutcome::Failed(_))));
    window.step();
    assert!(window.says("your pictures are safe") && count(window.app(), "mug") == 6);

    train(&mut window);
    window.harness.get_by_label("Cancel teaching").click_accesskit();
    window.step();
    assert!(window.says("Stopping: the best so far is measured and kept"));
    taught_outcome(&mut window);
    assert!(window.says("accuracy on your held-out pictures: ") && window.says("Taught trained"));
    let taught = window.app().teach().taught().to_vec();
    assert_eq!((taught.len(), taught[0].way, taught[0].design.classes), (1, Way::Trained, 2));

    train(&mut window);
    teach(&mut window, TeachCommand::Cancel);
    teach(&mut window, TeachCommand::Cancel);
    assert_eq!(window.app().teach().outcome(), Some(&TeachOutcome::Cancelled));
    assert_eq!(window.app().teach().taught(), taught, "what was taught before is as it was");
    window.close();
}

#[test]
fn without_a_data_folder_nothing_is_kept_and_that_is_said() {
    let mut window = open(Setup { data_folder: None, ..begin(Path::new("nowhere")) });
    assert!(window.says("pictures cannot be kept"));
    teach(&mut window, TeachCommand::AddClass("mug".into()));
    assert!(window.app().teach().classes().is_empty());
}
