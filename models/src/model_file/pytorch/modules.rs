//! How each operation is written in PyTorch: as a module where PyTorch has one, otherwise as an expression.

use crate::graph::{Activation, LocalNorm, Op, Window};

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
        Op::BatchNorm { channels, eps } => format!("nn.BatchNorm2d({channels}, eps={})", number(*eps)),
        Op::Activation(activation) => return activation_module(*activation),
        Op::PRelu { channels: 1 } => "nn.PReLU()".into(),
        Op::PRelu { channels } => format!("nn.PReLU({channels})"),
        Op::Affine { channels, shift: true } => format!("Affine({channels})"),
        Op::Affine { channels, shift: false } => format!("Affine({channels}, bias=False)"),
        Op::LayerNorm { channels, eps } => format!("LayerNorm2d({channels}, eps={})", number(*eps)),
        Op::LocalNorm(norm) if norm.size % 2 == 1 => format!("nn.LocalResponseNorm({})", neighbours(norm)),
        Op::AvgPoolCounted { window, counted: [[0, 0], [0, 0]] } if is_module(window) => {
            format!("nn.AvgPool2d({}{}, count_include_pad=False)", pair(window.kernel), pooling(op, window))
        }
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
        Op::GlobalMaxPool => "{0}.amax((2, 3), keepdim=True)".into(),
        Op::Activation(activation) => activation_expression(*activation),
        // PyTorch adds up the other neighbours where there is one more on one side.
        Op::LocalNorm(norm) => format!("F.local_response_norm({{0}}.flip(1), {}).flip(1)", neighbours(norm)),
        Op::AvgPoolCounted { window, counted } => mean_counted(op, window, *counted),
        Op::Flatten => "{0}.flatten(1)".into(),
        Op::Add | Op::Shift => "{0} + {1}".into(),
        Op::Mul | Op::Scale => "{0} * {1}".into(),
        Op::Repeat { channels } => format!("{{0}}.expand(-1, {channels}, -1, -1)"),
        Op::Concat => "torch.cat([{all}], 1)".into(),
        Op::Slice { start: 0, channels } => format!("{{0}}[:, :{channels}]"),
        Op::Slice { start, channels } => format!("{{0}}[:, {start}:{}]", start + channels),
        // `F.channel_shuffle` has no derivative in PyTorch 1.
        Op::ChannelShuffle { groups } => format!("{{0}}.unflatten(1, ({groups}, -1)).transpose(1, 2).flatten(1, 2)"),
        Op::AvgPool(window) => dilated_mean("{0}", window, &sliding(op, window)),
        Op::Input
        | Op::Conv2d(_)
        | Op::BatchNorm { .. }
        | Op::PRelu { .. }
        | Op::Affine { .. }
        | Op::LayerNorm { .. }
        | Op::MaxPool(_)
        | Op::Linear { .. } => "{0}".into(),
    }
}

/// Classes that PyTorch does not have, by the name that constructors begin with.
pub(super) const CLASSES: [(&str, &str); 2] = [
    (
        "Affine(",
        "class Affine(nn.Module):\n    \
         def __init__(self, channels, bias=True):\n        \
         super().__init__()\n        \
         self.weight = nn.Parameter(torch.ones(channels))\n        \
         self.bias = nn.Parameter(torch.zeros(channels)) if bias else None\n\n    \
         def forward(self, x):\n        \
         x = x * self.weight[:, None, None]\n        \
         return x if self.bias is None else x + self.bias[:, None, None]\n",
    ),
    (
        "LayerNorm2d(",
        "class LayerNorm2d(nn.LayerNorm):\n    \
         def forward(self, x):\n        \
         return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)\n",
    ),
];

