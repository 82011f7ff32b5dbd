//! Estimates and advice, driven through accessible controls: on kernel times that were made up for the purpose, and with
//! the real worker process.

use crate::support::made_up::{context, known, options, unmeasured};
use crate::support::{Window, quick, small};
use egui::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::window::{App, Command, Freshness, Knowledge, Setup, View};
use shufflescope_engine::advise::{Advice, Counsel};
use shufflescope_engine::design::Edit;
use shufflescope_engine::guideline::Guideline;
use shufflescope_engine::store::{Opened, Store};
use shufflescope_engine::units::Nanos;

fn open(start: Setup) -> Window {
    Window::with(start, [1440.0, 900.0], egui::Theme::Dark)
}

fn estimate(app: &App) -> Option<Nanos> {
    app.forecast().estimate().map(|estimate| estimate.predicted)
}

fn is_known(app: &App) -> bool {
    matches!(app.forecast().learning.of(&options()), Knowledge::Known(..))
}

/// The window with everything about the small network worked out, and shown.
fn advised(start: Setup) -> (Window, Counsel) {
    let mut window = open(start);
    window.harness.get_by_label("Advice view").click();
    window.wait("the advice", |app| app.adviser().everything().is_some());
    window.step();
    let counsel = window.app().adviser().everything().cloned().unwrap();
    (window, counsel)
}

fn name(advice: &Advice) -> String {
    match advice.guideline {
        Some(guideline) => format!("{guideline}: {}", advice.label),
        None => advice.label.clone(),
    }
}

fn rows(window: &Window) -> Vec<String> {
    let all = window.harness.query_all_by_role(Role::Row);
    all.filter_map(|row| row.accesskit_node().label()).collect()
}

#[test]
fn an_estimate_stands_there_in_the_frame_of_the_edit_and_is_marked_as_one() {
    let folder = known();
    let mut window = open(unmeasured(Some(folder.path())));
    window.wait("the first estimate", |app| estimate(app).is_some());
    window.step();
    let before = estimate(window.app()).unwrap();
    assert!(
        window.says(&format!("latency, predicted: \u{2248} {before}. Predicted, not measured")),
        "{:?}",
        window.texts()
    );
    assert!(window.says(" of it in kernels measured before"));
    window.harness.get_by_label("width 1.0").click();
    window.harness.step();
    let wider = estimate(window.app()).unwrap();
    assert!(wider > before, "{wider} after {before}");
    assert!(
        window.says(&format!("latency, predicted: \u{2248} {wider}. Predicted, not measured")),
        "in the same frame"
    );
    assert!(!window.says(&format!("\u{2248} {before}")), "the old one is gone");
    window.harness.get_by_label("Undo").click();
    window.harness.step();
    assert_eq!(estimate(window.app()), Some(before));
    window.harness.check_accessibility();
}

#[test]
fn the_measured_latency_takes_the_estimates_place_and_is_remembered_with_it() {
    let folder = known();
    let mut window = open(quick(Some(folder.path())));
    window.wait("an estimate", |app| estimate(app).is_some());
    let predicted = estimate(window.app()).unwrap();
    window.wait("the final latency", |app| {
        app.live().result().is_some_and(|(_, freshness)| freshness == Freshness::Final)
    });
    window.step();
    let measured = window.app().live().current().unwrap().clone();
    assert!(
        window.says(&format!("predicted {predicted}, measured {}, ", measured.whole.median)),
        "{:?}",
        window.texts()
    );
    assert!(!window.says("\u{2248}"), "an estimate is not shown where the number is known");
    window.close();
    let Opened { store, .. } = Store::open(folder.path()).unwrap();
    let runs = store.kernel_runs(&context()).unwrap();
    // A machine that is busy all the time lets nothing count.
    if !measured.is_disturbed() {
        let last = runs.last().unwrap();
        assert_eq!((&last.design, last.whole), (&small().fingerprint(), measured.whole.median));
        assert_eq!(last.estimate.map(|estimate| estimate.predicted), Some(predicted), "what was shown before");
        assert_eq!(last.kernels.len(), measured.breakdown.unwrap().kernels.len());
        assert_eq!(runs.len(), 7, "once, however often it is looked at");
    }
}

