//! Where the pictures come from.

use eframe::egui;
use egui::{ComboBox, RichText, Role, TextEdit, Ui};

use super::{CameraPanel, colored, note};
use crate::camera::{CaptureState, Listed, Resolution, SourceSpec};
use crate::window::camera::CameraCommand;
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{named, row};

/// Sizes to ask for where a camera does not say what it has.
const SIZES: [Resolution; 4] = [
    Resolution { width: 320, height: 240 },
    Resolution { width: 640, height: 480 },
    Resolution { width: 1280, height: 720 },
    Resolution { width: 1920, height: 1080 },
];

/// A kind of source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A camera of this machine.
    Device(SourceSpec),
    /// The drawn scene.
    Synthetic,
    /// A picture file or folder.
    Pictures,
    /// A camera on the network.
    Network,
}

impl Kind {
    fn name(&self, cameras: &[Listed]) -> String {
        match self {
            Self::Device(spec) => {
                let name = cameras.iter().find(|camera| camera.source == *spec).map(|camera| camera.name.clone());
                name.unwrap_or_else(|| spec.shown())
            }
            Self::Synthetic => "Synthetic scene".into(),
            Self::Pictures => "Picture files".into(),
            Self::Network => "Network camera".into(),
        }
    }
}

/// Paints the choice.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, panel: &mut CameraPanel, commands: &mut Commands) {
    let cameras = scene.camera.sources().cameras();
    let listed = cameras.as_deref().unwrap_or_default();
    let usable = listed.iter().find(|camera| camera.problem.is_none());
    let first = usable.map_or(Kind::Synthetic, |camera| Kind::Device(camera.source.clone()));
    let mut kind = panel.kind.clone().unwrap_or(first);
    row(ui, "source", |ui| {
        let combo = ComboBox::from_id_salt("camera source").selected_text(kind.name(listed)).truncate();
        let response = combo.width(ui.available_width()).show_ui(ui, |ui| {
            let devices = listed.iter().map(|camera| Kind::Device(camera.source.clone()));
            for of in devices.chain([Kind::Synthetic, Kind::Pictures, Kind::Network]) {
                if ui.selectable_label(of == kind, of.name(listed)).clicked() {
                    kind = of.clone();
                    panel.kind = Some(of);
                }
            }
        });
        named(response.response, Role::ComboBox, "camera source");
    });
    fields(ui, &kind, listed, panel, commands);
    if let Some(problem) = scene.camera.sources().problem() {
        colored(ui, &format!("Cameras could not be looked for: {problem}."), Palette::current(ui).warn);
    }
    if cameras.as_ref().is_some_and(Vec::is_empty) {
        ui.horizontal(|ui| {
            note(ui, "No camera was found.");
            let again = ui.small_button("Look again").on_hover_text("Look for cameras again");
            if named(again, Role::Button, "Look for cameras").clicked() {
                commands.push(Command::Camera(CameraCommand::LookForCameras));
            }
        });
    }
    let size = sizes(ui, &kind, listed, panel);
    let wanted = match &kind {
        Kind::Device(spec) => Ok(spec.clone()),
        Kind::Synthetic => Ok(SourceSpec::Synthetic { seed: 0 }),
        Kind::Pictures if panel.path.trim().is_empty() => Err("Choose a picture file or a folder.".to_owned()),
        Kind::Pictures => Ok(SourceSpec::Pictures(panel.path.trim().into())),
        Kind::Network => network(panel.address.trim()),
    };
    if let Err(reason) = &wanted {
        note(ui, reason);
    }
    buttons(ui, scene, panel, wanted.ok().map(|spec| (spec, size)), commands);
    problems(ui, scene);
}

fn network(address: &str) -> Result<SourceSpec, String> {
    if address.is_empty() {
        return Err("Type the address of an MJPEG stream: http://HOST/PATH.".into());
    }
    match address.parse::<SourceSpec>() {
        Ok(spec @ SourceSpec::Http(_)) => Ok(spec),
        Ok(_) => Err("The address has to begin with http://.".into()),
        Err(reason) => Err(reason),
    }
}

