//! What the paper publishes stands in the *Lab* at once, ours beside it as it is measured, drawn and told; all of it is
//! exported through dialogs. Nothing is measured here.

use std::path::Path;
use std::sync::Arc;

use crate::support::{ScriptedDialogs, Window, quick};
use egui::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::window::theme::Palette;
use shufflescope::window::{Command, Setup, Tab, Wanted};
use shufflescope_engine::device::{DeviceId, Machine};
use shufflescope_engine::experiment::{Evidence, Experiment, ExperimentResult, RateInterval, Scale, Verdict};
use shufflescope_engine::measure::{InterleaveRules, RatioInterval, Spread};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::{Kept, Kind, RunContext, Store};
use shufflescope_engine::units::Nanos;

/// Nothing can be measured.
fn without_worker(data_folder: Option<&Path>) -> Setup {
    let mut start = quick(data_folder);
    start.launcher.program = "no such program".into();
    start
}

fn open(start: Setup) -> Window {
    let mut window = Window::with(start, [1440.0, 900.0], egui::Theme::Dark);
    window.harness.state_mut().command(Command::ShowTab(Tab::Lab));
    window.step();
    window
}

fn click(window: &mut Window, name: &str) {
    window.harness.get_by_label(name).click();
    window.step();
}

/// Whether a text, bar or mark says exactly this.
fn has(window: &Window, text: &str) -> bool {
    window.texts().iter().any(|said| said == text)
}

#[test]
fn the_papers_tables_and_figures_stand_there_before_anything_ran_and_are_labelled_as_published() {
    let mut window = open(without_worker(None));
    click(&mut window, "Lab G1 channels");
    assert!(has(&window, "1:2, published GPU: 0.876 times the first row's rate"), "{:?}", window.texts());
    assert!(has(&window, "1:2, published ARM: 0.957 times the first row's rate"));
    assert!(has(&window, "1:2, here: not measured yet") && has(&window, "1:1, here: not measured yet"));
    assert!(has(&window, "published GPU") && has(&window, "published ARM") && has(&window, "1296"));
    assert!(has(&window, "the paper's ARM widths, x1, 56x56: not measured yet"));
    assert!(!window.says("Verdict on this device") && !window.says("1:2: "), "there is no evidence yet");
    click(&mut window, "scale 4");
    assert!(window.says("Not measured yet at scale x4") && has(&window, "163"), "the table's own column");

    click(&mut window, "Lab Zoo");
    assert!(has(&window, "0.5 MobileNet v1, published GPU: 1.120 times the first row's rate"));
    assert!(has(&window, "0.5 MobileNet v1, here: not measured yet"));
    assert!(has(&window, "published error") && has(&window, "36.3 %"));
    window.harness.get_by_role_and_label(Role::Row, "ShuffleNet v2 1x");
    click(&mut window, "level 300");
    assert!(has(&window, "CondenseNet (G=C=8), published ARM: not printed"), "{:?}", window.texts());
    click(&mut window, "level 140");
    click(&mut window, "show scatters");
    assert!(has(&window, "accuracy against speed, published GPU: 9 points"), "{:?}", window.texts());
    assert!(has(&window, "speed against mult-adds, published ARM: 9 points"));
    assert!(has(&window, "accuracy against speed: 0 points"));
    assert!(window.says("ShuffleNet v2 1x, published GPU: 69.4 %, 146 M mult-adds, 341 per second, on the front"));

    click(&mut window, "Lab Figure 2");
    let pie = "shufflenet-v1-g3-x1.0, published, GPU: Conv 50 %, Data 20 %, Elemwise 15 %, Shuffle 5.0 %, Other 10 %";
    assert!(has(&window, pie), "{:?}", window.texts());
    assert!(has(&window, "not measured yet") && has(&window, "published, ARM"));

    click(&mut window, "Lab Resolutions");
    let bar = "shufflenet-v1-g3-x1.0 at 320x320, published GPU: 0.789 times the first row's rate";
    assert!(has(&window, bar), "{:?}", window.texts());
    assert!(has(&window, "shufflenet-v1-g3-x1.0 at 320x320, here: not measured yet"));
    for form in ["Markdown", "JSON"] {
        let button = format!("Export result as {form}");
        assert!(window.harness.query_by_label(&button).is_none(), "there is nothing of ours to export");
    }
    window.harness.check_accessibility();
}

/// Where what says exactly this is painted.
fn rects(window: &Window, text: &str) -> Vec<egui::Rect> {
    let says = |node: &egui_kittest::Node<'_>| {
        let node = node.accesskit_node();
        [node.label(), node.value()].into_iter().flatten().any(|said| said == text)
    };
    window.harness.root().children_recursive().filter(says).map(|node| node.rect()).collect()
}

