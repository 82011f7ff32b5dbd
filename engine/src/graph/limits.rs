//! How large sliding windows can be. What a window takes grows with its taps and with the padded map, so that both are
//! bounded where no network goes, before anything is computed or allocated.

use super::{Shape, Window};

/// Longest side of a window, stride and dilation in pixels. The largest convolutions published have 51 x 51 taps; a pooling
/// of a larger map is one of the whole map or comes in two steps.
const LONGEST: usize = 256;

/// Padding on one side that is possible whatever the input's size: dilated windows reach beyond small maps.
const PADDING: usize = 64;

/// Whether `window` can be moved over `input`. A `pooling` has no window of padding alone.
///
/// # Errors
/// What is too large, how large it may be, and what to change.
pub(super) fn check(window: &Window, input: Shape, pooling: bool) -> Result<(), String> {
    for (name, [vertical, horizontal]) in
        [("window", window.kernel), ("stride", window.stride), ("dilation", window.dilation)]
    {
        if ![vertical, horizontal].iter().all(|size| (1..=LONGEST).contains(size)) {
            return Err(format!("its {name} is {vertical}x{horizontal} pixels: choose 1 to {LONGEST} on both sides"));
        }
    }
    for (axis, length) in [input.height, input.width].into_iter().enumerate() {
        let reach = window.reach(axis).unwrap_or(usize::MAX);
        let (most, rule) = if pooling {
            (reach - 1, "a pooling's padding is smaller than its window".to_owned())
        } else {
            let rule = format!("a convolution pads no more than the map's own side or {PADDING} pixels");
            (length.max(PADDING), rule)
        };
        let padding = window.padding[axis].max(window.padding_end[axis]);
        if padding > most {
            return Err(format!(
                "it pads its input of {}x{} pixels by {padding} on one side, where at most {most} make sense: {rule}",
                input.height, input.width
            ));
        }
        if window.output_length(axis, length).is_none() {
            return Err(format!(
                "a {window} window does not fit its input of {}x{} pixels: raise the network's input size or shrink the window",
                input.height, input.width
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{GraphBuilder, Op};

    fn pushed(op: Op, side: usize) -> Result<Shape, String> {
        let mut builder = GraphBuilder::new("net", Shape::new(1, 3, side, side));
        let input = builder.input();
        let id = builder.push("stage.pool", op, &[input]).map_err(|error| error.to_string())?;
        Ok(builder.shape(id))
    }

    #[test]
    fn windows_that_no_network_has_are_refused_with_their_layer_and_a_remedy() {
        let conv = |window| {
            Op::Conv2d(crate::graph::Conv2d { in_channels: 3, out_channels: 4, window, groups: 1, bias: false })
        };
        let usual = Window::inside(3, 1);
        for (op, told) in [
            // A window that its own padding makes room for.
            (Op::MaxPool(Window::padded([65_536; 2], 1, [32_768; 2])), "window is 65536x65536 pixels: choose 1 to 256"),
            (Op::AvgPool(Window { kernel: [3, 0], ..usual }), "window is 3x0 pixels"),
            (Op::MaxPool(Window { stride: [1, 257], ..usual }), "stride is 1x257"),
            (Op::MaxPool(Window { stride: [0, 1], ..usual }), "stride is 0x1"),
            (conv(Window { dilation: [usize::MAX, 1], ..usual }), "dilation is 18446744073709551615x1"),
            (
                Op::MaxPool(Window { padding: [0, 3], ..usual }),
                "by 3 on one side, where at most 2 make sense: a pooling's",
            ),
            (Op::AvgPool(Window { padding_end: [3, 0], ..usual }), "smaller than its window"),
            (conv(Window { padding: [65, 0], ..usual }), "at most 64 make sense: a convolution pads no more"),
            (conv(Window { padding_end: [0, usize::MAX], ..usual }), "at most 64 make sense"),
            (conv(Window::inside(9, 1)), "does not fit its input of 8x8 pixels: raise the network's input size"),
        ] {
            let said = pushed(op, 8).unwrap_err();
            assert!(said.starts_with("layer `stage.pool`: ") && said.contains(told), "{told}: {said}");
        }
    }

    #[test]
    fn windows_that_networks_have_are_taken() {
        let conv = |window| {
            Op::Conv2d(crate::graph::Conv2d { in_channels: 3, out_channels: 4, window, groups: 1, bias: false })
        };
        // SqueezeNet's last convolution pads one pixel; atrous pooling reaches far beyond small maps.
        assert_eq!(pushed(conv(Window::padded([1; 2], 1, [1; 2])), 13), Ok(Shape::new(1, 4, 15, 15)));
        let atrous = Window { dilation: [36; 2], ..Window::padded([3; 2], 1, [36; 2]) };
        assert_eq!(pushed(conv(atrous), 7), Ok(Shape::new(1, 4, 7, 7)));
        assert_eq!(pushed(conv(Window::square(51, 1)), 56), Ok(Shape::new(1, 4, 56, 56)));
        assert_eq!(pushed(Op::AvgPool(Window::inside(64, 64)), 64), Ok(Shape::new(1, 3, 1, 1)));
        assert_eq!(pushed(Op::MaxPool(Window::square(3, 2)), 1), Ok(Shape::new(1, 3, 1, 1)));
    }
}
