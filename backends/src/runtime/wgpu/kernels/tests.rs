//! Texts, packed weights and tables, without a device; what the texts compute is tested with the runtime.

use super::text::WORKGROUPS_PER_DIMENSION;
use super::variant::Tile;
use super::{Aliases, GpuKernel, ImageStrides, Limits, Parameters, Refusal, Variant};
use crate::graph::{Activation, LocalNorm, Shape, Window};
use crate::runtime::Precision;
use crate::runtime::plan::{Elementwise, Epilogue, KernelSpec, Pooling, Step, Work};
use crate::runtime::random_graph::Dice;

const PLAIN: Epilogue = Epilogue { residual: false, activation: Activation::None };

fn spec(input: Shape, steps: &[(Work, Shape)]) -> KernelSpec {
    let steps = steps.iter().map(|&(work, output)| Step { work, output, epilogue: PLAIN }).collect();
    KernelSpec { input, steps, precision: Precision::F32 }
}

fn of(spec: &KernelSpec) -> Result<GpuKernel, Refusal> {
    GpuKernel::of(spec, &ImageStrides::plain(spec))
}

const POINTWISE: Window = Window::inside(1, 1);

/// A spec of any kind, with sizes that leave odd ends.
fn random_spec(dice: &mut Dice) -> KernelSpec {
    let (batch, channels) = (dice.pick(&[1, 2, 3, 5, 64]), 1 + dice.roll(70));
    let (height, width) = (1 + dice.roll(20), dice.pick(&[1, 3, 7, 8, 12, 28]));
    let input = Shape::new(batch, channels, height, width);
    let more = 1 + dice.roll(90);
    let window = Window {
        kernel: [1 + dice.roll(5), 1 + dice.roll(5)],
        stride: [1 + dice.roll(3), 1 + dice.roll(3)],
        padding: [dice.roll(3), dice.roll(3)],
        padding_end: [20; 2],
        dilation: [1 + dice.roll(2), 1 + dice.roll(2)],
    };
    let length = |axis: usize, of: usize| {
        let reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
        (of + window.padding[axis] + window.padding_end[axis] - reach) / window.stride[axis] + 1
    };
    let slid = |channels: usize| Shape::new(batch, channels, length(0, height), length(1, width));
    let inside = Pooling::MeanCounted { counted: [window.padding, [0, 1]] };
    let pooling = dice.pick(&[Pooling::Max, Pooling::Mean, inside]);
    let conv = |window: Window, groups: usize| Work::Conv { window, groups };
    let pixel = |channels: usize| Shape::new(batch, channels, 1, 1);
    let steps = match dice.roll(15) {
        0 => vec![(conv(POINTWISE, 1), input.with_channels(more))],
        1 => vec![(conv(window, 1), slid(more))],
        2 => vec![(conv(window, channels), slid(channels * (1 + dice.roll(2))))],
        3 => vec![(conv(window, 1 + usize::from(channels % 2 == 0)), slid(2 * more))],
        4 => vec![(conv(window, channels), slid(channels)), (conv(POINTWISE, 1), slid(more))],
        5 => vec![
            (conv(window, 1), slid(more)),
            (Work::Pool { pooling: Pooling::Max, window: Window::square(3, 2) }, {
                let map = slid(more);
                Shape::new(batch, more, map.height.div_ceil(2), map.width.div_ceil(2))
            }),
        ],
        6 => vec![(conv(POINTWISE, 1), input.with_channels(more)), (Work::GlobalMean, pixel(more))],
        7 => vec![(Work::Linear, pixel(more))],
        8 => vec![(Work::Pool { pooling, window }, slid(channels))],
        9 => vec![(dice.pick(&[Work::GlobalMean, Work::GlobalMax]), pixel(channels))],
        13 => vec![(Work::LayerNorm { eps: 1e-6.into() }, input)],
        14 => {
            let beta = dice.pick(&[0.75, 0.6]).into();
            let norm = LocalNorm { size: 1 + dice.roll(6), alpha: 1e-4.into(), beta, offset: 1.0.into() };
            vec![(Work::LocalNorm(norm), input)]
        }
        10 if batch * height * width > 1 => {
            let between = 1 + more;
            let multiplier = 1 + dice.roll(2);
            vec![
                (conv(POINTWISE, 1), input.with_channels(between)),
                (conv(window, between), slid(between * multiplier)),
            ]
        }
        _ => {
            let all = [
                Elementwise::Affine,
                Elementwise::PRelu,
                Elementwise::Add,
                Elementwise::Mul,
                Elementwise::Gate,
                Elementwise::Shift,
                Elementwise::Identity,
            ];
            vec![(Work::Elementwise(dice.pick(&all)), input)]
        }
    };
    let mut spec = spec(input, &steps);
    if channels == 1
        && matches!(spec.steps[..], [Step { work: Work::Conv { .. }, .. }, Step { work: Work::Conv { .. }, .. }])
    {
        spec.steps.truncate(1);
    }
    for step in &mut spec.steps {
        step.epilogue.activation = dice.pick(&Activation::EXAMPLES);
    }
    if let Some(last) = spec.steps.last_mut() {
        let has_second = last.work.has_second();
        last.epilogue.residual = !has_second && dice.roll(3) == 0;
    }
    spec.precision = dice.pick(&Precision::PORTABLE);
    spec
}

