//! The sums of a depthwise window for a patch of neighbouring outputs: what a thread reads once serves several of them.

use super::size::{Map, Sliding};
use super::text::{COMPONENTS, Text};

/// Above this many taps the text loops over them instead of spelling them out.
const MOST_SPELT: u32 = 64;

/// `rows` by `columns` neighbouring outputs of one channel of one image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patch {
    /// The functions that read the input are this with `1` and `4`.
    pub reader: &'static str,
    pub input: Map,
    pub output: Map,
    pub window: Sliding,
    pub rows: u32,
    pub columns: u32,
}

/// Vectors of weights of one channel: its taps, then its bias.
pub(super) const fn vectors(window: &Sliding) -> u32 {
    (window.taps() + 1).div_ceil(4)
}

/// Whether the text of a window has a line for each tap.
pub(super) const fn spelt(window: &Sliding) -> bool {
    window.taps() <= MOST_SPELT
}

impl Patch {
    /// Whether rows are read as vectors: they start at vectors, and so does what a patch reads of them.
    pub fn reads_vectors(&self) -> bool {
        self.columns == 4 && self.input.width.is_multiple_of(4) && spelt(&self.window)
    }

    /// Declares the sums `a{row}_{column}`, bias included, of the outputs from row `oy` and column `ox` on (`i32`, multiples
    /// of the patch's rows and columns), where `base: u32` is the first element of the channel's image and `wb: u32` the
    /// first vector of its weights. Sums of outputs outside the map are of no use.
    pub fn sums(&self, text: &mut Text) {
        self.weights(text);
        self.sums_with_weights(text);
    }

    /// Declares the weights that [`sums_with_weights`](Self::sums_with_weights) reads, at `wb: u32`.
    pub fn weights(&self, text: &mut Text) {
        if spelt(&self.window) {
            for at in 0..vectors(&self.window) {
                text.line(format!("let q{at} = w4(wb + {at}u);"));
            }
        }
    }

    /// [`sums`](Self::sums) where the weights are declared.
    pub fn sums_with_weights(&self, text: &mut Text) {
        let taps = self.window.taps();
        let bias = if spelt(&self.window) { weight(taps) } else { format!("w1(4u * wb + {taps}u)") };
        for (row, column) in self.outputs() {
            text.line(format!("var a{row}_{column} = {bias};"));
        }
        let [down, across] = self.window.stride;
        let [top, left] = self.window.padding;
        text.line(format!("let iy = oy * {down} - {top};"));
        text.line(format!("let ix = ox * {across} - {left};"));
        if spelt(&self.window) { self.spelt_sums(text) } else { self.looped_sums(text) }
    }