/// A row that takes `micros` microseconds, and its ratio to the first.
fn rate(micros: u64) -> RateInterval {
    let time = Nanos(1_000 * micros);
    let latency = Spread {
        median: time,
        low: time,
        high: time,
        coverage: 0.95,
        within_run: None,
        min: time,
        p90: None,
        p99: None,
        samples: 30,
    };
    let rate = 1e6 / micros as f64;
    RateInterval { batches_per_second: rate, low: 0.99 * rate, high: 1.01 * rate, latency }
}

/// G2 in which the first column holds and the second does not, as an earlier session measured it.
fn keep_g2(folder: &Path) {
    let options = RunOptions::new(DeviceId::Cpu, 1, 1);
    let mut result =
        ExperimentResult::published(Experiment::G2, Scale::X1, &options, &InterleaveRules::in_processes(1)).unwrap();
    let evidence = [None, Some(Evidence::For), Some(Evidence::None), Some(Evidence::Open)];
    let opposite = [None, Some(Evidence::Against), Some(Evidence::For), Some(Evidence::For)];
    for (index, evidence) in evidence.into_iter().chain(opposite).enumerate() {
        let (cell, ratio) = (&mut result.cells[index], 1.0 / (1.0 + (index % 4) as f64));
        cell.ours = Some(rate(1_000 * (1 + index as u64 % 4)));
        let interval = RatioInterval { ratio, low: 0.98 * ratio, high: 1.02 * ratio };
        (cell.ours_ratio, cell.ours_ratio_per_mult_add) = (evidence.map(|_| interval), evidence.map(|_| interval));
        cell.evidence = evidence;
    }
    for (column, verdict) in result.columns.iter_mut().zip([Verdict::Holds, Verdict::DoesNotHold]) {
        (column.rounds, column.verdict) = (30, verdict);
    }
    let context = RunContext::new(Machine::detect().cpu_model.as_deref(), &options);
    let store = Store::open(folder).unwrap().store;
    store.keep(Kind::Experiment, "g2 x1", &Kept::now(context, result)).unwrap();
}

#[test]
fn what_was_measured_fills_the_rows_in_with_bars_and_intervals_and_the_verdicts_are_marks_with_words() {
    let folder = tempfile::tempdir().unwrap();
    keep_g2(folder.path());
    let mut window = open(without_worker(Some(folder.path())));
    click(&mut window, "Lab G2 groups");
    window.wait("the result kept", |app| {
        app.lab().experiment((Experiment::G2, Scale::X1), None, &app.document().valid_options()).is_some()
    });
    window.step();
    assert!(has(&window, "g = 1, here: 1.000 times the first row's rate"), "{:?}", window.texts());
    assert!(has(&window, "g = 2, here: 0.500 times the first row's rate (0.490 to 0.510)"));
    assert!(has(&window, "g = 2, published GPU: 0.704 times the first row's rate"), "the paper's stands beside it");
    assert!(has(&window, "the paper's GPU widths, x1, 56x56: holds"));
    assert!(has(&window, "the paper's ARM widths, x1, 56x56: does not hold"));
    assert!(has(&window, "Verdict on this device: undecided"), "columns disagree");
    for mark in ["g = 2: as claimed", "g = 4: no difference", "g = 8: open", "g = 2: opposite"] {
        assert!(has(&window, mark), "{mark}: {:?}", window.texts());
    }
    // The interval is painted over our bar, brighter than any name, and over no other.
    let picture = window.picture("lab-g2");
    let bright = |bar: &str| {
        let rect = rects(&window, bar)[0];
        let (width, height) = ((rect.width() - 40.0) as u32, rect.height() as u32);
        let (left, top) = (rect.left() as u32, rect.top() as u32);
        let pixels = (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y)));
        pixels.filter(|&(x, y)| picture.get_pixel(x, y).0.iter().all(|value| *value > 152)).count()
    };
    assert!(bright("g = 2, here: 0.500 times the first row's rate (0.490 to 0.510)") > 4);
    assert_eq!(bright("g = 2, published GPU: 0.704 times the first row's rate"), 0);
    let mut options = window.app().document().options().clone();
    options.batch = 2;
    window.harness.state_mut().command(Command::Run(options));
    window.step();
    assert!(has(&window, "the paper's GPU widths, x1, 56x56: holds (stale)"), "{:?}", window.texts());
}