fn random_aliases(dice: &mut Dice) -> Aliases {
    let all = [[false; 3], [true, false, false], [false, true, false], [false, false, true], [true; 3]];
    let [x_is_y, r_is_y, r_is_x] = dice.pick(&all);
    Aliases { x_is_y, r_is_y, r_is_x }
}

fn validated(text: &str) -> Result<naga::Module, String> {
    let module = naga::front::wgsl::parse_str(text).map_err(|error| error.emit_to_string(text))?;
    let flags = naga::valid::ValidationFlags::all();
    naga::valid::Validator::new(flags, naga::valid::Capabilities::SHADER_FLOAT16)
        .validate(&module)
        .map_err(|error| error.emit_to_string(text))?;
    Ok(module)
}

/// Bytes of workgroup memory of a module.
fn workgroup_bytes(module: &naga::Module) -> u32 {
    let shared = module.global_variables.iter().filter(|(_, of)| of.space == naga::AddressSpace::WorkGroup);
    shared.map(|(_, of)| module.types[of.ty].inner.size(module.to_ctx())).sum()
}

#[test]
fn every_text_of_random_specs_is_valid_and_keeps_to_the_limits_that_its_variant_was_chosen_for() {
    let mut dice = Dice(11);
    let limits = [Limits::LEAST, Limits { workgroup_bytes: 49_152, invocations: 1024 }];
    for _ in 0..300 {
        let (spec, aliases) = (random_spec(&mut dice), random_aliases(&mut dice));
        let kernel = of(&spec).unwrap_or_else(|refusal| panic!("{refusal}: {spec:?}"));
        let limits = dice.pick(&limits);
        let variants = kernel.variants(&limits);
        assert!((1..=8).contains(&variants.len()), "{spec:?}: {variants:?}");
        for variant in variants {
            let source = kernel.source(variant, aliases).unwrap();
            let module =
                validated(&source.text).unwrap_or_else(|error| panic!("{error}\n{spec:?} {variant}\n{}", source.text));
            let threads: u32 = module.entry_points[0].workgroup_size.iter().product();
            let bytes = workgroup_bytes(&module);
            assert!(threads <= limits.invocations && bytes <= limits.workgroup_bytes, "{variant}: {threads}, {bytes}");
            assert!(source.workgroups.iter().all(|count| (1..=WORKGROUPS_PER_DIMENSION).contains(count)), "{variant}");
            let mut bindings: Vec<u32> =
                module.global_variables.iter().filter_map(|(_, of)| Some(of.binding?.binding)).collect();
            bindings.sort_unstable();
            assert_eq!(bindings, source.bindings);
            assert!(!(aliases.x_is_y && bindings.contains(&0)));
        }
    }
}

#[test]
fn a_variant_is_remembered_as_it_was_and_refused_by_kernels_of_another_kind() {
    let map = Shape::new(1, 8, 7, 7);
    let pointwise = of(&spec(map, &[(Work::Conv { window: POINTWISE, groups: 1 }, map)])).unwrap();
    let depthwise = of(&spec(map, &[(Work::Conv { window: Window::square(3, 1), groups: 8 }, map)])).unwrap();
    for variant in pointwise.variants(&Limits::LEAST) {
        let kept = serde_json::to_string(&variant).unwrap();
        assert_eq!(serde_json::from_str::<Variant>(&kept).unwrap(), variant);
        let refusal = depthwise.source(variant, Aliases::default()).unwrap_err();
        assert!(matches!(refusal, Refusal::Variant { .. }) && refusal.to_string().contains(&variant.to_string()));
    }
    // What no tuner makes: tiles that do not divide.
    let odd = Tile { rows: 6, columns: 12, depth: 5, row_step: 4, vectors: 2, split: 3, ahead: false };
    assert!(pointwise.source(Variant::Tile(odd), Aliases::default()).is_err());
}

