//! The *Explore* tab, driven through its accessible controls.

use std::path::Path;
use std::sync::Arc;

use crate::stand_in::{Then, stand_in};
use crate::support::{ScriptedDialogs, Window, quick, small};
use egui::{OutputCommand, Role};
use egui_kittest::kittest::{NodeT, Queryable};
use shufflescope::window::theme::Palette;
use shufflescope::window::{App, Choice, Exploration, Origin, Owner, Phase, Reply, Setup, Shown, Side, Tab, Wish};
use shufflescope::worker::{Event, Ticket};
use shufflescope_engine::design::{Design, Edit, Family, InputSize};
use shufflescope_engine::device::Machine;
use shufflescope_engine::measure::MedianRange;
use shufflescope_engine::search::{Capacity, Found, Goal, Phase as At, Standing};
use shufflescope_engine::store::{Kept, Kind, Opened, RunContext, Store};
use shufflescope_engine::units::{MultAdds, Nanos, Params};

/// A found design that takes so many microseconds.
fn found(name: &str, classes: u32, mega: u64, micros: u64) -> Found {
    let design = Design { name: name.into(), ..small().apply(&Edit::Classes(classes)) };
    let range = |micros: u64| Nanos(1_000 * micros);
    let latency = MedianRange { median: range(micros), low: range(micros - 10), high: range(micros + 10) };
    let (mult_adds, params) = (MultAdds(mega * 1_000_000), Params(1_000_000 + u64::from(classes)));
    Found { design, mult_adds, params, predicted: range(micros + 5), latency }
}

/// Two on the front, one that is beaten, one over the budget of 2 ms.
fn four() -> Vec<Found> {
    vec![
        found("quick", 11, 60, 900),
        found("rich", 12, 150, 1_800),
        found("beaten", 13, 50, 1_000),
        found("slow", 14, 300, 2_500),
    ]
}

fn wish() -> Wish {
    let budget = Nanos::from_millis(2);
    let goal = Goal { budget, at_least_mult_adds: None, at_most_params: None, most: Capacity::MultAdds };
    let origin = Origin::Family(Family::ShufflenetV2, InputSize::square(32));
    Wish { goal, origin, seconds: 60, seed: 1 }
}

/// A data folder in which an earlier session has left a search.
fn with_a_search(folder: &Path, start: &Setup) {
    let Opened { store, .. } = Store::open(folder).unwrap();
    let context = RunContext::new(Machine::detect().cpu_model.as_deref(), &start.options);
    let exploration = Exploration { wish: wish(), found: four(), evaluated: 4321, is_partial: false };
    store.keep(Kind::Exploration, "last", &Kept::now(context, exploration)).unwrap();
}

/// No worker measures: only what is kept is shown.
fn without_worker(data_folder: Option<&Path>) -> Setup {
    let mut start = quick(data_folder);
    start.launcher.program = "no such program".into();
    start
}

fn explored(app: &App) -> Option<Shown<'_>> {
    app.explore().shown(None, &app.document().valid_options())
}

fn open(start: Setup) -> Window {
    open_in(start, [1440.0, 900.0], egui::Theme::Dark)
}

fn open_in(start: Setup, size: [f32; 2], theme: egui::Theme) -> Window {
    let mut window = Window::with(start, size, theme);
    window.harness.get_by_label("Explore tab").click();
    window.step();
    window
}

/// The tab with the search of an earlier session, once the published networks are there too.
fn open_kept(folder: &Path, change: impl FnOnce(&mut Setup)) -> Window {
    let mut start = without_worker(Some(folder));
    with_a_search(folder, &start);
    change(&mut start);
    let mut window = open(start);
    wait_for_all(&mut window);
    window
}

fn wait_for_all(window: &mut Window) {
    window.wait("the search and the published networks", |app| {
        explored(app).is_some() && app.explore().landmarks(&app.document().valid_options()).is_some()
    });
    window.step();
}

