//! Table 8 and Figure 1 on this machine: scatters of published accuracy and mult-adds against measured speed, and the
//! table.

use eframe::egui;
use egui::{Label, RichText, Role, Ui, vec2};
use shufflescope_engine::experiment::{ZooRow, ZooTable};
use shufflescope_engine::runtime::RunOptions;

use super::columns::headed;
use super::{LabView, conditions, exports};
use crate::export::ResultForm;
use crate::window::command::Commands;
use crate::window::format;
use crate::window::lab::Networks;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Across, Axis, Dot, Scatter, choice, legend, named};

/// The families of Table 8, by how their networks' names begin.
const FAMILIES: [(&str, &str); 11] = [
    ("shufflenet-v2", "ShuffleNet V2"),
    ("shufflenet-v1", "ShuffleNet V1"),
    ("mobilenet-v1", "MobileNet V1"),
    ("mobilenet-v2", "MobileNet V2"),
    ("densenet", "DenseNet"),
    ("xception", "Xception"),
    ("igcv2", "IGCV2"),
    ("igcv3", "IGCV3"),
    ("condensenet", "CondenseNet"),
    ("nasnet", "NASNet-A"),
    ("pnasnet", "PNASNet-5"),
];

/// Paints it.
pub fn show(ui: &mut Ui, scene: Scene<'_>, view: &mut LabView, commands: &mut Commands) {
    let options = scene.document.valid_options();
    let known = scene.lab.networks(scene.machine(), &options);
    let is_current = known.is_none_or(|(_, is_current)| is_current);
    let ran = known.map_or_else(|| options.clone(), |(kept, _)| kept.context.options.clone());
    refresh(scene, view, &ran);
    let LabView { zoo, as_table, level, .. } = view;
    let Some((_, table)) = zoo else { return };
    ui.horizontal(|ui| {
        let looks = [(false, "scatters"), (true, "table")];
        *as_table = choice(ui, "show", &looks, Some(*as_table)).unwrap_or(*as_table);
        if let Some((kept, _)) = known {
            let name = level.map_or_else(|| "zoo".into(), |level| format!("zoo-{}M", level.mega()));
            exports(ui, &name, commands, |form| match form {
                ResultForm::Markdown => format!("{}\nMeasured: {}.\n", table.markdown(), kept.about()),
                ResultForm::Json => serde_json::to_string_pretty(&table).unwrap_or_default() + "\n",
            });
        }
    });
    if let Some((kept, _)) = known {
        conditions(ui, scene, &kept.about(), is_current);
    }
    if *as_table {
        egui::ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| rows(ui, table));
    } else {
        scatters(ui, scene, table, is_current);
    }
}

/// Table 8 is made anew only where something changed: it lowers every network.
fn refresh(scene: Scene<'_>, view: &mut LabView, options: &RunOptions) {
    let of = (scene.lab.version(), options.clone(), view.level);
    if view.zoo.as_ref().is_none_or(|(made_of, _)| *made_of != of) {
        let nothing = Networks::default();
        let known = scene.lab.networks(scene.machine(), options);
        let networks = known.map_or(&nothing, |(kept, _)| &kept.result);
        let table = networks.table(view.level, options);
        view.zoo = Some((of, table));
    }
}

