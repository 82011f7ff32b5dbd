//! Depthwise convolution of whole maps: planes in a thread's scratch, filled from the arena or straight from the
//! pointwise convolution in front.

use super::arena::Arena;
use super::depthwise::{self, Method, PlaneArgs};
use super::epilogue::Epilogue;
use super::map::{Map, Split};
use super::matmul::MAX_ROWS;
use super::table::Table;
use super::unfit::{Unfit, ensure_equal, ensure_shape, ensure_whole, product, sum};
use super::window::Phases;
use crate::graph::Window;
use crate::runtime::parameters::Filters;

/// A depthwise convolution with its weights and its output.
#[derive(Debug)]
pub struct Planes {
    table: &'static Table,
    method: Method,
    phases: Phases,
    guard: usize,
    /// On cache lines: loads that cross one cost a tenth of the whole kernel.
    masks: Arena,
    /// `[channels][taps]`
    weights: Vec<f32>,
    bias: Vec<f32>,
    epilogue: Epilogue,
    output: Map,
    /// Where the planes lie in the scratch; their guards stay zero, so only planes of equal layout may share.
    pub(super) scratch_at: usize,
}

/// Floats of planes that are filled before the first of them is convolved. A plane is read at other offsets than it was
/// written at, and such reads wait until the writes have left the core; with a few small planes in between they have.
const NEAR: usize = 2048;

/// Planes of equal layout share scratch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PlaneLayout {
    pub guard: usize,
    pub pixels: usize,
}

impl PlaneLayout {
    /// Floats from one plane to the next.
    pub fn pitch(self) -> usize {
        self.pixels.next_multiple_of(16) + 2 * self.guard
    }
}

impl Planes {
    /// `weights` are `[channels][taps]`, `input` is `[height, width]` of the map that is convolved.
    ///
    /// # Errors
    /// Where the lengths do not fit the output's channels and the window's taps, the output's size is not what the window
    /// gives, or planes are more than can be addressed.
    pub fn new(
        table: &'static Table,
        window: Window,
        input: [usize; 2],
        output: Map,
        (weights, bias): (Filters, Vec<f32>),
        epilogue: Epilogue,
    ) -> Result<Self, Unfit> {
        const WHAT: &str = "the planes";
        ensure_whole("the depthwise output", &output)?;
        let phases = Phases::new(window, input, output.size)?;
        let (taps, channels) = (phases.taps.len(), output.channels);
        let size = product("the weights", &[channels, taps])?;
        ensure_equal("weights and biases", (weights.len(), bias.len()), (size, channels))?;
        let method = method(&window, input, output.size);
        // Both guards, each up to half a window of rows, and the map.
        let plane = product(WHAT, &[sum(WHAT, &input)?, sum(WHAT, &[input[1], 8])?, 8])?;
        product(WHAT, &[sum(WHAT, &[plane, 256])?, MAX_ROWS])?;
        let masks = depthwise::masks(method, input, output.size, table.lanes);
        Ok(Self {
            table,
            method,
            phases,
            guard: depthwise::guard(method, input[1]),
            masks: Arena::holding(&masks).map_err(|_| Unfit::TooLarge("the masks"))?,
            weights: weights.into_values(),
            bias,
            epilogue,
            output,
            scratch_at: 0,
        })
    }

