//! Where a matrix product gets its pixels from: planes as they are, single values, windows of maps, or a depthwise
//! convolution computed on the way.

use super::epilogue;
use super::patch::{self, Patch};
use super::size::{Map, Sliding};
use super::text::{Access, Text};
use crate::graph::Activation;

/// What stands in row `k` and column `p` of a product's second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Inputs {
    /// Pixel `p` of plane `k`: pointwise convolution.
    Planes,
    /// The value of image `p` of feature `k`, images `image` elements apart: linear layers behind a flattened map.
    Strided { image: u32 },
    /// Tap `k % taps` of channel `k / taps` at output pixel `p`: any convolution, as an implicit matrix product.
    Window { input: Map, window: Sliding },
    /// The depthwise convolution of channel `k / multiplier` at pixel `p`, through its activation.
    Depthwise { input: Map, window: Sliding, multiplier: u32, activation: Activation },
}

/// What the fetching text needs to know of its product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The product's map: its planes are the columns.
    pub output: Map,
    /// Whether columns are the pixels of image `n` alone.
    pub per_image: bool,
    /// Whether the tiles may reach beyond the last column.
    pub ragged: bool,
    /// Where the depthwise weights start, in vectors.
    pub weights: u32,
}

impl Inputs {
    /// How the input's bank is read.
    pub fn access(&self, place: &Place) -> Access {
        match self {
            Self::Planes if place.per_image && !place.output.pixels().is_multiple_of(4) => Access::SCALAR,
            Self::Planes => Access::VECTOR,
            Self::Strided { .. } | Self::Window { .. } => Access::SCALAR,
            Self::Depthwise { .. } if self.patch(place).is_some_and(|patch| patch.reads_vectors()) => Access::BOTH,
            Self::Depthwise { .. } => Access::SCALAR,
        }
    }

    /// The patch of a depthwise convolution that makes a vector of pixels: four in a row, or each by itself.
    fn patch(&self, place: &Place) -> Option<Patch> {
        let Self::Depthwise { input, window, .. } = *self else { return None };
        let columns = if place.output.width.is_multiple_of(4) { 4 } else { 1 };
        Some(Patch { reader: "x", input, output: place.output, window, rows: 1, columns })
    }

    /// Declares the functions that [`fetch`](Self::fetch) calls.
    pub fn declare(&self, text: &mut Text, place: &Place) {
        match *self {
            Self::Planes | Self::Strided { .. } => {}
            Self::Window { input, .. } => at(text, &input),
            Self::Depthwise { activation, .. } => {
                let Some(patch) = self.patch(place) else { return };
                let whole = patch.columns == 4;
                epilogue::declare(text, "inner", activation, if whole { Access::VECTOR } else { Access::SCALAR });
                let kind = if whole { "vec4<f32>" } else { "f32" };
                text.open(format!("fn depthwise(wb: u32, base: u32, oy: i32, ox: i32) -> {kind}"));
                patch.sums(text);
                text.line(if whole {
                    "return inner4(vec4<f32>(a0_0, a0_1, a0_2, a0_3));"
                } else {
                    "return inner1(a0_0);"
                });
                text.close();
            }
        }
    }

    /// Declares where this thread's vector of pixels, `p0 + lane`, lies in the input.
    pub fn prepare(&self, text: &mut Text, place: &Place) {
        let output = &place.output;
        let last = if place.per_image { output.pixels().div_ceil(4) } else { output.vectors() } - 1;
        // Beyond the last column the last one is fetched again: the sums are not written, and nothing is read outside.
        let ragged = place.ragged;
        text.line(if ragged { format!("let px = min(p0 + lane, {last}u);") } else { "let px = p0 + lane;".to_owned() });
        let clamped = |end: u32, at: u32| {
            if end.is_multiple_of(4) {
                format!("4u * px + {at}u")
            } else {
                format!("min(4u * px + {at}u, {}u)", end - 1)
            }
        };
        match *self {
            Self::Planes if place.per_image && output.pixels().is_multiple_of(4) => {
                text.line(format!("let place = n * {}u + px;", output.pixels() / 4));
            }
            Self::Planes if place.per_image => {
                for at in 0..4 {
                    let pixel = clamped(output.pixels(), at);
                    text.line(format!("let place{at} = n * {}u + {pixel};", output.image));
                }
            }
            Self::Planes => text.line("let place = px;"),
            Self::Strided { image } => {
                for at in 0..4 {
                    text.line(format!("let place{at} = ({}) * {image}u;", clamped(output.batch, at)));
                }
            }
            Self::Window { input, window } => self.positions(text, place, &input, &window, clamped),
            Self::Depthwise { input, window, .. } => self.positions(text, place, &input, &window, clamped),
        }
    }

