//! How each operation is written in PyTorch: as a module where PyTorch has one, otherwise as an expression.

use crate::graph::{Activation, Op, Window};

/// The module's constructor; `None` for operations that are expressions.
pub(super) fn constructor(op: &Op) -> Option<String> {
    Some(match op {
        Op::Conv2d(conv) => {
            let mut text =
                format!("nn.Conv2d({}, {}, {}", conv.in_channels, conv.out_channels, pair(conv.window.kernel));
            text += &sliding(op, &conv.window);
            if conv.groups != 1 {
                text += &format!(", groups={}", conv.groups);
            }
            if !conv.bias {
                text += ", bias=False";
            }
            text + ")"
        }
        Op::BatchNorm { channels, eps } if *eps == 1e-5 => format!("nn.BatchNorm2d({channels})"),
        Op::BatchNorm { channels, eps } if eps.is_finite() => format!("nn.BatchNorm2d({channels}, eps={eps:e})"),
        Op::BatchNorm { channels, eps } => format!("nn.BatchNorm2d({channels}, eps=float(\"{eps}\"))"),
        Op::Activation(activation) => match activation {
            Activation::Relu => "nn.ReLU()".into(),
            Activation::Relu6 => "nn.ReLU6()".into(),
            Activation::HardSwish => "nn.Hardswish()".into(),
            Activation::Sigmoid => "nn.Sigmoid()".into(),
            Activation::None => "nn.Identity()".into(),
        },
        Op::MaxPool(window) => format!("nn.MaxPool2d({}{})", pair(window.kernel), pooling(op, window)),
        Op::AvgPool(window) if window.dilation == [1, 1] => {
            format!("nn.AvgPool2d({}{})", pair(window.kernel), pooling(op, window))
        }
        Op::Linear { in_features, out_features, bias: true } => format!("nn.Linear({in_features}, {out_features})"),
        Op::Linear { in_features, out_features, bias: false } => {
            format!("nn.Linear({in_features}, {out_features}, bias=False)")
        }
        _ => return None,
    })
}

/// The expression, with `{0}`, `{1}` or `{all}` for its inputs.
pub(super) fn function(op: &Op) -> String {
    match op {
        Op::GlobalAvgPool => "{0}.mean((2, 3), keepdim=True)".into(),
        Op::Flatten => "{0}.flatten(1)".into(),
        Op::Add => "{0} + {1}".into(),
        Op::Scale => "{0} * {1}".into(),
        Op::Concat => "torch.cat([{all}], 1)".into(),
        Op::Slice { start: 0, channels } => format!("{{0}}[:, :{channels}]"),
        Op::Slice { start, channels } => format!("{{0}}[:, {start}:{}]", start + channels),
        // `F.channel_shuffle` has no derivative in PyTorch 1.
        Op::ChannelShuffle { groups } => format!("{{0}}.unflatten(1, ({groups}, -1)).transpose(1, 2).flatten(1, 2)"),
        // PyTorch's average pooling has no dilation; a depthwise convolution with equal weights is the same.
        Op::AvgPool(window) => format!(
            "F.conv2d({{0}}, torch.full(({{0}}.shape[1], 1, {}, {}), {:?}).to({{0}}){}, groups={{0}}.shape[1])",
            window.kernel[0],
            window.kernel[1],
            1.0 / window.taps() as f64,
            sliding(op, window),
        ),
        Op::Input | Op::Conv2d(_) | Op::BatchNorm { .. } | Op::Activation(_) | Op::MaxPool(_) | Op::Linear { .. } => {
            "{0}".into()
        }
    }
}

/// The padding that PyTorch's module cannot do itself, as an expression.
pub(super) fn padding(op: &Op) -> Option<String> {
    let (window, value) = match op {
        Op::Conv2d(conv) => (conv.window, ""),
        Op::AvgPool(window) => (*window, ""),
        Op::MaxPool(window) => (*window, ", value=-float(\"inf\")"),
        _ => return None,
    };
    let ([top, left], [bottom, right]) = (window.padding, window.padding_end);
    // Pooling refuses more padding than half of its window, beside that which differs between opposite sides.
    let is_wide = !matches!(op, Op::Conv2d(_)) && (0..2).any(|axis| window.padding[axis] > window.kernel[axis] / 2);
    (window.is_uneven() || is_wide).then(|| format!("F.pad({{0}}, ({left}, {right}, {top}, {bottom}){value})"))
}

/// The arguments of an operation's window that differ from PyTorch's defaults, without [`padding`] that is done before.
fn sliding(op: &Op, window: &Window) -> String {
    let mut text = String::new();
    let padded = if padding(op).is_some() { [0; 2] } else { window.padding };
    for (name, value, default) in
        [("stride", window.stride, 1), ("padding", padded, 0), ("dilation", window.dilation, 1)]
    {
        if value != [default; 2] {
            text += &format!(", {name}={}", pair(value));
        }
    }
    text
}

/// As [`sliding`]; a pooling's stride is its window unless said otherwise.
fn pooling(op: &Op, window: &Window) -> String {
    let stride = if window.stride == [1, 1] { ", stride=1" } else { "" };
    format!("{stride}{}", sliding(op, window))
}

fn pair([vertical, horizontal]: [usize; 2]) -> String {
    if vertical == horizontal { vertical.to_string() } else { format!("({vertical}, {horizontal})") }
}
