//! What to search for.

use eframe::egui;
use egui::{Button, DragValue, Label, RichText, Role, TextEdit, Ui, WidgetInfo};
use shufflescope_engine::predict::Track;
use shufflescope_engine::search::Capacity;

use crate::window::bench::Owner;
use crate::window::command::{Command, Commands};
use crate::window::explore::{BUDGETS, Begin, ExploreCommand, FAMILIES, Fields, Wrong, words};
use crate::window::forecast::Knowledge;
use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{choice, named, number, problem};

/// Paints the fields and the button.
pub fn show(ui: &mut Ui, scene: Scene<'_>, fields: &mut Fields, commands: &mut Commands) {
    let muted = Palette::current(ui).muted;
    let heading = |ui: &mut Ui, text: &str| drop(ui.label(RichText::new(text).small().color(muted)));
    let wish = fields.wish(scene.document.valid_design().filter(|_| scene.document.fixed().is_none()));
    let wrong = wish.as_ref().err().cloned().unwrap_or_default();
    let Wrong { at_least, at_most, begin, side, seconds } = wrong;

    heading(ui, "a run takes at most (ms)");
    budget(ui, &mut fields.budget);
    heading(ui, "begin with");
    let families = FAMILIES.map(|(family, name)| (Begin::Family(family), name));
    let places: Vec<(Begin, &str)> = families.into_iter().chain([(Begin::InHand, "design in hand")]).collect();
    fields.begin = choice(ui, "begin with", &places, Some(fields.begin)).unwrap_or(fields.begin);
    problem(ui, begin.as_deref());
    if fields.begin != Begin::InHand {
        ui.horizontal(|ui| {
            heading(ui, "side of images");
            let entered = number(ui, "search input", fields.side, 64.0, 1.0, side.is_some());
            fields.side = entered.map_or(fields.side, |entered| entered.value);
        });
        problem(ui, side.as_deref());
    }
    heading(ui, "find the most");
    let counts = Capacity::ALL.map(|count| (count, words(count)));
    fields.most = choice(ui, "find the most", &counts, Some(fields.most)).unwrap_or(fields.most);
    let bound = |ui: &mut Ui, text: &mut String, what: &str, name: &str, wrong: Option<&str>| {
        heading(ui, what);
        named(ui.add(TextEdit::singleline(text).hint_text("any").desired_width(110.0)), Role::TextInput, name);
        problem(ui, wrong);
    };
    bound(
        ui,
        &mut fields.at_least,
        "at least so many million mult-adds",
        "at least mult-adds (M)",
        at_least.as_deref(),
    );
    bound(ui, &mut fields.at_most, "at most so many million parameters", "at most parameters (M)", at_most.as_deref());
    ui.add_space(theme::GAP);
    ui.horizontal(|ui| {
        heading(ui, "seconds");
        let entered = number(ui, "search seconds", fields.seconds, 56.0, 1.0, seconds.is_some());
        fields.seconds = entered.map_or(fields.seconds, |entered| entered.value);
        heading(ui, "seed");
        let entered = number(ui, "search seed", fields.seed, 56.0, 0.2, false);
        fields.seed = entered.map_or(fields.seed, |entered| entered.value);
    });
    problem(ui, seconds.as_deref());
    ui.add_space(theme::SECTION_GAP);
    if scene.bench.owner() != Some(Owner::Explore) {
        let hint =
            "Designs are changed and predicted, and the best are measured in turns. Live measuring rests meanwhile.";
        let is_ready = wish.is_ok() && !scene.bench.is_busy();
        let start = ui.add_enabled(is_ready, Button::new("Start")).on_hover_text(hint);
        if let (true, Ok(wish)) = (named(start, Role::Button, "Start search").clicked(), wish) {
            commands.push(Command::Explore(ExploreCommand::Start(Box::new(wish))));
        }
    }
    ui.add_space(theme::GAP);
    known(ui, scene);
}

fn budget(ui: &mut Ui, budget: &mut f64) {
    let shown = *budget;
    let field = DragValue::new(budget).range(BUDGETS).speed(0.01 * shown).max_decimals(3).suffix(" ms");
    let response = ui.add_sized([110.0, ui.spacing().interact_size.y], field);
    let response = response.on_hover_text("The line across the points; it can be dragged there too");
    let enabled = response.enabled();
    response.widget_info(|| WidgetInfo {
        label: Some("latency budget (ms)".into()),
        ..WidgetInfo::drag_value(enabled, shown)
    });
}

/// What proposals rest on, and what that is worth.
fn known(ui: &mut Ui, scene: Scene<'_>) {
    let muted = Palette::current(ui).muted;
    let options = scene.document.valid_options();
    let text = match scene.forecast.learning.of(&options) {
        Knowledge::Asked => "Looking up what is known of this target.".to_owned(),
        Knowledge::Nothing => format!(
            "Nothing is known yet of {options}: published networks have no latency here until they are measured. A search \
             measures what predictions rest on first."
        ),
        Knowledge::Known(known, _) => {
            let Track { estimates, held, median_error } = known.track();
            let track = if *estimates > 0 {
                let error = format::share(*median_error);
                format!(" Of {estimates} past estimates {held} kept their 90 % band; median error {error}.")
            } else {
                String::new()
            };
            format!("{} networks with {} kernels are known here.{track}", known.networks(), known.kernels())
        }
    };
    ui.add(Label::new(RichText::new(text).small().color(muted)).wrap());
}