#[test]
fn where_nothing_is_known_nothing_is_predicted_and_the_way_to_know_is_shown() {
    let mut window = open(unmeasured(None));
    window.wait("the store's word", |app| matches!(app.forecast().learning.of(&options()), Knowledge::Nothing));
    window.step();
    assert!(
        window.says("nothing is known of cpu, tuned, 1 thread") && !window.says("\u{2248}"),
        "{:?}",
        window.texts()
    );
    assert!(estimate(window.app()).is_none());
    window.harness.get_by_label("Calibrate predictions");
    window.harness.get_by_label("Advice view").click();
    window.step();
    assert!(window.says("Nothing is known yet of cpu") && window.app().adviser().counsel().is_none());
    window.harness.check_accessibility();
}

#[test]
fn every_change_is_listed_best_first_applied_at_a_click_and_taken_back() {
    let folder = known();
    let (mut window, counsel) = advised(unmeasured(Some(folder.path())));
    let before = window.app().document().draft().clone();
    let first = &counsel.changes[0];
    let rows = rows(&window);
    assert!(rows[0].starts_with(&format!("{}: latency ", name(first))) && rows[0].contains(" predicted, mult-adds "));
    let twice = window.names_given_twice();
    assert!(twice.is_empty(), "{twice:?}");
    window.harness.check_accessibility();

    window.harness.get_by_label(&format!("Apply {}", name(first))).click();
    window.harness.step();
    assert_eq!(window.app().document().draft().fingerprint(), before.apply(&first.edit).fingerprint());
    assert!(window.app().adviser().everything().is_none(), "advice on one design is not shown as another's");
    assert!(window.says("Working out what every change would bring"), "{:?}", window.texts());
    assert!(window.says(&format!("{}: predicted ", first.label)), "what was promised stands there");
    window.harness.get_by_label("Undo this change").click();
    window.harness.step();
    assert_eq!(*window.app().document().draft(), before);
    assert_eq!(window.app().adviser().everything(), Some(&counsel), "worked out already");
}

#[test]
fn changes_are_filtered_by_what_they_are_good_for() {
    let folder = known();
    let (mut window, counsel) = advised(unmeasured(Some(folder.path())));
    for (button, listed) in [
        ("list buys time", counsel.changes.iter().find(|advice| advice.high < 1.0)),
        ("list guidelines", counsel.remedies.first()),
    ] {
        window.harness.get_by_label(button).click();
        window.step();
        let rows = rows(&window);
        assert!(listed.is_none() || !rows.is_empty(), "{button}");
        let is_meant = |row: &String| match button {
            "list guidelines" => Guideline::ALL.iter().any(|guideline| row.starts_with(&guideline.to_string())),
            _ => !row.contains(": latency +"),
        };
        assert!(rows.iter().all(is_meant), "{button}: {rows:?}");
    }
}

#[test]
fn a_change_is_tried_in_turns_and_the_verdict_stands_beside_what_was_predicted() {
    let folder = known();
    let (mut window, counsel) = advised(quick(Some(folder.path())));
    let tried = &counsel.changes[0];
    window.harness.get_by_label(&format!("Try {}", name(tried))).click();
    window.step();
    assert!(window.app().adviser().trials.running().is_some(), "{:?}", window.app().notice());
    assert!(window.says("being measured") && window.says("Live measuring rests meanwhile"));
    let design = small().fingerprint();
    window.wait("the verdict", |app| {
        app.adviser().trials.of(&design, &tried.edit, &options()).is_some() && !app.bench().is_busy()
    });
    let result = window.app().adviser().trials.of(&design, &tried.edit, &options()).cloned().unwrap();
    assert_eq!(result.predicted.map(|predicted| predicted.ratio), Some(tried.predicted_ratio));
    let measured = result.measured.unwrap();
    window.wait("the list", |app| app.adviser().everything().is_some());
    window.step();
    let name = name(tried);
    // What is known by now may have put it elsewhere in the list.
    let row = rows(&window).into_iter().find(|row| row.starts_with(&format!("{name}: latency ")));
    assert!(row.is_none_or(|row| row.contains(": measured ")), "{measured:?}");
    assert_eq!(*window.app().document().draft(), small(), "trying changes nothing");
    window.close();
}

