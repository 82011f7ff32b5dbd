//! Every view and tab as it is painted, in both themes, on the CPU. A picture that is meant to change is made anew with
//! `UPDATE_SNAPSHOTS=1 cargo test --test window pictures`, and looked at before it is
//! committed.

use egui::Rect;
use egui_kittest::{SnapshotOptions, SnapshotResults, try_image_snapshot_options};
use shufflescope::window::{Command, Setup, Tab, View};
use shufflescope_engine::store::{Opened, Store};

use super::{MAIN, is_measured, opened, place};
use crate::support::Window;
use crate::support::made_up::{finished, known, options};
use crate::support::measured::measured;
use crate::support::small;

/// The smallest window: the pictures are small, and what is cut is cut here first.
const SIZE: [f32; 2] = [1000.0, 640.0];

/// Height of the bars above and below: what stands there has other tests.
const BAR: f32 = 40.0;

const THEMES: [(egui::Theme, &str); 2] = [(egui::Theme::Dark, "dark"), (egui::Theme::Light, "light")];

/// Views whose picture hangs on nothing but the network and what was measured of it.
const VIEWS: [View; 5] = [View::Layers, View::Unit, View::Time, View::Roofline, View::Memory];

/// Tabs that say nothing of the machine before anything is measured in them.
const TABS: [Tab; 3] = [Tab::Compare, Tab::Explore, Tab::Lab];

/// Pixels that may differ: elsewhere a sine may end in another digit.
const PIXELS: usize = 60;

/// Compares this part of the window.
fn compare(results: &mut SnapshotResults, window: &mut Window, part: Rect, name: &str) {
    let whole = window.picture(&format!("view-{name}"));
    let part = Rect::from_min_max(part.min.floor(), part.max.ceil());
    let [left, top, wide, high] = [part.left(), part.top(), part.width(), part.height()].map(|side| side as u32);
    let part = image::imageops::crop_imm(&whole, left, top, wide, high).to_image();
    let options = SnapshotOptions::new().max_failed_pixels(PIXELS);
    results.add(try_image_snapshot_options(&part, format!("views/{name}"), &options));
}

fn show(window: &mut Window, command: Command) {
    window.harness.state_mut().command(command);
    window.step();
    window.step();
}

/// The strip and the view below it.
fn strip_and_view(window: &Window) -> Rect {
    let (strip, bar) = (place(window, "network strip"), place(window, "strip by time"));
    Rect::from_min_max(egui::pos2(bar.left(), strip.top()), egui::pos2(strip.right(), SIZE[1] - BAR))
}

#[test]
fn every_view_looks_as_it_did() {
    let mut results = SnapshotResults::new();
    for (theme, word) in THEMES {
        let (mut window, _folder) = opened(SIZE, theme);
        window.harness.state_mut().command(Command::Select(Some(MAIN.into())));
        for view in VIEWS {
            show(&mut window, Command::Show(view));
            let part = strip_and_view(&window);
            compare(&mut results, &mut window, part, &format!("{}-{word}", view.name().to_lowercase()));
        }
    }
    results.unwrap();
}

#[test]
fn advice_on_made_up_kernel_times_looks_as_it_did() {
    let mut results = SnapshotResults::new();
    for (theme, word) in THEMES {
        let (folder, known) = (tempfile::tempdir().unwrap(), known());
        let start = Setup { data_folder: Some(known.path().into()), ..measured(folder.path()) };
        let mut window = Window::with(start, SIZE, theme);
        window.wait("what the worker says", is_measured);
        show(&mut window, Command::Show(View::Advice));
        window.wait("the advice", |app| app.adviser().everything().is_some());
        window.step();
        let part = strip_and_view(&window);
        compare(&mut results, &mut window, part, &format!("advice-{word}"));
    }
    results.unwrap();
}

#[test]
fn the_history_of_an_earlier_version_looks_as_it_did() {
    let mut results = SnapshotResults::new();
    for (theme, word) in THEMES {
        let folder = tempfile::tempdir().unwrap();
        let Opened { store, .. } = Store::open(folder.path()).unwrap();
        for (day, millis) in [400, 200, 210, 205, 150].into_iter().enumerate() {
            let version = if day < 3 { "0.1.8" } else { "0.1.9" };
            store.note_run(&finished(version, 1_600_000_000 + 100_000 * day as u64, millis)).unwrap();
        }
        drop(store);
        let start = Setup { data_folder: Some(folder.path().into()), ..measured(folder.path()) };
        let mut window = Window::with(start, SIZE, theme);
        window.wait("what the worker says", is_measured);
        show(&mut window, Command::Show(View::History));
        window.wait("the rows", |app| app.past().of(&small().fingerprint()).is_some_and(|rows| rows.len() == 5));
        window.step();
        // What stands above the rows names this version.
        let mut part = strip_and_view(&window);
        part.min.y = place(&window, "2020-09-18").top() - shufflescope::window::theme::ROW;
        compare(&mut results, &mut window, part, &format!("history-{word}"));
    }
    results.unwrap();
}

#[test]
fn every_tab_looks_as_it_did_before_anything_is_measured_in_it() {
    let mut results = SnapshotResults::new();
    for (theme, word) in THEMES {
        let (mut window, _folder) = opened(SIZE, theme);
        for tab in TABS {
            show(&mut window, Command::ShowTab(tab));
            if tab == Tab::Explore {
                window.wait("the published networks", |app| app.explore().landmarks(&options()).is_some());
                window.step();
            }
            let part = Rect::from_min_max(egui::pos2(0.0, BAR), egui::pos2(SIZE[0], SIZE[1] - BAR));
            compare(&mut results, &mut window, part, &format!("tab-{}-{word}", tab.name().to_lowercase()));
        }
    }
    results.unwrap();
}
