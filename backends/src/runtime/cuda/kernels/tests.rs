use super::*;
use crate::graph::{Activation, Shape, Window};
use crate::runtime::Precision;
use crate::runtime::plan::{Elementwise, Epilogue, KernelSpec, Pooling, Step, Work};

const PRECISIONS: [Precision; 3] = [Precision::F32, Precision::Tf32, Precision::F16];

fn step(work: Work, output: Shape) -> Step {
    Step { work, output, epilogue: Epilogue { residual: false, activation: Activation::Relu } }
}

fn conv(kernel: usize, stride: usize, groups: usize, output: Shape) -> Step {
    step(Work::Conv { window: Window::padded([kernel; 2], stride, [kernel / 2; 2]), groups }, output)
}

fn spec(input: Shape, steps: Vec<Step>, precision: Precision) -> KernelSpec {
    KernelSpec { input, steps, precision }
}

fn of(spec: &KernelSpec) -> Result<GpuKernel, Refusal> {
    GpuKernel::of(spec, &ImageStrides::plain(spec))
}

#[test]
fn every_single_layer_of_our_networks_runs_on_every_card() {
    let shape = |channels, pixels| Shape::new(4, channels, pixels, pixels);
    let layers = [
        (shape(3, 224), conv(3, 2, 1, shape(24, 112))),
        (shape(3, 224), conv(11, 4, 1, shape(64, 56))),
        (shape(512, 7), conv(3, 1, 1, shape(512, 7))),
        (shape(2048, 7), conv(1, 1, 1, shape(512, 7))),
        (shape(240, 28), conv(1, 1, 3, shape(240, 28))),
        (shape(1024, 14), conv(3, 1, 32, shape(1024, 14))),
        (shape(960, 7), conv(5, 1, 960, shape(960, 7))),
        (shape(96, 56), conv(31, 1, 96, shape(96, 56))),
        (shape(25_088, 1), step(Work::Linear, shape(4096, 1))),
    ];
    for precision in PRECISIONS {
        for (input, layer) in layers {
            let kernel = of(&spec(input, vec![layer], precision)).unwrap();
            for card in [Card::LEAST, Card::RTX_3060, Card::H100] {
                let variants = kernel.variants(&card);
                // TF32 is from 8.0 on.
                let missing = precision == Precision::Tf32 && !card.has_tf32();
                assert!(missing || !variants.is_empty(), "{layer:?} {precision:?} {card:?}");
                for variant in variants {
                    let source = kernel.source(variant).unwrap();
                    assert!(source.shared <= card.shared_bytes && source.block <= 1024, "{variant}");
                    assert!(
                        source.cluster <= card.cluster && source.grid[0].is_multiple_of(source.cluster),
                        "{variant}"
                    );
                    assert!(source.sizes.len() <= MOST_SIZES, "{variant}");
                }
            }
        }
    }
}

#[test]
fn units_of_our_networks_are_one_kernel_with_and_without_clusters() {
    for (channels, pixels, expansion) in [(58, 28, 1), (116, 14, 1), (232, 7, 1), (24, 56, 6), (96, 14, 6)] {
        let small = Shape::new(1, channels, pixels, pixels);
        let wide = Shape { channels: channels * expansion, ..small };
        let steps = vec![conv(1, 1, 1, wide), conv(3, 1, wide.channels, wide), conv(1, 1, 1, small)];
        for precision in PRECISIONS {
            let kernel = of(&spec(small, steps.clone(), precision)).unwrap();
            assert!(!kernel.variants(&Card::H100).is_empty(), "{channels} at {pixels}");
            let apart = kernel.variants(&Card::RTX_3060);
            assert!(apart.iter().all(|variant| matches!(variant, Variant::Unit(tile) if tile.cluster == 1)));
            // The widest of them only in bands of their weights; what expands sixfold has no room for its maps.
            assert!(expansion > 1 || !apart.is_empty(), "{channels} at {pixels} {precision:?}");
            let in_bands = |variant: &Variant| matches!(variant, Variant::Unit(tile) if tile.bands != [1; 2]);
            assert!(!kernel.variants(&Card::H100).iter().any(in_bands), "{channels} at {pixels}");
            assert!(channels < 116 || expansion > 1 || precision != Precision::F32 || apart.iter().all(in_bands));
        }
    }
}

#[test]
fn variants_are_apart_in_their_text_form() {
    let small = Shape::new(1, 116, 14, 14);
    let chain = vec![conv(1, 1, 1, small), conv(3, 1, 116, small), conv(1, 1, 1, small)];
    for steps in [chain[..1].to_vec(), chain[1..2].to_vec(), chain[1..].to_vec(), chain] {
        let variants = of(&spec(small, steps, Precision::F32)).unwrap().variants(&Card::H100);
        let texts: std::collections::HashSet<String> = variants.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), variants.len());
    }
}

