//! The kernels of one kind on a target: an [additive](super::additive) model of their times, the staircases in it, and
//! what near ones differ from it by.
//!
//! What is near tells by kriging (a Gaussian process over the sixteen nearest, with a Matern 3/2 covariance of the distance
//! in binary orders of magnitude). How far things are alike is chosen by leaving kernels out. A time is never below those
//! of kernels that are smaller in every size, nor above those of larger ones, by more than they scatter.

use super::additive::Additive;
use super::kind::{Parts, Place, Tiles, sizes};
use super::observed::{Kernel, Observed};
use crate::runtime::KernelSpec;

/// Kernels that are looked at around one.
const NEAR: usize = 16;

/// Kernels below which no staircase is looked for, and how much better one must fit.
const ENOUGH_FOR_TILES: usize = 16;
const TILE_PAYS: f64 = 0.85;
const TILES: [usize; 6] = [1, 4, 8, 16, 32, 64];

/// Distances over which kernels may be alike, in binary orders of magnitude, and kernels left out to choose among them.
const LENGTHS: [f64; 4] = [0.4, 1.0, 2.5, 6.0];
const LEFT_OUT: usize = 32;

/// Least standard deviation of what the additive model leaves.
const LEAST_SPREAD: f64 = 0.01;

/// Variance that even the best measurement has: the same spec at another place of another network.
pub(super) const NUGGET: f64 = 1e-5;

/// A time as a logarithm with its variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Known {
    pub log: f64,
    pub variance: f64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Family {
    tiles: Tiles,
    model: Additive,
    members: Vec<Member>,
    spread: f64,
    length: f64,
    scatter: f64,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    kernel: usize,
    place: Place,
    /// The logarithm of its time over the model's.
    off: f64,
    log: f64,
    /// Variance of both.
    noise: f64,
}

impl Family {
    /// Of the kernels `members`; `prior` is the model of kernels that are alike, or of all of the target.
    pub fn of(observed: &Observed, members: &[usize], prior: &Additive) -> Self {
        let kernels: Vec<(usize, &Kernel)> = members.iter().map(|&at| (at, &observed.kernels[at])).collect();
        let (tiles, model) = fitted(&kernels, prior);
        let member = |&(at, kernel): &(usize, &Kernel)| {
            let (place, parts) = sizes(&kernel.spec, tiles);
            let noise = observed.scatter / kernel.seen.len().max(1) as f64 + NUGGET;
            Member { kernel: at, place, off: kernel.mean - model.time(&parts).ln(), log: kernel.mean, noise }
        };
        let members: Vec<Member> = kernels.iter().map(member).collect();
        let count = members.len().max(1) as f64;
        let square = members.iter().map(|member| member.off * member.off).sum::<f64>() / count;
        // Of few kernels the model passes through nearly all: what it leaves says little.
        let unsure = 0.04 / count;
        let spread = (square + unsure).max(LEAST_SPREAD * LEAST_SPREAD);
        let mut this = Self { tiles, model, members, spread, length: 1.0, scatter: observed.scatter };
        this.choose_length();
        this
    }

    /// The additive model: where kinds that are alike begin.
    pub const fn model(&self) -> &Additive {
        &self.model
    }

    /// What a kernel of this kind takes, from the members that are not left out.
    pub fn near(&self, spec: &KernelSpec, is_left_out: &dyn Fn(usize) -> bool) -> Known {
        let (place, parts) = sizes(spec, self.tiles);
        let model = self.model.time(&parts).ln();
        let Known { log: off, variance } = self.off(&place, self.length, is_left_out);
        Known { log: self.between_neighbours(&place, model + off, is_left_out), variance }
    }

    fn choose_length(&mut self) {
        let step = (self.members.len() / LEFT_OUT).max(1);
        let score = |length: f64| {
            let log_density = |member: &Member| {
                let Known { log, variance } = self.off(&member.place, length, &|kernel| kernel == member.kernel);
                let variance = variance + member.noise;
                -0.5 * ((member.off - log).powi(2) / variance + variance.ln())
            };
            self.members.iter().step_by(step).map(log_density).sum::<f64>()
        };
        let best = LENGTHS.map(|length| (length, score(length)));
        let best = best.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
        self.length = best.map_or(1.0, |(length, _)| length);
    }

