//! A pointwise convolution and the depthwise one behind it, in one launch: the map between them is never written.
//!
//! A workgroup computes a few channels of the map between, all rows or a band of them with what the windows reach around
//! it, in workgroup memory, and the depthwise convolution reads them there. Every value of the input serves only those few
//! channels, so it comes straight from the bank, four neighbouring pixels at a time; a thread keeps the sums of all the
//! channels for its pixels. Where pixels are few, threads share a sum, each with its part of the input channels: one
//! launch is then bound by latency, and more threads have more reads under way.

use super::depthwise::Depthwise;
use super::epilogue::{self, Lists};
use super::patch::{self, Patch};
use super::size::Map;
use super::text::{Access, COMPONENTS, Grid, Operands, Setting, Source, Text};
use super::variant::{Limits, Variant};
use super::{Parameters, Refusal};
use crate::graph::Activation;

/// Threads of a workgroup that are tried first.
const THREADS: u32 = 256;

/// Outputs of a workgroup up to which 32 bits count them: padding alone may make many of few values.
const MOST_OUTPUTS: u64 = 1 << 30;

/// Vectors of a window's weights up to which registers have room for them beside the sums.
const MOST_EARLY: u32 = 8;

/// About as many workgroups as a large GPU has processors: with fewer, some idle.
const PROCESSORS: u64 = 128;

/// Sizes of a pointwise convolution with one group and the depthwise one behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PointwiseDepthwise {
    /// What the pointwise convolution reads.
    pub input: Map,
    /// The pointwise convolution's activation.
    pub inner: Activation,
    /// The depthwise convolution; its input is the map between.
    pub depthwise: Depthwise,
}

/// How a workgroup is cut, and what it has of the map between.
#[derive(Clone, Copy, Debug)]
struct Band {
    /// Rows of outputs.
    rows: u32,
    channels: u32,
    /// Threads of a sum, each with its part of the input channels.
    split: u32,
    threads: u32,
    /// Bands of an image.
    bands: u32,
    /// Vectors that hold the rows of the map between which the outputs need.
    vectors: u32,
    /// Whether the first of those rows may start inside a vector.
    shifted: bool,
}

impl Band {
    /// Threads along the vectors.
    fn across(&self) -> u32 {
        self.vectors.min(self.threads / self.split)
    }

    /// Vectors of workgroup memory: the sums of all parts.
    fn room(&self) -> u64 {
        u64::from(self.vectors) * u64::from(self.channels) * u64::from(self.split)
    }

    fn variant(&self) -> Variant {
        let Self { rows, channels, split, threads, .. } = *self;
        Variant::Band { rows, channels, split, threads }
    }
}

impl PointwiseDepthwise {
    /// Vectors of weights of one channel between: one for each input channel, then the bias.
    fn row_vectors(&self) -> u32 {
        (self.input.channels + 1).div_ceil(4)
    }

    /// Elements of the packed weights.
    pub fn packed(&self) -> u64 {
        let (between, output) = (self.depthwise.input.channels, self.depthwise.output.channels);
        let product = u64::from(between) * u64::from(self.row_vectors());
        4 * (product + u64::from(output) * u64::from(patch::vectors(&self.depthwise.window)))
    }

    fn band(&self, rows: u32, channels: u32, split: u32, threads: u32) -> Band {
        let Depthwise { input: between, output, window, .. } = self.depthwise;
        let [stride, kernel, dilation] = [window.stride[0], window.kernel[0], window.dilation[0]].map(u64::from);
        let reach = (u64::from(rows) - 1) * stride + (kernel - 1) * dilation + 1;
        let needed = reach.min(between.height.into()) as u32;
        let bands = output.height.div_ceil(rows);
        let images_aligned = between.batch == 1 || between.pixels().is_multiple_of(4);
        let shifted = !images_aligned || (bands > 1 && !between.width.is_multiple_of(4));
        let elements = needed * between.width + if shifted { 3 } else { 0 };
        Band { rows, channels, split, threads, bands, vectors: elements.div_ceil(4), shifted }
    }

