//! What a scatter of a sweep shows: two figures of every point, and which points nothing beats.

use serde::{Deserialize, Serialize};

use super::PointResult;
use crate::pareto::{Better, pareto_front};

/// A figure of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// Milliseconds of a run of the whole batch.
    Latency,
    /// Images per second.
    Speed,
    /// Multiply-accumulates of one image. More of them count as better, since published accuracies rise with them
    /// within a family; a design's own accuracy stays unknown.
    MultAdds,
    /// Learned parameters; fewer are better.
    Params,
    /// Elements read and written for one image; fewer are better.
    MemoryAccess,
}

/// One point of a scatter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewPoint {
    /// Position in the results.
    pub index: usize,
    /// The first figure.
    pub x: f64,
    /// The second figure.
    pub y: f64,
    /// Whether no other point is at least as good in both figures and better in one.
    pub on_front: bool,
}

/// Every result as a point, in order, with the Pareto front marked.
#[must_use]
pub fn scatter(results: &[PointResult], x: Figure, y: Figure) -> Vec<ViewPoint> {
    let points: Vec<(f64, f64)> = results.iter().map(|result| (x.of(result), y.of(result))).collect();
    let point = |(index, &(x, y))| ViewPoint { index, x, y, on_front: false };
    let mut view: Vec<ViewPoint> = points.iter().enumerate().map(point).collect();
    for index in pareto_front(&points, [x.better(), y.better()]) {
        view.get_mut(index).into_iter().for_each(|point| point.on_front = true);
    }
    view
}

impl Figure {
    /// Every figure.
    pub const ALL: [Self; 5] = [Self::Latency, Self::Speed, Self::MultAdds, Self::Params, Self::MemoryAccess];

    /// The name with its unit, for an axis.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency (ms)",
            Self::Speed => "speed (images/s)",
            Self::MultAdds => "mult-adds per image",
            Self::Params => "parameters",
            Self::MemoryAccess => "memory access per image (elements)",
        }
    }

    /// The better direction.
    #[must_use]
    pub const fn better(self) -> Better {
        match self {
            Self::Speed | Self::MultAdds => Better::Higher,
            Self::Latency | Self::Params | Self::MemoryAccess => Better::Lower,
        }
    }

    /// The figure of a result.
    #[must_use]
    pub fn of(self, result: &PointResult) -> f64 {
        match self {
            Self::Latency => result.latency.median.as_f64() / 1e6,
            Self::Speed => result.images_per_second,
            Self::MultAdds => result.mult_adds.as_f64(),
            Self::Params => result.params.as_f64(),
            Self::MemoryAccess => result.memory_access.as_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TimerQuality;
    use crate::device::{Conditions, DeviceId};
    use crate::measure::{Circumstances, MeasureKey, Measurement, ProcessSamples, Protocol, WarmUp};
    use crate::runtime::RunOptions;
    use crate::store::RunContext;
    use crate::sweep::{ResultsFile, Sweep, run_key};
    use crate::units::Nanos;
    use crate::zoo::preset;

    /// Results of widths 0.5, 1.0 and 2.0 at batch 2 that take these milliseconds.
    fn results(millis: [u64; 3]) -> Vec<(String, PointResult)> {
        let sweep = Sweep { widths: vec![0.5, 1.0, 2.0], batches: vec![2], ..Sweep::default() };
        let base = preset("shufflenet-v2-x1.0").unwrap();
        let points = sweep.points(&base, &RunOptions::new(DeviceId::Cpu, 1, 1)).unwrap().points;
        let finished = points.iter().zip(millis).map(|(point, millis)| {
            let warm_up = WarmUp { first_run: Nanos(9_000), runs: 10, time: Nanos(90_000), settled: true };
            let timer = TimerQuality { precision: Nanos(25), read_cost: Nanos(20) };
            let mut process = ProcessSamples::new(warm_up, timer, 1, 1);
            process.whole = vec![Nanos::from_millis(millis); 8];
            process.enqueue = process.whole.clone();
            let (design, options) = (point.design.fingerprint(), point.options.clone());
            let key = MeasureKey { design, options, protocol: Protocol::live() };
            let circumstances =
                Circumstances { key: key.clone(), kernels: vec![], conditions: Conditions::default(), scatter: None };
            let measurement = Measurement::summarise(&circumstances, &[process]).unwrap();
            (run_key(&key), PointResult::new(point, &measurement).unwrap())
        });
        finished.collect()
    }

    #[test]
    fn the_front_is_marked_in_the_better_direction_of_each_figure() {
        let results: Vec<PointResult> = results([4, 10, 9]).into_iter().map(|(_, result)| result).collect();
        let view = scatter(&results, Figure::Latency, Figure::MultAdds);
        assert_eq!(view.iter().map(|point| point.x).collect::<Vec<_>>(), [4.0, 10.0, 9.0]);
        // Twice the width is faster here than once, and computes more: the middle one is beaten.
        assert_eq!(view.iter().map(|point| point.on_front).collect::<Vec<_>>(), [true, false, true]);
        let view = scatter(&results, Figure::Speed, Figure::Params);
        assert_eq!(view[0].x, 500.0);
        assert_eq!(view.iter().filter(|point| point.on_front).count(), 1);
    }

    #[test]
    fn a_finished_point_is_found_again_by_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.jsonl");
        let (results, context) =
            (results([4, 10, 9]), RunContext::new(Some("a processor"), &RunOptions::new(DeviceId::Cpu, 1, 2)));
        let mut file = ResultsFile::open(&path).unwrap();
        for (key, result) in &results[..2] {
            file.add(key.clone(), context.clone(), result.clone()).unwrap();
        }
        drop(file);
        let file = ResultsFile::<PointResult>::open(&path).unwrap();
        assert_eq!(file.get(&results[1].0, &context), Some(&results[1].1));
        let left = results.iter().filter(|(key, _)| file.get(key, &context).is_none()).count();
        assert_eq!(left, 1, "one is left to measure");
    }
}
