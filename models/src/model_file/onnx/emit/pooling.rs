//! Poolings over a window and over all pixels, and normalisation by neighbouring channels.

use super::view::{BATCH, Factor, HEIGHT, WIDTH};
use super::{Emitter, Placed, nothing};
use crate::graph::{LocalNorm, Op, Window};
use crate::model_file::onnx::draft::{Pool, Refusal, ValueId, unsupported};

impl Emitter<'_> {
    pub(super) fn pool(&mut self, value: ValueId, pool: Pool) -> Result<Placed, Refusal> {
        let input = self.map(value)?;
        let shape = self.shape(input);
        let map = [shape.height, shape.width];
        let op = if pool.is_max {
            Op::MaxPool(if pool.rounds_up { pool.window.rounding_up(map) } else { pool.window })
        } else {
            average(&pool, map)
        };
        self.plain(value, op, &[input])
    }

    /// Over all pixels, or all rows or columns of them, in whichever axes they lie.
    pub(super) fn reduce(&mut self, value: ValueId, is_max: bool, axes: &[usize]) -> Result<Placed, Refusal> {
        let input = self.flat(*self.draft.step(value).inputs.first().ok_or_else(nothing)?)?;
        let shape = self.shape(input.node);
        let is_pixel = |of: usize| of == HEIGHT || of == WIDTH;
        let mut view = input.view.clone();
        let mut reduced: Vec<Factor> = Vec::new();
        for &axis in axes {
            reduced.extend(view.axes.get_mut(axis).map(std::mem::take).unwrap_or_default());
        }
        let others = reduced.iter().any(|factor| !is_pixel(factor.of));
        let count: usize = reduced.iter().map(|factor| factor.extent).product();
        let cut = view.start[BATCH] + view.start[HEIGHT] + view.start[WIDTH] > 0;
        let along = |of: usize, length: usize| reduced == [Factor::whole(of, length)];
        let kernel = match (along(HEIGHT, shape.height), along(WIDTH, shape.width)) {
            (true, _) => Some([shape.height, 1]),
            (_, true) => Some([1, shape.width]),
            _ => None,
        };
        let over_all = count == shape.pixels();
        let op = match (is_max, kernel) {
            (true, _) if over_all && !others && !cut => Op::GlobalMaxPool,
            (false, _) if over_all && !others && !cut => Op::GlobalAvgPool,
            (true, Some(kernel)) if !cut => Op::MaxPool(Window::padded(kernel, 1, [0; 2])),
            (false, Some(kernel)) if !cut => Op::AvgPool(Window::padded(kernel, 1, [0; 2])),
            _ => {
                let what = if others { "not only pixels" } else { "a part of the pixels" };
                return unsupported(format!(
                    "over the axes {axes:?}, {what}; over all pixels, or all rows or columns of them, is read"
                ));
            }
        };
        let (node, _) = self.push(value, None, op, &[input.node])?;
        Ok(Placed { node, view, by: value })
    }

    pub(super) fn local_norm(
        &mut self,
        value: ValueId,
        (size, alpha, beta, offset): (usize, f32, f32, f32),
    ) -> Result<Placed, Refusal> {
        let input = self.map(value)?;
        let norm = LocalNorm { size, alpha: alpha.into(), beta: beta.into(), offset: offset.into() };
        self.plain(value, Op::LocalNorm(norm), &[input])
    }
}

/// A mean over a map of `[height, width]` pixels, with the zeros around it.
fn average(pool: &Pool, map: [usize; 2]) -> Op {
    let padded = [0, 1].map(|axis| map[axis] + pool.zeros[0][axis] + pool.zeros[1][axis]);
    let op = Op::average_pool(pool.window, padded, pool.rounds_up, pool.counts_padding);
    let (window, counted) = match op {
        Op::AvgPool(window) => (window, [window.padding, window.padding_end]),
        Op::AvgPoolCounted { window, counted } => (window, counted),
        other => return other,
    };
    if pool.zeros == [[0; 2]; 2] {
        return op;
    }
    let more = |one: [usize; 2], other: [usize; 2]| [one[0] + other[0], one[1] + other[1]];
    let counted = [more(counted[0], pool.zeros[0]), more(counted[1], pool.zeros[1])];
    let padding = more(window.padding, pool.zeros[0]);
    let window = Window { padding, padding_end: more(window.padding_end, pool.zeros[1]), ..window };
    if counted == [window.padding, window.padding_end] {
        Op::AvgPool(window)
    } else {
        Op::AvgPoolCounted { window, counted }
    }
}