    /// A band with as many threads to a sum as there are threads and as workgroup memory has room for.
    fn fitting(&self, rows: u32, channels: u32, threads: u32, limits: &Limits) -> Option<Band> {
        let band = self.band(rows, channels, 1, threads);
        let most = (u64::from(limits.workgroup_bytes / 16) / band.room().max(1)) as u32;
        let split = (threads / band.vectors).clamp(1, (self.input.channels / 4).max(1)).min(most);
        let fits = split > 0 && threads <= limits.invocations && self.outputs_of(&band) <= MOST_OUTPUTS;
        fits.then_some(Band { split, ..band })
    }

    /// Empty where not even a row of one channel fits.
    pub fn variants(&self, limits: &Limits) -> Vec<Variant> {
        let (between, output) = (self.depthwise.input, self.depthwise.output);
        let threads = THREADS.min(limits.invocations);
        let mut heights: Vec<u32> = (0..)
            .map_while(|power| 1_u32.checked_shl(power))
            .take_while(|&bands| bands < output.height)
            .map(|bands| output.height.div_ceil(bands))
            .collect();
        heights.push(1);
        heights.dedup();
        let mut bands: Vec<Band> = heights
            .iter()
            .flat_map(|&rows| [1, 2, 4, 8].map(|channels| (rows, channels)))
            .filter(|&(_, channels)| channels <= between.channels.next_power_of_two())
            .filter_map(|(rows, channels)| self.fitting(rows, channels, threads, limits))
            .collect();
        // By what a processor reads and multiplies: a vector of pixels is as much to read as to multiply with four weights.
        bands.sort_by_key(|band| {
            let groups = u64::from(between.channels.div_ceil(band.channels));
            let workgroups = groups * u64::from(between.batch) * u64::from(band.bands);
            u64::from(4 + band.channels).saturating_mul(band.vectors.into()).saturating_mul(workgroups.max(PROCESSORS))
        });
        // Whole maps compute nothing twice: the best of those is tried wherever it stands.
        if let Some(whole @ 5..) = bands.iter().position(|band| band.bands == 1) {
            bands.swap(4, whole);
        }
        bands.truncate(5);
        let others = [(0, 512), (1, 512), (0, 128)].map(|(place, threads)| {
            let band = bands.get(place)?;
            self.fitting(band.rows, band.channels, threads, limits)
        });
        bands.extend(others.into_iter().flatten());
        bands.iter().map(Band::variant).collect()
    }

    pub fn source(&self, variant: Variant, setting: Setting) -> Result<Source, Refusal> {
        let refused = || variant.refused("pointwise with depthwise convolution");
        let Variant::Band { rows, channels, split, threads } = variant else { return Err(refused()) };
        let Depthwise { input: between, output, window, finish, .. } = self.depthwise;
        let small = (1..=16).contains(&channels) && (1..=1024).contains(&threads) && (1..=threads).contains(&split);
        if !small || !(1..=output.height).contains(&rows) {
            return Err(refused());
        }
        let band = self.band(rows, channels, split, threads);
        if band.room() > 1 << 16 || self.outputs_of(&band) > MOST_OUTPUTS {
            return Err(refused());
        }
        let columns = if output.width.is_multiple_of(4) { 4 } else { 1 };
        let patch = Patch { reader: "between", input: between, output, window, rows: 1, columns };
        let write = if columns == 4 { Access::VECTOR } else { Access::SCALAR };
        let operands = Operands { read: Access::VECTOR, write, second: finish.access(write), weights: Access::BOTH };
        let mut text = Text::new(setting, operands);
        epilogue::declare(&mut text, "inner", self.inner, Access::VECTOR);
        epilogue::declare(&mut text, "finish", finish.activation, write);
        text.line(format!("var<workgroup> sums: array<vec4<f32>, {}>;", band.room()));
        text.line("fn between1(i: u32) -> f32 { return sums[i >> 2u][i & 3u]; }");
        text.line("fn between4(i: u32) -> vec4<f32> { return sums[i]; }");

        let grid = Grid {
            across: u64::from(between.batch) * u64::from(band.bands),
            down: between.channels.div_ceil(channels).into(),
        };
        text.main(threads, &grid);
        text.line(format!("let n = across / {}u;", band.bands));
        text.line(format!("let y0 = across % {}u * {rows}u;", band.bands));
        text.line(format!("let m0 = down * {channels}u;"));
        // The first row of the map between that is needed, where it starts in a plane, and in which vector.
        text.line(format!("let first = u32(max(i32(y0) * {} - {}, 0));", window.stride[0], window.padding[0]));
        text.line(format!("let start = n * {}u + first * {}u;", between.pixels(), between.width));
        text.line("let p0 = start / 4u;");
        // Where a thread has one patch, its weights are on their way while the first sums are made.
        let early = self.patches(&band, &patch).1 <= threads.into() && patch::vectors(&window) <= MOST_EARLY;
        if early {
            text.line("let i = local;");
            self.patch_weights(&mut text, &band, &patch);
        }
        self.sums(&mut text, &band);
        text.line("workgroupBarrier();");
        if split > 1 {
            self.add_parts(&mut text, &band);
            text.line("workgroupBarrier();");
        }
        self.outputs(&mut text, &band, &patch, (early, write));
        text.finish(&grid)
    }