#[test]
fn a_product_reads_its_weights_by_input_value_and_the_bias_behind_them() {
    // Two groups of two input and three output channels.
    let map = |channels| Shape::new(1, channels, 5, 5);
    let kernel = of(&spec(map(4), &[(Work::Conv { window: POINTWISE, groups: 2 }, map(6))])).unwrap();
    let filters: Vec<f32> = (1..=12).map(|value| value as f32).collect();
    let bias: Vec<f32> = (21..=26).map(|value| value as f32).collect();
    let packed = kernel.pack(&[Parameters { filters: &filters, bias: &bias }]).unwrap();
    let group = |values: [f32; 9]| {
        let [a, b, c, d, e, f, g, h, i] = values;
        [a, b, c, 0.0, d, e, f, 0.0, g, h, i, 0.0]
    };
    let first = group([1.0, 3.0, 5.0, 2.0, 4.0, 6.0, 21.0, 22.0, 23.0]);
    let second = group([7.0, 9.0, 11.0, 8.0, 10.0, 12.0, 24.0, 25.0, 26.0]);
    assert_eq!(packed, [first, second].concat());
    let short = kernel.pack(&[Parameters { filters: &filters[1..], bias: &bias }]).unwrap_err();
    assert_eq!(short, Refusal::Shape { what: "the number of a step's weights", given: 11, expected: 12 });
}

