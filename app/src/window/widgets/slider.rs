//! A fraction that is dragged along a rail, typed or stepped with the arrow keys.

use std::ops::RangeInclusive;

use eframe::egui;
use egui::{SliderClamping, Ui, WidgetInfo};

/// A fraction that a person has just entered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fraction {
    /// The fraction.
    pub value: f64,
    /// Whether it comes from a drag, where what is near a usual value means that value.
    pub dragged: bool,
}

/// Shows the fraction on a rail of this range, to `decimals` places, and returns a new one.
///
/// Only what a person does is a change: a finer fraction than the field shows, or one outside the range, stays what it is
/// when the field is merely walked through: the rail reaches as far as the fraction it shows.
pub fn slider(
    ui: &mut Ui,
    name: &str,
    value: f64,
    range: RangeInclusive<f64>,
    step: f64,
    decimals: usize,
) -> Option<Fraction> {
    let shown = egui::emath::round_to_decimals(value, decimals);
    let range = range.start().min(shown)..=range.end().max(shown);
    let mut edited = shown;
    ui.spacing_mut().slider_width = (ui.available_width() - 58.0).max(40.0);
    let slider = egui::Slider::new(&mut edited, range).clamping(SliderClamping::Edits).step_by(step);
    let response = ui.add(slider.min_decimals(decimals.min(2)).max_decimals(decimals));
    let dragged = ui.input(|input| input.pointer.any_down());
    let enabled = response.enabled();
    response.widget_info(|| WidgetInfo::slider(enabled, value, name));
    (edited != shown).then_some(Fraction { value: edited, dragged })
}