    /// Each thread's sums over its part of the input channels, into workgroup memory; whole ones with all that belongs to
    /// them.
    fn sums(&self, text: &mut Text, band: &Band) {
        let across = band.across();
        text.line(format!("let column = local % {across}u;"));
        text.line(format!("let kz = local / {across}u;"));
        let all_busy = across * band.split == band.threads;
        text.open(if all_busy { String::new() } else { format!("if (kz < {}u)", band.split) });
        for at in 0..band.channels {
            // Channels beyond the last one are summed with its weights, and not written.
            let ragged = !self.depthwise.input.channels.is_multiple_of(band.channels);
            let channel = format!("m0 + {at}u");
            let channel =
                if ragged { format!("min({channel}, {}u)", self.depthwise.input.channels - 1) } else { channel };
            text.line(format!("let w_{at} = ({channel}) * {}u;", self.row_vectors()));
        }
        if across < band.vectors {
            text.open(format!("for (var v = column; v < {}u; v += {across}u)", band.vectors));
        } else {
            text.open("");
            text.line("let v = column;");
        }
        // Vectors behind the last row may lie behind the plane: they are of no use.
        let inside = band.bands == 1 && !band.shifted;
        text.line(if inside {
            "let p = p0 + v;".to_owned()
        } else {
            format!("let p = min(p0 + v, {}u);", self.input.vectors() - 1)
        });
        for at in 0..band.channels {
            let bias = format!("w1(4u * w_{at} + {}u)", self.input.channels);
            let bias = if band.split > 1 { format!("select(0.0, {bias}, kz == 0u)") } else { bias };
            text.line(format!("var s{at} = vec4<f32>({bias});"));
        }
        self.products(text, band);
        for at in 0..band.channels {
            let value = if band.split > 1 { format!("s{at}") } else { format!("inner4(s{at})") };
            text.line(format!("sums[(kz * {}u + {at}u) * {}u + v] = {value};", band.channels, band.vectors));
        }
        text.close();
        text.close();
    }

    /// Adds the products with every `split`-th group of four input channels, two groups under way at a time.
    fn products(&self, text: &mut Text, band: &Band) {
        let (split, groups) = (band.split, self.input.channels / 4);
        let (rounds, rest, last) = (groups / split, groups % split, self.input.channels % 4);
        if rounds > 1 {
            text.open(format!("for (var g = kz; g < {}u; g += {}u)", rounds / 2 * 2 * split, 2 * split));
            for at in 0..2 {
                Self::group(text, band, &format!("g + {}u", at * split), 4);
            }
            text.close();
        }
        if rounds % 2 == 1 {
            Self::group(text, band, &format!("kz + {}u", (rounds - 1) * split), 4);
        }
        if rest > 0 {
            text.open(format!("if (kz < {rest}u)"));
            Self::group(text, band, &format!("kz + {}u", rounds * split), 4);
            text.close();
        }
        if last > 0 {
            // By the first thread that had none of the rest.
            text.open(if split > 1 { format!("if (kz == {rest}u)") } else { String::new() });
            Self::group(text, band, &format!("{groups}u"), last as usize);
            text.close();
        }
    }