#[test]
fn a_depthwise_convolution_reads_each_channels_taps_and_bias_together_alone_and_before_a_product() {
    let map = Shape::new(1, 2, 4, 4);
    let depthwise = (Work::Conv { window: Window::square(3, 1), groups: 2 }, map);
    let filters: Vec<f32> = (1..=18).map(|value| value as f32).collect();
    let parameters = Parameters { filters: &filters, bias: &[0.5, 0.25] };
    let channel = |from: usize, bias: f32| [&filters[from..from + 9], &[bias, 0.0, 0.0]].concat();
    let expected = [channel(0, 0.5), channel(9, 0.25)].concat();
    let alone = of(&spec(map, &[depthwise])).unwrap();
    assert_eq!(alone.pack(&[parameters]).unwrap(), expected);
    let pointwise = (Work::Conv { window: POINTWISE, groups: 1 }, map.with_channels(1));
    let chain = of(&spec(map, &[depthwise, pointwise])).unwrap();
    // Without a bias: zeros.
    let packed = chain.pack(&[parameters, Parameters { filters: &[2.0, 3.0], bias: &[] }]).unwrap();
    let product = [2.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(packed, [&product[..], &expected].concat());
}

#[test]
fn a_depthwise_convolution_behind_a_product_reads_its_weights_behind_those_by_output_channel() {
    let map = Shape::new(1, 2, 4, 4);
    let depthwise = (Work::Conv { window: Window::inside(1, 2), groups: 2 }, Shape::new(1, 2, 2, 2));
    let chain = of(&spec(map, &[(Work::Conv { window: POINTWISE, groups: 1 }, map), depthwise])).unwrap();
    let pointwise = Parameters { filters: &[1.0, 2.0, 3.0, 4.0], bias: &[0.5, 0.25] };
    let packed = chain.pack(&[pointwise, Parameters { filters: &[5.0, 6.0], bias: &[] }]).unwrap();
    let product = [1.0, 2.0, 0.5, 0.0, 3.0, 4.0, 0.25, 0.0];
    assert_eq!(packed, [&product[..], &[5.0, 0.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0]].concat());
}

#[test]
fn a_map_between_of_which_not_one_row_fits_into_a_workgroup_is_not_kept_there() {
    let chain = |width| {
        let map = Shape::new(1, 8, 20, width);
        let depthwise = (Work::Conv { window: Window::square(3, 1), groups: 8 }, map);
        of(&spec(map, &[(Work::Conv { window: POINTWISE, groups: 1 }, map), depthwise]))
    };
    // Three rows in 16 KiB.
    assert!(chain(1364).is_ok());
    assert!(matches!(chain(1368), Err(Refusal::Chain { .. })));
    // Wide maps are cut into bands, and whole ones are tried where they fit.
    let rows = |width| {
        let rows = |variant| match variant {
            Variant::Band { rows, .. } => rows,
            other => panic!("{other}"),
        };
        let variants = chain(width).unwrap().variants(&Limits::LEAST);
        variants.into_iter().map(rows).collect::<Vec<u32>>()
    };
    assert!(rows(1364).iter().all(|&rows| rows == 1));
    assert!(rows(14).contains(&20) && rows(14).iter().any(|&rows| rows < 20));
}

#[test]
fn a_table_lists_input_output_and_second_planes_and_every_pixel_of_a_map_that_a_linear_layer_reads() {
    let map = Shape::new(2, 2, 1, 3);
    let linear = spec(map, &[(Work::Linear, Shape::new(2, 3, 1, 1))]);
    let kernel = of(&linear).unwrap();
    assert!(!kernel.reads_second());
    assert_eq!(kernel.table(&[40, 8], &[4, 0, 12], None).unwrap(), [40, 41, 42, 8, 9, 10, 4, 0, 12]);
    let sum = of(&spec(map, &[(Work::Elementwise(Elementwise::Add), map)])).unwrap();
    assert!(sum.reads_second());
    assert_eq!(sum.table(&[0, 8], &[16, 24], Some(&[32, 40])).unwrap(), [0, 8, 16, 24, 32, 40]);
    for (input, output, second) in [(1, 2, 2), (2, 3, 2), (2, 2, 0), (2, 2, 1)] {
        let list = |length: usize| vec![0; length];
        let second = list(second);
        let second = (!second.is_empty()).then_some(&second[..]);
        assert!(matches!(sum.table(&list(input), &list(output), second), Err(Refusal::Shape { .. })));
    }
}

#[test]
fn launches_with_more_workgroups_than_a_dimension_allows_are_folded() {
    // A plane of 2^24 pixels, and more channels than a dimension has workgroups.
    let wide = Shape::new(1, 1, 4096, 4096);
    let tall = Shape::new(1, 70_000, 1, 300);
    for (map, groups) in [(wide, 1), (tall, 70_000)] {
        let kernel = of(&spec(map, &[(Work::Conv { window: Window::square(3, 1), groups }, map)])).unwrap();
        for variant in kernel.variants(&Limits::LEAST) {
            let source = kernel.source(variant, Aliases::default()).unwrap();
            assert!(source.workgroups.iter().all(|&count| count <= WORKGROUPS_PER_DIMENSION), "{variant}");
            validated(&source.text).unwrap();
        }
    }
}

#[test]
fn chains_without_a_kernel_and_sizes_beyond_32_bits_are_refused_with_the_remedy() {
    let map = Shape::new(1, 4, 8, 8);
    let pointwise = (Work::Conv { window: POINTWISE, groups: 1 }, map);
    let refusal = of(&spec(map, &[pointwise, pointwise])).unwrap_err();
    assert!(matches!(refusal, Refusal::Chain { .. }), "{refusal}");
    assert!(
        refusal.to_string().contains("a convolution, then a convolution") && refusal.to_string().contains("one by one")
    );
    assert!(matches!(of(&spec(map, &[])), Err(Refusal::Chain { .. })));
    let huge = Shape::new(1 << 12, 1 << 10, 1 << 10, 1 << 10);
    let refusal = of(&spec(huge, &[(Work::GlobalMean, Shape::new(1 << 12, 1 << 10, 1, 1))])).unwrap_err();
    assert!(refusal.to_string().contains("lower batch or input"), "{refusal}");
    let uneven = spec(map, &[(Work::Conv { window: Window::square(3, 1), groups: 3 }, map)]);
    assert!(matches!(of(&uneven), Err(Refusal::Shape { given: 4, .. })));
    let mut twice = spec(map, &[(Work::Elementwise(Elementwise::Add), map)]);
    twice.steps[0].epilogue.residual = true;
    assert!(matches!(of(&twice), Err(Refusal::Operand { .. })));
}

#[test]
fn a_flattened_value_is_read_image_by_image_and_one_of_a_single_image_wherever_it_starts() {
    let vector = |batch| Shape::new(batch, 6, 1, 1);
    let identity = |batch| spec(vector(batch), &[(Work::Elementwise(Elementwise::Identity), vector(batch))]);
    let text = |batch, input| {
        let spec = identity(batch);
        let kernel = GpuKernel::of(&spec, &ImageStrides { input, second: 1 }).unwrap();
        kernel.source(kernel.variants(&Limits::LEAST)[0], Aliases::default()).unwrap().text
    };
    assert!(text(5, 1).contains("x4("), "planes are read by vectors");
    assert!(text(5, 49).contains("n * 49u") && !text(5, 49).contains("x4("));
    assert!(!text(1, 1).contains("x4("), "the pixel of a flattened map starts at no vector");
}