    /// `[height, width]` of the map that is convolved.
    pub(super) fn input(&self) -> [usize; 2] {
        self.phases.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    pub(super) fn layout(&self) -> PlaneLayout {
        PlaneLayout { guard: self.guard, pixels: self.phases.input[0] * self.phases.input[1] }
    }

    /// Floats of common scratch that a channel needs besides its plane.
    pub(super) fn scratch(&self) -> usize {
        if self.method == Method::Taps { self.phases.floats(self.output.size[0]) } else { 0 }
    }

    /// Multiply-adds (or as slow things) per channel.
    pub(super) fn work(&self) -> f64 {
        let pixels = self.output.pixels() as f64;
        pixels * self.phases.taps.len() as f64 * if self.method == Method::Flat(3) { 2.0 } else { 4.0 }
    }

    /// Where the pixels of plane `index` start in the scratch.
    pub(super) fn pixels_at(&self, index: usize) -> usize {
        self.scratch_at + index * self.layout().pitch() + self.guard
    }

    /// Convolves plane `index` of the scratch with the weights of `channel` into the output of `image`.
    ///
    /// # Safety
    /// The arena has room for the output's rows and nobody else touches this one now; the scratch has room for the
    /// plane and, at its start, for [`scratch`](Self::scratch).
    pub(super) unsafe fn convolve(
        &self,
        index: usize,
        image: usize,
        channel: usize,
        arena: &Arena,
        scratch: &mut Arena,
    ) {
        let at = self.pixels_at(index);
        let taps = self.phases.taps.len();
        let plane = if self.method == Method::Taps {
            let (phases, planes) = scratch.as_mut_slice().split_at_mut(at);
            self.phases.deal(self.table, &planes[..self.layout().pixels], 0, self.output.size[0], 0.0, phases);
            phases.as_ptr()
        } else {
            // SAFETY: `at` lies inside the scratch, as the caller promises: `Program` gave the planes their place there.
            unsafe { scratch.base().add(at) }
        };
        let args = PlaneArgs {
            method: self.method,
            input: self.phases.input,
            output: self.phases.output,
            masks: self.masks.base(),
            plane,
            phases: &self.phases,
            weights: &self.weights[channel * taps..][..taps],
            bias: self.bias[channel],
            // SAFETY: the row lies inside the arena, as the caller promises.
            out: unsafe { arena.base().add(self.output.image(image)[channel] as usize) },
            epilogue: self.epilogue,
            finish: self.table.finish,
        };
        // SAFETY: the plane has its guards (or the phases are complete), the masks were made for these lanes, and the
        // output's row belongs to this call.
        unsafe { (self.table.plane)(&args) }
    }
}

fn method(window: &Window, input: [usize; 2], output: [usize; 2]) -> Method {
    let kernel = window.kernel[0];
    if *window == Window::square(kernel, 1) && input == output && matches!(kernel, 3 | 5 | 7) {
        Method::Flat(kernel)
    } else if *window == Window::square(kernel, 2) && matches!(kernel, 3 | 5 | 7) {
        Method::StrideTwo(kernel)
    } else {
        Method::Taps
    }
}

/// Depthwise convolution of a map in the arena.
#[derive(Debug)]
pub struct Depthwise {
    input: Map,
    pub(super) planes: Planes,
    split: Split,
}

impl Depthwise {
    /// # Errors
    /// Where the input is not what the planes are made for, or does not have the output's images and channels.
    pub fn new(input: Map, planes: Planes, threads: usize) -> Result<Self, Unfit> {
        let Map { channels, .. } = planes.output;
        ensure_shape("the depthwise input", &input, (planes.output.batch(), channels, planes.input()))?;
        let split = Split::new(input.rows.len(), planes.work(), threads);
        Ok(Self { input, planes, split })
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn items(&self) -> usize {
        self.split.items()
    }

    /// # Safety
    /// As [`Planes::convolve`], for the output rows of `item`; the input is complete.
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        let rows = self.split.range(item);
        let together = (NEAR / self.planes.layout().pitch()).clamp(1, MAX_ROWS);
        for first in rows.clone().step_by(together) {
            let rows = first..rows.end.min(first + together);
            for (index, row) in rows.clone().enumerate() {
                // SAFETY: the input's row lies in the arena, planes in the scratch; they are different memory.
                unsafe {
                    let plane = scratch.base().add(self.planes.pixels_at(index));
                    let map = arena.base().add(self.input.rows[row] as usize);
                    (self.planes.table.copy)(map, plane, self.input.pixels());
                }
            }
            for (index, row) in rows.enumerate() {
                // SAFETY: as the caller promises; the plane was filled just now.
                unsafe {
                    let (image, channel) = (row / self.input.channels, row % self.input.channels);
                    self.planes.convolve(index, image, channel, arena, scratch);
                }
            }
        }
    }
}
