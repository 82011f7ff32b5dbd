//! What happens to a sum before it is written: an activation, a second operand.

use super::formula::formula;
use super::size::Map;
use super::text::{Access, Text};
use crate::graph::Activation;

/// What happens to a sum before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Finish {
    /// The map whose values are added, of the output's size.
    pub residual: Option<Map>,
    /// The activation behind that.
    pub activation: Activation,
}

/// Declares `name(v)`, an activation over `f32` (`name1`) or over `vec4<f32>` (`name4`).
///
/// What is not a number stays one: comparisons with it are false, so that `select` keeps it, where `max`, `min` and `clamp`
/// may lose it.
pub(super) fn declare(text: &mut Text, name: &str, activation: Activation, access: Access) {
    for (wanted, suffix, kind) in [(access.scalar, "1", "f32"), (access.vector, "4", "vec4<f32>")] {
        if !wanted {
            continue;
        }
        text.open(format!("fn {name}{suffix}(v: {kind}) -> {kind}"));
        formula(text, activation, kind);
        text.close();
    }
}

impl Finish {
    /// How the residual is read by a kernel that writes by `write`.
    pub fn access(&self, write: Access) -> Access {
        match self.residual {
            None => Access::NONE,
            Some(map) if map.is_plane() => write,
            Some(_) => Access::SCALAR,
        }
    }

    /// Writes `finish(value [+ residual])` of one element to `plane + place` of the output channel `channel` (names and
    /// expressions of the text).
    pub fn put1(&self, text: &mut Text, lists: Lists, channel: &str, place: &str, value: &str) {
        let residual = match self.residual {
            None => String::new(),
            Some(map) if map.is_plane() => format!(" + r1(tab[{}u + {channel}] + {place})", lists.second),
            Some(map) => format!(" + r1(tab[{}u + {channel}] + ({place}) * {}u)", lists.second, map.image),
        };
        text.line(format!("put1(tab[{}u + {channel}] + {place}, finish1({value}{residual}));", lists.output));
    }

    /// The same of four elements: `place` counts vectors.
    pub fn put4(&self, text: &mut Text, lists: Lists, channel: &str, place: &str, value: &str) {
        let residual = match self.residual {
            None => "",
            Some(map) if map.is_plane() => {
                text.line(format!("let residual = r4((tab[{}u + {channel}] >> 2u) + {place});", lists.second));
                " + residual"
            }
            Some(map) => {
                // A vector has one element of each of four images; behind the last one it is read again.
                let element =
                    |at: u32| format!("r1(second + min(4u * ({place}) + {at}u, {}u) * {}u)", map.batch - 1, map.image);
                text.line(format!("let second = tab[{}u + {channel}];", lists.second));
                text.line(format!("let residual = vec4<f32>({});", [0, 1, 2, 3].map(element).join(", ")));
                " + residual"
            }
        };
        text.line(format!("put4((tab[{}u + {channel}] >> 2u) + {place}, finish4({value}{residual}));", lists.output));
    }
}

/// Where the lists of output planes and of second operands start in the table; the input's starts at 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lists {
    pub output: u32,
    pub second: u32,
}

impl Lists {
    pub fn new(input: u32, output: u32) -> Self {
        Self { output: input, second: input + output }
    }
}