    /// What the near members are off by.
    fn off(&self, place: &Place, length: f64, is_left_out: &dyn Fn(usize) -> bool) -> Known {
        let mut near: [(f64, usize); NEAR] = [(f64::INFINITY, 0); NEAR];
        let mut count = 0;
        for (index, member) in self.members.iter().enumerate() {
            let distance = member.place.distance(place);
            if distance >= near[NEAR - 1].0 || is_left_out(member.kernel) {
                continue;
            }
            let at = near[..count].partition_point(|(other, _)| *other <= distance);
            near[at..].rotate_right(1);
            near[at] = (distance, index);
            count = (count + 1).min(NEAR);
        }
        let near = &near[..count];
        let alike = |distance: f64| {
            let scaled = 3.0_f64.sqrt() * distance / length;
            self.spread * (1.0 + scaled) * (-scaled).exp()
        };
        let mut factor = [[0.0; NEAR]; NEAR];
        let (mut off, mut reach) = ([0.0; NEAR], [0.0; NEAR]);
        for (row, &(distance, index)) in near.iter().enumerate() {
            let member = &self.members[index];
            off[row] = member.off;
            reach[row] = alike(distance);
            for column in 0..=row {
                let other = &self.members[near[column].1];
                factor[row][column] = alike(member.place.distance(&other.place));
            }
            factor[row][row] += member.noise;
        }
        factorise(&mut factor, count);
        solve_lower(&factor, count, &mut off);
        solve_lower(&factor, count, &mut reach);
        let dot = |a: &[f64; NEAR], b: &[f64; NEAR]| a.iter().zip(b).take(count).map(|(a, b)| a * b).sum::<f64>();
        let left = self.spread - dot(&reach, &reach);
        Known { log: dot(&reach, &off), variance: left.max(NUGGET) }
    }

    fn between_neighbours(&self, place: &Place, log: f64, is_left_out: &dyn Fn(usize) -> bool) -> f64 {
        let slack = 2.0 * self.scatter.sqrt() + 0.01;
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        for member in self.members.iter().filter(|member| !is_left_out(member.kernel)) {
            if member.place.is_within(place) {
                low = low.max(member.log - slack);
            }
            if place.is_within(&member.place) {
                high = high.min(member.log + slack);
            }
        }
        // Where larger kernels were measured to be faster, size is no bound.
        if low <= high { log.clamp(low, high) } else { log }
    }
}

/// The tiles by which the additive model fits best, and that model.
fn fitted(kernels: &[(usize, &Kernel)], prior: &Additive) -> (Tiles, Additive) {
    let fit = |tiles: Tiles| {
        let rows: Vec<(Parts, f64)> =
            kernels.iter().map(|(_, kernel)| (sizes(&kernel.spec, tiles).1, kernel.mean.exp())).collect();
        let model = Additive::fit(&rows, Some(prior));
        (tiles, model, model.error(&rows))
    };
    let mut best = fit(Tiles::NONE);
    if kernels.len() >= ENOUGH_FOR_TILES {
        for output in TILES.into_iter().skip(1) {
            let other = fit(Tiles { output, ..best.0 });
            if other.2 < TILE_PAYS * best.2 {
                best = other;
            }
        }
        for input in TILES.into_iter().skip(1) {
            let other = fit(Tiles { input, ..best.0 });
            if other.2 < TILE_PAYS * best.2 {
                best = other;
            }
        }
    }
    (best.0, best.1)
}

/// Cholesky's factor of a positive matrix, in its lower half.
fn factorise(matrix: &mut [[f64; NEAR]; NEAR], count: usize) {
    for row in 0..count {
        for column in 0..=row {
            let sum: f64 = (0..column).map(|at| matrix[row][at] * matrix[column][at]).sum();
            let left = matrix[row][column] - sum;
            matrix[row][column] = if row == column { left.max(1e-12).sqrt() } else { left / matrix[column][column] };
        }
    }
}

fn solve_lower(factor: &[[f64; NEAR]; NEAR], count: usize, values: &mut [f64; NEAR]) {
    for row in 0..count {
        let sum: f64 = (0..row).map(|at| factor[row][at] * values[at]).sum();
        values[row] = (values[row] - sum) / factor[row][row];
    }
}
