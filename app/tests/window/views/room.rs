//! Where things stand at the smallest size, the usual one and on a large screen: nothing cut, and no room left idle.

use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::window::{Command, View};

use super::{Role, opened, place};
use crate::support::Window;

const SIZES: [[f32; 2]; 3] = [[1000.0, 640.0], [1440.0, 900.0], [3840.0, 2160.0]];

/// The views with a chart, and how its name begins.
const CHARTS: [(View, &str); 4] = [
    (View::Unit, "drawing of "),
    (View::Time, "timeline: "),
    (View::Roofline, "roofline. "),
    (View::Memory, "activation memory by layer. "),
];

fn show(window: &mut Window, view: View) {
    window.harness.state_mut().command(Command::Show(view));
    window.step();
}

/// Paints a view where a person has asked to see it: a large window takes its time on the CPU.
fn look(window: &mut Window, view: View, size: [f32; 2]) {
    if std::env::var_os("SHUFFLESCOPE_PICTURES").is_some() {
        window.picture(&format!("{}-{}x{}", view.name(), size[0], size[1]));
    }
}

#[test]
fn charts_grow_with_the_window_and_fill_a_large_one() {
    let mut areas: Vec<Vec<f32>> = Vec::new();
    for size in SIZES {
        let (mut window, _folder) = opened(size, egui::Theme::Dark);
        let mut of_size = Vec::new();
        for (view, name) in CHARTS {
            show(&mut window, view);
            look(&mut window, view, size);
            let rect = place(&window, name);
            assert!(rect.left() >= 0.0 && rect.right() <= size[0], "{view:?} at {size:?}: {rect:?}");
            if size[1] > 800.0 {
                assert!(rect.bottom() <= size[1], "{view:?} at {size:?}: {rect:?}");
            }
            of_size.push(rect.area());
            if size[1] > 2000.0 {
                let most = if view == View::Time { 0.55 } else { 0.7 };
                assert!(rect.height() > most * size[1] && rect.width() > 0.5 * size[0], "{view:?}: {rect:?}");
            }
        }
        areas.push(of_size);
    }
    for (index, (view, _)) in CHARTS.iter().enumerate() {
        assert!(areas[2][index] > 3.0 * areas[1][index], "{view:?}: {areas:?}");
    }
}

#[test]
fn a_units_boxes_spread_over_the_drawing() {
    for size in &SIZES[1..] {
        let (mut window, _folder) = opened(*size, egui::Theme::Light);
        show(&mut window, View::Unit);
        let whole = place(&window, "drawing of ");
        let (first, last) = (place(&window, "channel split "), place(&window, "channel shuffle "));
        assert!(last.bottom() - first.top() > 0.6 * whole.height(), "{first:?} to {last:?} in {whole:?}");
        assert!(whole.contains_rect(first) && whole.contains_rect(last));
    }
}

#[test]
fn the_strip_and_the_views_controls_stand_inside_the_window_also_with_a_pinned_design() {
    for size in SIZES {
        let (mut window, _folder) = opened(size, egui::Theme::Dark);
        window.harness.state_mut().command(Command::Pin);
        window.step();
        look(&mut window, View::Layers, size);
        let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        let mut bars = 0;
        for node in window.harness.root().children_recursive() {
            let name = node.accesskit_node().label().unwrap_or_default();
            if node.accesskit_node().role() == Role::Button && name.starts_with("strip ") {
                assert!(screen.contains_rect(node.rect()), "{name} at {:?} in {size:?}", node.rect());
                bars += 1;
            }
        }
        let sections = window.app().document().valid().model.design().unwrap().stages.iter();
        let units: u32 = sections.map(|stage| stage.repeats).sum();
        assert!(bars > 2 * units, "{bars} bars of two strips");
        let controls = ["strip by time", "strip by memory access", "Columns", "Copy layers", "filter layers"];
        let views = View::ALL.iter().map(|view| format!("{} view", view.name()));
        for name in controls.into_iter().map(String::from).chain(views) {
            let rect = window.harness.get_by_label(&name).rect();
            assert!(screen.contains_rect(rect), "{name} at {rect:?} in {size:?}");
        }
        // The table has rows to be seen, and what stands below it does not lie on it.
        let (row, columns) =
            (window.harness.get_by_role_and_label(Role::Row, "conv1.0").rect(), place(&window, "Columns"));
        assert!(row.bottom() <= columns.top(), "{row:?} {columns:?}");
    }
}

#[test]
fn a_views_tools_have_room_to_be_used_and_stay_in_the_middle() {
    for size in SIZES {
        let (mut window, _folder) = opened(size, egui::Theme::Dark);
        let end = place(&window, "network strip").right() + 1.0;
        let (filter, groups) = (place(&window, "filter layers"), place(&window, "group layers"));
        assert!(filter.width() > 90.0, "what is typed is seen: {filter:?} in {size:?}");
        show(&mut window, View::Unit);
        let unit = window.harness.get_by_role_and_label(Role::ComboBox, "unit").rect();
        assert!(unit.width() > 60.0, "{unit:?} in {size:?}");
        for rect in [filter, groups, unit] {
            assert!(rect.right() <= end && rect.bottom() <= size[1], "{rect:?} in {size:?}");
        }
    }
}

#[test]
fn the_timeline_leaves_nothing_idle_below_what_is_said_of_it() {
    for size in &SIZES[1..] {
        let (mut window, _folder) = opened(*size, egui::Theme::Dark);
        show(&mut window, View::Time);
        for selected in [None, Some(super::MAIN.to_owned())] {
            window.harness.state_mut().command(Command::Select(selected));
            window.step();
            let last = place(&window, "Take kernels apart");
            let idle = size[1] - last.bottom();
            assert!((30.0..70.0).contains(&idle), "{idle} with the status bar at {size:?}");
        }
    }
}