fn scatters(ui: &mut Ui, scene: Scene<'_>, table: &ZooTable, is_current: bool) {
    let series: Vec<&str> = FAMILIES.iter().map(|(_, name)| *name).collect();
    legend(ui, &series);
    let valid = scene.document.valid();
    let own = scene.document.name();
    let speed = scene
        .live
        .current()
        .filter(|_| is_current)
        .map(|measured| f64::from(measured.batch) / measured.whole.median.as_secs_f64().max(1e-9));
    let mult_adds = valid.cost.total.mult_adds.as_f64() / f64::from(scene.document.valid_options().batch.max(1));
    let mut by_accuracy = Vec::new();
    let mut by_mult_adds = vec![Across { vertical: true, at: mult_adds, name: own.to_owned(), drag: None }];
    if let Some(speed) = speed {
        let name = format!("{own}: accuracy unknown");
        by_accuracy.push(Across { vertical: true, at: speed, name, drag: None });
        by_mult_adds.push(Across { vertical: false, at: speed, name: own.to_owned(), drag: None });
    }
    let accuracy: Vec<Dot> = table
        .accuracy_against_speed()
        .map(|(row, accuracy, speed)| Dot {
            x: speed,
            y: accuracy,
            name: format!("{}: {accuracy:.1} % published, {} images/s here", row.name, format::three_digits(speed)),
            series: family(row),
            on_front: row.on_accuracy_front,
            ..Dot::default()
        })
        .collect();
    let work: Vec<Dot> = table
        .mult_adds_against_speed()
        .map(|(row, mult_adds, speed)| Dot {
            x: mult_adds,
            y: speed,
            name: format!("{}: {:.0} M mult-adds, {} images/s", row.name, mult_adds / 1e6, format::three_digits(speed)),
            series: family(row),
            on_front: row.on_mult_adds_front,
            ..Dot::default()
        })
        .collect();
    let speed = Axis { name: "measured speed here (images/s)", is_log: true };
    let plots = [
        Scatter {
            name: "accuracy against speed",
            x: speed,
            y: Axis { name: "published top-1 accuracy (%)", is_log: false },
            dots: &accuracy,
            across: &by_accuracy,
            click: None,
        },
        Scatter {
            name: "speed against mult-adds",
            x: Axis { name: "mult-adds per image", is_log: true },
            y: speed,
            dots: &work,
            across: &by_mult_adds,
            click: None,
        },
    ];
    let width = ((ui.available_width() - theme::GAP) / 2.0).max(200.0);
    let height = (ui.available_height() - 38.0).clamp(180.0, 560.0);
    ui.horizontal(|ui| {
        for plot in plots {
            plot.show(ui, vec2(width, height));
        }
    });
    let muted = Palette::current(ui).muted;
    let text = "Ringed and joined: the Pareto front. Left: nothing here is published as more accurate and is faster. \
                Right: nothing computes more and is faster. Dotted: the present design, whose accuracy is unknown.";
    ui.add(Label::new(RichText::new(text).small().color(muted)).wrap());
}

/// The position of a network's family.
fn family(row: &ZooRow) -> usize {
    FAMILIES.iter().position(|(start, _)| row.network.starts_with(start)).unwrap_or_default()
}

fn rows(ui: &mut Ui, table: &ZooTable) {
    let palette = Palette::current(ui);
    let headings = [
        ("network", 210.0),
        ("level", 52.0),
        ("mult-adds", 72.0),
        ("mem. access", 78.0),
        ("latency here", 84.0),
        ("95 % interval", 130.0),
        ("images/s here", 84.0),
        ("front", 50.0),
        ("published: error", 96.0),
        ("GPU", 52.0),
        ("ARM", 52.0),
    ];
    let dash = || "\u{2013}".to_owned();
    headed(ui, "zoo", &headings, palette).body(|body| {
        body.rows(theme::ROW, table.rows.len(), |mut row| {
            let Some(of) = table.rows.get(row.index()) else { return };
            let published = &of.published;
            let measured = of.measured;
            let cells = [
                of.name.clone(),
                of.level.to_string(),
                of.cost.map_or_else(dash, |cost| cost.mult_adds.to_string()),
                of.cost.map_or_else(dash, |cost| cost.memory_access.to_string()),
                measured.map_or_else(
                    || if of.failure.is_some() { "failed".into() } else { dash() },
                    |speed| speed.latency.median.to_string(),
                ),
                measured.map_or_else(String::new, |speed| format!("{} to {}", speed.latency.low, speed.latency.high)),
                measured.map_or_else(dash, |speed| format::three_digits(speed.images_per_second)),
                if of.on_accuracy_front { "front".into() } else { String::new() },
                format!("{:.1} %", published.top1_error_percent),
                published.gpu_batches_per_second.map_or_else(dash, |rate| rate.to_string()),
                published.arm_images_per_second.map_or_else(dash, |rate| rate.to_string()),
            ];
            for cell in cells {
                row.col(|ui| drop(ui.add(Label::new(RichText::new(cell).color(palette.text)).truncate())));
            }
            let response = named(row.response(), Role::Row, &of.name);
            if let Some(failure) = &of.failure {
                response.on_hover_text(failure);
            }
        });
    });
}
