//! The picture, as large as there is room, and what can be done with it.

use std::sync::Arc;

use eframe::egui;
use egui::{
    Align, Align2, Button, Color32, ColorImage, FontId, Layout, Rect, RichText, Role, Sense, TextureHandle,
    TextureOptions, Ui, WidgetInfo, pos2, vec2,
};
use shufflescope_engine::classify::Picture;

use crate::camera::View;
use crate::window::camera::{CameraCommand, Recording};
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;

/// Pixels across beyond which a picture is thinned out: no preview is larger.
const WIDEST: usize = 1280;

/// A view and its texture.
pub(super) struct Shown {
    view: Arc<View>,
    texture: TextureHandle,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").field("number", &self.view.number).finish_non_exhaustive()
    }
}

/// Paints the middle.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, shown: &mut Option<Shown>, commands: &mut Commands) {
    let palette = Palette::current(ui);
    tools(ui, scene, palette, commands);
    ui.add_space(theme::GAP);
    let room = ui.available_rect_before_wrap();
    let response = ui.allocate_rect(room, Sense::hover());
    let painter = ui.painter_at(room);
    painter.rect_filled(room, f32::from(theme::ROUND), palette.sunken);
    let Some(view) = scene.camera.view() else {
        *shown = None;
        let text = if scene.camera.is_running() {
            "Waiting for the first picture"
        } else {
            "Choose a source on the left and start it"
        };
        painter.text(room.center(), Align2::CENTER_CENTER, text, FontId::proportional(15.0), palette.muted);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("camera preview: {text}")));
        return;
    };
    let texture = texture(ui.ctx(), view, shown);
    let (width, height) = (view.picture.width(), view.picture.height());
    let size = vec2(width as f32, height as f32);
    let scale = (room.width() / size.x).min(room.height() / size.y);
    let place = Rect::from_center_size(room.center(), size * scale);
    painter.image(texture, place, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), Color32::WHITE);
    // Painted is as near to shown as a program can know.
    scene.camera.shown(view);
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Image, true, format!("camera preview: a picture of {width}x{height}"))
    });
}

/// The view's texture, made anew where the view is another one.
fn texture(ctx: &egui::Context, view: &Arc<View>, shown: &mut Option<Shown>) -> egui::TextureId {
    match shown {
        Some(shown) if Arc::ptr_eq(&shown.view, view) => {}
        Some(shown) => {
            shown.texture.set(image(&view.picture), TextureOptions::LINEAR);
            shown.view = Arc::clone(view);
        }
        None => {
            let texture = ctx.load_texture("camera", image(&view.picture), TextureOptions::LINEAR);
            *shown = Some(Shown { view: Arc::clone(view), texture });
        }
    }
    shown.as_ref().map_or_else(egui::TextureId::default, |shown| shown.texture.id())
}

/// The picture for the graphics card, every so-many-th pixel of a very large one.
fn image(picture: &Picture) -> ColorImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let step = width.div_ceil(WIDEST).max(height.div_ceil(WIDEST)).max(1);
    if step == 1 {
        return ColorImage::from_rgb([width, height], picture.rgb());
    }
    let thin = picture
        .rgb()
        .chunks_exact(3 * width)
        .step_by(step)
        .flat_map(|row| row.chunks_exact(3).step_by(step).flatten())
        .copied();
    ColorImage::from_rgb([width.div_ceil(step), height.div_ceil(step)], &thin.collect::<Vec<u8>>())
}

/// The line above the picture.
fn tools(ui: &mut Ui, scene: Scene<'_>, palette: Palette, commands: &mut Commands) {
    let camera = scene.camera;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let has_picture = camera.view().is_some();
            let snapshot = ui.add_enabled(has_picture, Button::new("Snapshot"));
            let snapshot = snapshot.on_hover_text("Save this picture to a PNG file");
            if named(snapshot, Role::Button, "Snapshot").clicked() {
                commands.push(Command::Camera(CameraCommand::SnapshotDialog));
            }
            let recording = matches!(camera.recording(), Some(Recording::Running { .. }));
            let hint = "Keep the times of the next 200 frames, or 10 s; an exported profile then has them";
            if recording {
                if named(ui.button("Stop recording"), Role::Button, "Stop recording").clicked() {
                    commands.push(Command::Camera(CameraCommand::DropRecording));
                }
            } else {
                let ready = camera.view().is_some_and(|view| camera.is_current(view));
                let record = ui.add_enabled(ready, Button::new("Record")).on_hover_text(hint);
                if named(record, Role::Button, "Record run").clicked() {
                    commands.push(Command::Camera(CameraCommand::Record));
                }
            }
            let on = camera.is_smooth();
            let smooth = ui.add(Button::selectable(on, "Smooth").frame_when_inactive(true));
            let smooth = smooth.on_hover_text("Average answers over 0.4 s, so that they are calm");
            smooth.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, "Smooth answers"));
            if smooth.clicked() {
                commands.push(Command::Camera(CameraCommand::Smooth(!on)));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = match (camera.source(), camera.view()) {
                    (Some(source), Some(view)) => {
                        format!("{}, {}x{}", source.shown(), view.picture.width(), view.picture.height())
                    }
                    (Some(source), None) => source.shown(),
                    _ => "No source runs".into(),
                };
                ui.add(egui::Label::new(RichText::new(text).color(palette.muted)).truncate());
            });
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_wider_than_any_preview_is_thinned_out_and_keeps_its_shape() {
        for (width, height, expected) in [(640, 480, [640, 480]), (2560, 1440, [1280, 720]), (1300, 3, [650, 2])] {
            let rgb = (0..width * height).flat_map(|i| [i as u8, 1, 2]).collect();
            let image = image(&Picture::new(width, height, rgb).unwrap());
            assert_eq!(image.size, expected);
            assert_eq!(image.pixels.len(), expected[0] * expected[1]);
            assert_eq!(image.pixels[1].r(), (width.div_ceil(1280).max(1)) as u8);
        }
    }
}
