//! The layer table: columns to choose, its text on the clipboard, and what differs from A.

use egui_kittest::kittest::Queryable;
use shufflescope::window::{Command, View};
use shufflescope_engine::design::{Edit, StageEdit};

use super::{Role, click, kernel_of, open};
use crate::support::Window;

fn has_column(window: &Window, name: &str) -> bool {
    window.harness.query_by_role_and_label(Role::ColumnHeader, &format!("sort by {name}")).is_some()
}

fn show(window: &mut Window, view: View) {
    window.harness.state_mut().command(Command::Show(view));
    window.step();
}

#[test]
fn columns_are_chosen_and_stay_chosen() {
    let (mut window, _folder) = open();
    assert!(has_column(&window, "output") && !has_column(&window, "GFLOP/s") && !has_column(&window, "spread"));
    click(&mut window, "Columns");
    for column in ["GFLOP/s", "spread", "apart", "output"] {
        click(&mut window, &format!("column {column}"));
    }
    click(&mut window, "Columns");
    for view in [View::Time, View::Layers] {
        show(&mut window, view);
    }
    for column in ["GFLOP/s", "spread", "apart"] {
        assert!(has_column(&window, column), "{column}");
    }
    assert!(!has_column(&window, "output"));
    let measured = window.app().live().current().unwrap().clone();
    let (apart, breakdown) = (measured.apart.unwrap(), measured.breakdown.unwrap());
    let in_first = |path: &String| breakdown.kernels[0].layers.contains(path);
    let alone = apart.layers.iter().filter(|layer| in_first(&layer.path)).map(|layer| layer.median);
    let alone: shufflescope_engine::units::Nanos = alone.sum();
    assert!(window.says(&alone.to_string()), "{alone}: {:?}", window.texts());
    click(&mut window, "sort by spread");
    click(&mut window, "Columns");
    click(&mut window, "usual columns");
    assert!(has_column(&window, "output") && !has_column(&window, "spread"));
}

/// What the click on this menu entry puts onto the clipboard.
fn copied(window: &mut Window, entry: &str) -> String {
    click(window, "Copy layers");
    window.harness.get_by_label(entry).click();
    window.harness.step();
    let commands = &window.harness.output().platform_output.commands;
    let text = commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    text.unwrap_or_else(|| panic!("nothing is copied: {commands:?}"))
}

#[test]
fn the_table_goes_onto_the_clipboard_as_markdown_and_as_comma_separated_values() {
    let (mut window, _folder) = open();
    let markdown = copied(&mut window, "Copy as Markdown");
    let layers = &window.app().document().valid().cost.layers;
    let kernel = &window.app().live().current().unwrap().breakdown.as_ref().unwrap().kernels[0];
    // A kernel is named after its first layer and gives what its last one gives.
    let output = layers.iter().find(|layer| Some(&layer.path) == kernel.layers.last()).unwrap().output;
    let op = &layers[0].op;
    let lines: Vec<&str> = markdown.lines().collect();
    assert_eq!(lines[0], "| layer | operation | output | latency | mult-adds | params | mem. access | FLOP/byte |");
    assert_eq!(lines[1], "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    assert!(lines[2].starts_with(&format!("| conv1.0 | {op} | {output} | {} | ", kernel.median)), "{}", lines[2]);
    let rows = lines.len() - 2;
    window.step();
    assert!(window.says(&format!("Copied {rows} rows as Markdown.")));
    let (median, op) = (kernel_median(&window), window.app().document().valid().cost.layers[0].op.clone());
    let csv = copied(&mut window, "Copy as CSV");
    let lines: Vec<&str> = csv.lines().collect();
    let headings = "layer,op,output,kernel_median_ns,mult_adds,params,memory_access_elements,flop_per_byte";
    assert_eq!((lines[0], lines.len()), (headings, rows + 1));
    assert!(
        lines[1].starts_with(&format!("conv1.0,{op},")) && lines[1].contains(&format!(",{median},")),
        "{}",
        lines[1]
    );
}

fn kernel_median(window: &Window) -> u64 {
    window.app().live().current().unwrap().breakdown.as_ref().unwrap().kernels[0].median.0
}

#[test]
fn differences_to_the_pinned_design_stand_in_the_rows() {
    let (mut window, _folder) = open();
    assert!(!has_column(&window, "mult-adds vs A"));
    click(&mut window, "Pin as A");
    assert!(has_column(&window, "latency vs A") && has_column(&window, "mult-adds vs A") && window.says("±0"));
    let kernel = kernel_of(&window, "stage2.0.branch1.2");
    for edit in [Edit::Width(1.0), Edit::Stage { stage: 0, change: StageEdit::Repeats(5) }] {
        window.harness.state_mut().command(Command::Edit(edit));
    }
    window.step();
    let rows = copied(&mut window, "Copy as Markdown");
    let row = |path: &str| rows.lines().find(|line| line.starts_with(&format!("| {path} |"))).unwrap().to_owned();
    assert!(row(&kernel).contains("| +"), "{}", row(&kernel));
    assert!(row("stage2.4.branch2.0").contains("| new |"), "{}", row("stage2.4.branch2.0"));
    click(&mut window, "sort by mult-adds vs A");
    click(&mut window, "Unpin A");
    assert!(!has_column(&window, "mult-adds vs A"));
}
