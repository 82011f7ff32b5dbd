//! Every view as it is painted, in both themes, on the CPU. A picture that is meant to change is made anew with
//! `UPDATE_SNAPSHOTS=1 cargo test --test window_views pictures`, and looked at before it is
//! committed.

use egui_kittest::{SnapshotOptions, SnapshotResults, try_image_snapshot_options};
use shufflescope::window::{Command, View};

use super::{MAIN, opened, place};

/// The smallest window: the pictures are small, and what is cut is cut here first.
const SIZE: [f32; 2] = [1000.0, 640.0];

/// Views whose picture hangs on nothing but the network and what was measured of it.
const VIEWS: [View; 5] = [View::Layers, View::Unit, View::Time, View::Roofline, View::Memory];

/// Pixels that may differ: elsewhere a sine may end in another digit.
const PIXELS: usize = 60;

#[test]
fn every_view_looks_as_it_did() {
    let mut results = SnapshotResults::new();
    for (theme, word) in [(egui::Theme::Dark, "dark"), (egui::Theme::Light, "light")] {
        let (mut window, _folder) = opened(SIZE, theme);
        window.harness.state_mut().command(Command::Select(Some(MAIN.into())));
        for view in VIEWS {
            window.harness.state_mut().command(Command::Show(view));
            window.step();
            window.step();
            // The strip and the view below it: what stands around them has other tests.
            let (strip, bar) = (place(&window, "network strip"), place(&window, "strip by time"));
            let (left, top) = (bar.left() as u32, strip.top() as u32);
            let (right, bottom) = (strip.right().ceil() as u32, SIZE[1] as u32 - 40);
            let name = format!("{}-{word}", view.name().to_lowercase());
            let whole = window.picture(&format!("view-{name}"));
            let part = image::imageops::crop_imm(&whole, left, top, right - left, bottom - top).to_image();
            let options = SnapshotOptions::new().max_failed_pixels(PIXELS);
            results.add(try_image_snapshot_options(&part, format!("views/{name}"), &options));
        }
    }
    results.unwrap();
}
