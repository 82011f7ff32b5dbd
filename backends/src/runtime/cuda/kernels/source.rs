//! The text of a kernel and how it is launched.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::graph::{Activation, Coefficient};
use crate::runtime::Precision;

/// Sizes that a kernel takes as arguments: `int sizes[40]` of its `Arguments`.
pub const MOST_SIZES: usize = 40;

const DEVICE: &str = include_str!("../sources/device.cuh");
pub(super) const COMMON: &str = include_str!("../sources/common.cuh");

/// Whether a text knows its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Sizes are constants: fastest, for one shape.
    Baked,
    /// Sizes are arguments: one text for many shapes, as far as the kernel allows.
    Generic,
}

/// A text and how to launch it, by `Arguments { x, y, w, table, second: pointers; sizes: [i32; 40] }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The function's name.
    pub entry: &'static str,
    /// What stays constant in either form: tile, activations, what shared memory is laid out by.
    pub constants: Vec<(&'static str, i64)>,
    /// What may be an argument; at most [`MOST_SIZES`].
    pub sizes: Vec<(&'static str, i64)>,
    /// Blocks.
    pub grid: [u32; 3],
    /// Threads of a block.
    pub block: u32,
    /// Blocks of a cluster, neighbours in the first dimension; 1: no clusters.
    pub cluster: u32,
    /// Shared memory of a block in bytes.
    pub shared: u32,
    /// Whether weights are read.
    pub weights: bool,
    /// Whether a second operand is read.
    pub second: bool,
    /// What follows `device.cuh`.
    pub parts: &'static [&'static str],
}

impl Source {
    /// CUDA C++ for NVRTC.
    #[must_use]
    pub fn text(&self, form: Form) -> String {
        let mut text = self.defines(form);
        text.push_str(DEVICE);
        for part in self.parts {
            text.push_str(part);
        }
        text
    }

    /// What names the text for many shapes: it changes with anything that is compiled.
    #[must_use]
    pub fn key(&self) -> String {
        let digest = Sha256::digest(self.text(Form::Generic).as_bytes());
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{} {digest}", self.entry)
    }

    /// The definitions before the text.
    #[must_use]
    pub fn defines(&self, form: Form) -> String {
        let mut text = String::new();
        if form == Form::Baked {
            text.push_str("#define BAKED\n");
        }
        for (name, value) in &self.constants {
            // Writing to a string does not fail.
            let _ = writeln!(text, "#define {name} {value}");
        }
        for (index, (name, value)) in self.sizes.iter().enumerate() {
            let _ = match form {
                Form::Baked => writeln!(text, "#define {name} {value}"),
                Form::Generic => writeln!(text, "#define {name} (a.sizes[{index}])"),
            };
        }
        text
    }

    /// Whatever [`defines`](Self::defines) may define.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let names = self.constants.iter().chain(&self.sizes).map(|(name, _)| *name);
        names.chain(["BAKED"]).collect()
    }

    /// The sizes as the kernel takes them.
    #[must_use]
    pub fn arguments(&self) -> [i32; MOST_SIZES] {
        let mut all = [0; MOST_SIZES];
        for (argument, (_, value)) in all.iter_mut().zip(&self.sizes) {
            *argument = i32::try_from(*value).unwrap_or(i32::MAX);
        }
        all
    }
}

/// `HALF`, 0 or 1.
pub(super) fn half(precision: Precision) -> (&'static str, i64) {
    ("HALF", i64::from(precision == Precision::F16))
}

/// The names by which `common.cuh` knows an activation, and what it computes with.
pub(super) type Names = [&'static str; 3];
/// The activation of what is stored.
pub(super) const STORED: Names = ["ACTIVATION", "ACTIVATION_A", "ACTIVATION_B"];
/// Those of steps before it in the same launch, and of a mean behind it.
pub(super) const FIRST: Names = ["FIRST_ACTIVATION", "FIRST_ACTIVATION_A", "FIRST_ACTIVATION_B"];
pub(super) const MIDDLE: Names = ["MIDDLE_ACTIVATION", "MIDDLE_ACTIVATION_A", "MIDDLE_ACTIVATION_B"];
pub(super) const LAST: Names = ["LAST_ACTIVATION", "LAST_ACTIVATION_A", "LAST_ACTIVATION_B"];

/// An activation's number in `common.cuh`, and the bits of what it computes with.
pub(super) fn activation([kind, first, second]: Names, activation: Activation) -> [(&'static str, i64); 3] {
    let [a, b] = activation.coefficients().map(bits);
    [(kind, number(activation)), (first, a), (second, b)]
}

/// A constant's bits as a kernel is given them.
pub(super) fn bits(coefficient: Coefficient) -> i64 {
    i64::from(coefficient.get().to_bits().cast_signed())
}

fn number(activation: Activation) -> i64 {
    match activation {
        Activation::None => 0,
        Activation::Relu => 1,
        Activation::Relu6 => 2,
        Activation::HardSwish => 3,
        Activation::Sigmoid => 4,
        Activation::Clip { .. } => 5,
        Activation::LeakyRelu { .. } => 6,
        Activation::Elu { .. } => 7,
        Activation::HardSigmoid { .. } => 8,
        Activation::Swish { .. } => 9,
        Activation::Tanh => 10,
        Activation::Gelu => 11,
        Activation::GeluTanh => 12,
        Activation::Mish => 13,
        Activation::Softplus => 14,
    }
}
