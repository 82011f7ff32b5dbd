//! Messages queue: none is lost, each can be closed, and a fault leads to where it arose.

use egui_kittest::kittest::Queryable;
use shufflescope::window::{Command, Side, Tab};
use shufflescope_engine::zoo;

use super::{click, give, quiet, show};
use crate::support::Window;

/// A message that names this network.
fn cause(window: &mut Window, network: &str) {
    give(window, Command::OpenModel(Box::new(zoo::network(network).unwrap().into())));
    give(window, Command::Save);
}

#[test]
fn messages_stay_in_order_until_each_is_closed() {
    let mut window = show(quiet(None));
    window.wait("the worker's end", |app| !app.live().phase().is_busy());
    let networks = ["alexnet", "vgg-16", "googlenet"];
    networks.iter().for_each(|network| cause(&mut window, network));
    let said = |window: &Window, network: &str| window.says(&format!("Not saved: `{network}`"));
    assert_eq!(window.app().notices().all().len(), 3);
    assert!(!said(&window, "alexnet") && said(&window, "vgg-16") && said(&window, "googlenet"));
    click(&mut window, "Show all messages");
    assert!(said(&window, "alexnet"));
    window.harness.check_accessibility();
    assert!(window.names_given_twice().is_empty(), "{:?}", window.names_given_twice());

    click(&mut window, "Close message 2");
    assert!(said(&window, "alexnet") && !said(&window, "vgg-16") && said(&window, "googlenet"));
    click(&mut window, "Close message");
    assert!(said(&window, "alexnet") && !said(&window, "googlenet"));
    cause(&mut window, "alexnet");
    assert!(window.says("(2 times)"), "the same one counts");
    networks.iter().for_each(|network| cause(&mut window, network));
    click(&mut window, "Close all messages");
    assert!(window.app().notices().is_empty());
}

#[test]
fn a_fault_leads_to_the_tab_where_it_arose() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.toml");
    std::fs::write(&garbage, "name = 3").unwrap();
    let mut window = show(quiet(None));
    give(&mut window, Command::ChooseFile(Side::B, garbage));
    window.wait("the reason", |app| app.notice().is_some_and(|notice| notice.is_error));
    assert_eq!(window.app().tab(), Tab::Design);
    window.step();
    click(&mut window, "Show where it arose");
    assert_eq!(window.app().tab(), Tab::Compare);
    assert!(window.harness.query_by_label("Close message").is_some(), "it stays until it is closed");
}