#[test]
fn a_trial_that_is_cancelled_leaves_nothing_and_one_that_cannot_start_says_why() {
    let folder = known();
    let (mut window, counsel) = advised(unmeasured(Some(folder.path())));
    let edit = counsel.changes[0].edit.clone();
    window.harness.state_mut().command(Command::Try(edit.clone()));
    let design = small().fingerprint();
    window.wait("the reason", |app| app.adviser().trials.of(&design, &edit, &options()).is_some());
    window.step();
    assert!(window.says("no such program") && !window.app().bench().is_busy());

    let mut start = quick(Some(folder.path()));
    (start.care.rules.minimum_rounds, start.care.rules.maximum_rounds) = (100_000, 100_000);
    let (mut window, _) = advised(start);
    window.harness.state_mut().command(Command::Try(edit.clone()));
    window.wait("some rounds", |app| app.bench().standing().is_some_and(|standing| standing.fraction > 0.0));
    window.harness.key_press(egui::Key::Escape);
    window.step();
    assert!(!window.app().bench().is_busy() && window.app().adviser().trials.running().is_none());
    assert!(window.app().adviser().trials.of(&design, &edit, &options()).is_none());
}

#[test]
fn a_guidelines_card_says_whether_its_remedy_helps_on_this_device() {
    let folder = known();
    let mut window = open(unmeasured(Some(folder.path())));
    window.wait("what is known", is_known);
    window.harness.get_by_label("groups 8").click();
    window.step();
    let findings = &window.app().document().valid().findings;
    let remedy = findings.iter().find(|finding| finding.guideline == Guideline::G2).unwrap().remedy.clone().unwrap();
    window.wait("the remedy's promise", |app| app.adviser().on(&remedy.edit).is_some());
    window.step();
    let advice = window.app().adviser().on(&remedy.edit).cloned().unwrap();
    assert!(
        window.says(&format!(": {}", advice.outlook())) && window.says("latency predicted "),
        "{:?}",
        window.texts()
    );
    window.harness.get_by_label(&format!("G2 Try: {}", remedy.label));
    window.harness.get_by_label(&format!("G2 Apply: {}", remedy.label)).click();
    window.harness.step();
    let after = &window.app().document().valid().fingerprint;
    let applied = window.app().adviser().applications.that_led_to(after, &options());
    assert_eq!(applied.map(|applied| applied.predicted), Some(advice.ratio()));
}

#[test]
fn the_latency_over_a_stages_channels_is_drawn_with_what_was_measured_marked() {
    let folder = known();
    let (mut window, counsel) = advised(unmeasured(Some(folder.path())));
    window.harness.get_by_label("channels of stage3").click();
    window.step();
    let treads = &counsel.staircases[1].treads;
    let figure = format!("latency over the channels of stage3: {} points", treads.len());
    window.harness.get_by_role_and_label(Role::Figure, &figure);
    let said: Vec<String> = window.texts().into_iter().filter(|text| text.contains(" channels of stage3: ")).collect();
    let measured = said.iter().filter(|text| text.contains("its kernels were measured")).count();
    assert_eq!(measured, treads.iter().filter(|tread| tread.is_measured).count(), "{said:?}");
    assert!(measured > 0 && measured < treads.len(), "{measured} of {}", treads.len());
    assert!(window.says("no channels are free here"), "this machine is smooth");
    let wider = said.iter().find(|text| text.starts_with("120 channels")).unwrap().clone();
    window.harness.get_by_label(&wider).click_accesskit();
    window.step();
    assert_eq!(window.app().document().draft().stages[1].channels, 120);
}