    /// The image and the position of each of the four pixels; one for all of them where they stand in one row.
    fn positions(
        &self,
        text: &mut Text,
        place: &Place,
        input: &Map,
        window: &Sliding,
        clamped: impl Fn(u32, u32) -> String,
    ) {
        let Map { width, .. } = place.output;
        let pixels = place.output.pixels();
        let of_window = matches!(self, Self::Window { .. });
        for at in 0..if width.is_multiple_of(4) { 1 } else { 4 } {
            text.line(format!("let q{at} = {};", clamped(place.output.plane(), at)));
            text.line(format!("let image{at} = q{at} / {pixels}u * {}u;", input.image));
            text.line(format!("let oy{at} = i32(q{at} % {pixels}u / {width}u);"));
            text.line(format!("let ox{at} = i32(q{at} % {width}u);"));
            if of_window {
                text.line(format!("let iy{at} = oy{at} * {} - {};", window.stride[0], window.padding[0]));
                text.line(format!("let ix{at} = ox{at} * {} - {};", window.stride[1], window.padding[1]));
            }
        }
    }

    /// An expression of the four pixels of input value `k` (a name of the text), after lines that prepare it. `first` is
    /// the channel that `k` counts from, as an expression that ends in ` + ` or is empty.
    pub fn fetch(&self, text: &mut Text, place: &Place, first: &str) -> String {
        let whole = place.output.width.is_multiple_of(4);
        let vector = |element: &dyn Fn(u32) -> String| format!("vec4<f32>({})", [0, 1, 2, 3].map(element).join(", "));
        match *self {
            Self::Planes if self.access(place) == Access::VECTOR => format!("x4((tab[{first}k] >> 2u) + place)"),
            Self::Planes | Self::Strided { .. } => {
                text.line(format!("let plane = tab[{first}k];"));
                vector(&|at| format!("x1(plane + place{at})"))
            }
            Self::Window { window, .. } if window.taps() == 1 => {
                text.line(format!("let plane = tab[{first}k];"));
                vector(&|at| window_value(&window, whole, at, "", ""))
            }
            Self::Window { window, .. } => {
                let Sliding { kernel, dilation, .. } = window;
                text.line(format!("let plane = tab[{first}k / {}u];", window.taps()));
                text.line(format!("let dy = i32(k % {}u / {}u) * {};", window.taps(), kernel[1], dilation[0]));
                text.line(format!("let dx = i32(k % {}u) * {};", kernel[1], dilation[1]));
                vector(&|at| window_value(&window, whole, at, " + dy", " + dx"))
            }
            Self::Depthwise { multiplier, window, .. } => {
                text.line(format!("let plane = tab[k / {multiplier}u];"));
                text.line(format!("let wb = {}u + k * {}u;", place.weights, patch::vectors(&window)));
                if whole {
                    "depthwise(wb, plane + image0, oy0, ox0)".to_owned()
                } else {
                    vector(&|at| format!("depthwise(wb, plane + image{at}, oy{at}, ox{at})"))
                }
            }
        }
    }
}

/// The value under a tap for pixel `at` of a vector, `dy` and `dx` from the window's first tap.
fn window_value(window: &Sliding, whole: bool, at: u32, dy: &str, dx: &str) -> String {
    if whole {
        let step = at * window.stride[1];
        return format!("at(plane + image0, iy0{dy}, ix0 + {step}{dx})");
    }
    format!("at(plane + image{at}, iy{at}{dy}, ix{at}{dx})")
}

/// Declares `at(base, y, x)`: the value of an image that starts at element `base`, zero outside the map.
pub(super) fn at(text: &mut Text, map: &Map) {
    text.open("fn at(base: u32, y: i32, x: i32) -> f32");
    // Negative coordinates are large ones without their sign.
    text.open(format!("if (u32(y) < {}u && u32(x) < {}u)", map.height, map.width));
    text.line(format!("return x1(base + u32(y) * {}u + u32(x));", map.width));
    text.close();
    text.line("return 0.0;");
    text.close();
}