fn activation_module(activation: Activation) -> Option<String> {
    let [first, second] = activation.coefficients().map(|coefficient| number(coefficient.get()));
    Some(match activation {
        Activation::Relu => "nn.ReLU()".into(),
        Activation::Relu6 => "nn.ReLU6()".into(),
        Activation::Clip { low, high } if low.get() < high.get() => format!("nn.Hardtanh({first}, {second})"),
        Activation::LeakyRelu { .. } => format!("nn.LeakyReLU({first})"),
        Activation::Elu { .. } => format!("nn.ELU({first})"),
        Activation::HARD_SIGMOID => "nn.Hardsigmoid()".into(),
        Activation::HardSwish => "nn.Hardswish()".into(),
        Activation::Sigmoid => "nn.Sigmoid()".into(),
        Activation::SILU => "nn.SiLU()".into(),
        Activation::Tanh => "nn.Tanh()".into(),
        Activation::Gelu => "nn.GELU()".into(),
        Activation::GeluTanh => "nn.GELU(approximate=\"tanh\")".into(),
        Activation::Mish => "nn.Mish()".into(),
        Activation::Softplus => "nn.Softplus()".into(),
        Activation::None => "nn.Identity()".into(),
        Activation::Clip { .. } | Activation::HardSigmoid { .. } | Activation::Swish { .. } => return None,
    })
}

/// An activation that is no module.
fn activation_expression(activation: Activation) -> String {
    let [first, second] = activation.coefficients().map(|coefficient| number(coefficient.get()));
    match activation {
        Activation::Clip { .. } => format!("{{0}}.clamp({first}, {second})"),
        Activation::HardSigmoid { .. } => format!("({{0}} * {first} + {second}).clamp(0.0, 1.0)"),
        Activation::Swish { .. } => format!("{{0}} * torch.sigmoid({{0}} * {first})"),
        _ => "{0}".into(),
    }
}

/// A number as Python reads it.
fn number(value: impl Into<f64> + std::fmt::Display + std::fmt::LowerExp + Copy) -> String {
    let wide: f64 = value.into();
    if wide.is_finite() { format!("{value:e}") } else { format!("float(\"{value}\")") }
}

fn neighbours(norm: &LocalNorm) -> String {
    let [alpha, beta, offset] = [norm.alpha, norm.beta, norm.offset].map(|coefficient| number(coefficient.get()));
    format!("{}, alpha={alpha}, beta={beta}, k={offset}", norm.size)
}

/// Whether PyTorch's average pooling has such a window: padding alike on both sides, at most half of the window, no dilation.
fn is_module(window: &Window) -> bool {
    window.dilation == [1, 1]
        && !window.is_uneven()
        && (0..2).all(|axis| window.padding[axis] <= window.kernel[axis] / 2)
}

/// PyTorch's average pooling has no dilation; a depthwise convolution with equal weights is the same.
fn dilated_mean(of: &str, window: &Window, sliding: &str) -> String {
    format!(
        "F.conv2d({of}, torch.full(({of}.shape[1], 1, {}, {}), {:?}).to({of}){sliding}, groups={of}.shape[1])",
        window.kernel[0],
        window.kernel[1],
        1.0 / window.taps() as f64,
    )
}

/// The mean with zeros around the map, over the share of the window that counts: the mean of a map of ones there.
fn mean_counted(op: &Op, window: &Window, [start, end]: [[usize; 2]; 2]) -> String {
    let plain = Window { padding: [0; 2], padding_end: [0; 2], ..*window };
    let mean = |of: &str| {
        if window.dilation == [1, 1] {
            format!("F.avg_pool2d({of}, {}{})", pair(window.kernel), pooling(op, &plain))
        } else {
            dilated_mean(of, window, &sliding(op, &plain))
        }
    };
    let pad = |of: &str, [top, left]: [usize; 2], [bottom, right]: [usize; 2], value: &str| {
        format!("F.pad({of}, ({left}, {right}, {top}, {bottom}){value})")
    };
    let less = |all: [usize; 2], some: [usize; 2]| [0, 1].map(|axis| all[axis].saturating_sub(some[axis]));
    let ones = pad("torch.ones_like({0}[:1, :1])", start, end, ", value=1.0");
    let ones = pad(&ones, less(window.padding, start), less(window.padding_end, end), "");
    format!("{} / {}", mean(&pad("{0}", window.padding, window.padding_end, "")), mean(&ones))
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
