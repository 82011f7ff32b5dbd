//! The table, measured and not, apart and beside A.

use std::collections::HashSet;

use super::*;
use crate::window::document::{Analysis, Pinned};
use shufflescope_engine::clock::ClockDomain;
use shufflescope_engine::design::{Edit, StageEdit};
use shufflescope_engine::graph::OpKind;
use shufflescope_engine::measure::{KernelTime, LayerTime};
use shufflescope_engine::units::{FlopRate, MultAdds, NanosDelta};
use shufflescope_engine::zoo;

fn layers() -> Vec<LayerCost> {
    Analysis::of(zoo::preset("shufflenet-v2-x0.5").unwrap(), 1).unwrap().cost.layers
}

/// Every convolution with the batch normalisation and activation that follow it is a kernel of 10 to 12 ns.
fn breakdown(layers: &[LayerCost]) -> Breakdown {
    let mut kernels: Vec<KernelTime> = Vec::new();
    for layer in layers {
        let follows = matches!(layer.kind, OpKind::Normalisation | OpKind::ElementWise);
        match kernels.last_mut().filter(|_| follows) {
            Some(kernel) => kernel.layers.push(layer.path.clone()),
            None => {
                let median = Nanos(10 + kernels.len() as u64 % 3);
                let layers = vec![layer.path.clone()];
                kernels.push(KernelTime {
                    layers,
                    label: String::new(),
                    launches: 1,
                    median,
                    low: median,
                    high: median,
                });
            }
        }
    }
    let sum = kernels.iter().map(|kernel| kernel.median).sum();
    let unaccounted = NanosDelta(0);
    Breakdown {
        kernels,
        clock: ClockDomain::Host,
        sum,
        marked_whole: sum,
        unaccounted,
        marking_overhead: None,
        samples: 1,
    }
}

fn stage(layers: &[LayerCost]) -> impl Fn(usize) -> String + '_ {
    |layer| layers[layer].path.split('.').next().unwrap().to_owned()
}

fn table(look: &Look, measured: bool) -> (Vec<LayerCost>, Rows) {
    let layers = layers();
    let breakdown = measured.then(|| breakdown(&layers));
    let rows = Rows::of(&layers, stage(&layers), Source { breakdown: breakdown.as_ref(), ..Source::default() }, look);
    (layers, rows)
}

/// As measured, with every convolution three times as long apart as any other layer that computes.
fn table_apart(look: &Look) -> (Vec<LayerCost>, Rows) {
    let layers = layers();
    let computing = layers.iter().filter(|layer| !matches!(layer.kind, OpKind::Normalisation | OpKind::Data));
    let time = |layer: &LayerCost| LayerTime {
        path: layer.path.clone(),
        median: Nanos(if layer.mult_adds.0 > 0 { 300 } else { 100 }),
    };
    let apart = Apart { layers: computing.map(time).collect(), whole: Nanos(9_999), clock: ClockDomain::Host };
    let breakdown = breakdown(&layers);
    let source = Source { breakdown: Some(&breakdown), apart: Some(&apart), ..Source::default() };
    let rows = Rows::of(&layers, stage(&layers), source, look);
    (layers, rows)
}

#[test]
fn a_kernels_layers_share_its_time_where_they_were_measured_apart() {
    let (_, rows) = table_apart(&Look::default());
    // conv1.0, its folded normalisation and its activation take 10 ns together, 300 and 100 ns apart.
    let shares = [0, 1, 2].map(|layer| rows.share_of(layer).map(|share| (share.time, share.alone)));
    let expected = [(8, Some(300)), (0, None), (2, Some(100))];
    assert_eq!(shares, expected.map(|(time, alone)| Some((Nanos(time), alone.map(Nanos)))));
    let (_, plain) = table(&Look::default(), true);
    assert_eq!((plain.share_of(0), plain.lines.len()), (None, rows.lines.len()));
}

#[test]
fn by_kind_every_layer_is_in_the_group_of_its_own_kind_where_they_were_measured_apart() {
    let look = Look { grouping: Grouping::Kind, ..Look::default() };
    let (layers, rows) = table_apart(&look);
    let group = |name: &str| rows.groups.iter().find(|group| group.name == name).unwrap();
    let activations = layers.iter().filter(|layer| layer.kind == OpKind::ElementWise).count();
    assert_eq!(group("element-wise").layers, activations);
    assert!(group("element-wise").time.unwrap().0 > Nanos::ZERO);
    let time: Nanos = rows.groups.iter().filter_map(|group| group.time).map(|(time, _)| time).sum();
    let sum = breakdown(&layers).sum;
    assert_eq!(time, sum, "nothing is lost");
    let (_, filed) = table(&look, true);
    assert!(filed.groups.iter().all(|group| group.name != "element-wise"), "each runs inside a convolution's kernel");
}

