//! Sizes of maps and windows as the texts bake them in: 32 bits, checked once.

use super::Refusal;
use crate::graph::{Shape, Window};

/// The most elements of one value, and of one kernel's weights: coordinates stay within `i32`, addresses within `u32`.
const MOST: u64 = 1 << 31;

/// The size of a feature map, and how its images lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Map {
    pub batch: u32,
    pub channels: u32,
    pub height: u32,
    pub width: u32,
    /// Elements between the images of a plane: its pixels, or those of the map that a vector was flattened from.
    pub image: u32,
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
        Ok(Self { batch, channels, height, width, image: height * width })
    }

    /// The map with its images `image` elements apart.
    ///
    /// # Errors
    /// Where a map of more than one pixel would have gaps or overlaps, or the last image is out of reach.
    pub fn with_image(self, image: usize) -> Result<Self, Refusal> {
        if self.batch == 1 {
            return Ok(self);
        }
        if self.pixels() > 1 {
            expect("the distance of a map's images", image, self.pixels() as usize)?;
        }
        fits("a flattened value", (image as u64).saturating_mul(self.batch.into()))?;
        Ok(Self { image: image as u32, ..self })
    }

    /// Whether a plane starts at a vector and has no gaps. Of one element that is not known: it may be a pixel of a
    /// flattened map.
    pub const fn is_plane(&self) -> bool {
        self.image == self.pixels() && self.plane() > 1
    }

    /// Pixels of one image.
    pub const fn pixels(&self) -> u32 {
        self.height * self.width
    }

    /// Elements of one plane: the pixels of all images.
    pub const fn plane(&self) -> u32 {
        self.batch * self.pixels()
    }

    /// Vectors of four elements in a plane's room.
    pub const fn vectors(&self) -> u32 {
        self.plane().div_ceil(4)
    }
}

/// Refuses more than [`MOST`] elements.
pub(super) fn fits(what: &'static str, size: u64) -> Result<(), Refusal> {
    if size > MOST { Err(Refusal::TooLarge { what, size, most: MOST }) } else { Ok(()) }
}

/// Refuses lengths other than the expected one.
pub(super) fn expect(what: &'static str, given: usize, expected: usize) -> Result<(), Refusal> {
    if given == expected { Ok(()) } else { Err(Refusal::Shape { what, given, expected }) }
}

/// A sliding window over a map; `[vertical, horizontal]`. Padding at the end is in the output's size already.
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
            let last = reach(window.stride[axis], length as usize - 1);
            let last = last.saturating_add(reach(window.dilation[axis], window.kernel[axis] - 1));
            let last = last.saturating_add(window.stride[axis] as u64).saturating_add(window.padding[axis] as u64);
            // Threads may look a few outputs beyond the last one before they find that there is none.
            fits("the reach of a window", last.saturating_mul(16))?;
        }
        let narrow = |sizes: [usize; 2]| sizes.map(|size| size as u32);
        Ok(Self {
            kernel: narrow(window.kernel),
            stride: narrow(window.stride),
            padding: narrow(window.padding),
            dilation: narrow(window.dilation),
        })
    }

    /// Taps of the window.
    pub const fn taps(&self) -> u32 {
        self.kernel[0] * self.kernel[1]
    }
}