/// The button of the point of this design.
fn point(window: &Window, name: &str) -> String {
    let start = format!("{name}: ");
    let texts = window.texts();
    let of_button = |text: &&String| {
        text.starts_with(&start) && window.harness.query_by_role_and_label(Role::Button, text).is_some()
    };
    texts.iter().find(of_button).unwrap_or_else(|| panic!("no point of {name}: {texts:?}")).clone()
}

fn click(window: &mut Window, role: Role, name: &str) {
    window.harness.get_by_role_and_label(role, name).click();
    window.step();
}

fn click_point(window: &mut Window, name: &str) {
    let button = point(window, name);
    click(window, Role::Button, &button);
}

fn type_into(window: &mut Window, role: Role, name: &str, text: &str) {
    click(window, role, name);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.harness.event(egui::Event::Text(text.into()));
    window.harness.key_press(egui::Key::Enter);
    window.step();
}

fn in_hand(window: &Window) -> String {
    window.app().document().name().to_owned()
}

fn standing(evaluated: usize, measured: usize) -> Standing {
    let (phase, fraction, left) = (At::Measuring, 0.25, Nanos::from_secs(45));
    Standing { phase, fraction, left, evaluated, measured, on_front: 2 }
}

#[test]
fn a_front_grows_while_it_is_searched_and_is_kept_when_that_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let mut start = quick(Some(folder.path()));
    let news = |found: &[Found], evaluated| Event::Search {
        ticket: Ticket(1),
        standing: standing(evaluated, found.len()),
        found: found.to_vec(),
        kernels: Vec::new(),
    };
    let all = four();
    start.launcher = stand_in(&[news(&all[..1], 100), news(&all[1..], 4321)], Then::Hang);
    let mut window = open(start);
    assert!(window.says("Not searched yet"));
    click(&mut window, Role::Button, "Start search");
    // The store says first what is known.
    window.wait("the start", |app| app.bench().owner() == Some(Owner::Explore));
    assert_eq!(*window.app().live().phase(), Phase::Resting, "one thing is measured at a time");
    window.wait("what was found", |app| explored(app).is_some_and(|shown| shown.exploration().found.len() == 4));
    window.step();
    assert!(matches!(explored(window.app()), Some(Shown::SoFar(_))));
    assert!(window.says("so far: ShuffleNet V2 at 224x224, the most mult-adds in 2.00 ms: 2 designs on the front"));
    assert!(window.says("4321 predicted, 4 measured") && window.says("run 25 %, 45 s left"), "{:?}", window.texts());
    point(&window, "rich");
    window.harness.get_by_label("Compare tab").click();
    window.step();
    assert!(window.says("Explore is measuring; one thing is measured at a time"));
    window.harness.get_by_label("Explore tab").click();
    window.step();
    let since = std::time::Instant::now();
    click(&mut window, Role::Button, "Cancel run");
    assert!(!window.app().bench().is_busy() && since.elapsed().as_secs() < 5);
    assert_ne!(*window.app().live().phase(), Phase::Resting);
    assert!(window.says("2 designs on the front") && window.says("stopped early"));
    window.close();

    let mut window = open(without_worker(Some(folder.path())));
    wait_for_all(&mut window);
    assert!(window.says("4 measured, stopped early") && !window.says("stale"), "{:?}", window.texts());
    point(&window, "quick");
}

#[test]
fn a_window_that_is_closed_while_it_searches_keeps_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut start = quick(Some(folder.path()));
    let (found, kernels) = (four(), Vec::new());
    let news = Event::Search { ticket: Ticket(1), standing: standing(4321, 4), found, kernels };
    start.launcher = stand_in(&[news], Then::Hang);
    let mut window = open(start);
    click(&mut window, Role::Button, "Start search");
    window.wait("what was found", |app| explored(app).is_some_and(|shown| !shown.exploration().found.is_empty()));
    window.close();
    let kept = Store::open(folder.path()).unwrap().store.kept::<Exploration>(Kind::Exploration, "last").unwrap();
    assert_eq!(kept[0].result.found, four());
}

