//! Which pixels a window joins: for every place of the result its taps, and for every pixel read the places that read it.

use crate::graph::{Shape, Window};

/// A window over a map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub window: Window,
    /// Rows and columns of the map read.
    pub from: [usize; 2],
    /// Rows and columns of the result.
    pub to: [usize; 2],
}

impl Geometry {
    pub fn new(window: Window, from: Shape, to: Shape) -> Self {
        Self { window, from: [from.height, from.width], to: [to.height, to.width] }
    }

    pub const fn taps(&self) -> usize {
        self.window.taps()
    }

    /// The pixel that a tap of a place of the result reads; `None` in the padding.
    pub fn read(&self, tap: usize, place: usize) -> Option<usize> {
        let (at, tap) = self.split(place, self.to[1], tap);
        let axis = |axis: usize| {
            let Window { stride, padding, dilation, .. } = self.window;
            let padded = at[axis] * stride[axis] + tap[axis] * dilation[axis];
            padded.checked_sub(padding[axis]).filter(|&pixel| pixel < self.from[axis])
        };
        Some(axis(0)? * self.from[1] + axis(1)?)
    }

    /// The place of the result whose tap reads a pixel; `None` where there is none.
    pub fn reader(&self, tap: usize, pixel: usize) -> Option<usize> {
        let (at, tap) = self.split(pixel, self.from[1], tap);
        let axis = |axis: usize| {
            let Window { stride, padding, dilation, .. } = self.window;
            let padded = (at[axis] + padding[axis]).checked_sub(tap[axis] * dilation[axis])?;
            (padded % stride[axis] == 0).then_some(padded / stride[axis]).filter(|&place| place < self.to[axis])
        };
        Some(axis(0)? * self.to[1] + axis(1)?)
    }

    fn split(&self, place: usize, columns: usize, tap: usize) -> ([usize; 2], [usize; 2]) {
        let width = self.window.kernel[1];
        ([place / columns, place % columns], [tap / width, tap % width])
    }

    /// The runs of the result's places, over the map.
    pub fn runs(&self) -> Vec<Run> {
        runs(self.to[0] * self.to[1], self.taps(), |tap, place| self.read(tap, place))
    }

    /// The runs of the map's pixels, over the result: what gradients go back along.
    pub fn runs_back(&self) -> Vec<Run> {
        runs(self.from[0] * self.from[1], self.taps(), |tap, pixel| self.reader(tap, pixel))
    }
}

/// Neighbouring pixels that are made by the same taps of neighbouring others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first of them.
    pub first: usize,
    /// How many.
    pub pixels: usize,
    /// Each tap, with the first pixel that it reads.
    pub taps: Vec<(usize, usize)>,
}

fn runs(pixels: usize, taps: usize, read: impl Fn(usize, usize) -> Option<usize>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for pixel in 0..pixels {
        let taps: Vec<(usize, usize)> = (0..taps).filter_map(|tap| Some((tap, read(tap, pixel)?))).collect();
        if let Some(last) = runs.last_mut()
            && last.taps.len() == taps.len()
            && last.taps.iter().zip(&taps).all(|(a, b)| a.0 == b.0 && a.1 + last.pixels == b.1)
        {
            last.pixels += 1;
            continue;
        }
        runs.push(Run { first: pixel, pixels: 1, taps });
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_back_joins_what_a_run_joins() {
        let odd = Window { kernel: [3, 2], stride: [2, 1], padding: [1, 0], padding_end: [0, 1], dilation: [1, 2] };
        for window in [Window::square(3, 1), Window::square(5, 2), Window::square(1, 2), Window::inside(2, 2), odd] {
            let from = Shape::new(1, 1, 7, 6);
            let length = |axis, length| window.output_length(axis, length).unwrap();
            let to = Shape::new(1, 1, length(0, 7), length(1, 6));
            let geometry = Geometry::new(window, from, to);
            let pairs = |runs: Vec<Run>, back: bool| {
                let mut pairs: Vec<[usize; 3]> = runs
                    .iter()
                    .flat_map(|run| {
                        let (first, pixels) = (run.first, run.pixels);
                        run.taps.iter().flat_map(move |&(tap, from)| {
                            (0..pixels).map(move |at| {
                                if back { [tap, first + at, from + at] } else { [tap, from + at, first + at] }
                            })
                        })
                    })
                    .collect();
                pairs.sort_unstable();
                pairs
            };
            assert_eq!(pairs(geometry.runs(), false), pairs(geometry.runs_back(), true), "{window}");
        }
    }
}
