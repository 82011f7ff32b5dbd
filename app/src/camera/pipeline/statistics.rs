//! What happened to the last frames: stage times, rates, ages. Bounded, however long it runs.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use shufflescope_engine::units::Nanos;

/// Frames that are remembered.
const REMEMBERED: usize = 256;
/// How far back a rate looks.
const RATE_SPAN: Nanos = Nanos::from_secs(5);

/// A stage on a frame's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Until a frame came.
    Wait,
    /// From the camera's format to RGB.
    Decode,
    /// From the picture to the network's input.
    Resize,
    /// From the network's input to probabilities.
    Infer,
    /// From being ready to being on the screen.
    Show,
}

/// Half and nine tenths of the frames took at most this long. These are the frames themselves, not an estimate of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// The median.
    #[serde(rename = "p50_ns")]
    pub p50: Nanos,
    /// Nine tenths.
    #[serde(rename = "p90_ns")]
    pub p90: Nanos,
}

/// The times of every stage; `None` where no frame has passed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTimes {
    /// [`Stage::Wait`].
    pub wait: Option<Quantiles>,
    /// [`Stage::Decode`].
    pub decode: Option<Quantiles>,
    /// [`Stage::Resize`].
    pub resize: Option<Quantiles>,
    /// [`Stage::Infer`].
    pub infer: Option<Quantiles>,
    /// [`Stage::Show`].
    pub show: Option<Quantiles>,
}

impl StageTimes {
    /// Every stage in the order of a frame's way.
    #[must_use]
    pub const fn each(&self) -> [(Stage, Option<Quantiles>); 5] {
        [
            (Stage::Wait, self.wait),
            (Stage::Decode, self.decode),
            (Stage::Resize, self.resize),
            (Stage::Infer, self.infer),
            (Stage::Show, self.show),
        ]
    }
}

/// What happened to the last frames: at most 256 of them, rates over at most five seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Frames that went all the way since the start.
    pub frames: u64,
    /// Of those, how many were replaced by a newer one before they were shown.
    pub unseen: u64,
    /// Frames per second that go all the way; `None` below two frames in five seconds.
    pub rate: Option<f64>,
    /// Frames per second that the camera gives.
    pub camera_rate: Option<f64>,
    /// Where the time goes.
    pub stages: StageTimes,
    /// How old frames were when they were shown.
    pub age: Option<Quantiles>,
    /// How old the newest frame is now.
    pub age_now: Option<Nanos>,
}

/// A frame that went all the way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    pub(super) number: u64,
    pub(super) captured: Nanos,
    pub(super) published: Nanos,
    pub(super) wait: Nanos,
    pub(super) decode: Nanos,
    pub(super) resize: Option<Nanos>,
    pub(super) infer: Option<Nanos>,
}

/// The last frames, and how the last shown ones were shown.
#[derive(Debug, Default)]
pub(super) struct Recent {
    frames: u64,
    passed: VecDeque<Passed>,
    /// Time to show, age when shown.
    shown: VecDeque<(Nanos, Nanos)>,
}

impl Recent {
    pub(super) fn passed(&mut self, passed: Passed) {
        self.frames += 1;
        remember(&mut self.passed, passed);
    }

    pub(super) fn shown(&mut self, show: Nanos, age: Nanos) {
        remember(&mut self.shown, (show, age));
    }

    /// The classifier's times so far are another's.
    pub(super) fn forget_classifier(&mut self) {
        self.passed.iter_mut().for_each(|passed| (passed.resize, passed.infer) = (None, None));
        self.shown.clear();
    }

    /// Forgets every frame but their number.
    pub(super) fn forget(&mut self) {
        self.passed.clear();
        self.shown.clear();
    }

    pub(super) fn statistics(&self, now: Nanos) -> Statistics {
        let passed = |time: fn(&Passed) -> Option<Nanos>| quantiles(self.passed.iter().filter_map(time));
        let recent = || self.passed.iter().filter(|passed| now.since(passed.published) <= RATE_SPAN);
        let (first, last) = (recent().next(), recent().next_back());
        let ends = first.zip(last);
        Statistics {
            frames: self.frames,
            rate: ends.and_then(|(a, b)| per_second(recent().count() as u64 - 1, b.published.since(a.published))),
            camera_rate: ends.and_then(|(a, b)| per_second(b.number - a.number, b.captured.since(a.captured))),
            stages: StageTimes {
                wait: passed(|passed| Some(passed.wait)),
                decode: passed(|passed| Some(passed.decode)),
                resize: passed(|passed| passed.resize),
                infer: passed(|passed| passed.infer),
                show: quantiles(self.shown.iter().map(|&(show, _)| show)),
            },
            age: quantiles(self.shown.iter().map(|&(_, age)| age)),
            unseen: 0,
            age_now: None,
        }
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.passed.len().max(self.shown.len())
    }
}

fn remember<T>(recent: &mut VecDeque<T>, item: T) {
    if recent.len() == REMEMBERED {
        recent.pop_front();
    }
    recent.push_back(item);
}

/// `None` where nothing was counted or no time went by.
fn per_second(count: u64, time: Nanos) -> Option<f64> {
    (count > 0 && time > Nanos::ZERO).then(|| count as f64 / time.as_secs_f64())
}

/// The values at which half and nine tenths of the samples are reached (nearest rank).
fn quantiles(samples: impl Iterator<Item = Nanos>) -> Option<Quantiles> {
    let mut sorted: Vec<Nanos> = samples.collect();
    sorted.sort_unstable();
    let rank = |tenths: usize| sorted.get((sorted.len() * tenths).div_ceil(10).checked_sub(1)?).copied();
    Some(Quantiles { p50: rank(5)?, p90: rank(9)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_nearest_rank() {
        let of = |samples: &[u64]| quantiles(samples.iter().copied().map(Nanos)).map(|q| (q.p50.0, q.p90.0));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7]), Some((7, 7)));
        assert_eq!(of(&[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]), Some((5, 9)));
        assert_eq!(of(&[1, 2, 3]), Some((2, 3)));
    }

    #[test]
    fn rates_look_at_the_last_seconds_only_and_end_with_the_frames() {
        let mut recent = Recent::default();
        // A minute at 10 frames per second from a camera that gives 60.
        for index in 0..600 {
            let published = Nanos::from_millis(100 * index);
            let (wait, decode) = (Nanos(1), Nanos(2));
            recent.passed(Passed {
                number: 6 * index,
                captured: published,
                published,
                wait,
                decode,
                resize: None,
                infer: None,
            });
        }
        let statistics = recent.statistics(Nanos::from_secs(60));
        let near = |rate: Option<f64>, expected: f64| (rate.unwrap() - expected).abs() < 1e-6;
        assert!(near(statistics.rate, 10.0) && near(statistics.camera_rate, 60.0), "{statistics:?}");
        assert_eq!((statistics.frames, statistics.stages.infer), (600, None));
        assert_eq!(recent.statistics(Nanos::from_secs(120)).rate, None);
    }
}
