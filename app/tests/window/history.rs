//! The *History* view, driven through its accessible controls, with the real worker process and the store.

use std::path::Path;

use crate::support::made_up::finished as run;
use crate::support::{Window, quick, small};
use egui::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::window::{Freshness, Setup};
use shufflescope_engine::store::{Opened, RunRecord, Store, VERSION};

fn open(setup: Setup) -> Window {
    let mut window = Window::with(setup, [1440.0, 900.0], egui::Theme::Dark);
    window.harness.get_by_label("History view").click();
    window.step();
    window
}

fn keep(folder: &Path, runs: &[RunRecord]) {
    let Opened { store, .. } = Store::open(folder).unwrap();
    runs.iter().for_each(|run| store.note_run(run).unwrap());
}

#[test]
fn a_final_live_result_becomes_a_row_beside_those_of_earlier_versions() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), &[run("0.1.9", 1_600_000_000, 400), run("0.1.9", 1_600_092_400, 200)]);
    let mut window = open(quick(Some(folder.path())));
    let rows = |window: &Window| -> Vec<String> {
        let all = window.harness.query_all_by_role(Role::Row);
        all.filter_map(|row| row.accesskit_node().label()).collect()
    };
    let shown = |app: &shufflescope::window::App| app.past().of(&small().fingerprint()).map_or(0, <[_]>::len);
    window.wait("the earlier rows", |app| shown(app) >= 2);
    window.wait("the final result", |app| {
        app.live().result().is_some_and(|(_, freshness)| freshness == Freshness::Final)
    });
    window.wait("its row", |app| shown(app) == 3);
    window.step();
    let rows = rows(&window);
    let [newest, second, oldest] = rows.as_slice() else { panic!("{rows:?}") };
    let way = "cpu, tuned, 1 thread, batch 1";
    assert!(newest.contains(&format!("version {VERSION}, {way}, live mode")), "{newest}");
    assert!(newest.contains(" to the run before"), "comparable over versions: {newest}");
    assert!(
        second.starts_with("2020-09-14 14:06, version 0.1.9") && second.contains("200 ms (196 ms to 206 ms)"),
        "{second}"
    );
    assert!(second.ends_with("-50 % to the run before"), "{second}");
    assert!(oldest.starts_with("2020-09-13 12:26, version 0.1.9") && !oldest.contains("run before"), "{oldest}");
    assert!(window.says("3 finished runs of this network; 1 as it runs now"), "{:?}", window.texts());
    window.harness.check_accessibility();
    window.close();

    // A design that was not measured has no past.
    let mut start = quick(Some(folder.path()));
    start.design = shufflescope_engine::zoo::preset("shufflenet-v2-x2.0");
    start.launcher.program = "no such program".into();
    let mut window = open(start);
    let fingerprint = window.app().document().valid().fingerprint.clone();
    window.wait("the store's word", |app| app.past().of(&fingerprint).is_some());
    window.step();
    assert!(window.says("No finished run of this network yet"), "{:?}", window.texts());
}

#[test]
fn the_same_result_is_one_row_however_often_it_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(quick(Some(folder.path())));
    let shown = |app: &shufflescope::window::App| app.past().of(&small().fingerprint()).map_or(0, <[_]>::len);
    window.wait("its row", |app| shown(app) == 1);
    for view in ["Layers view", "History view", "Time view", "History view"] {
        window.harness.get_by_label(view).click();
        window.step();
    }
    window.close();
    let Opened { store, .. } = Store::open(folder.path()).unwrap();
    assert_eq!(store.history(None).unwrap().len(), 1);
}