/// What a kind needs besides.
fn fields(ui: &mut Ui, kind: &Kind, listed: &[Listed], panel: &mut CameraPanel, commands: &mut Commands) {
    match kind {
        Kind::Device(spec) => {
            let problem =
                listed.iter().find(|camera| camera.source == *spec).and_then(|camera| camera.problem.as_ref());
            if let Some(problem) = problem {
                colored(ui, problem, Palette::current(ui).warn);
            }
        }
        Kind::Synthetic => note(ui, "Drawn shapes on paper: no camera is needed."),
        Kind::Pictures => {
            row(ui, "path", |ui| text(ui, &mut panel.path, "picture path", "file or folder"));
            row(ui, "", |ui| {
                let choices = [("File", CameraCommand::PictureDialog), ("Folder", CameraCommand::FolderDialog)];
                for (name, command) in choices {
                    if named(ui.button(name), Role::Button, &format!("Choose picture {name}")).clicked() {
                        commands.push(Command::Camera(command));
                    }
                }
            });
        }
        Kind::Network => {
            row(ui, "address", |ui| text(ui, &mut panel.address, "camera address", "http://10.0.0.2:8080/video"));
        }
    }
}

fn text(ui: &mut Ui, text: &mut String, name: &str, hint: &str) {
    let field = TextEdit::singleline(text).desired_width(f32::INFINITY).char_limit(2000).hint_text(hint);
    named(ui.add(field), Role::TextInput, name);
}

/// The choice of a size, where the source has one.
fn sizes(ui: &mut Ui, kind: &Kind, listed: &[Listed], panel: &mut CameraPanel) -> Resolution {
    let sizes = match kind {
        Kind::Device(spec) => {
            let of = listed.iter().find(|camera| camera.source == *spec).map(|camera| camera.sizes.as_slice());
            of.filter(|sizes| !sizes.is_empty()).unwrap_or(&SIZES)
        }
        Kind::Synthetic => &SIZES,
        Kind::Pictures | Kind::Network => return Resolution::DEFAULT,
    };
    let wanted = panel.resolution.unwrap_or(Resolution::DEFAULT);
    let nearest = sizes.iter().copied().min_by_key(|size| size.distance(wanted)).unwrap_or(wanted);
    row(ui, "size", |ui| {
        let combo = ComboBox::from_id_salt("camera resolution").selected_text(nearest.to_string());
        let response = combo.width(ui.available_width()).show_ui(ui, |ui| {
            for size in sizes {
                if ui.selectable_label(*size == nearest, size.to_string()).clicked() {
                    panel.resolution = Some(*size);
                }
            }
        });
        named(response.response, Role::ComboBox, "camera resolution");
    });
    nearest
}

fn buttons(
    ui: &mut Ui,
    scene: Scene<'_>,
    panel: &mut CameraPanel,
    wanted: Option<(SourceSpec, Resolution)>,
    commands: &mut Commands,
) {
    let running = scene.camera.is_running();
    row(ui, "", |ui| {
        let differs = running && wanted.is_some() && wanted != panel.started;
        if !running || differs {
            let (text, name) = if running { ("Switch", "Switch source") } else { ("Start", "Start camera") };
            let accent = Palette::current(ui).accent;
            let button = egui::Button::new(RichText::new(text).strong().color(accent));
            let response = ui.add_enabled(wanted.is_some(), button.min_size(egui::vec2(72.0, 0.0)));
            if named(response, Role::Button, name).clicked()
                && let Some((spec, size)) = wanted
            {
                panel.started = Some((spec.clone(), size));
                commands.push(Command::Camera(CameraCommand::Start(spec, size)));
            }
        }
        if running && named(ui.button("Stop"), Role::Button, "Stop camera").clicked() {
            commands.push(Command::Camera(CameraCommand::Stop));
        }
    });
}

/// What is wrong with the source, with the remedy, where it is chosen.
fn problems(ui: &mut Ui, scene: Scene<'_>) {
    let palette = Palette::current(ui);
    let Some(report) = scene.camera.report() else { return };
    match &report.status.state {
        CaptureState::Retrying { error, .. } => {
            let mut text = error.to_string();
            text.push_str(". It is tried again by itself.");
            colored(ui, &text, palette.error);
        }
        CaptureState::Opening => note(ui, "Opening the source."),
        CaptureState::Running => {}
    }
    if let Some(reason) = &report.status.last_skipped {
        colored(ui, reason, palette.warn);
    }
}