/// Clicks an export with the dialog's answer in place, and gives what was said of it.
fn export(window: &mut Window, dialogs: &ScriptedDialogs, button: &str, to: &Path) -> (String, bool) {
    window.harness.state_mut().command(Command::Dismiss);
    window.step();
    dialogs.choose(to);
    click(window, button);
    window.wait("what became of the export", |app| app.notice().is_some());
    let notice = window.app().notice().unwrap();
    (notice.text.clone(), notice.is_error)
}

#[test]
fn figure_2_and_resolutions_are_exported_as_other_results_are() {
    let folder = tempfile::tempdir().unwrap();
    let dialogs = ScriptedDialogs::default();
    let mut window = open(Setup { dialogs: Arc::new(dialogs.clone()), ..without_worker(None) });
    let cases = [
        ("Figure 2", "figure-2", "| mobilenet-v2-x1.0 | paper, ARM | 89.0 % |", "pies"),
        ("Resolutions", "resolutions-140M", "| 640x480 | 140 M | xception-x1.0 | failed |", "rows"),
    ];
    for (entry, name, printed, key) in cases {
        click(&mut window, &format!("Lab {entry}"));
        click(&mut window, "Measure networks");
        window.wait("the reasons", |app| !app.bench().is_busy());
        window.step();
        assert!(window.says("failed"), "{:?}", window.texts());

        // Thought better of.
        window.harness.state_mut().command(Command::Dismiss);
        let before = dialogs.asked().len();
        click(&mut window, "Export result as Markdown");
        window.wait("the dialog", |_| dialogs.asked().len() == before + 1);
        window.step();
        assert!(window.app().notice().is_none());
        let offered = dialogs.asked().pop().unwrap().wanted;
        assert_eq!(offered, Wanted::NewFile(format!("{name}.md")));

        let file = folder.path().join(format!("{name}.md"));
        let (said, is_error) = export(&mut window, &dialogs, "Export result as Markdown", &file);
        assert!(!is_error && said.contains("Exported to"), "{said}");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(printed) && text.contains("no such program") && text.contains("Measured: "), "{text}");

        let file = folder.path().join(format!("{name}.json"));
        let (said, is_error) = export(&mut window, &dialogs, "Export result as JSON", &file);
        assert!(!is_error, "{said}");
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert!(json[key][0]["failure"].as_str().unwrap().contains("no such program"), "{json}");

        let nowhere = folder.path().join("nowhere").join("result.md");
        let (said, is_error) = export(&mut window, &dialogs, "Export result as Markdown", &nowhere);
        assert!(is_error && said.starts_with("Not exported."), "{said}");
    }
}

#[test]
fn every_table_and_figure_paints_at_every_size_with_its_bars_in_view() {
    for (theme, size) in [(egui::Theme::Light, [1000.0, 640.0]), (egui::Theme::Dark, [3840.0, 2160.0])] {
        let mut window = Window::with(without_worker(None), size, theme);
        window.harness.state_mut().command(Command::ShowTab(Tab::Lab));
        window.step();
        let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        let cases = [
            ("G1 channels", "1:1, published GPU: 1.000 times the first row's rate"),
            ("Zoo", "ShuffleNet v2 1x, published GPU: 1.000 times the first row's rate"),
            ("Resolutions", "shufflenet-v2-x1.0-paper at 320x320, published GPU: 1.000 times the first row's rate"),
        ];
        for (entry, bar) in cases {
            click(&mut window, &format!("Lab {entry}"));
            let bars = rects(&window, bar);
            assert!(bars.iter().any(|rect| screen.contains_rect(*rect)), "{entry} in {size:?}: {bars:?}");
        }
        window.harness.check_accessibility();
    }
}

#[test]
fn tables_and_figures_are_painted_in_both_themes() {
    for (theme, name) in [(egui::Theme::Dark, "dark"), (egui::Theme::Light, "light")] {
        let folder = tempfile::tempdir().unwrap();
        keep_g2(folder.path());
        let mut window = Window::with(without_worker(Some(folder.path())), [1000.0, 640.0], theme);
        window.harness.state_mut().command(Command::ShowTab(Tab::Lab));
        window.step();
        let palette = Palette::of(theme);
        for (entry, color) in [
            ("G2 groups", palette.sunken),
            ("Zoo", palette.sunken),
            ("Figure 2", palette.series(0)),
            ("Resolutions", palette.sunken),
        ] {
            click(&mut window, &format!("Lab {entry}"));
            let picture = window.picture(&format!("lab-{}-{name}", entry.replace(' ', "-").to_lowercase()));
            let [r, g, b, _] = color.to_array();
            let same = picture.pixels().filter(|pixel| pixel.0[..3] == [r, g, b]).count();
            let share = same as f64 / f64::from(picture.width() * picture.height());
            assert!(share > 0.005, "{entry} in {name}: {share}");
        }
    }
}
