//! The formulas of activations over `v`, a value or a vector of them.
//!
//! Exponentials are only taken of what is not far above zero: some compilers take it that there are no infinities. Where an
//! absolute value is limited, what is left out of the result is less than the last digit.

use super::text::Text;
use crate::graph::{Activation, Coefficient};

/// A number as a text spells it. Those of layers are finite: the graph's builder checks them.
fn literal(value: f32) -> String {
    format!("{value:?}")
}

/// Writes the body of a function from `v` to its activation, of the type `kind`.
pub(super) fn formula(text: &mut Text, activation: Activation, kind: &str) {
    let value = |number: &str| format!("{kind}({number})");
    let of = |coefficient: Coefficient| value(&literal(coefficient.get()));
    let (zero, one) = (value("0.0"), value("1.0"));
    let at_least = |of: &str, low: &str| format!("select({of}, {low}, {of} < {low})");
    let at_most = |of: &str, high: &str| format!("select({of}, {high}, {of} > {high})");
    let clamped = |of: &str, high: &str| at_most(&at_least(of, &zero), &value(high));
    // `z = exp(-|v|)`
    let small = |text: &mut Text| {
        text.line("let a = abs(v);");
        text.line(format!("let z = exp(-{});", at_most("a", &value("80.0"))));
    };
    let gate = |text: &mut Text, of: &str| {
        text.line(format!("let u = -({of});"));
        text.line(format!("let gate = {one} / ({one} + exp({}));", at_most("u", &value("80.0"))));
    };
    match activation {
        Activation::None => text.line("return v;"),
        Activation::Relu => text.line(format!("return {};", at_least("v", &zero))),
        Activation::Relu6 => text.line(format!("return {};", clamped("v", "6.0"))),
        Activation::Clip { low, high } => {
            let mut limited = "v".to_owned();
            if low.get() > f32::NEG_INFINITY {
                limited = at_least(&limited, &of(low));
            }
            if high.get() < f32::INFINITY {
                limited = at_most(&limited, &of(high));
            }
            text.line(format!("return {limited};"));
        }
        Activation::LeakyRelu { slope } => text.line(format!("return select(v, v * {}, v < {zero});", of(slope))),
        Activation::Elu { alpha } => {
            text.line(format!("let below = exp({}) - {one};", at_most("v", &zero)));
            text.line(format!("return select(v, {} * below, v < {zero});", of(alpha)));
        }
        Activation::HardSigmoid { alpha, beta } => {
            text.line(format!("let s = v * {} + {};", of(alpha), of(beta)));
            text.line(format!("return {};", clamped("s", "1.0")));
        }
        Activation::HardSwish => {
            text.line(format!("let s = v + {};", value("3.0")));
            text.line(format!("return v * {} * {};", clamped("s", "6.0"), value("0.16666667")));
        }
        Activation::Sigmoid => {
            gate(text, "v");
            text.line("return gate;");
        }
        Activation::Swish { scale } => {
            gate(text, &format!("v * {}", of(scale)));
            text.line("return v * gate;");
        }
        Activation::Tanh => {
            small(text);
            text.line(format!("let t = ({one} - z * z) / ({one} + z * z);"));
            text.line(format!("return select(t, -t, v < {zero});"));
        }
        Activation::Gelu => {
            text.line("let a = abs(v);");
            text.line(format!("let t = {};", at_most("a", &value("20.0"))));
            text.line(format!("let near = {one} / ({one} + {} * t);", value("0.35")));
            let tail = [-0.029_345_2_f32, 0.144_916_5, -0.257_607_3, 0.161_258_9, -0.024_483_85, 0.106_060_24];
            let tail = tail.into_iter().chain([0.119_701_38, 0.139_878_75, 0.139_620_51]);
            let tail = tail.map(|number| value(&literal(number)));
            let tail = tail.reduce(|sum, number| format!("fma({sum}, near, {number})")).unwrap_or_default();
            text.line(format!("let beyond = {tail} * near * exp({} * t * t);", value("-0.5")));
            text.line(format!("return v * select({one} - beyond, beyond, v < {zero});"));
        }
        Activation::GeluTanh => {
            gate(text, &format!("v * ({} + {} * v * v)", value("1.5957691"), value("0.071354814")));
            text.line("return v * gate;");
        }
        Activation::Mish => {
            small(text);
            let two = value("2.0");
            text.line(format!("let above = select({one} + {two} * z, z * (z + {two}), v < {zero});"));
            text.line(format!("let below = above + select({two} * z * z, {two}, v < {zero});"));
            text.line("return v * (above / below);");
        }
        Activation::Softplus => {
            small(text);
            text.line(format!("return {} + log({one} + z);", at_least("v", &zero)));
        }
    }
}
