//! The one place with colours, fonts and spacing. Dark and light; hues follow Okabe and Ito's palette, which people with
//! any kind of colour vision can tell apart, and no meaning rests on hue alone.

use eframe::egui;
use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, Theme, Visuals};
use shufflescope_engine::advise::Outlook;
use shufflescope_engine::graph::OpKind;

/// Gap between things that belong together.
pub const GAP: f32 = 6.0;

/// Gap between groups of things.
pub const SECTION_GAP: f32 = 14.0;

/// Height of a table row.
pub const ROW: f32 = 22.0;

/// Size of the large numbers.
pub const HEADLINE: f32 = 21.0;

/// Rounding of cards and bars.
pub const ROUND: u8 = 6;

/// Colours by role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Behind everything.
    pub background: Color32,
    /// Side panels and bars.
    pub panel: Color32,
    /// Cards, on panels or background.
    pub card: Color32,
    /// Fields a person types into, troughs of bars.
    pub sunken: Color32,
    /// Outlines and separators.
    pub outline: Color32,
    /// Text.
    pub text: Color32,
    /// Numbers and headings.
    pub strong: Color32,
    /// Labels, units, hints.
    pub muted: Color32,
    /// What is chosen or acts.
    pub accent: Color32,
    /// Behind what is chosen.
    pub chosen: Color32,
    /// A guideline is followed, a number got smaller.
    pub good: Color32,
    /// Worth a look.
    pub warn: Color32,
    /// Wrong.
    pub error: Color32,
}

const DARK: Palette = Palette {
    background: Color32::from_rgb(22, 24, 29),
    panel: Color32::from_rgb(28, 31, 37),
    card: Color32::from_rgb(36, 40, 47),
    sunken: Color32::from_rgb(17, 19, 23),
    outline: Color32::from_rgb(54, 59, 69),
    text: Color32::from_rgb(204, 209, 217),
    strong: Color32::from_rgb(242, 244, 247),
    muted: Color32::from_rgb(146, 154, 168),
    accent: Color32::from_rgb(86, 180, 233),
    chosen: Color32::from_rgb(28, 66, 92),
    good: Color32::from_rgb(52, 190, 150),
    warn: Color32::from_rgb(240, 176, 48),
    error: Color32::from_rgb(250, 122, 72),
};

const LIGHT: Palette = Palette {
    background: Color32::from_rgb(243, 244, 246),
    panel: Color32::from_rgb(250, 250, 251),
    card: Color32::from_rgb(255, 255, 255),
    sunken: Color32::from_rgb(232, 235, 239),
    outline: Color32::from_rgb(211, 216, 223),
    text: Color32::from_rgb(47, 53, 64),
    strong: Color32::from_rgb(17, 20, 26),
    muted: Color32::from_rgb(97, 106, 120),
    accent: Color32::from_rgb(0, 103, 163),
    chosen: Color32::from_rgb(202, 227, 245),
    good: Color32::from_rgb(0, 118, 86),
    warn: Color32::from_rgb(153, 98, 0),
    error: Color32::from_rgb(186, 62, 0),
};

impl Palette {
    /// The colours of a theme.
    #[must_use]
    pub const fn of(theme: Theme) -> Self {
        match theme {
            Theme::Dark => DARK,
            Theme::Light => LIGHT,
        }
    }

    /// The colours in use.
    #[must_use]
    pub fn current(ui: &egui::Ui) -> Self {
        Self::of(ui.theme())
    }

    /// The hue of a kind of work; the kind's name always stands beside it.
    #[must_use]
    pub const fn kind(&self, kind: OpKind) -> Color32 {
        match kind {
            OpKind::Convolution => Color32::from_rgb(0, 114, 178),
            OpKind::Pointwise => Color32::from_rgb(86, 180, 233),
            OpKind::Depthwise => Color32::from_rgb(230, 159, 0),
            OpKind::Linear => Color32::from_rgb(204, 121, 167),
            OpKind::Normalisation => Color32::from_rgb(140, 148, 160),
            OpKind::ElementWise => Color32::from_rgb(213, 94, 0),
            OpKind::Pooling => Color32::from_rgb(0, 158, 115),
            OpKind::Data => Color32::from_rgb(190, 178, 60),
            OpKind::Input => self.muted,
        }
    }

    /// What a promised change of latency is painted in; words always say it too.
    #[must_use]
    pub const fn outlook(&self, outlook: Outlook) -> Color32 {
        match outlook {
            Outlook::Helps => self.good,
            Outlook::MayHelp => self.text,
            Outlook::DoesNotHelp => self.warn,
        }
    }

    /// The hue of the series at this position; a shape always says it too.
    #[must_use]
    pub const fn series(&self, index: usize) -> Color32 {
        match index % 8 {
            0 => Color32::from_rgb(0, 134, 208),
            1 => Color32::from_rgb(230, 159, 0),
            2 => Color32::from_rgb(0, 158, 115),
            3 => Color32::from_rgb(204, 121, 167),
            4 => Color32::from_rgb(213, 94, 0),
            5 => Color32::from_rgb(86, 180, 233),
            6 => Color32::from_rgb(170, 156, 40),
            _ => self.muted,
        }
    }

