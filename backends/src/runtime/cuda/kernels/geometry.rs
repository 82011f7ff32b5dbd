//! Sizes of maps and windows as the kernels take them: 32 bits, checked once.

use super::Refusal;
use crate::graph::{Shape, Window};

/// The most elements of one value, and bytes of one kernel's weights: sizes, rounded up, stay within `i32`.
const MOST: u64 = (1 << 31) - (1 << 16);
/// The most blocks of a launch in its second and third dimension.
pub(super) const MOST_BLOCKS: u32 = 65_535;

/// The size of a feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Map {
    pub batch: u32,
    pub channels: u32,
    pub height: u32,
    pub width: u32,
}

impl Map {
    /// # Errors
    /// Where a size is zero or the map has too many elements.
    pub fn of(shape: &Shape) -> Result<Self, Refusal> {
        let sizes = [shape.batch, shape.channels, shape.height, shape.width];
        if let Some(&given) = sizes.iter().find(|&&size| size == 0) {
            return Err(Refusal::Shape { what: "a size of a feature map", given, expected: 1 });
        }
        let plane = [shape.batch, shape.height, shape.width].iter().fold(1_u64, |n, &d| n.saturating_mul(d as u64));
        let room = plane.saturating_add(3) / 4 * 4;
        fits("a feature map", room.saturating_mul(shape.channels as u64))?;
        let [batch, channels, height, width] = sizes.map(|size| size as u32);
        Ok(Self { batch, channels, height, width })
    }

    /// Pixels of one image.
    pub const fn pixels(&self) -> u32 {
        self.height * self.width
    }

    /// Elements of one plane: the pixels of all images.
    pub const fn plane(&self) -> u32 {
        self.batch * self.pixels()
    }
}

/// A sliding window; `[vertical, horizontal]`. Padding at the end is in the output's size already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sliding {
    pub kernel: [u32; 2],
    pub stride: [u32; 2],
    pub padding: [u32; 2],
    pub dilation: [u32; 2],
}

impl Sliding {
    /// # Errors
    /// Where a size is zero, or coordinates leave 32 bits.
    pub fn of(window: &Window, output: &Map) -> Result<Self, Refusal> {
        for &given in window.kernel.iter().chain(&window.stride).chain(&window.dilation) {
            if given == 0 {
                return Err(Refusal::Shape { what: "a kernel's size, stride or dilation", given, expected: 1 });
            }
        }
        for (axis, length) in [output.height, output.width].into_iter().enumerate() {
            let reach = |step: usize, count: usize| (step as u64).saturating_mul(count as u64);
            let last = reach(window.stride[axis], length as usize);
            let last = last.saturating_add(reach(window.dilation[axis], window.kernel[axis] - 1));
            // Threads may look a few outputs beyond the last one before they find that there is none.
            fits("the reach of a window", last.saturating_add(window.padding[axis] as u64).saturating_mul(16))?;
        }
        fits("a window's taps", (window.kernel[0] as u64).saturating_mul(window.kernel[1] as u64))?;
        let narrow = |sizes: [usize; 2]| sizes.map(|size| size as u32);
        Ok(Self {
            kernel: narrow(window.kernel),
            stride: narrow(window.stride),
            padding: narrow(window.padding),
            dilation: narrow(window.dilation),
        })
    }

    /// One tap, no stride, no padding: what a pointwise convolution has.
    pub const POINT: Self = Self { kernel: [1; 2], stride: [1; 2], padding: [0; 2], dilation: [1; 2] };

    /// Whether tiles of it are laid out in shared memory: no step is so long that it is not looked into between.
    pub fn is_close(&self) -> bool {
        self.taps() <= 256 && self.stride.iter().chain(&self.dilation).all(|&step| step <= 8)
    }

    /// Taps of the window.
    pub const fn taps(&self) -> u32 {
        self.kernel[0] * self.kernel[1]
    }

    /// The definitions that every text with a window has.
    pub fn define(&self) -> [(&'static str, i64); 8] {
        [
            ("KERNEL_H", self.kernel[0].into()),
            ("KERNEL_W", self.kernel[1].into()),
            ("STRIDE_H", self.stride[0].into()),
            ("STRIDE_W", self.stride[1].into()),
            ("PAD_H", self.padding[0].into()),
            ("PAD_W", self.padding[1].into()),
            ("DILATION_H", self.dilation[0].into()),
            ("DILATION_W", self.dilation[1].into()),
        ]
    }
}

/// Refuses more than [`MOST`] elements.
pub(super) fn fits(what: &'static str, size: u64) -> Result<(), Refusal> {
    if size > MOST { Err(Refusal::TooLarge { what, size, most: MOST }) } else { Ok(()) }
}

/// Refuses more blocks in the second or third dimension than a launch has.
pub(super) fn launchable(what: &'static str, blocks: u32) -> Result<(), Refusal> {
    let most = MOST_BLOCKS.into();
    if blocks > MOST_BLOCKS { Err(Refusal::TooLarge { what, size: blocks.into(), most }) } else { Ok(()) }
}

/// Refuses lengths other than the expected one.
pub(super) fn expect(what: &'static str, given: usize, expected: usize) -> Result<(), Refusal> {
    if given == expected { Ok(()) } else { Err(Refusal::Shape { what, given, expected }) }
}
