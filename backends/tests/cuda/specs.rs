//! Kernels at random, small enough for the emulator.

use shufflescope_backends::runtime::Precision;
use shufflescope_backends::runtime::plan::{Elementwise, Epilogue, KernelSpec, Pooling, Step, Work};
use shufflescope_networks::graph::{Activation, Coefficient, LocalNorm, Shape, Window};

use crate::random::Random;

/// Kinds of kernels; [`random`] makes one of each.
pub const KINDS: [&str; 15] = [
    "pointwise",
    "grouped pointwise",
    "convolution",
    "grouped convolution",
    "depthwise",
    "stem",
    "stem, pool",
    "pool",
    "global pooling",
    "normalisation",
    "pointwise, mean",
    "linear",
    "element-wise",
    "depthwise, pointwise",
    "unit",
];

pub struct Spec {
    pub spec: KernelSpec,
    /// Pixels of the map whose flattening the input is.
    pub flattened: Option<usize>,
}

struct Chain {
    spec: KernelSpec,
}

impl Chain {
    fn output(&self) -> Shape {
        self.spec.output()
    }

    fn push(&mut self, work: Work, channels: usize, [height, width]: [usize; 2], epilogue: Epilogue) {
        let output = Shape { batch: self.spec.input.batch, channels, height, width };
        self.spec.steps.push(Step { work, output, epilogue });
    }

    fn window(&self, window: &Window) -> [usize; 2] {
        let map = self.output();
        [window.output_length(0, map.height).unwrap(), window.output_length(1, map.width).unwrap()]
    }

    fn conv(&mut self, channels: usize, window: Window, groups: usize, epilogue: Epilogue) {
        self.push(Work::Conv { window, groups }, channels, self.window(&window), epilogue);
    }
}

