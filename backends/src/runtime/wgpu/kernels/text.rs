//! Puts WGSL together: lines with their indentation, the banks with their names, the place of a workgroup.

use std::fmt::Display;

use super::{Aliases, Refusal};
use crate::runtime::Precision;

/// The most workgroups that a launch has in one dimension: what every WebGPU adapter allows.
pub const WORKGROUPS_PER_DIMENSION: u32 = 65_535;

/// A text and how to launch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// WGSL; its entry point is `main`, its bindings are in group 0.
    pub text: String,
    /// Workgroups of one launch.
    pub workgroups: [u32; 3],
    /// The bindings that the text declares, ascending. Binding 1 (`y`) is read_write storage, the others read-only:
    /// 0 `x` (absent where it is `y`), 2 `w` (where there are weights), 3 `tab`, 4 `r` (where a second operand has a bank
    /// of its own).
    pub bindings: Vec<u32>,
}

/// What a text is made for beside its kernel's sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub precision: Precision,
    pub aliases: Aliases,
}

/// How a kernel accesses an operand: element by element, four at a time, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Access {
    pub scalar: bool,
    pub vector: bool,
}

impl Access {
    pub const NONE: Self = Self { scalar: false, vector: false };
    pub const SCALAR: Self = Self { scalar: true, vector: false };
    pub const VECTOR: Self = Self { scalar: false, vector: true };
    pub const BOTH: Self = Self { scalar: true, vector: true };

    fn any(self) -> bool {
        self.scalar || self.vector
    }

    fn and(self, other: Self) -> Self {
        Self { scalar: self.scalar || other.scalar, vector: self.vector || other.vector }
    }
}

/// How a kernel accesses all of its operands. `read_second` and `write` include aliases.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Operands {
    pub read: Access,
    pub write: Access,
    pub second: Access,
    pub weights: Access,
}

/// A text in the making.
#[derive(Debug, Default)]
pub(super) struct Text {
    lines: String,
    depth: usize,
    bindings: Vec<u32>,
}

impl Text {
    /// A text that declares the operands as `x`, `y`, `w`, `tab` and `r`, and reads and writes them by functions: `x1(i)`
    /// is element `i` as `f32`, `x4(i)` the four from `4 * i` on; `w1`, `w4`, `r1`, `r4` likewise; `put1(i, v)` and
    /// `put4(i, v)` write to `y`. So a kernel's text does not change with precision and aliases.
    pub fn new(setting: Setting, operands: Operands) -> Self {
        let mut text = Self::default();
        let element = match setting.precision {
            // No GPU has the others through WGSL, and no backend asks for them.
            Precision::F32 | Precision::Tf32 | Precision::Bf16 | Precision::Int8 => "f32",
            Precision::F16 => {
                text.line("enable f16;");
                "f16"
            }
        };
        text.line(format!("alias T = {element};"));
        text.line(format!("alias T4 = vec4<{element}>;"));
        let Aliases { x_is_y, r_is_y, r_is_x } = setting.aliases;
        // The name of the buffer that each operand is in; all accesses of a buffer decide on its type.
        let x = if x_is_y { "y" } else { "x" };
        let r = if r_is_y || (r_is_x && x_is_y) {
            "y"
        } else if r_is_x {
            "x"
        } else {
            "r"
        };
        let uses = [(x, operands.read), ("y", operands.write), (r, operands.second), ("w", operands.weights)];
        // Elements written one by one cannot be parts of vectors: two threads may write the same vector.
        let single = |name: &str| name == "y" && operands.write.scalar;
        let vectors = |name: &str| {
            !single(name)
                && uses.iter().filter(|(used, _)| *used == name).fold(Access::NONE, |all, use_| all.and(use_.1)).vector
        };
        for (binding, name) in [(0, "x"), (1, "y"), (2, "w"), (4, "r")] {
            if !uses.iter().any(|(used, access)| *used == name && access.any()) {
                continue;
            }
            let mode = if name == "y" { "read_write" } else { "read" };
            let element = if vectors(name) { "T4" } else { "T" };
            text.line(format!("@group(0) @binding({binding}) var<storage, {mode}> {name}: array<{element}>;"));
            text.bindings.push(binding);
        }
        text.line("@group(0) @binding(3) var<storage, read> tab: array<u32>;");
        text.bindings.push(3);
        text.bindings.sort_unstable();
        for (function, name, access) in
            [("x", x, operands.read), ("r", r, operands.second), ("w", "w", operands.weights)]
        {
            text.readers(function, name, access, vectors(name));
        }
        text.writers(operands.write, vectors("y"));
        text
    }