#[test]
fn what_is_no_kernel_is_refused_with_the_reason() {
    let small = Shape::new(1, 8, 4, 4);
    let pool = step(Work::Pool { pooling: Pooling::Mean, window: Window::padded([3; 2], 1, [1; 2]) }, small);
    let chain = of(&spec(small, vec![conv(3, 1, 1, small), pool], Precision::F32));
    assert!(matches!(chain, Err(Refusal::Chain { .. })), "{chain:?}");
    let renamed = of(&spec(small, vec![step(Work::Rename, small)], Precision::F32));
    assert!(matches!(renamed, Err(Refusal::Chain { .. })), "{renamed:?}");
    let wrong = of(&spec(small, vec![conv(3, 2, 1, small)], Precision::F32));
    assert!(matches!(wrong, Err(Refusal::Shape { .. })), "{wrong:?}");
    let divided = of(&spec(small, vec![conv(3, 1, 3, small)], Precision::F32));
    assert!(matches!(divided, Err(Refusal::Shape { .. })), "{divided:?}");
    let pointwise = spec(small, vec![conv(1, 1, 1, small)], Precision::F32);
    let flattened = GpuKernel::of(&pointwise, &ImageStrides { input: 5, second: 16 });
    assert!(matches!(flattened, Err(Refusal::Operand { .. })), "{flattened:?}");
    let kernel = of(&pointwise).unwrap();
    let foreign = kernel.source(Variant::Simple { threads: 64 });
    assert!(matches!(foreign, Err(Refusal::Variant { .. })), "{foreign:?}");
    let variant = kernel.variants(&Card::H100)[0];
    let short = kernel.pack(variant, &[Parameters { filters: &[0.0; 63], bias: &[] }]);
    assert!(matches!(short, Err(Refusal::Shape { given: 63, expected: 64, .. })), "{short:?}");
    assert!(kernel.table(&[0; 8], &[0; 8], Some(&[0; 8])).is_err());
}

#[test]
fn sizes_of_any_kind_are_refused_or_fit_and_never_overflow() {
    let sizes = [1, 2, 3, 7, 64, 4096, 65_536, 1 << 20, 1 << 27, 1 << 31, usize::MAX / 2];
    let mut state = 1_usize;
    let mut pick = |of: &[usize]| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        of[(state >> 33) % of.len()]
    };
    let mut taken = 0;
    for round in 0..30_000 {
        let small = &sizes[..pick(&[3, 5, 6, sizes.len()])];
        let input = Shape::new(pick(&[1, 1, 2, 70_000]), pick(small), pick(small), pick(small));
        let mut map = input;
        let mut steps = Vec::new();
        for _ in 0..pick(&[1, 1, 2, 3]) {
            let window = Window {
                kernel: [pick(small), pick(small)],
                stride: [pick(small), pick(small)],
                padding: [pick(&[0, 1, 1000]), pick(&[0, 1, 1000])],
                padding_end: [0; 2],
                dilation: [pick(small), pick(&[1, 2])],
            };
            let under = |map: Shape| Shape {
                height: window.output_length(0, map.height).unwrap_or(0),
                width: window.output_length(1, map.width).unwrap_or(0),
                ..map
            };
            let point = Window::padded([1; 2], 1, [0; 2]);
            let (work, output) = match pick(&[0, 0, 1, 2, 3, 4, 5]) {
                0 => {
                    let groups = pick(&[1, map.channels]);
                    let others = pick(small);
                    let channels = pick(&[map.channels, others]);
                    (Work::Conv { window, groups }, Shape { channels, ..under(map) })
                }
                1 => (Work::Pool { pooling: Pooling::Max, window }, under(map)),
                2 => (Work::GlobalMean, Shape { height: 1, width: 1, ..map }),
                3 => (Work::Linear, Shape { channels: pick(small), height: 1, width: 1, ..map }),
                4 => (Work::Conv { window: point, groups: 1 }, Shape { channels: pick(small), ..map }),
                _ => (Work::Elementwise(Elementwise::Add), map),
            };
            steps.push(step(work, output));
            map = output;
        }
        let Ok(kernel) = of(&spec(input, steps, PRECISIONS[round % 3])) else { continue };
        for card in [Card::LEAST, Card::H100] {
            for variant in kernel.variants(&card).into_iter().chain(kernel.portable(&card)) {
                let source = kernel.source(variant).unwrap();
                assert!(source.shared <= card.shared_bytes, "{variant}");
                assert!(source.grid[1] <= 65_535 && source.grid[2] <= 65_535, "{variant}");
                assert!(source.sizes.iter().all(|(_, value)| i32::try_from(*value).is_ok()), "{source:?}");
                taken += 1;
            }
        }
    }
    assert!(taken > 5_000, "{taken}");
}