    fn outputs(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let columns = self.columns;
        (0..self.rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    fn spelt_sums(&self, text: &mut Text) {
        let Sliding { kernel, stride, dilation, padding } = self.window;
        // Which (output row, kernel row) pairs an input row serves, counted from the patch's first input row.
        let last = (self.rows - 1) * stride[0] + (kernel[0] - 1) * dilation[0];
        for offset in 0..=last {
            let pairs: Vec<(u32, u32)> = (0..self.rows)
                .flat_map(|row| (0..kernel[0]).map(move |tap| (row, tap)))
                .filter(|(row, tap)| row * stride[0] + tap * dilation[0] == offset)
                .collect();
            if pairs.is_empty() {
                continue;
            }
            let first = (self.output.height.div_ceil(self.rows) - 1) * self.rows * stride[0] + offset;
            let inside = offset >= padding[0] && first - padding[0] < self.input.height;
            let guard = format!("if (u32(iy + {offset}) < {}u)", self.input.height);
            text.open(if inside { String::new() } else { guard });
            text.line(format!("let row = base + u32(iy + {offset}) * {}u;", self.input.width));
            let mut columns: Vec<u32> = (0..self.columns)
                .flat_map(|column| (0..kernel[1]).map(move |tap| column * stride[1] + tap * dilation[1]))
                .collect();
            columns.sort_unstable();
            columns.dedup();
            if self.reads_vectors() {
                self.vectors_of_row(text, &columns)
            } else {
                self.elements_of_row(text, &columns)
            }
            for &(row, tap) in &pairs {
                for (column, across) in (0..self.columns).flat_map(|c| (0..kernel[1]).map(move |tap| (c, tap))) {
                    let value = column * stride[1] + across * dilation[1];
                    let factor = weight(tap * kernel[1] + across);
                    text.line(format!("a{row}_{column} = fma({factor}, v{value}, a{row}_{column});"));
                }
            }
            text.close();
        }
    }

    /// `v{column}` for each of `columns`, counted from `ix`; zero outside the map.
    fn elements_of_row(&self, text: &mut Text, columns: &[u32]) {
        let last = (self.output.width.div_ceil(self.columns) - 1) * self.columns * self.window.stride[1];
        let (reader, padding) = (self.reader, self.window.padding[1]);
        for &column in columns {
            if column >= padding && last + column - padding < self.input.width {
                text.line(format!("let v{column} = {reader}1(row + u32(ix + {column}));"));
                continue;
            }
            text.line(format!("var v{column} = 0.0;"));
            let place = format!("u32(ix + {column})");
            text.line(format!("if ({place} < {}u) {{ v{column} = {reader}1(row + {place}); }}", self.input.width));
        }
    }

    /// The same, by vectors of the row: each lies wholly inside the map or outside.
    fn vectors_of_row(&self, text: &mut Text, columns: &[u32]) {
        let (reader, padding) = (self.reader, self.window.padding[1] as i32);
        let vector = |column: u32| (column as i32 - padding).div_euclid(4);
        let width = (self.input.width / 4) as i32;
        let last = ((self.output.width.div_ceil(4) - 1) * self.window.stride[1]) as i32;
        text.line(format!("let start = ox / 4 * {};", self.window.stride[1]));
        let mut groups: Vec<i32> = columns.iter().map(|&column| vector(column)).collect();
        groups.dedup();
        for (name, &group) in groups.iter().enumerate() {
            let members: Vec<u32> = columns.iter().copied().filter(|&column| vector(column) == group).collect();
            let component = |column: u32| (column as i32 - padding).rem_euclid(4) as usize;
            let place = format!("(row >> 2u) + u32(start + {group})");
            let inside = group >= 0 && last + group < width;
            let guard = format!("if (u32(start + {group}) < {width}u)");
            if let [only] = members[..] {
                let value = format!("{reader}1(4u * ({place}) + {}u)", component(only));
                if inside {
                    text.line(format!("let v{only} = {value};"));
                } else {
                    text.line(format!("var v{only} = 0.0;"));
                    text.line(format!("{guard} {{ v{only} = {value}; }}"));
                }
                continue;
            }
            if inside {
                text.line(format!("let g{name} = {reader}4({place});"));
            } else {
                text.line(format!("var g{name} = vec4<f32>();"));
                text.line(format!("{guard} {{ g{name} = {reader}4({place}); }}"));
            }
            for column in members {
                text.line(format!("let v{column} = g{name}.{};", COMPONENTS[component(column)]));
            }
        }
    }

    fn looped_sums(&self, text: &mut Text) {
        let Sliding { kernel, stride, dilation, .. } = self.window;
        text.open(format!("for (var ky = 0u; ky < {}u; ky++)", kernel[0]));
        text.open(format!("for (var kx = 0u; kx < {}u; kx++)", kernel[1]));
        text.line(format!("let factor = w1(4u * wb + ky * {}u + kx);", kernel[1]));
        for (row, column) in self.outputs() {
            text.open("");
            text.line(format!("let down = u32(iy + {}) + ky * {}u;", row * stride[0], dilation[0]));
            text.line(format!("let across = u32(ix + {}) + kx * {}u;", column * stride[1], dilation[1]));
            text.open(format!("if (down < {}u && across < {}u)", self.input.height, self.input.width));
            let value = format!("{}1(base + down * {}u + across)", self.reader, self.input.width);
            text.line(format!("a{row}_{column} = fma(factor, {value}, a{row}_{column});"));
            text.close();
            text.close();
        }
        text.close();
        text.close();
    }
}

/// The weight of a tap, or the bias behind the last one.
fn weight(tap: u32) -> String {
    format!("q{}.{}", tap / 4, COMPONENTS[tap as usize % 4])
}

/// Packs `[channels][taps]` and a bias for each channel as [`Patch::sums`] reads them.
pub(super) fn pack(window: &Sliding, channels: u32, filters: &[f32], bias: &[f32]) -> Vec<f32> {
    let taps = window.taps() as usize;
    let room = 4 * vectors(window) as usize;
    let mut packed = vec![0.0; channels as usize * room];
    for (channel, place) in packed.chunks_exact_mut(room).enumerate() {
        place[..taps].copy_from_slice(&filters[channel * taps..][..taps]);
        place[taps] = bias.get(channel).copied().unwrap_or(0.0);
    }
    packed
}