    /// From a card's colour (no share) to orange (a share of `full` or more): lightness says it too.
    #[must_use]
    pub fn heat(&self, share: f64, full: f64) -> Color32 {
        let t = if full > 0.0 { (share / full).clamp(0.0, 1.0) as f32 } else { 0.0 };
        self.card.lerp_to_gamma(Color32::from_rgb(230, 159, 0), 0.75 * t.sqrt())
    }

    /// A text colour that can be read on `fill`.
    #[must_use]
    pub fn on(&self, fill: Color32) -> Color32 {
        if egui::Rgba::from(fill).intensity() > 0.2 { Color32::from_gray(12) } else { Color32::from_gray(245) }
    }

    /// A card's frame.
    pub fn card_frame(&self) -> egui::Frame {
        egui::Frame::new()
            .fill(self.card)
            .stroke(Stroke::new(1.0, self.outline))
            .corner_radius(CornerRadius::same(ROUND))
            .inner_margin(Margin::symmetric(10, 8))
    }

    /// A side panel's or bar's frame.
    pub fn panel_frame(&self, margin: Margin) -> egui::Frame {
        egui::Frame::new().fill(self.panel).inner_margin(margin)
    }
}

/// Sets fonts, spacing and colours of both themes.
pub fn install(ctx: &egui::Context) {
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals(theme);
            let fonts = [
                (TextStyle::Small, FontId::new(11.5, FontFamily::Proportional)),
                (TextStyle::Body, FontId::new(13.5, FontFamily::Proportional)),
                (TextStyle::Button, FontId::new(13.5, FontFamily::Proportional)),
                (TextStyle::Heading, FontId::new(16.0, FontFamily::Proportional)),
                (TextStyle::Monospace, FontId::new(12.5, FontFamily::Monospace)),
            ];
            style.text_styles = fonts.into();
            style.spacing.item_spacing = egui::vec2(GAP, GAP);
            style.spacing.button_padding = egui::vec2(8.0, 3.0);
            style.spacing.interact_size = egui::vec2(34.0, 24.0);
            style.spacing.scroll = egui::style::ScrollStyle::thin();
            style.spacing.combo_height = 420.0;
            style.interaction.tooltip_delay = 0.3;
            style.interaction.selectable_labels = false;
            style.animation_time = 0.08;
        });
    }
}

fn visuals(theme: Theme) -> Visuals {
    let palette = Palette::of(theme);
    let mut visuals = match theme {
        Theme::Dark => Visuals::dark(),
        Theme::Light => Visuals::light(),
    };
    visuals.panel_fill = palette.background;
    visuals.window_fill = palette.card;
    visuals.window_stroke = Stroke::new(1.0, palette.outline);
    visuals.extreme_bg_color = palette.sunken;
    visuals.faint_bg_color = palette.panel;
    visuals.weak_text_color = Some(palette.muted);
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.warn;
    visuals.error_fg_color = palette.error;
    visuals.selection.bg_fill = palette.chosen;
    visuals.selection.stroke = Stroke::new(1.0, palette.strong);
    visuals.slider_trailing_fill = true;
    visuals.handle_shape = egui::style::HandleShape::Circle;
    visuals.striped = false;
    let round = CornerRadius::same(5);
    let widgets = &mut visuals.widgets;
    for state in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        state.corner_radius = round;
        state.expansion = 0.0;
    }
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, palette.outline);
    widgets.noninteractive.fg_stroke = Stroke::new(1.0, palette.text);
    widgets.noninteractive.bg_fill = palette.panel;
    widgets.noninteractive.weak_bg_fill = palette.panel;
    let rest = palette.card.lerp_to_gamma(palette.outline, 0.45);
    widgets.inactive.bg_fill = palette.outline;
    widgets.inactive.weak_bg_fill = rest;
    widgets.inactive.bg_stroke = Stroke::new(1.0, palette.outline);
    widgets.inactive.fg_stroke = Stroke::new(1.0, palette.text);
    widgets.hovered.bg_fill = palette.outline;
    widgets.hovered.weak_bg_fill = palette.outline;
    widgets.hovered.bg_stroke = Stroke::new(1.0, palette.muted);
    widgets.hovered.fg_stroke = Stroke::new(1.5, palette.strong);
    widgets.active.bg_fill = palette.chosen;
    widgets.active.weak_bg_fill = palette.chosen;
    widgets.active.bg_stroke = Stroke::new(1.0, palette.accent);
    widgets.active.fg_stroke = Stroke::new(1.5, palette.strong);
    widgets.open.bg_fill = palette.card;
    widgets.open.weak_bg_fill = palette.outline;
    widgets.open.bg_stroke = Stroke::new(1.0, palette.muted);
    widgets.open.fg_stroke = Stroke::new(1.0, palette.strong);
    visuals
}
