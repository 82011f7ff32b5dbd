//! A machine that is never quiet, for simulations: its runs are not independent, its processes differ, it drifts.

use super::super::statistics::SplitMix64;
use super::FakeClock;
use crate::clock::Clock;
use crate::units::Nanos;

/// What disturbs a [`NoisyMachine`]. Shares are standard deviations of the logarithm of a run's time: 0.03 is 3 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// How far the speed wanders.
    pub wander: f64,
    /// How long the wandering speed takes to forget itself; zero for runs that are independent.
    pub memory: Nanos,
    /// Each run's own jitter.
    pub jitter: f64,
    /// Largest drift per second, up or down; every process draws its own.
    pub drift: f64,
    /// Share of the runs that take half as long again to four times as long.
    pub spikes: f64,
    /// How far a fresh process is from another.
    pub process: f64,
}

impl Noise {
    /// Independent runs.
    pub const INDEPENDENT: Self =
        Self { wander: 0.0, memory: Nanos::ZERO, jitter: 0.036, drift: 0.0, spikes: 1.0 / 80.0, process: 0.0 };

    /// Neighbouring runs are alike, as on a shared machine.
    pub const AUTOCORRELATED: Self =
        Self { wander: 0.03, memory: Nanos::from_millis(150), jitter: 0.02, ..Self::INDEPENDENT };

    /// The speed drifts by up to 2 % per second on top.
    pub const DRIFTING: Self = Self { drift: 0.02, ..Self::AUTOCORRELATED };

    /// Fresh processes differ by 4 % on top.
    pub const OFFSET: Self = Self { process: 0.04, ..Self::AUTOCORRELATED };
}

/// Says how long runs take on a machine with [`Noise`].
#[derive(Debug)]
pub struct NoisyMachine {
    noise: Noise,
    random: SplitMix64,
    clock: FakeClock,
    start: Nanos,
    last: Nanos,
    wander: f64,
    drift: f64,
    offset: f64,
}

impl NoisyMachine {
    /// A fresh process on this machine; the seed decides its offset, its drift and everything that follows.
    #[must_use]
    pub fn new(clock: &FakeClock, noise: Noise, seed: u64) -> Self {
        let mut random = SplitMix64(seed.wrapping_mul(0x9e37_79b9));
        let drift = noise.drift * (2.0 * random.unit() - 1.0);
        let now = clock.now();
        let mut machine =
            Self { noise, random, clock: clock.clone(), start: now, last: now, wander: 0.0, drift, offset: 0.0 };
        machine.wander = noise.wander * machine.normal();
        machine.offset = noise.process * machine.normal();
        machine
    }

    /// What a run that takes `time` nanoseconds on a quiet machine takes now.
    pub fn run(&mut self, time: f64) -> Nanos {
        let (now, noise) = (self.clock.now(), self.noise);
        let keeps = match noise.memory {
            Nanos::ZERO => 0.0,
            memory => (-now.since(self.last).as_f64() / memory.as_f64()).exp(),
        };
        self.wander = keeps * self.wander + (1.0 - keeps * keeps).sqrt() * noise.wander * self.normal();
        self.last = now;
        let drift = self.drift * now.since(self.start).as_secs_f64();
        let jitter = noise.jitter * self.normal();
        let spike = if self.random.unit() < noise.spikes { 1.5 + 2.5 * self.random.unit() } else { 1.0 };
        Nanos((time * (self.offset + self.wander + drift + jitter).exp() * spike) as u64)
    }

    /// Two uniform numbers made normal (Box and Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.random.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.random.unit()).cos()
    }
}
