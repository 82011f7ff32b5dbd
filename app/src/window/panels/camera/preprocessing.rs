//! What is done to pictures before the network sees them: for networks and weights that nobody here knows.

use eframe::egui;
use egui::Ui;
use shufflescope_engine::classify::{ChannelOrder, CropMode, Normalization, PreprocessingOptions};

use super::note;
use crate::window::camera::CameraCommand;
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::widgets::choice;

/// Means and deviations that have names, by what they make of a byte.
const VALUES: [(usize, &str, Normalization); 4] = [
    (0, "ImageNet", Normalization::IMAGENET),
    (1, "-1 to 1", Normalization::INCEPTION),
    (2, "0 to 1", Normalization::NONE),
    (3, "0 to 255", Normalization::BYTES),
];

/// Paints the three choices.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let now = *scene.camera.preprocessing();
    let mut ask = |options: PreprocessingOptions| commands.push(Command::Camera(CameraCommand::Preprocess(options)));
    note(ui, "What the network was trained on");
    let names = VALUES.map(|(index, name, _)| (index, name));
    let of = |normalization: Normalization| VALUES.iter().find(|(.., value)| *value == normalization);
    let chosen = choice(ui, "values", &names, of(now.normalization).map(|(index, ..)| *index));
    if let Some((.., normalization)) = chosen.and_then(|index| VALUES.get(index)) {
        ask(PreprocessingOptions { normalization: *normalization, ..now });
    }
    let orders = [(ChannelOrder::Rgb, "RGB"), (ChannelOrder::Bgr, "BGR")];
    if let Some(channels) = choice(ui, "colours", &orders, Some(now.channels)) {
        ask(PreprocessingOptions { channels, ..now });
    }
    let crops = [(CropMode::Center, "Centre"), (CropMode::Squash, "All, squashed")];
    if let Some(crop) = choice(ui, "crop", &crops, Some(now.crop)) {
        ask(PreprocessingOptions { crop, ..now });
    }
}
