//! The tour, and what the program says of itself.

use egui_kittest::kittest::Queryable;
use shufflescope::window::{Command, Over, Setup};

use super::{click, give, quiet, show};

#[test]
fn the_tour_is_shown_once_can_be_skipped_and_shown_again() {
    let data = tempfile::tempdir().unwrap();
    let start = || Setup { has_tour: true, ..quiet(Some(data.path())) };
    let mut window = show(start());
    assert_eq!(window.app().over(), Some(Over::Tour));
    assert!(window.says("1 of 6"));
    window.harness.check_accessibility();
    click(&mut window, "End the tour");
    assert_eq!(window.app().over(), None);
    window.close();

    let mut window = show(start());
    assert_eq!(window.app().over(), None, "once");
    click(&mut window, "Menu");
    click(&mut window, "Help menu");
    click(&mut window, "Menu: Show the tour");
    for step in 2..=6 {
        click(&mut window, "Next step of the tour");
        assert!(window.says(&format!("{step} of 6")));
    }
    click(&mut window, "Step of the tour before");
    assert!(window.says("5 of 6"));
    click(&mut window, "Next step of the tour");
    click(&mut window, "Leave the tour and find a command");
    assert_eq!(window.app().over(), Some(Over::Finder));
}

#[test]
fn the_design_can_be_edited_while_the_tour_is_there() {
    let mut window = show(Setup { has_tour: true, ..quiet(None) });
    click(&mut window, "depthwise 5x5");
    assert!(window.app().document().is_modified());
    assert_eq!(window.app().over(), Some(Over::Tour));
}

#[test]
fn about_says_versions_and_licences() {
    let mut window = show(quiet(None));
    give(&mut window, Command::ShowOver(Some(Over::About)));
    let version = format!("Version {}", env!("CARGO_PKG_VERSION"));
    for part in
        [version.as_str(), "Built with rustc 1.", "Backends: ", "cpu: ", "MIT licence or the Apache licence 2.0"]
    {
        assert!(window.says(part), "{part}: {:?}", window.texts());
    }
    assert!(!window.says("ShuffleScope is built from the packages"));
    click(&mut window, "Licences of all parts");
    assert!(window.says("ShuffleScope is built from the packages") && !window.says("Backends: "));
    window.harness.check_accessibility();
    click(&mut window, "Copy versions");
    click(&mut window, "Close About");
    assert_eq!(window.app().over(), None);
    assert!(window.harness.query_by_label("Close About").is_none());
}
