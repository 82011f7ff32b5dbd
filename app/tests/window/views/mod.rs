//! The network strip and the views of a design, driven through accessible controls. What was measured is made up, so
//! that nothing has to be waited for and every picture is the same.

mod columns;
mod pictures;
mod room;
mod strip;
mod time_and_unit;

use crate::support::Window;
use crate::support::measured::measured;
use egui::Role;
use egui::accesskit::Toggled;
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::window::App;

/// The layer that a click on the unit `stage3.1` selects.
const MAIN: &str = "stage3.1.branch2.0";

fn is_measured(app: &App) -> bool {
    app.live().current().is_some_and(|measurement| measurement.apart.is_some())
}

/// A window of this size whose network is measured and taken apart, and where its worker's words lie.
fn opened(size: [f32; 2], theme: egui::Theme) -> (Window, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::with(measured(folder.path()), size, theme);
    window.wait("what the worker says", is_measured);
    window.step();
    (window, folder)
}

/// One of the usual size.
fn open() -> (Window, tempfile::TempDir) {
    opened([1440.0, 900.0], egui::Theme::Dark)
}

/// The first layer of the kernel in which this layer was measured.
fn kernel_of(window: &Window, layer: &str) -> String {
    let breakdown = window.app().live().current().unwrap().breakdown.as_ref().unwrap();
    let kernel = breakdown.kernels.iter().find(|kernel| kernel.layers.iter().any(|path| path == layer));
    kernel.unwrap().layers[0].clone()
}

fn selected(window: &Window) -> Option<&str> {
    window.app().document().selected.as_deref()
}

/// Whether a control shows itself as chosen.
fn is_on(window: &Window, role: Role, name: &str) -> bool {
    let node = window.harness.get_by_role_and_label(role, name);
    node.accesskit_node().toggled() == Some(Toggled::True)
}

/// What a control says beside its name.
fn value(window: &Window, name: &str) -> String {
    window.harness.get_by_label(name).value().unwrap_or_default()
}

fn click(window: &mut Window, name: &str) {
    window.harness.get_by_label(name).click();
    window.step();
}

/// Lets the pointer rest on a control until its tooltip is there.
fn point_at(window: &mut Window, name: &str) {
    window.harness.get_by_label(name).hover();
    window.step();
    window.step();
}

/// The place of the control whose name begins so.
fn place(window: &Window, beginning: &str) -> egui::Rect {
    let named =
        |node: &egui_kittest::Node<'_>| node.accesskit_node().label().is_some_and(|label| label.starts_with(beginning));
    let found = window.harness.root().children_recursive().find(named);
    found.unwrap_or_else(|| panic!("nothing is called {beginning}")).rect()
}
