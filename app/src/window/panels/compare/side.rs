//! One side of the comparison: what stands there, and the searchable list of everything that could.

use eframe::egui;
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Button, Label, PopupCloseBehavior, RichText, Role, ScrollArea, TextEdit, Ui};

use crate::window::bench::Side;
use crate::window::command::{Command, Commands};
use crate::window::compare::{Choice, zoo_names};
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::named;

/// What is searched for.
#[derive(Debug, Default)]
pub struct SideView {
    search: String,
}

/// Paints a side in a card of this width.
pub fn show(ui: &mut Ui, scene: Scene<'_>, side: Side, view: &mut SideView, width: f32, commands: &mut Commands) {
    let palette = Palette::current(ui);
    let frame = palette.card_frame();
    let inner = width - frame.total_margin().sum().x;
    frame.show(ui, |ui| {
        ui.set_width(inner);
        ui.horizontal(|ui| {
            ui.label(RichText::new(format!("{side:?}")).strong().size(18.0).color(palette.accent));
            let name = scene.compare.model(side).map_or("nothing", |model| model.name());
            let button = Button::new(RichText::new(name).color(palette.strong)).truncate();
            let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
            ui.scope(|ui| {
                ui.set_max_width(inner * 0.62);
                let (response, _) =
                    MenuButton::from_button(button).config(config).ui(ui, |ui| list(ui, side, view, commands));
                named(response, Role::Button, &format!("choose {side:?}"))
                    .on_hover_text("Choose another network: the present one, the pinned one, any of the zoo, a file");
            });
            let about = scene.compare.choice(side).about(scene.document.pinned.is_some());
            ui.add(Label::new(RichText::new(about).color(palette.muted)).truncate());
        });
    });
}

fn list(ui: &mut Ui, side: Side, view: &mut SideView, commands: &mut Commands) {
    ui.set_min_width(300.0);
    let field = TextEdit::singleline(&mut view.search).hint_text("search: resnet").desired_width(280.0);
    named(ui.add(field), Role::TextInput, &format!("search networks for {side:?}"));
    let mut offer = |ui: &mut Ui, text: &str, command: Command| {
        let button = ui.add(Button::new(text).frame(false));
        if named(button, Role::Button, &format!("{side:?}: {text}")).clicked() {
            commands.push(command);
            ui.close();
        }
    };
    offer(ui, "the present design", Command::Choose(side, Choice::Present));
    offer(ui, "the pinned network", Command::Choose(side, Choice::Pinned));
    offer(ui, "open a file", Command::ChooseFileDialog(side));
    ui.separator();
    let words: Vec<String> = view.search.split_whitespace().map(str::to_lowercase).collect();
    ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
        for name in zoo_names().filter(|name| words.iter().all(|word| name.contains(word))) {
            offer(ui, name, Command::Choose(side, Choice::Zoo(name)));
        }
    });
}