    fn group(text: &mut Text, band: &Band, group: &str, count: usize) {
        text.open("");
        text.line(format!("let k = {group};"));
        for at in 0..count {
            text.line(format!("let x_{at} = x4((tab[4u * k + {at}u] >> 2u) + p);"));
        }
        for channel in 0..band.channels {
            text.line(format!("let f{channel} = w4(w_{channel} + k);"));
            for (at, component) in COMPONENTS.iter().enumerate().take(count) {
                text.line(format!("s{channel} = fma(vec4<f32>(f{channel}.{component}), x_{at}, s{channel});"));
            }
        }
        text.close();
    }

    /// Adds up what the threads of a split sum have.
    fn add_parts(&self, text: &mut Text, band: &Band) {
        let all = band.channels * band.vectors;
        text.open(format!("for (var o = local; o < {all}u; o += {}u)", band.threads));
        let parts: Vec<String> = (0..band.split).map(|part| format!("sums[o + {}u]", part * all)).collect();
        text.line(format!("sums[o] = inner4({});", parts.join(" + ")));
        text.close();
    }

    /// Outputs of a workgroup.
    fn outputs_of(&self, band: &Band) -> u64 {
        let Depthwise { output, multiplier, .. } = self.depthwise;
        [band.rows, output.width, band.channels, multiplier].map(u64::from).iter().fold(1, |n, &d| n.saturating_mul(d))
    }

    /// Patches of outputs of a channel's band, and of a workgroup.
    fn patches(&self, band: &Band, patch: &Patch) -> (u32, u64) {
        let patches = band.rows * self.depthwise.output.width.div_ceil(patch.columns);
        (patches, u64::from(patches) * u64::from(band.channels) * u64::from(self.depthwise.multiplier))
    }

    /// Declares the output channel `c` of patch `i` of the workgroup and its weights.
    fn patch_weights(&self, text: &mut Text, band: &Band, patch: &Patch) {
        let Depthwise { input: between, output, window, multiplier, .. } = self.depthwise;
        text.line(format!("let at = i / {}u;", self.patches(band, patch).0));
        text.line(format!("let c = m0 * {multiplier}u + at;"));
        let first = between.channels * self.row_vectors();
        text.line(format!("let wb = {first}u + min(c, {}u) * {}u;", output.channels - 1, patch::vectors(&window)));
        patch.weights(text);
    }

    /// The depthwise convolution of what workgroup memory has. `early`: whether the weights are declared.
    fn outputs(&self, text: &mut Text, band: &Band, patch: &Patch, (early, write): (bool, Access)) {
        let Depthwise { input: between, output, multiplier, .. } = self.depthwise;
        let across = output.width.div_ceil(patch.columns);
        let (patches, all) = self.patches(band, patch);
        if early {
            text.open(format!("if (i < {all}u)"));
        } else {
            text.open(format!("for (var i = local; i < {all}u; i += {}u)", band.threads));
            self.patch_weights(text, band, patch);
        }
        text.line(format!("let oy = i32(y0 + i % {patches}u / {across}u);"));
        text.line(format!("let ox = i32(i % {across}u) * {};", patch.columns));
        text.open(format!("if (oy < {} && c < {}u)", output.height, output.channels));
        // Rows count from the map's first one, which may lie before what there is.
        let place = format!("at / {multiplier}u * {}u + start % 4u", 4 * band.vectors);
        text.line(format!("let base = {place} - first * {}u;", between.width));
        patch.sums_with_weights(text);
        let lists = Lists::new(self.input.channels, output.channels);
        self.depthwise.write(text, lists, [1, patch.columns], write);
        text.close();
        text.close();
    }

    /// For each channel between its weights and bias, rounded up to a vector; then the depthwise weights.
    pub fn pack(&self, pointwise: &Parameters<'_>, depthwise: &Parameters<'_>) -> Vec<f32> {
        let (depth, room) = (self.input.channels as usize, 4 * self.row_vectors() as usize);
        let mut packed = vec![0.0; self.depthwise.input.channels as usize * room];
        for (channel, place) in packed.chunks_exact_mut(room).enumerate() {
            place[..depth].copy_from_slice(&pointwise.filters[channel * depth..][..depth]);
            place[depth] = pointwise.bias.get(channel).copied().unwrap_or(0.0);
        }
        packed.extend(self.depthwise.pack(depthwise));
        packed
    }
}
