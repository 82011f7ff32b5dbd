//! A file belongs to one document, and undo leads back to documents with their files.

use std::collections::HashMap;

use proptest::prelude::*;
use shufflescope_engine::device::DeviceId;

use super::*;

fn named(name: &str) -> Design {
    Design { name: name.into(), ..zoo::preset("shufflenet-v2-x0.5").unwrap() }
}

fn document() -> Document {
    Document::new(named("first"), RunOptions::new(DeviceId::Cpu, 1, 1)).unwrap()
}

fn file(name: &str) -> PathBuf {
    std::path::absolute(name).unwrap()
}

fn classes(document: &mut Document, classes: u32) {
    document.edit(&Edit::Classes(classes), f64::from(classes), false);
}

#[test]
fn undo_brings_back_the_other_document_with_its_own_file_and_redo_this_one() {
    let mut document = document();
    document.open(named("a"), Some("a.toml".into()), 1.0);
    classes(&mut document, 7);
    document.open(named("b"), Some("b.toml".into()), 2.0);
    assert!(!document.is_modified());
    document.undo();
    assert_eq!((document.name(), document.file()), ("a", Some(file("a.toml").as_path())));
    assert!(document.is_modified(), "seven classes are in no file");
    document.undo();
    assert!(!document.is_modified());
    document.undo();
    assert_eq!((document.name(), document.file()), ("first", None));
    (0..3).for_each(|_| document.redo());
    assert_eq!((document.name(), document.file()), ("b", Some(file("b.toml").as_path())));
}

#[test]
fn a_preset_chosen_while_a_file_is_open_has_no_file() {
    let preset = zoo::preset("shufflenet-v2-x1.0").unwrap();
    for opened in [named("mine"), preset.clone()] {
        let mut document = document();
        document.open(opened.clone(), Some("mine.toml".into()), 1.0);
        document.edit(&Edit::Replace(Box::new(preset.clone())), 2.0, false);
        assert_eq!((document.draft(), document.file()), (&preset, None));
        assert!(!document.is_modified(), "a preset can be chosen again");
        document.undo();
        assert_eq!((document.draft(), document.file()), (&opened, Some(file("mine.toml").as_path())));
    }
    let mut document = document();
    document.edit(&Edit::Replace(Box::new(named("a point of a sweep"))), 2.0, false);
    assert!(document.is_modified(), "anything else is nowhere yet");
}

#[test]
fn a_save_that_is_written_late_belongs_to_the_document_it_was_for() {
    let mut document = document();
    document.open(named("a"), Some("a.toml".into()), 1.0);
    classes(&mut document, 7);
    let late = document.save(document.id(), "c.toml".into(), document.draft().clone());
    document.open(named("b"), Some("b.toml".into()), 2.0);
    document.saved(&late);
    assert_eq!(document.file(), Some(file("b.toml").as_path()), "B does not take A's new file");
    document.undo();
    assert_eq!(document.file(), Some(file("c.toml").as_path()));
    assert!(!document.is_modified());
}

#[test]
fn only_what_was_written_is_saved() {
    let mut document = document();
    document.open(named("a"), Some("a.toml".into()), 1.0);
    classes(&mut document, 7);
    let save = document.save(document.id(), "a.toml".into(), document.draft().clone());
    classes(&mut document, 9);
    document.saved(&save);
    assert!(document.is_modified());
    document.undo();
    assert!(!document.is_modified());
}

#[test]
fn an_older_save_that_hung_does_not_take_the_document_back() {
    let mut document = document();
    document.open(named("a"), Some("a.toml".into()), 1.0);
    let hung = document.save(document.id(), "a.toml".into(), document.draft().clone());
    let elsewhere = document.save(document.id(), "c.toml".into(), document.draft().clone());
    document.saved(&elsewhere);
    document.saved(&hung);
    assert_eq!(document.file(), Some(file("c.toml").as_path()));
}

#[test]
fn a_file_that_another_document_was_saved_to_is_no_longer_the_first_ones() {
    let mut document = document();
    document.open(named("b"), Some("b.toml".into()), 1.0);
    document.open(named("a"), Some("a.toml".into()), 2.0);
    let save = document.save(document.id(), "b.toml".into(), document.draft().clone());
    document.saved(&save);
    document.undo();
    assert_eq!((document.name(), document.file()), ("b", None));
    assert!(document.is_modified(), "what b.toml held is gone");
}

#[test]
fn a_recovered_design_is_unsaved_and_has_its_file() {
    let options = RunOptions::new(DeviceId::Cpu, 1, 1);
    let document = Document::recovered(named("a"), Some("a.toml".into()), false, options).unwrap();
    assert!(document.is_modified());
    assert_eq!(document.file(), Some(file("a.toml").as_path()));
}

