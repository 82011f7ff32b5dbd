//! Brings a chunk of a product's input values, weights and pixels, into workgroup memory: at once, or by way of registers.

use super::product::Product;
use super::text::{COMPONENTS, Text};

impl Product<'_> {
    /// Vectors of weights in a chunk.
    fn weight_vectors(&self) -> u32 {
        self.tile.depth * self.tile.rows / 4
    }

    /// Input values of a chunk that a thread's pixels step over from one fetch to the next.
    fn pixel_step(&self) -> u32 {
        self.tile.threads() / self.tile.row_vectors()
    }

    /// Fetches the chunk at `k0` into workgroup memory.
    pub(super) fn fetch(&self, text: &mut Text) {
        let (tile, vectors) = (self.tile, self.tile.row_vectors());
        text.open(format!("for (var i = local; i < {}u; i += {}u)", self.weight_vectors(), tile.threads()));
        self.weights(text);
        self.store_weights(text, "v");
        text.close();
        text.open(format!("for (var kk = local / {vectors}u; kk < {}u; kk += {}u)", tile.depth, self.pixel_step()));
        self.pixels(text);
        text.line(format!("xs[kk * {vectors}u + lane] = v;"));
        text.close();
    }

    /// The fetches of weights and of pixels that a thread makes for a chunk.
    fn fetches(&self) -> [u32; 2] {
        [self.weight_vectors().div_ceil(self.tile.threads()), self.tile.depth.div_ceil(self.pixel_step())]
    }

    /// Declares the registers of [`fetch_ahead`](Self::fetch_ahead).
    pub(super) fn declare_fetched(&self, text: &mut Text) {
        let [weights, pixels] = self.fetches();
        for (name, count) in [("fetched_w", weights), ("fetched_x", pixels)] {
            for at in 0..count {
                text.line(format!("var {name}{at} = vec4<f32>();"));
            }
        }
    }

    /// Fetches the chunk at `k0` into registers.
    pub(super) fn fetch_ahead(&self, text: &mut Text) {
        self.each_weight(text, |text, at| {
            self.weights(text);
            text.line(format!("fetched_w{at} = v;"));
        });
        self.each_pixel(text, |text, at| {
            self.pixels(text);
            text.line(format!("fetched_x{at} = v;"));
        });
    }

    /// Puts the registers into workgroup memory.
    pub(super) fn store_fetched(&self, text: &mut Text) {
        self.each_weight(text, |text, at| self.store_weights(text, &format!("fetched_w{at}")));
        self.each_pixel(text, |text, at| {
            text.line(format!("xs[kk * {}u + lane] = fetched_x{at};", self.tile.row_vectors()));
        });
    }

    /// A block for each of a thread's fetches of weights, with its place `i`.
    fn each_weight(&self, text: &mut Text, line: impl Fn(&mut Text, u32)) {
        let (threads, all) = (self.tile.threads(), self.weight_vectors());
        for at in 0..self.fetches()[0] {
            text.open("");
            text.line(format!("let i = local + {}u;", at * threads));
            let whole = (at + 1) * threads <= all;
            text.open(if whole { String::new() } else { format!("if (i < {all}u)") });
            line(text, at);
            text.close();
            text.close();
        }
    }

    /// A block for each of a thread's fetches of pixels, with its input value `kk` of the chunk.
    fn each_pixel(&self, text: &mut Text, line: impl Fn(&mut Text, u32)) {
        let (step, depth) = (self.pixel_step(), self.tile.depth);
        for at in 0..self.fetches()[1] {
            text.open("");
            text.line(format!("let kk = local / {}u + {}u;", self.tile.row_vectors(), at * step));
            let whole = (at + 1) * step <= depth;
            text.open(if whole { String::new() } else { format!("if (kk < {depth}u)") });
            line(text, at);
            text.close();
            text.close();
        }
    }

    /// Declares `v`, the vector of weights at place `i` of the chunk.
    fn weights(&self, text: &mut Text) {
        let (matmul, vectors) = (self.matmul, self.tile.rows / 4);
        text.line(format!("let k = k0 + i / {vectors}u;"));
        let row = format!("m0 / 4u + i % {vectors}u");
        // Rows beyond the last one have its weights: they are not written.
        let ragged = !matmul.rows.is_multiple_of(self.tile.rows);
        let last = matmul.row_vectors() - 1;
        text.line(format!("let m = {};", if ragged { format!("min({row}, {last}u)") } else { row }));
        text.line("var v = vec4<f32>();");
        self.open_depth(text);
        text.line(format!("v = w4(wb + k * {}u + m);", matmul.row_vectors()));
        text.close();
    }

    fn store_weights(&self, text: &mut Text, value: &str) {
        if self.reads_weight_vectors() {
            text.line(format!("ws[i] = {value};"));
            return;
        }
        for (at, component) in COMPONENTS.iter().enumerate() {
            text.line(format!("ws[4u * i + {at}u] = {value}.{component};"));
        }
    }

    /// Declares `v`, this thread's four pixels of input value `kk` of the chunk.
    fn pixels(&self, text: &mut Text) {
        let matmul = self.matmul;
        text.line("let k = k0 + kk;");
        text.line("var v = vec4<f32>();");
        self.open_depth(text);
        let first =
            if matmul.groups > 1 { format!("group_index * {}u + ", matmul.channels_of_group()) } else { String::new() };
        let value = matmul.inputs.fetch(text, &self.place, &first);
        text.line(format!("v = {value};"));
        text.close();
    }

    /// Opens a block for input values that there are: the last chunk may have fewer, and zeros in their place.
    fn open_depth(&self, text: &mut Text) {
        let ragged = !self.matmul.depth.is_multiple_of(self.tile.depth);
        text.open(if ragged { format!("if (k < {}u)", self.matmul.depth) } else { String::new() });
    }
}
