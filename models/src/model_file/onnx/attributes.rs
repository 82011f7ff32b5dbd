//! Attributes of ONNX nodes: made for writing, looked up for reading.

use super::proto::{Attribute, Node, attribute_type};
use crate::graph::{Conv2d, Window};

/// An attribute that is one whole number.
pub(super) fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.into(), i: value, r#type: attribute_type::INT, ..Default::default() }
}

/// An attribute that is a list of whole numbers.
pub(super) fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute { name: name.into(), ints: values.into(), r#type: attribute_type::INTS, ..Default::default() }
}

/// An attribute that is a 32-bit float.
pub(super) fn float(name: &str, value: f32) -> Attribute {
    Attribute { name: name.into(), f: value, r#type: attribute_type::FLOAT, ..Default::default() }
}

/// An attribute that is a word.
pub(super) fn text(name: &str, value: &str) -> Attribute {
    Attribute { name: name.into(), s: value.into(), r#type: attribute_type::STRING, ..Default::default() }
}

/// The attributes of a convolution.
pub(super) fn convolution(conv: &Conv2d) -> Vec<Attribute> {
    let mut attributes = sliding(&conv.window);
    attributes.push(int("group", conv.groups as i64));
    attributes
}

/// The attributes of a sliding window.
pub(super) fn sliding(window: &Window) -> Vec<Attribute> {
    let pair = |name, [vertical, horizontal]: [usize; 2]| ints(name, &[vertical as i64, horizontal as i64]);
    let [[top, left], [bottom, right]] = [window.padding, window.padding_end].map(|of| of.map(|pixels| pixels as i64));
    vec![
        pair("kernel_shape", window.kernel),
        pair("strides", window.stride),
        ints("pads", &[top, left, bottom, right]),
        pair("dilations", window.dilation),
    ]
}

impl Node {
    pub(super) fn get(&self, name: &str) -> Option<&Attribute> {
        self.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// A whole number, or its default.
    pub(super) fn int_or(&self, name: &str, default: i64) -> i64 {
        self.get(name).map_or(default, |attribute| attribute.i)
    }

    /// A float, or its default.
    pub(super) fn float_or(&self, name: &str, default: f32) -> f32 {
        self.get(name).map_or(default, |attribute| attribute.f)
    }

    /// A list of whole numbers; empty where it is absent.
    pub(super) fn ints(&self, name: &str) -> &[i64] {
        self.get(name).map_or(&[], |attribute| &attribute.ints)
    }

    /// A list of `N` sizes, or `default` where it is absent; `Err` where it is another list.
    pub(super) fn sizes<const N: usize>(&self, name: &str, default: [usize; N]) -> Result<[usize; N], String> {
        /// Far beyond any window; keeps products of window sizes far from overflow.
        const MOST: i64 = 1 << 16;
        let values = self.ints(name);
        if values.is_empty() {
            return Ok(default);
        }
        let mut sizes = [0; N];
        let fits = values.len() == N && values.iter().all(|value| (0..=MOST).contains(value));
        if !fits {
            return Err(format!("`{name}` is {values:?}, not {N} sizes up to {MOST}"));
        }
        for (size, &value) in sizes.iter_mut().zip(values) {
            *size = value as usize;
        }
        Ok(sizes)
    }
}