/// What a person, a dialog or a disk does.
#[derive(Clone, Debug)]
enum Happening {
    Open(usize),
    Edit(u32),
    Undo,
    Redo,
    Preset,
    /// Ctrl+S: to the file, if there is one.
    Save,
    /// A dialog comes up for what is shown.
    AskWhere,
    /// One of the dialogs is answered.
    Answer(usize, usize),
    /// One of the writes comes to its end, in any order.
    Written(usize),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = prop_oneof![
        3 => (0..3_usize).prop_map(Happening::Open),
        3 => (1..9_u32).prop_map(Happening::Edit),
        3 => Just(Happening::Undo),
        2 => Just(Happening::Redo),
        1 => Just(Happening::Preset),
        3 => Just(Happening::Save),
        1 => Just(Happening::AskWhere),
        1 => (0..4_usize, 0..3_usize).prop_map(|(dialog, path)| Happening::Answer(dialog, path)),
        3 => (0..4_usize).prop_map(Happening::Written),
    ];
    prop::collection::vec(one, 1..60)
}

/// A disk, to which document each of its files belongs, and which designs belong to each document, by their names.
#[derive(Debug, Default)]
struct Model {
    disk: HashMap<PathBuf, Design>,
    owner: HashMap<PathBuf, DocumentId>,
    names: HashMap<String, DocumentId>,
    /// The newest save of each document that came to its end.
    newest: HashMap<DocumentId, u64>,
    begun: usize,
}

impl Model {
    fn fresh(&mut self) -> Design {
        self.begun += 1;
        named(&format!("design {}", self.begun))
    }

    fn write(&mut self, save: &Save) {
        self.disk.insert(save.path.clone(), (*save.design).clone());
        let newest = self.newest.entry(save.document).or_default();
        if save.number > *newest {
            *newest = save.number;
            self.owner.retain(|_, owner| *owner != save.document);
            self.owner.insert(save.path.clone(), save.document);
        }
    }
}

proptest! {
    #[test]
    fn no_design_is_ever_written_to_a_file_that_belongs_to_another_document(happenings in happenings()) {
        let mut document = document();
        let mut model = Model::default();
        model.names.insert(document.name().into(), document.id());
        let (mut dialogs, mut writes) = (Vec::new(), Vec::<Save>::new());
        let path = |number: usize| file(&format!("{number}.toml"));
        for (at, happening) in happenings.into_iter().enumerate() {
            match happening {
                Happening::Open(number) => {
                    let design = model.fresh();
                    model.disk.insert(path(number), design.clone());
                    document.open(design, Some(path(number)), at as f64);
                    model.owner.insert(path(number), document.id());
                    model.names.insert(document.name().into(), document.id());
                }
                Happening::Edit(classes) => document.edit(&Edit::Classes(classes), at as f64 * 10.0, false),
                Happening::Undo => document.undo(),
                Happening::Redo => document.redo(),
                Happening::Preset => {
                    document.edit(&Edit::Replace(Box::new(model.fresh())), at as f64, false);
                    prop_assert_eq!(document.file(), None);
                    model.names.insert(document.name().into(), document.id());
                }
                Happening::Save => if let Some(path) = document.file().map(Path::to_owned) {
                    let owner = model.owner.get(&path);
                    prop_assert_eq!(model.names.get(document.name()), owner, "{}", path.display());
                    writes.push(document.save(document.id(), path, document.draft().clone()));
                },
                Happening::AskWhere => dialogs.push((document.id(), document.draft().clone())),
                Happening::Answer(dialog, number) => if dialog < dialogs.len() {
                    let (id, design) = dialogs.remove(dialog);
                    writes.push(document.save(id, path(number), design));
                },
                // Writes to one file keep their order.
                Happening::Written(write) => if let Some(chosen) = writes.get(write) {
                    let first = writes.iter().position(|other| other.path == chosen.path).unwrap();
                    let save = writes.remove(first);
                    model.write(&save);
                    document.saved(&save);
                },
            }
            if let (Some(path), false) = (document.file(), document.is_modified()) {
                prop_assert_eq!(model.disk.get(path), Some(document.draft()), "what is called saved is on the disk");
            }
        }
    }
}

#[test]
fn the_selected_layer_stays_with_its_stage_and_undo_brings_its_place_back() {
    let mut document = document();
    document.selected = Some("stage3.1.branch2.0".into());
    assert_eq!(document.selected_stage(), Some(1));
    document.edit(&Edit::MoveStage { from: 1, to: 2 }, 0.0, false);
    assert_eq!((document.selected.as_deref(), document.selected_stage()), (Some("stage4.1.branch2.0"), Some(2)));
    // An edit that is not valid moves it no further than the network that is shown.
    document.edit(&Edit::All(vec![Edit::RemoveStage(0), Edit::Classes(0)]), 2.0, false);
    assert!(!document.errors().is_empty());
    assert_eq!(document.selected.as_deref(), Some("stage4.1.branch2.0"));
    classes(&mut document, 7);
    assert_eq!((document.selected.as_deref(), document.selected_stage()), (Some("stage3.1.branch2.0"), Some(1)));
    for expected in ["stage3.1.branch2.0", "stage4.1.branch2.0", "stage3.1.branch2.0"] {
        document.undo();
        assert_eq!(document.selected.as_deref(), Some(expected));
    }
    document.edit(&Edit::RemoveStage(1), 9.0, false);
    assert_eq!(document.selected, None, "it is gone with its stage, though another one has its path");
}