#[test]
fn a_search_that_cannot_start_says_why() {
    let mut window = open(without_worker(None));
    click(&mut window, Role::Button, "Start search");
    window.wait("the reason", |app| app.explore().failure().is_some());
    window.step();
    assert!(window.says("no such program") && !window.app().bench().is_busy());
    window.harness.get_by_label("Start search");
}

#[test]
fn a_real_search_of_a_second_finds_measured_designs_that_keep_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open(quick(Some(folder.path())));
    window.wait("the published networks", |app| app.explore().landmarks(&app.document().valid_options()).is_some());
    window.step();
    assert!(window.says("Nothing is known yet of cpu, tuned"), "{:?}", window.texts());
    type_into(&mut window, Role::SpinButton, "latency budget (ms)", "50");
    type_into(&mut window, Role::SpinButton, "search input", "32");
    type_into(&mut window, Role::SpinButton, "search seconds", "1");
    // A machine that is busy with other tests says so; what kernels take there says nothing.
    for _ in 0..5 {
        click(&mut window, Role::Button, "Start search");
        window.wait("the end", |app| !app.explore().is_running());
        window.step();
        if !window.app().explore().failure().is_some_and(|reason| reason.contains("the machine was busy")) {
            break;
        }
    }
    assert_eq!(window.app().explore().failure(), None);
    let Some(Shown::Kept(kept, true)) = explored(window.app()) else { panic!("nothing was found") };
    let Exploration { wish, found, is_partial, .. } = &kept.result;
    assert!(!is_partial && !found.is_empty());
    assert!(found.iter().all(|found| found.design.input == InputSize::square(32)));
    let front = kept.result.front();
    assert!(front.iter().all(|&at| found[at].latency.high <= wish.goal.budget), "{front:?}");
    window.wait("what is known by now", |app| {
        app.forecast().learning.predictor(&app.document().valid_options()).is_some()
    });
    window.step();
    assert!(window.says("are known here"), "its kernels are remembered: {:?}", window.texts());
    window.wait("the published networks' latencies", |app| {
        let landmarks = app.explore().landmarks(&app.document().valid_options());
        landmarks.is_some_and(|known| known.networks.iter().all(|network| network.predicted.is_some()))
    });
    window.step();
    let published = point(&window, "shufflenet-v2-x1.0");
    assert!(published.contains("145 M mult-adds") && published.contains("predicted, not measured"), "{published}");
    assert!(published.ends_with("accuracy 69.4 % published"), "{published}");
}

#[test]
fn a_click_takes_a_point_in_hand_undo_takes_it_back_and_another_click_compares() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open_kept(folder.path(), |_| {});
    let first = in_hand(&window);
    click_point(&mut window, "rich");
    assert_eq!((in_hand(&window).as_str(), window.app().tab()), ("rich", Tab::Explore));
    let document = window.app().document();
    assert!(document.is_modified() && document.file().is_none(), "a new document that is not saved");
    window.harness.get_by_label("Undo").click();
    window.step();
    assert_eq!(in_hand(&window), first);
    click_point(&mut window, "rich");
    click_point(&mut window, "rich");
    assert_eq!(window.app().tab(), Tab::Compare);
    let compare = window.app().compare();
    assert_eq!(compare.model(Side::A).unwrap().name(), first, "what was in hand before");
    assert_eq!(*compare.choice(Side::B), Choice::Present);

    window.harness.get_by_label("Explore tab").click();
    window.step();
    click(&mut window, Role::Button, "compare quick");
    let compare = window.app().compare();
    assert_eq!((window.app().tab(), compare.choice(Side::A)), (Tab::Compare, &Choice::Present));
    assert_eq!(compare.model(Side::B).unwrap().name(), "quick");
    assert_eq!(in_hand(&window), "rich", "comparing takes nothing in hand");

    window.harness.get_by_label("Explore tab").click();
    window.step();
    let button = point(&window, "beaten");
    window.harness.get_by_role_and_label(Role::Button, &button).click_modifiers(egui::Modifiers::SHIFT);
    window.step();
    assert_eq!(window.app().compare().model(Side::B).unwrap().name(), "beaten");
    window.harness.get_by_label("Explore tab").click();
    window.step();
    // A point says besides that it is on the front.
    let is_row = |text: &String| text.starts_with("quick: ") && text.ends_with("accuracy unknown");
    let row = window.texts().into_iter().find(is_row).unwrap();
    click(&mut window, Role::Row, &row);
    assert_eq!(in_hand(&window), "quick", "a row does what its point does");
}