#[test]
fn without_a_measurement_every_layer_is_a_line_in_execution_order_until_sorted() {
    let (layers, plain) = table(&Look::default(), false);
    assert!(plain.lines.iter().copied().eq((0..layers.len()).map(Line::Unit)));
    let look = Look { by: Column::Params, descending: true, ..Look::default() };
    let (_, sorted) = table(&look, false);
    let params = |line: &Line| match line {
        Line::Unit(unit) => sorted.units[*unit].sums.params,
        other => panic!("{other:?}"),
    };
    let params: Vec<_> = sorted.lines.iter().map(params).collect();
    assert!(params.windows(2).all(|pair| pair[0] >= pair[1]));
}

#[test]
fn a_filter_keeps_lines_with_all_its_words() {
    let look = Look { filter: "stage3 DEPTHWISE".into(), ..Look::default() };
    let (layers, rows) = table(&look, false);
    assert!(rows.layers > 0 && rows.layers == rows.lines.len());
    for line in rows.lines {
        let Line::Unit(unit) = line else { panic!("{line:?}") };
        let layer = &layers[rows.units[unit].first()];
        assert!(layer.path.contains("stage3") && layer.op.starts_with("dw"), "{layer:?}");
    }
}

#[test]
fn a_fused_kernel_is_one_line_that_adds_its_layers_up_and_opens_into_them() {
    let (layers, folded) = table(&Look::default(), true);
    assert!(folded.lines.len() < layers.len() && folded.layers == layers.len());
    let first = &folded.units[0];
    assert_eq!((first.layers.as_slice(), first.kind), (&[0, 1, 2][..], OpKind::Convolution));
    assert_eq!(first.sums.params, layers[0].params + layers[1].params);
    let rate = FlopRate::of(layers[0].mult_adds, Nanos(10));
    assert_eq!(first.timing.map(|timing| (timing.median, timing.rate)), Some((Nanos(10), rate)));
    let look = Look { expanded: HashSet::from([layers[0].path.clone()]), ..Look::default() };
    let (_, open) = table(&look, true);
    assert_eq!(open.lines[..5], [Line::Unit(0), Line::Layer(0), Line::Layer(1), Line::Layer(2), Line::Unit(1)]);
    assert_eq!((folded.line_of(2), open.line_of(2)), (Some(0), Some(3)), "a layer is found where it is shown");
}

#[test]
fn groups_add_up_to_the_whole_and_are_sorted_within() {
    for grouping in [Grouping::Stage, Grouping::Kind] {
        let look = Look { grouping, by: Column::Latency, descending: true, ..Look::default() };
        let (layers, rows) = table(&look, true);
        assert!(rows.groups.len() > 2, "{grouping:?}");
        let mult_adds: MultAdds = rows.groups.iter().map(|group| group.sums.mult_adds).sum();
        assert_eq!(mult_adds, layers.iter().map(|layer| layer.mult_adds).sum());
        let time: Nanos = rows.groups.iter().filter_map(|group| group.time).map(|(time, _)| time).sum();
        assert_eq!(time, breakdown(&layers).sum);
        let share: f64 = rows.groups.iter().filter_map(|group| group.time).map(|(_, share)| share).sum();
        assert!((share - 1.0).abs() < 1e-9);
        let mut last = None;
        for line in &rows.lines {
            last = match line {
                Line::Group(_) => None,
                Line::Unit(unit) => {
                    let time = rows.units[*unit].timing.unwrap().median;
                    assert!(last.is_none_or(|last| last >= time), "{grouping:?}");
                    Some(time)
                }
                Line::Layer(_) => panic!("nothing is expanded"),
            };
        }
    }
}

#[test]
fn a_closed_group_shows_its_heading_alone() {
    let look = Look { grouping: Grouping::Stage, ..Look::default() };
    let (_, open) = table(&look, true);
    let closed = Look { closed: HashSet::from(["stage3".to_owned()]), ..look };
    let (_, rows) = table(&closed, true);
    let at = rows.groups.iter().position(|group| group.name == "stage3").unwrap();
    assert!(open.groups[at].is_open && !rows.groups[at].is_open);
    assert_eq!(rows.groups[at].sums, open.groups[at].sums);
    let heading = rows.lines.iter().position(|line| *line == Line::Group(at)).unwrap();
    assert_eq!(rows.lines.get(heading + 1), Some(&Line::Group(at + 1)));
}

/// The small network with its kernels, beside itself with another width.
fn beside_another(look: &Look) -> (Vec<LayerCost>, Rows, Against) {
    let design = zoo::preset("shufflenet-v2-x0.5").unwrap();
    let before = Analysis::of(design.apply(&Edit::Width(1.0)), 1).unwrap();
    let pinned = Pinned::of_present(&before, 1, None, None).network.unwrap();
    let present = Analysis::of(design, 1).unwrap();
    let against = Against::of(&pinned, &present.graph);
    let layers = present.cost.layers;
    let breakdown = breakdown(&layers);
    let source = Source { breakdown: Some(&breakdown), against: Some(&against), ..Source::default() };
    let rows = Rows::of(&layers, stage(&layers), source, look);
    (layers, rows, against)
}