    fn readers(&mut self, function: &str, name: &str, access: Access, vectors: bool) {
        if access.scalar {
            let element = if vectors { format!("{name}[i >> 2u][i & 3u]") } else { format!("{name}[i]") };
            self.line(format!("fn {function}1(i: u32) -> f32 {{ return f32({element}); }}"));
        }
        if access.vector {
            let vector = if vectors {
                format!("vec4<f32>({name}[i])")
            } else {
                let element = |at: u32| format!("f32({name}[4u * i + {at}u])");
                format!("vec4<f32>({})", [0, 1, 2, 3].map(element).join(", "))
            };
            self.line(format!("fn {function}4(i: u32) -> vec4<f32> {{ return {vector}; }}"));
        }
    }

    fn writers(&mut self, access: Access, vectors: bool) {
        if access.scalar {
            self.line("fn put1(i: u32, v: f32) { y[i] = T(v); }");
        }
        if access.vector && vectors {
            self.line("fn put4(i: u32, v: vec4<f32>) { y[i] = T4(v); }");
        } else if access.vector {
            self.open("fn put4(i: u32, v: vec4<f32>)");
            for (at, component) in COMPONENTS.iter().enumerate() {
                self.line(format!("y[4u * i + {at}u] = T(v.{component});"));
            }
            self.close();
        }
    }

    /// One line.
    pub fn line(&mut self, line: impl Display) {
        for _ in 0..self.depth {
            self.lines.push_str("    ");
        }
        self.lines.push_str(&line.to_string());
        self.lines.push('\n');
    }

    /// A line that opens a block: `head {`. An empty head opens a scope.
    pub fn open(&mut self, head: impl Display) {
        let head = head.to_string();
        let gap = if head.is_empty() { "" } else { " " };
        self.line(format!("{head}{gap}{{"));
        self.depth += 1;
    }

    /// Ends a block.
    pub fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.line("}");
    }

    /// Opens `main` for workgroups of `threads`; `local` counts the threads, `across` and `down` are the workgroup's place.
    pub fn main(&mut self, threads: u32, grid: &Grid) {
        self.line(format!("@compute @workgroup_size({threads})"));
        self.open("fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32)");
        if grid.folded() {
            self.line(format!("let workgroup = group.x + group.y * {WORKGROUPS_PER_DIMENSION}u;"));
            self.line(format!("if (workgroup >= {}u) {{ return; }}", grid.across * grid.down));
            self.line(format!("let across = workgroup % {}u;", grid.across));
            self.line(format!("let down = workgroup / {}u;", grid.across));
        } else {
            self.line("let across = group.x;");
            self.line("let down = group.y;");
        }
    }

    /// The finished text.
    ///
    /// # Errors
    /// Where there are more workgroups than a launch can have.
    pub fn finish(mut self, grid: &Grid) -> Result<Source, Refusal> {
        while self.depth > 0 {
            self.close();
        }
        Ok(Source { text: self.lines, workgroups: grid.workgroups()?, bindings: self.bindings })
    }
}

/// The components of a vector.
pub(super) const COMPONENTS: [&str; 4] = ["x", "y", "z", "w"];

/// The workgroups of a launch as rows; folded where a dimension has more than a launch allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub across: u64,
    pub down: u64,
}

impl Grid {
    pub fn new(across: u32, down: u32) -> Self {
        Self { across: across.into(), down: down.into() }
    }

    fn folded(&self) -> bool {
        self.across.max(self.down) > WORKGROUPS_PER_DIMENSION.into()
    }

    fn workgroups(&self) -> Result<[u32; 3], Refusal> {
        if !self.folded() {
            return Ok([self.across as u32, self.down as u32, 1]);
        }
        let most = u64::from(WORKGROUPS_PER_DIMENSION);
        let all = self.across.saturating_mul(self.down);
        if all > most * most {
            return Err(Refusal::TooLarge { what: "a launch's number of workgroups", size: all, most: most * most });
        }
        Ok([all.min(most) as u32, all.div_ceil(most) as u32, 1])
    }
}