pub fn random(kind: &str, precision: Precision, random: &mut Random) -> Spec {
    let batch = [1, 1, 2, 3][random.below(4)];
    let size = |random: &mut Random| [1 + random.below(9) + random.below(8), 1 + random.below(14)];
    let activation = |random: &mut Random| {
        // Mostly those that most networks have.
        let usual = [Activation::Relu, Activation::None, Activation::Relu6, Activation::HardSwish];
        let any = Activation::EXAMPLES[random.below(Activation::EXAMPLES.len())];
        if random.below(2) == 0 { any } else { usual[random.below(4)] }
    };
    let plain = |random: &mut Random| Epilogue { residual: false, activation: activation(random) };
    let epilogue = |random: &mut Random| Epilogue { residual: random.below(3) == 0, activation: activation(random) };
    let channels = |random: &mut Random| 1 + random.below(20) + random.below(2) * random.below(150);
    let window = |random: &mut Random, [height, width]: [usize; 2]| {
        loop {
            let mut pick = |of: &[usize]| of[random.below(of.len())];
            let kernel = [pick(&[3, 3, 1, 5, 2, 7]), pick(&[3, 3, 1, 5, 2, 7])];
            let window = Window {
                kernel,
                stride: [pick(&[1, 1, 2, 3]), pick(&[1, 1, 2, 3])],
                padding: [pick(&[0, kernel[0] / 2]), pick(&[0, kernel[1] / 2])],
                padding_end: [pick(&[0, kernel[0] / 2]), pick(&[0, kernel[1] / 2])],
                dilation: [pick(&[1, 1, 1, 2]), pick(&[1, 1, 1, 2])],
            };
            if window.output_length(0, height).is_some() && window.output_length(1, width).is_some() {
                return window;
            }
        }
    };
    let [height, width] = size(random);
    let start = |channels: usize, [height, width]: [usize; 2]| Chain {
        spec: KernelSpec { input: Shape { batch, channels, height, width }, steps: Vec::new(), precision },
    };
    let point = Window::padded([1; 2], 1, [0; 2]);
    let mut flattened = None;
    let mut chain = start(channels(random), [height, width]);
    match kind {
        "pointwise" => chain.conv(channels(random), point, 1, epilogue(random)),
        "grouped pointwise" | "grouped convolution" => {
            let groups = 2 + random.below(3);
            chain = start(groups * (1 + random.below(12)), [height, width]);
            let window = if kind == "grouped pointwise" { point } else { window(random, [height, width]) };
            chain.conv(groups * (2 + random.below(20)), window, groups, epilogue(random));
        }
        "convolution" => {
            chain = start(1 + random.below(40), [height, width]);
            chain.conv(channels(random), window(random, [height, width]), 1, epilogue(random));
        }
        "depthwise" => {
            let inputs = 2 + random.below(12);
            chain = start(inputs, [height, width]);
            let each = [1, 1, 1, 2, 3][random.below(5)];
            chain.conv(inputs * each, window(random, [height, width]), inputs, epilogue(random));
        }
        "stem" | "stem, pool" => {
            let map = [12 + random.below(40), 12 + random.below(40)];
            chain = start(1 + random.below(4), map);
            let few = [4, 7, 13, 24, 40][random.below(5)];
            let pooled = kind == "stem, pool";
            let first = if pooled { plain(random) } else { epilogue(random) };
            let conv = loop {
                let window = window(random, map);
                if window.taps() > 1 && window.taps() * chain.spec.input.channels < 200 {
                    break window;
                }
            };
            chain.conv(few, conv, 1, first);
            if pooled {
                let made = chain.output();
                let window = window(random, [made.height, made.width]);
                chain.push(Work::Pool { pooling: Pooling::Max, window }, few, chain.window(&window), plain(random));
            }
        }
        "pool" => {
            let window = window(random, [height, width]);
            let inside = Pooling::MeanCounted { counted: [[0; 2]; 2] };
            let padded = Pooling::MeanCounted { counted: [window.padding, [0; 2]] };
            let pooling = [Pooling::Max, Pooling::Mean, inside, padded][random.below(4)];
            // A window whose taps all lie in padding has no mean.
            let counted = matches!(pooling, Pooling::MeanCounted { .. });
            let window = if counted { Window { dilation: [1; 2], ..window } } else { window };
            let channels = chain.output().channels;
            chain.push(Work::Pool { pooling, window }, channels, chain.window(&window), plain(random));
        }
        "global pooling" => {
            let channels = chain.output().channels;
            let work = [Work::GlobalMean, Work::GlobalMax][random.below(2)];
            chain.push(work, channels, [1; 2], plain(random));
        }
        "normalisation" => {
            let of = |value: f32| Coefficient::new(value);
            let beta = of([0.75, 0.5][random.below(2)]);
            let local = LocalNorm { size: 1 + random.below(6), alpha: of(0.5), beta, offset: of(1.0) };
            let work = [Work::LayerNorm { eps: of(1e-5) }, Work::LocalNorm(local)][random.below(2)];
            if random.below(3) == 0 {
                chain = start(channels(random), [1; 2]);
                flattened = Some(1 + random.below(6));
            }
            let Shape { channels, height, width, .. } = chain.output();
            chain.push(work, channels, [height, width], plain(random));
        }
        "pointwise, mean" => {
            let outputs = channels(random);
            chain.conv(outputs, point, 1, plain(random));
            chain.push(Work::GlobalMean, outputs, [1; 2], plain(random));
        }
        "linear" => {
            let batch = [1, 3, 9, 20][random.below(4)];
            let inputs = channels(random) * (1 + random.below(8));
            chain = start(inputs, [1; 2]);
            chain.spec.input.batch = batch;
            chain.push(Work::Linear, channels(random), [1; 2], epilogue(random));
            flattened = [None, Some(1 + random.below(6))][random.below(2)];
        }
        "element-wise" => {
            use Elementwise::{Add, Affine, Gate, Identity, Mul, PRelu, Shift};
            let work = [Affine, Add, Gate, Identity, Mul, PRelu, Shift][random.below(7)];
            let own = Work::Elementwise(work).has_second();
            if random.below(3) == 0 {
                chain = start(channels(random), [1; 2]);
                flattened = Some(1 + random.below(6));
            }
            let Shape { channels, height, width, .. } = chain.output();
            let after = if own { plain(random) } else { epilogue(random) };
            chain.push(Work::Elementwise(work), channels, [height, width], after);
        }
        "depthwise, pointwise" => {
            let inputs = 2 + random.below(40);
            chain = start(inputs, [height, width]);
            chain.conv(inputs, window(random, [height, width]), inputs, plain(random));
            chain.conv(channels(random), point, 1, epilogue(random));
        }
        _ => {
            let middle = 2 + random.below(60);
            chain = start(1 + random.below(40), [height, width]);
            chain.conv(middle, point, 1, plain(random));
            chain.conv(middle, window(random, [height, width]), middle, plain(random));
            chain.conv(1 + random.below(60), point, 1, epilogue(random));
        }
    }
    Spec { spec: chain.spec, flattened }
}