#[test]
fn a_row_says_how_much_less_it_costs_than_the_same_layers_of_a() {
    let look = Look { by: Column::MultAddsAgainstA, ..Look::default() };
    let (layers, rows, against) = beside_another(&look);
    let facts: Vec<Facts<'_>> =
        rows.lines.iter().filter_map(|&line| Facts::of_line(line, &rows, &layers, Some(&against))).collect();
    let less: Vec<Option<i128>> = facts.iter().map(|facts| facts.difference(Column::MultAddsAgainstA)).collect();
    assert!(less.is_sorted(), "the largest saving first: {less:?}");
    assert!(less.first().copied().flatten().unwrap() < 0, "half as wide costs less");
    let fc = facts.iter().find(|facts| facts.name == "fc").unwrap();
    assert_eq!((fc.shown(Column::MultAddsAgainstA).as_str(), fc.exact(Column::MultAddsAgainstA)), ("±0", "0".into()));
    assert_eq!(fc.shown(Column::LatencyAgainstA), "", "A was not measured");
}

#[test]
fn a_layer_that_a_lacks_is_new() {
    let design = zoo::preset("shufflenet-v2-x0.5").unwrap();
    let before = Analysis::of(design.clone(), 1).unwrap();
    let longer = design.apply(&Edit::Stage { stage: 0, change: StageEdit::Repeats(5) });
    let pinned = Pinned::of_present(&before, 1, None, None).network.unwrap();
    let present = Analysis::of(longer, 1).unwrap();
    let against = Against::of(&pinned, &present.graph);
    let layers = present.cost.layers;
    let source = Source { against: Some(&against), ..Source::default() };
    let rows = Rows::of(&layers, stage(&layers), source, &Look::default());
    let shown = |path: &str| {
        let lines = rows.lines.iter().filter_map(|&line| Facts::of_line(line, &rows, &layers, Some(&against)));
        lines.filter(|facts| facts.name == path).map(|facts| facts.shown(Column::MultAddsAgainstA)).next().unwrap()
    };
    assert_eq!((shown("stage2.4.branch2.0").as_str(), shown("stage2.3.branch2.0").as_str()), ("new", "±0"));
}

#[test]
fn the_table_is_copied_as_it_is_shown_or_with_exact_numbers() {
    let look = Look { filter: "conv1".into(), ..Look::default() };
    let (layers, rows) = table(&look, true);
    let columns = [Column::Layer, Column::Op, Column::Latency, Column::Spread, Column::Rate, Column::MultAdds];
    let first = &layers[0];
    let (mult_adds, rate) = (first.mult_adds, FlopRate::of(first.mult_adds, Nanos(10)).unwrap());
    let text = rows.text(TextForm::Markdown, &columns, &layers, None);
    let expected = format!(
        "| layer | operation | latency | spread | GFLOP/s | mult-adds |\n| --- | --- | ---: | ---: | ---: | ---: |\n\
         | conv1.0 | {} | 10 ns | ±0.0 % | {} | {mult_adds} |\n",
        first.op,
        crate::window::format::three_digits(rate.0),
    );
    assert_eq!(text, expected);
    let text = rows.text(TextForm::Csv, &columns, &layers, None);
    let expected = format!(
        "layer,op,kernel_median_ns,kernel_half_width_ratio,gflop_per_s,mult_adds\nconv1.0,{},10,0.0000,{},{}\n",
        first.op, rate.0, mult_adds.0
    );
    assert_eq!(text, expected);
}

#[test]
fn groups_and_opened_kernels_are_copied_too() {
    let layers = layers();
    let expanded = HashSet::from([layers[0].path.clone()]);
    let look = Look { grouping: Grouping::Stage, filter: "conv1".into(), expanded, ..Look::default() };
    let (layers, rows) = table(&look, true);
    let text = rows.text(TextForm::Csv, &[Column::Layer, Column::Op], &layers, None);
    let op = |layer: usize| layers[layer].op.as_str();
    let expected =
        [("conv1", "3 layers"), ("conv1.0", op(0)), ("conv1.0", op(0)), ("conv1.1", op(1)), ("conv1.2", op(2))];
    let lines: Vec<String> = expected.iter().map(|(path, op)| format!("{path},{op}")).collect();
    assert_eq!(text, format!("layer,op\n{}\n", lines.join("\n")));
}

#[test]
fn times_of_another_network_are_neither_copied_nor_compared() {
    let (layers, fresh) = table(&Look::default(), true);
    let breakdown = breakdown(&layers);
    let source = Source { breakdown: Some(&breakdown), is_stale: true, ..Source::default() };
    let stale = Rows::of(&layers, stage(&layers), source, &Look::default());
    let text = |rows: &Rows| rows.text(TextForm::Csv, &[Column::Layer, Column::Latency], &layers, None);
    assert!(text(&fresh).contains("conv1.0,10\n"));
    assert!(text(&stale).contains("conv1.0,\n"));
}
