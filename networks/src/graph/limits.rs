//! How large sliding windows can be. What a window takes grows with its taps and with the padded map, so that both are
//! bounded where no network goes, before anything is computed or allocated.

use super::{Activation, LocalNorm, Shape, Window};

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

/// Whether some pixel counts under the window wherever it stands: the mean of none has no value.
///
/// # Errors
/// Where there is none, and what to change.
pub(super) fn check_counted(
    window: &Window,
    counted: [[usize; 2]; 2],
    (input, output): (Shape, Shape),
) -> Result<(), String> {
    for (axis, (length, outputs)) in
        [(input.height, output.height), (input.width, output.width)].into_iter().enumerate()
    {
        if counted[0][axis] > window.padding[axis] || counted[1][axis] > window.padding_end[axis] {
            return Err("it counts more padding than it has".into());
        }
        // Windows between the ends lie in the map with all their taps.
        let stride = window.stride[axis].max(1);
        let (start, end) = (window.padding[axis] / stride + 1, window.padding_end[axis] / stride + 1);
        let ends = (0..start.min(outputs)).chain(outputs.saturating_sub(end)..outputs);
        if let Some(none) = ends.into_iter().find(|&at| window.counted_taps(axis, length, counted, at) == 0) {
            return Err(format!(
                "its window {none} lies in padding that does not count: pad less, or count the padding"
            ));
        }
    }
    Ok(())
}

/// Whether an activation computes with numbers.
///
/// # Errors
/// Where one is not finite that is no end of a range.
pub(super) fn check_coefficients(activation: Activation) -> Result<(), String> {
    let is_range = matches!(activation, Activation::Clip { .. });
    let fits = |value: f32| value.is_finite() || (is_range && !value.is_nan());
    if activation.coefficients().iter().all(|coefficient| fits(coefficient.get())) {
        Ok(())
    } else {
        Err(format!("its coefficients are not finite: {activation}"))
    }
}

/// Whether so many neighbouring channels are added up, and to a number.
///
/// # Errors
/// Where there are none, or more than any network has; where a coefficient is not finite.
pub(super) fn check_neighbours(norm: &LocalNorm) -> Result<(), String> {
    let LocalNorm { size, alpha, beta, offset } = *norm;
    if !(1..=LONGEST).contains(&size) {
        return Err(format!("it adds up {size} neighbouring channels: choose 1 to {LONGEST}"));
    }
    if ![alpha, beta, offset].iter().all(|coefficient| coefficient.get().is_finite()) {
        return Err(format!("its coefficients are not finite: {alpha}, {beta}, {offset}"));
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
    fn means_of_nothing_and_too_many_neighbours_are_refused() {
        let window = Window { kernel: [1, 2], padding_end: [0, 1], ..Window::inside(2, 2) };
        let mean = |window, counted| pushed(Op::AvgPoolCounted { window, counted }, 8);
        assert_eq!(mean(window, [[0; 2]; 2]), Ok(Shape::new(1, 3, 4, 4)));
        // Taps two apart, both beside a map of two pixels.
        let gaps = Window { kernel: [2, 1], dilation: [3, 1], padding: [1, 0], padding_end: [1, 0], ..window };
        let gaps = Window { stride: [1; 2], ..gaps };
        let said = pushed(Op::AvgPoolCounted { window: gaps, counted: [[0; 2]; 2] }, 2).unwrap_err();
        assert!(said.contains("its window 0 lies in padding that does not count"), "{said}");
        let said = mean(window, [[0; 2], [0, 2]]).unwrap_err();
        assert!(said.contains("counts more padding than it has"), "{said}");
        let said = pushed(Op::Activation(Activation::Elu { alpha: f32::INFINITY.into() }), 8).unwrap_err();
        assert!(said.contains("not finite: elu inf"), "{said}");
        assert!(pushed(Op::Activation(Activation::clip(0.5, f32::INFINITY)), 8).is_ok());
        assert!(pushed(Op::Activation(Activation::clip(f32::NAN, 1.0)), 8).is_err());
        for size in [0, 257] {
            let norm = LocalNorm { size, alpha: 1.0.into(), beta: 1.0.into(), offset: 1.0.into() };
            let said = pushed(Op::LocalNorm(norm), 8).unwrap_err();
            assert!(said.contains(&format!("adds up {size} neighbouring channels")), "{said}");
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