#[test]
fn the_budget_is_typed_and_dragged_and_fields_that_are_wrong_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open_kept(folder.path(), |_| {});
    assert!(!window.harness.get_by_label("Start search").accesskit_node().is_disabled());
    type_into(&mut window, Role::SpinButton, "latency budget (ms)", "1.25");
    let budget = |window: &Window| {
        let field = window.harness.get_by_role_and_label(Role::SpinButton, "latency budget (ms)");
        field.accesskit_node().numeric_value().unwrap()
    };
    assert!((budget(&window) - 1.25).abs() < 1e-9);
    let line = window.harness.get_by_label("budget line").rect().center();
    window.harness.drag_at(line);
    window.harness.step();
    for step in 1..=8 {
        window.harness.hover_at(line + egui::vec2(0.0, -5.0 * step as f32));
        window.harness.step();
    }
    window.harness.drop_at(line + egui::vec2(0.0, -40.0));
    window.step();
    let dragged = budget(&window);
    assert!(dragged > 1.3, "up is longer: {dragged}");

    type_into(&mut window, Role::TextInput, "at least mult-adds (M)", "lots");
    assert!(window.says("a number of millions"));
    assert!(window.harness.get_by_label("Start search").accesskit_node().is_disabled());
    type_into(&mut window, Role::TextInput, "at least mult-adds (M)", "100");
    type_into(&mut window, Role::SpinButton, "search seconds", "0");
    assert!(window.says("from 1 to 3600 seconds"));
    click(&mut window, Role::RadioButton, "begin with design in hand");
    assert!(window.harness.query_by_label("search input").is_none(), "the design in hand has its own input");
}

#[test]
fn published_networks_stand_beside_with_their_accuracy_and_can_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open_kept(folder.path(), |_| {});
    let largest = window.texts().into_iter().find(|text| text.starts_with("senet-154: ")).unwrap();
    assert!(largest.ends_with("latency unknown, accuracy 81.3 % published"), "{largest}");
    window.harness.get_by_role_and_label(Role::Row, &largest);
    assert!(window.says("rich: 150 M mult-adds") && window.says("accuracy unknown"));
    assert!(window.says("Nothing is known yet of cpu, tuned"), "no latency of a published network is made up");
    click(&mut window, Role::CheckBox, "published networks");
    assert!(window.harness.query_by_role_and_label(Role::Row, &largest).is_none());
}

#[test]
fn the_table_lists_the_front_is_sorted_and_copied() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = open_kept(folder.path(), |_| {});
    click(&mut window, Role::CheckBox, "published networks");
    let rows = |window: &Window| {
        let mut rows: Vec<(f32, String)> = window
            .harness
            .query_all_by_role(Role::Row)
            .map(|row| (row.rect().top(), row.accesskit_node().label().unwrap_or_default()))
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let name = |(_, label): (f32, String)| label.split(':').next().unwrap_or_default().to_owned();
        rows.into_iter().map(name).filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(rows(&window), ["rich", "quick"], "neither what is beaten nor what is too slow");
    click(&mut window, Role::ColumnHeader, "sort by mult-adds");
    assert_eq!(rows(&window), ["quick", "rich"]);
    assert_eq!(
        copied(&mut window, "Copy as CSV").lines().nth(1).unwrap(),
        "quick,60000000,1000011,905000,900000,890000,910000,,,,,"
    );
    let text = copied(&mut window, "Copy as Markdown");
    assert!(text.contains("| rich | 150 M | 1.00 M | 1.80 ms |"), "{text}");
    assert!(text.contains("those of found designs are unknown"), "{text}");
}

