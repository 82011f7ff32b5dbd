//! The picture, as large as there is room, and what can be done with it.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui;
use egui::{
    Align, Align2, Button, Color32, ColorImage, FontId, Layout, Rect, RichText, Role, Sense, TextureHandle,
    TextureOptions, Ui, WidgetInfo, pos2, vec2,
};
use shufflescope_engine::classify::Picture;

use crate::window::camera::{CameraCommand, Recording};
use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::named;
use crate::worker::CameraFrame;

/// A frame and its texture.
pub(super) struct Shown {
    frame: Arc<CameraFrame>,
    texture: TextureHandle,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").field("number", &self.frame.head.number).finish_non_exhaustive()
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
    let Some(frame) = scene.camera.frame() else {
        *shown = None;
        let text = if scene.camera.is_running() {
            "Waiting for the first picture"
        } else if scene.camera.problem().is_some() {
            "No picture comes: what happened is told on the right"
        } else {
            "Choose a source on the left and start it"
        };
        painter.text(room.center(), Align2::CENTER_CENTER, text, FontId::proportional(15.0), palette.muted);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("camera preview: {text}")));
        return;
    };
    let texture = texture(ui.ctx(), frame, shown);
    let size = vec2(frame.head.size.width as f32, frame.head.size.height as f32);
    let scale = (room.width() / size.x).min(room.height() / size.y);
    let place = Rect::from_center_size(room.center(), size * scale);
    let old = scene.camera.outdated().map(|age| format!("This picture is {} old", rough(age)));
    let tint = if old.is_some() { Color32::from_gray(90) } else { Color32::WHITE };
    painter.image(texture, place, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), tint);
    if let Some(old) = &old {
        painter.text(room.center(), Align2::CENTER_CENTER, old, FontId::proportional(18.0), palette.warn);
    }
    // Painted is as near to shown as a program can know.
    scene.camera.shown(frame);
    response.widget_info(|| {
        let said = format!("camera preview: a picture of {}", frame.head.size);
        let said = old.as_ref().map_or(said.clone(), |old| format!("{said}. {old}"));
        WidgetInfo::labeled(Role::Image, true, said)
    });
}

/// Whole seconds or minutes: more would only flicker.
fn rough(age: Duration) -> String {
    let seconds = age.as_secs().max(1);
    if seconds < 100 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
}

/// The frame's texture, made anew where the frame is another one.
fn texture(ctx: &egui::Context, frame: &Arc<CameraFrame>, shown: &mut Option<Shown>) -> egui::TextureId {
    match shown {
        Some(shown) if Arc::ptr_eq(&shown.frame, frame) => {}
        Some(shown) => {
            shown.texture.set(image(&frame.picture), TextureOptions::LINEAR);
            shown.frame = Arc::clone(frame);
        }
        None => {
            let texture = ctx.load_texture("camera", image(&frame.picture), TextureOptions::LINEAR);
            *shown = Some(Shown { frame: Arc::clone(frame), texture });
        }
    }
    shown.as_ref().map_or_else(egui::TextureId::default, |shown| shown.texture.id())
}

fn image(picture: &Picture) -> ColorImage {
    ColorImage::from_rgb([picture.width() as usize, picture.height() as usize], picture.rgb())
}

/// The line above the picture.
fn tools(ui: &mut Ui, scene: Scene<'_>, palette: Palette, commands: &mut Commands) {
    let camera = scene.camera;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let has_picture = camera.frame().is_some();
            let snapshot = ui.add_enabled(has_picture, Button::new("Snapshot"));
            let snapshot = snapshot.on_hover_text("Save this picture, as it was captured, to a PNG file");
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
                let ready = camera.frame().is_some_and(|frame| camera.is_current(frame));
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
                let text = match (camera.source(), camera.frame()) {
                    (Some(source), Some(frame)) => format!("{}, {}", source.shown(), frame.head.size),
                    (Some(source), None) => source.shown(),
                    _ => "No source runs".into(),
                };
                ui.add(egui::Label::new(RichText::new(text).color(palette.muted)).truncate());
            });
        });
    });
}
