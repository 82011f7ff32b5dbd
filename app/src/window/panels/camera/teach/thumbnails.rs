//! Small pictures of a class: the last of them, or all; a click deletes one.

use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui;
use egui::{ColorImage, Rect, Role, ScrollArea, Sense, StrokeKind, TextureHandle, TextureOptions, Ui, vec2};
use shufflescope_engine::classify::Picture;

use super::TeachPanel;
use crate::teach::{Class, Shot};
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::teach::TeachCommand;
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// Size of each on the screen, and the gap between two.
const SIZE: egui::Vec2 = vec2(42.0, 32.0);
const GAP: f32 = 3.0;

/// Tallest part of all pictures that is shown without scrolling.
const MOST_HEIGHT: f32 = 180.0;

/// Textures of the small pictures that were painted last: as many as can be seen, and no more.
#[derive(Default)]
pub(super) struct Textures {
    held: BTreeMap<u64, (TextureHandle, bool)>,
}

impl std::fmt::Debug for Textures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Textures").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

impl Textures {
    fn of(&mut self, ctx: &egui::Context, number: u64, picture: &Arc<Picture>) -> egui::TextureId {
        let (texture, is_seen) = self.held.entry(number).or_insert_with(|| {
            let image = ColorImage::from_rgb([picture.width() as usize, picture.height() as usize], picture.rgb());
            (ctx.load_texture(format!("taken {number}"), image, TextureOptions::LINEAR), true)
        });
        *is_seen = true;
        texture.id()
    }

    /// Lets go of those that were not painted since the last call.
    pub(super) fn forget_unseen(&mut self) {
        self.held.retain(|_, (_, is_seen)| std::mem::take(is_seen));
    }
}

/// Paints them.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, class: &Class, panel: &mut TeachPanel, commands: &mut Commands) {
    if class.shots.is_empty() {
        return;
    }
    ui.spacing_mut().item_spacing = vec2(GAP, GAP);
    let across = ((ui.available_width() + GAP) / (SIZE.x + GAP)).floor().max(1.0) as usize;
    let is_unfolded = panel.unfolded == Some(class.id);
    if is_unfolded {
        let rows = class.shots.len().div_ceil(across);
        let area = ScrollArea::vertical().id_salt(("taken", class.id)).max_height(MOST_HEIGHT);
        area.show_rows(ui, SIZE.y, rows, |ui, rows| {
            for row in rows {
                line(ui, scene, class, row * across, across, panel, commands);
            }
        });
    } else {
        line(ui, scene, class, class.shots.len().saturating_sub(across), across, panel, commands);
    }
    if class.shots.len() > across {
        let text = if is_unfolded { "Show the last ones" } else { &format!("Show all {}", class.shots.len()) };
        let button = named(ui.small_button(text), Role::Button, &format!("unfold pictures of {}", class.name));
        if button.clicked() {
            panel.unfolded = (!is_unfolded).then_some(class.id);
        }
    }
}

fn line(
    ui: &mut Ui,
    scene: Scene<'_>,
    class: &Class,
    first: usize,
    count: usize,
    panel: &mut TeachPanel,
    commands: &mut Commands,
) {
    ui.horizontal(|ui| {
        for (place, shot) in class.shots.iter().enumerate().skip(first).take(count) {
            if one(ui, scene, *shot, &mut panel.textures, &format!("picture {} of {}", place + 1, class.name)) {
                commands.push(Command::Teach(TeachCommand::Delete(class.id, vec![shot.number])));
            }
        }
    });
}

/// Paints one; whether it is to be deleted.
fn one(ui: &mut Ui, scene: Scene<'_>, shot: Shot, textures: &mut Textures, name: &str) -> bool {
    let palette = Palette::current(ui);
    let (rect, response) = ui.allocate_exact_size(SIZE, Sense::click());
    ui.painter().rect_filled(rect, 2.0, palette.sunken);
    if let Some(picture) = scene.teach.thumbnail(shot.number) {
        let texture = textures.of(ui.ctx(), shot.number, picture);
        let size = vec2(picture.width() as f32, picture.height() as f32);
        let scale = (rect.width() / size.x).min(rect.height() / size.y);
        let place = Rect::from_center_size(rect.center(), size * scale);
        let whole = Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
        ui.painter().image(texture, place, whole, egui::Color32::WHITE);
    }
    if response.hovered() {
        ui.painter().rect_stroke(rect, 2.0, egui::Stroke::new(1.5, palette.error), StrokeKind::Inside);
    }
    let response = response.on_hover_text("Click to delete it; Undo brings it back");
    named(response, Role::Button, name).clicked()
}