/// What a click on this button copies.
fn copied(window: &mut Window, button: &str) -> String {
    window.harness.get_by_label(button).click();
    for _ in 0..4 {
        window.harness.step();
        let commands = &window.harness.output().platform_output.commands;
        let text = commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
        if let Some(text) = text {
            return text;
        }
    }
    panic!("nothing was copied");
}

#[test]
fn the_front_is_saved_to_a_folder_whose_files_stay_and_a_folder_that_is_none_is_told() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dialogs = ScriptedDialogs::default();
    let given = dialogs.clone();
    let mut window = open_kept(data.path(), |start| start.dialogs = Arc::new(given));
    let there = folder.path().join("rich.toml");
    std::fs::write(&there, "mine").unwrap();
    dialogs.reply(Reply::Cancelled);
    dialogs.choose(folder.path());
    dialogs.choose(folder.path().join("nowhere"));
    let said = |app: &App, part: &str| app.notice().is_some_and(|notice| notice.text.contains(part));

    click(&mut window, Role::Button, "Save designs to a folder");
    window.wait("the dialog", |_| dialogs.asked().len() == 1);
    assert!(window.app().notice().is_none());
    click(&mut window, Role::Button, "Save designs to a folder");
    window.wait("the files", |app| said(app, "Saved 2 designs to"));
    assert_eq!(window.app().notice().unwrap().folder.as_deref(), Some(folder.path()));
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    let read = |name: &str| Design::read(&folder.path().join(name)).unwrap();
    assert_eq!((read("quick.toml").classes, read("rich-2.toml").classes), (11, 12));
    click(&mut window, Role::Button, "Save designs to a folder");
    window.wait("the reason", |app| said(app, "0 of 2 designs were saved"));
    assert!(window.app().notice().unwrap().is_error && said(window.app(), "no such folder"));
}

#[test]
fn the_tab_is_painted_in_both_themes_with_nothing_outside_the_smallest_window() {
    for (theme, size, name) in
        [(egui::Theme::Dark, [1440.0, 900.0], "explore-dark"), (egui::Theme::Light, [1000.0, 640.0], "explore-light")]
    {
        let folder = tempfile::tempdir().unwrap();
        let start = without_worker(Some(folder.path()));
        with_a_search(folder.path(), &start);
        let mut window = open_in(start, size, theme);
        wait_for_all(&mut window);
        window.harness.check_accessibility();
        let twice = window.names_given_twice();
        assert!(twice.is_empty(), "{twice:?}");
        let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        let quick = point(&window, "quick");
        let controls = ["Start search", "latency budget (ms)", "Copy as CSV", "Save designs to a folder", &quick];
        for control in controls {
            let all = window.harness.query_all_by_label(control);
            assert!(all.into_iter().all(|node| screen.contains_rect(node.rect())), "{control} in {size:?}");
        }
        let picture = window.harness.render().unwrap();
        if let Some(folder) = std::env::var_os("SHUFFLESCOPE_PICTURES") {
            picture.save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
        }
        let palette = Palette::of(theme);
        for (what, color, least) in [
            ("points", palette.series(0), 0.00005),
            ("the front", palette.accent, 0.00002),
            ("the plot", palette.sunken, 0.05),
        ] {
            let [r, g, b, _] = color.to_array();
            let same = picture.pixels().filter(|pixel| pixel.0[..3] == [r, g, b]).count();
            let share = same as f64 / f64::from(picture.width() * picture.height());
            assert!(share > least, "{what} in {name}: {share}");
        }
    }
}