#[test]
fn the_stage_whose_latency_is_drawn_is_the_selected_one_wherever_it_stands() {
    let folder = known();
    let (mut window, _) = advised(unmeasured(Some(folder.path())));
    let drawn = |window: &Window, stage: &str| window.says(&format!("latency over the channels of {stage}: "));
    window.harness.state_mut().command(Command::Select(Some("stage4.1.branch2.0".into())));
    window.step();
    assert!(drawn(&window, "stage4"));
    window.harness.get_by_label("channels of stage3").click();
    window.step();
    assert!(drawn(&window, "stage3"));
    let chosen = window.app().document().selected.clone().unwrap();
    assert!(chosen.starts_with("stage3."), "to choose a stage is to select it: {chosen}");
    // What is moved is drawn under its new name, and under the old one when that is taken back.
    window.harness.state_mut().command(Command::Edit(Edit::MoveStage { from: 1, to: 0 }));
    window.wait("the advice", |app| app.adviser().everything().is_some());
    window.step();
    assert!(drawn(&window, "stage2"), "{:?}", window.app().document().selected);
    window.harness.get_by_label("Undo").click();
    window.wait("the advice", |app| app.adviser().everything().is_some());
    window.step();
    assert!(drawn(&window, "stage3"));
    // A layer outside the stages says nothing of them.
    window.harness.state_mut().command(Command::Select(Some("conv1.0".into())));
    window.step();
    assert!(drawn(&window, "stage2"), "the first one, where none has free channels");
}

#[test]
fn calibrating_measures_random_networks_until_it_is_cancelled_and_predictions_rest_on_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(quick(Some(folder.path())));
    window.wait("the store's word", |app| !matches!(app.forecast().learning.of(&options()), Knowledge::Asked));
    window.harness.get_by_label("Calibrate predictions").click();
    window.wait("a network", |app| app.calibration().progress().is_some_and(|progress| progress.measured > 0));
    window.step();
    assert!(window.says("random networks measured: ") && window.says(" left; "), "{:?}", window.texts());
    window.harness.get_by_label("Cancel calibration").click();
    window.step();
    assert!(window.app().calibration().progress().is_none() && !window.app().bench().is_busy());
    window.wait("the live latency", |app| app.live().current().is_some());
    window.close();
    let Opened { store, .. } = Store::open(folder.path()).unwrap();
    let history = store.history(None).unwrap();
    assert!(history.iter().all(|row| row.design == small().fingerprint().to_string()), "they are nobody's designs");
}

#[test]
fn the_advice_is_painted_in_the_largest_and_the_smallest_window() {
    let folder = known();
    for (size, theme, name) in
        [([1440.0, 900.0], egui::Theme::Dark, "advice-dark"), ([1000.0, 640.0], egui::Theme::Light, "advice-light")]
    {
        let mut window = Window::with(unmeasured(Some(folder.path())), size, theme);
        window.harness.get_by_label("Advice view").click();
        window.wait("the advice", |app| app.adviser().everything().is_some());
        window.step();
        let picture = window.picture(name);
        let colors: std::collections::HashSet<_> = picture.pixels().map(|pixel| pixel.0).collect();
        assert!(colors.len() > 200, "text and points are there: {} colours", colors.len());
        assert!(!rows(&window).is_empty() && window.says("latency over the channels of "), "{name}");
        let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        let tabs = View::ALL.map(|view| window.harness.get_by_label(&format!("{} view", view.name())).rect());
        assert!(tabs.iter().all(|rect| screen.contains_rect(*rect)), "{name}: {tabs:?}");
    }
}
