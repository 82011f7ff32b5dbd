//! Figure 1: accuracy and mult-adds against speed, here as measured, and on the paper's devices as published.

use eframe::egui;
use egui::{Label, RichText, ScrollArea, Ui, vec2};
use shufflescope_engine::experiment::{PublishedRow, ZooRow, ZooTable};
use shufflescope_engine::pareto::{Better, pareto_front};

use crate::window::format;
use crate::window::scene::Scene;
use crate::window::theme::{self, Palette};
use crate::window::widgets::{Across, Axis, Dot, Scatter, legend};

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

const ACCURACY: Axis<'_> = Axis { name: "published top-1 accuracy (%)", is_log: false };
const MULT_ADDS: Axis<'_> = Axis { name: "mult-adds per image", is_log: true };

/// A device of the paper's.
struct Device {
    name: &'static str,
    axis: &'static str,
    speed: fn(&PublishedRow) -> Option<f64>,
}

const DEVICES: [Device; 2] = [
    Device {
        name: "published GPU",
        axis: "published GPU speed (batches of 8/s)",
        speed: |published| published.gpu_batches_per_second,
    },
    Device {
        name: "published ARM",
        axis: "published ARM speed (images/s)",
        speed: |published| published.arm_images_per_second,
    },
];

/// A scatter with what it is drawn from.
struct Plot {
    name: String,
    x: Axis<'static>,
    y: Axis<'static>,
    dots: Vec<Dot>,
    across: Vec<Across>,
}

/// Paints the scatters: ours first, the published ones beside them, as many beside one another as there is room for.
pub(super) fn show(ui: &mut Ui, scene: Scene<'_>, table: &ZooTable, is_current: bool) {
    legend(ui, &FAMILIES.map(|(_, name)| name));
    let [accuracy, work] = here(scene, table, is_current);
    let [[gpu_accuracy, gpu_work], [arm_accuracy, arm_work]] = DEVICES.map(|device| published(table, &device));
    let (columns, plots) = if ui.available_width() >= 1_000.0 {
        (3.0, vec![vec![&accuracy, &gpu_accuracy, &arm_accuracy], vec![&work, &gpu_work, &arm_work]])
    } else {
        (2.0, vec![vec![&accuracy, &work], vec![&gpu_accuracy, &gpu_work], vec![&arm_accuracy, &arm_work]])
    };
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let width = (ui.available_width() - 8.0 - (columns - 1.0) * theme::GAP) / columns;
        let height = (ui.available_height() - 40.0) / plots.len() as f32 - theme::GAP;
        for row in &plots {
            ui.horizontal(|ui| {
                for plot in row {
                    plot.show(ui, vec2(width.max(180.0), height.clamp(230.0, 900.0)));
                }
            });
        }
        let muted = Palette::current(ui).muted;
        let text = "Ringed and joined: the Pareto front. Above, no network is published as more accurate and is faster; \
                    below, none computes more and is faster. Dotted: the present design, whose accuracy is unknown.";
        ui.add(Label::new(RichText::new(text).small().color(muted)).wrap());
    });
}

/// As measured here, with the present design.
fn here(scene: Scene<'_>, table: &ZooTable, is_current: bool) -> [Plot; 2] {
    let own = scene.document.name();
    let speed = scene
        .live
        .current()
        .filter(|_| is_current)
        .map(|measured| f64::from(measured.batch) / measured.whole.median.as_secs_f64().max(1e-9));
    let total = scene.document.valid().cost.total.mult_adds.as_f64();
    let at = total / f64::from(scene.document.valid_options().batch.max(1));
    let mut by_accuracy = Vec::new();
    let mut by_mult_adds = vec![Across { vertical: true, at, name: own.to_owned(), drag: None }];
    if let Some(at) = speed {
        let name = format!("{own}: accuracy unknown");
        by_accuracy.push(Across { vertical: true, at, name, drag: None });
        by_mult_adds.push(Across { vertical: false, at, name: own.to_owned(), drag: None });
    }
    let accuracy = table.accuracy_against_speed().map(|(row, accuracy, speed)| Dot {
        x: speed,
        y: accuracy,
        name: format!("{}: {accuracy:.1} % published, {} images/s here", row.name, format::three_digits(speed)),
        series: family(row),
        on_front: row.on_accuracy_front,
        ..Dot::default()
    });
    let work = table.mult_adds_against_speed().map(|(row, mult_adds, speed)| Dot {
        x: mult_adds,
        y: speed,
        name: format!("{}: {:.0} M mult-adds, {} images/s", row.name, mult_adds / 1e6, format::three_digits(speed)),
        series: family(row),
        on_front: row.on_mult_adds_front,
        ..Dot::default()
    });
    let speed = Axis { name: "measured speed here (images/s)", is_log: true };
    [
        Plot {
            name: "accuracy against speed".into(),
            x: speed,
            y: ACCURACY,
            dots: accuracy.collect(),
            across: by_accuracy,
        },
        Plot {
            name: "speed against mult-adds".into(),
            x: MULT_ADDS,
            y: speed,
            dots: work.collect(),
            across: by_mult_adds,
        },
    ]
}

/// As the paper prints it for one of its devices.
fn published(table: &ZooTable, device: &Device) -> [Plot; 2] {
    let rows: Vec<(&ZooRow, f64)> =
        table.rows.iter().filter_map(|row| Some((row, (device.speed)(&row.published)?))).collect();
    let accuracy = |row: &ZooRow| 100.0 - row.published.top1_error_percent;
    let mult_adds = |row: &ZooRow| 1e6 * row.published.mega_mult_adds;
    let front = |figure: &dyn Fn(&ZooRow) -> f64| {
        let points: Vec<(f64, f64)> = rows.iter().map(|(row, speed)| (figure(row), *speed)).collect();
        pareto_front(&points, [Better::Higher; 2])
    };
    let (by_accuracy, by_mult_adds) = (front(&accuracy), front(&mult_adds));
    let dot = |(index, (row, speed)): (usize, &(&ZooRow, f64)), front: &[usize]| Dot {
        name: format!(
            "{}, {}: {:.1} %, {} M mult-adds, {speed} per second",
            row.name,
            device.name,
            accuracy(row),
            row.published.mega_mult_adds
        ),
        series: family(row),
        on_front: front.contains(&index),
        ..Dot::default()
    };
    let speed = Axis { name: device.axis, is_log: true };
    let of = |what: &str| format!("{what}, {}", device.name);
    let by = rows.iter().enumerate();
    [
        Plot {
            name: of("accuracy against speed"),
            x: speed,
            y: ACCURACY,
            dots: by.clone().map(|at| Dot { x: at.1.1, y: accuracy(at.1.0), ..dot(at, &by_accuracy) }).collect(),
            across: Vec::new(),
        },
        Plot {
            name: of("speed against mult-adds"),
            x: MULT_ADDS,
            y: speed,
            dots: by.map(|at| Dot { x: mult_adds(at.1.0), y: at.1.1, ..dot(at, &by_mult_adds) }).collect(),
            across: Vec::new(),
        },
    ]
}

impl Plot {
    fn show(&self, ui: &mut Ui, size: egui::Vec2) {
        let Self { name, x, y, dots, across } = self;
        Scatter { name, x: *x, y: *y, dots, across, click: None }.show(ui, size);
    }
}

/// The position of a network's family.
fn family(row: &ZooRow) -> usize {
    FAMILIES.iter().position(|(start, _)| row.network.starts_with(start)).unwrap_or_default()
}
