//! Sliding windows: what convolutions and pooling move over a map.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The geometry of a sliding window; `[vertical, horizontal]` throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Size of the window in pixels.
    pub kernel: [usize; 2],
    /// Step of the window.
    pub stride: [usize; 2],
    /// Zero (or, for max-pooling, minus infinity) pixels above and left of the map.
    pub padding: [usize; 2],
    /// The same below and right of it; often as many, more where an output length is rounded up.
    pub padding_end: [usize; 2],
    /// Distance between neighbouring taps.
    pub dilation: [usize; 2],
}

impl Window {
    /// A square window with "same" padding: `kernel / 2` on every side.
    #[must_use]
    pub const fn square(kernel: usize, stride: usize) -> Self {
        Self::padded([kernel; 2], stride, [kernel / 2; 2])
    }

    /// A window with as much padding on one side as on the other.
    #[must_use]
    pub const fn padded(kernel: [usize; 2], stride: usize, padding: [usize; 2]) -> Self {
        Self { kernel, stride: [stride; 2], padding, padding_end: padding, dilation: [1; 2] }
    }

    /// A square window that stays inside the map.
    #[must_use]
    pub const fn inside(kernel: usize, stride: usize) -> Self {
        Self::padded([kernel; 2], stride, [0; 2])
    }

    /// The window with just enough padding below and right that the last one ends at or behind the map's end: output
    /// lengths for an input of `[height, width]` are rounded up. The last window starts in the map, as PyTorch and ONNX
    /// require with `ceil_mode`.
    #[must_use]
    pub fn rounding_up(self, input: [usize; 2]) -> Self {
        let end = |axis: usize| {
            let stride = self.stride[axis].max(1);
            let from_start = input[axis].saturating_add(self.padding[axis]);
            let padded = from_start.saturating_add(self.padding_end[axis]);
            let steps = padded.saturating_sub(self.reach(axis)?).div_ceil(stride);
            // The start of the last window, one earlier where that is already behind the map.
            let last = [steps, steps.saturating_sub(1)].map(|step| step.saturating_mul(stride));
            let last = if last[0] < from_start { last[0] } else { last[1] };
            last.checked_add(self.reach(axis)?)?.checked_sub(from_start)
        };
        let padding_end = [0, 1].map(|axis| end(axis).unwrap_or(self.padding_end[axis]));
        Self { padding_end, ..self }
    }

    /// Whether every output is one pixel of the map, each in its place: one tap, no stride, no padding.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        (self.kernel, self.stride) == ([1; 2], [1; 2]) && [self.padding, self.padding_end] == [[0; 2]; 2]
    }

    /// Whether there is more padding on one side of the map than on the other.
    #[must_use]
    pub fn is_uneven(&self) -> bool {
        self.padding != self.padding_end
    }

    /// Taps of the window: `height * width` of the kernel.
    #[must_use]
    pub const fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Output length along `axis` (0 vertical, 1 horizontal) for an input of `length` pixels, rounded down as PyTorch
    /// does; `None` where the window does not fit.
    #[must_use]
    pub fn output_length(&self, axis: usize, length: usize) -> Option<usize> {
        let padded = length.checked_add(self.padding[axis])?.checked_add(self.padding_end[axis])?;
        Some(padded.checked_sub(self.reach(axis)?)?.checked_div(self.stride[axis])? + 1)
    }

    /// How many taps along `axis` count at place `output`: those in a map of `length` pixels, or in the `counted` pixels of
    /// padding before and behind it.
    #[must_use]
    pub fn counted_taps(&self, axis: usize, length: usize, counted: [[usize; 2]; 2], output: usize) -> usize {
        // From the first pixel of padding on.
        let padding = self.padding[axis];
        let first = padding.saturating_sub(counted[0][axis]);
        let end = padding.saturating_add(length).saturating_add(counted[1][axis]);
        let start = output.saturating_mul(self.stride[axis]);
        let place = |tap: usize| start.saturating_add(tap.saturating_mul(self.dilation[axis]));
        (0..self.kernel[axis]).filter(|&tap| (first..end).contains(&place(tap))).count()
    }

    /// Pixels along `axis` from the first tap to the last.
    pub(super) fn reach(&self, axis: usize) -> Option<usize> {
        self.dilation[axis].checked_mul(self.kernel[axis].checked_sub(1)?)?.checked_add(1)
    }
}

impl fmt::Display for Window {
    /// `3x3`, `3x3 /2`, `1x7`, `3x3 dil2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}x{}", self.kernel[0], self.kernel[1]);
        match self.stride {
            [1, 1] => {}
            [v, h] if v == h => text += &format!(" /{v}"),
            [v, h] => text += &format!(" /{v}x{h}"),
        }
        if self.dilation != [1, 1] {
            text += &format!(" dil{}", self.dilation[0]);
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_up_gives_the_output_lengths_of_ceil_mode() {
        // Kernel, stride, padding, length; then what PyTorch gives with `ceil_mode=True`.
        for ((kernel, stride, padding, length), expected) in [
            ((3, 2, 0, 112), 56),
            ((3, 2, 0, 113), 56),
            ((3, 1, 1, 14), 14),
            ((2, 2, 0, 15), 8),
            ((3, 2, 1, 8), 5),
            // A last window that would start in the padding is left out.
            ((2, 2, 1, 3), 2),
            ((1, 2, 0, 4), 2),
        ] {
            let window = Window::padded([kernel; 2], stride, [padding; 2]).rounding_up([length; 2]);
            assert_eq!(window.output_length(0, length), Some(expected), "{kernel} {stride} {padding} {length}");
        }
        let usual = Window::square(3, 1);
        assert_eq!(usual.rounding_up([9, 14]), usual, "nothing is left over");
    }

    #[test]
    fn uneven_padding_counts_once_on_each_side() {
        let window = Window { padding_end: [2, 0], ..Window::inside(3, 1) };
        assert_eq!([0, 1].map(|axis| window.output_length(axis, 5)), [Some(5), Some(3)]);
        assert!(window.is_uneven() && !Window::square(3, 1).is_uneven());
        let enormous = Window { padding_end: [usize::MAX; 2], ..Window::square(3, 1) };
        assert_eq!(enormous.output_length(0, 5), None);
        assert!(enormous.rounding_up([5, 5]).output_length(0, 5).is_some(), "saturates");
    }
}
