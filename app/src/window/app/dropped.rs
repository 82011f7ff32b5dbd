//! What becomes of files that are dropped onto the window: each goes where its kind belongs, or is named as left out.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use eframe::egui;

use super::App;
use crate::image_file::ENDINGS;
use crate::window::bench::Side;
use crate::window::camera::{CameraCommand, Trained, WeightsChoice};
use crate::window::command::Command;
use crate::window::tab::Tab;

impl App {
    /// Asks for what was dropped; what is left out of it, and why.
    pub(super) fn dropped_files(&mut self, ctx: &egui::Context) -> Option<String> {
        let dropped: Vec<_> =
            ctx.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
        let Sorted { commands, left_out } = sort_dropped(&dropped, self.tabs.shown);
        for command in commands {
            self.commands.push(command);
        }
        left_out
    }
}

/// What dropped files ask for.
#[derive(Debug, PartialEq)]
struct Sorted {
    /// In the order to be carried out.
    commands: Vec<Command>,
    /// Which files nothing is done with, and why.
    left_out: Option<String>,
}

/// The kinds of file that have a place in the window.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Network,
    Weights,
    Labels,
    Pictures,
    Nothing,
}

fn kind(path: &Path) -> Kind {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match ending.as_str() {
        "toml" | "json" | "onnx" => Kind::Network,
        "pth" | "pt" | "safetensors" => Kind::Weights,
        "txt" => Kind::Labels,
        ending if ENDINGS.contains(&ending) || path.is_dir() => Kind::Pictures,
        _ => Kind::Nothing,
    }
}

/// Sorts dropped files by their names. Networks become A and B of the comparison where two are dropped onto it, and the
/// first one the document otherwise; weights, labels and pictures go to the camera.
fn sort_dropped(dropped: &[PathBuf], shown: Tab) -> Sorted {
    let of = |wanted| dropped.iter().filter(move |path| kind(path) == wanted);
    let mut commands = Vec::new();
    let mut left_out = Vec::new();
    let networks: Vec<_> = of(Kind::Network).collect();
    match networks.as_slice() {
        [a, b, rest @ ..] if shown == Tab::Compare => {
            commands.push(Command::ChooseFile(Side::A, (*a).clone()));
            commands.push(Command::ChooseFile(Side::B, (*b).clone()));
            leave_out(&mut left_out, rest, "two networks are compared at a time");
        }
        [first, rest @ ..] => {
            commands.push(Command::Open((*first).clone()));
            leave_out(
                &mut left_out,
                rest,
                "one network is shown at a time; Compare takes two that are dropped onto it",
            );
        }
        [] => {}
    }
    let mut for_camera = |wanted, why, make: fn(PathBuf) -> CameraCommand| {
        let mut files = of(wanted);
        let Some(first) = files.next() else { return };
        commands.push(Command::ShowTab(Tab::Camera));
        commands.push(Command::Camera(make(first.clone())));
        leave_out(&mut left_out, &files.collect::<Vec<_>>(), why);
    };
    let weights = |path| CameraCommand::Use(WeightsChoice::Only(Trained::File(path)));
    for_camera(Kind::Weights, "one file of weights is used at a time", weights);
    for_camera(Kind::Labels, "one list of labels is used at a time", |path| CameraCommand::Labels(Some(path)));
    let nothing: Vec<_> = of(Kind::Nothing).collect();
    for_camera(Kind::Pictures, "one picture is shown at a time; drop their folder to see all", CameraCommand::Pictures);
    leave_out(
        &mut left_out,
        &nothing,
        "neither a design (.toml), a profile (.json) or a model (.onnx), nor weights, labels or a picture",
    );
    let told = (!left_out.is_empty()).then(|| {
        let taken: Vec<_> = dropped.iter().filter(|path| is_taken(&commands, path)).map(|path| name(path)).collect();
        let taken = if taken.is_empty() { String::new() } else { format!("Taken: {}. ", taken.join(", ")) };
        format!("{taken}Not opened: {}.", left_out.join("; "))
    });
    Sorted { commands, left_out: told }
}

fn leave_out(told: &mut Vec<String>, files: &[&PathBuf], why: &str) {
    if !files.is_empty() {
        let names: Vec<_> = files.iter().map(|path| name(path)).collect();
        told.push(format!("{} ({why})", names.join(", ")));
    }
}

fn name(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy()
}

/// Whether something is done with a file.
fn is_taken(commands: &[Command], file: &Path) -> bool {
    commands.iter().any(|command| match command {
        Command::Open(path)
        | Command::ChooseFile(_, path)
        | Command::Camera(
            CameraCommand::Use(WeightsChoice::Only(Trained::File(path)))
            | CameraCommand::Labels(Some(path))
            | CameraCommand::Pictures(path),
        ) => path == file,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(names: &[&str], shown: Tab) -> Sorted {
        sort_dropped(&names.iter().map(PathBuf::from).collect::<Vec<_>>(), shown)
    }

    #[test]
    fn two_networks_are_compared_where_that_is_shown_and_otherwise_the_second_is_named() {
        let Sorted { commands, left_out } = sorted(&["a.toml", "b.onnx", "c.json"], Tab::Compare);
        let sides =
            [(Side::A, "a.toml"), (Side::B, "b.onnx")].map(|(side, file)| Command::ChooseFile(side, file.into()));
        assert_eq!(commands, sides);
        assert!(left_out.unwrap().contains("c.json (two networks"));
        let Sorted { commands, left_out } = sorted(&["a.toml", "b.onnx"], Tab::Design);
        assert_eq!(commands, [Command::Open("a.toml".into())]);
        assert!(left_out.unwrap().contains("b.onnx (one network"));
    }

    #[test]
    fn files_of_other_kinds_go_to_the_camera_and_each_is_opened_or_named() {
        let names = ["w.PTH", "labels.txt", "cat.jpg", "dog.png", "net.toml", "v.safetensors"];
        let Sorted { commands, left_out } = sorted(&names, Tab::Design);
        let all = format!("{commands:?}");
        for name in ["w.PTH", "labels.txt", "cat.jpg", "net.toml"] {
            assert!(all.contains(name), "{name} in {all}");
        }
        let left_out = left_out.unwrap();
        assert!(left_out.contains("dog.png") && left_out.contains("v.safetensors"), "{left_out}");
        assert!(left_out.starts_with("Taken: w.PTH, labels.txt, cat.jpg, net.toml. Not opened"), "{left_out}");
        assert!(sorted(&["one.toml"], Tab::Lab).left_out.is_none());
    }

    #[test]
    fn a_file_of_no_kind_is_named_with_the_reason_and_the_first_that_is_one_opens() {
        let Sorted { commands, left_out } = sorted(&["notes.docx", "net.ONNX", "run.json"], Tab::Design);
        assert_eq!(commands, [Command::Open("net.ONNX".into())]);
        let left_out = left_out.unwrap();
        assert!(left_out.contains("notes.docx (neither a design (.toml)"), "{left_out}");
        assert!(left_out.contains("run.json (one network"), "{left_out}");
        let Sorted { commands, left_out } = sorted(&["notes"], Tab::Compare);
        assert!(commands.is_empty() && left_out.unwrap().starts_with("Not opened: notes (neither"));
    }
}
