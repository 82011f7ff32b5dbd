//! The finished runs of the present network, as the store remembers them, and which result became the last row.

use std::sync::Arc;

use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::measure::{CanaryReport, MeasureKey, Measurement, Spread};
use shufflescope_engine::model::Model;
use shufflescope_engine::predict::Predictor;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::{HistoryRow, RunContext};

use super::keeper::Keeper;

/// See the module.
#[derive(Debug, Default)]
pub struct PastRuns {
    /// What was asked for; `None` where the rows have to be asked for anew.
    asked: Option<Fingerprint>,
    rows: Option<(Fingerprint, Vec<HistoryRow>)>,
    /// By what the last one noted is known.
    noted: Option<(MeasureKey, Spread, CanaryReport)>,
}

impl PastRuns {
    /// The runs of this network, the newest last; `None` while they are looked up.
    #[must_use]
    pub fn of(&self, design: &Fingerprint) -> Option<&[HistoryRow]> {
        self.rows.as_ref().filter(|(of, _)| of == design).map(|(_, rows)| rows.as_slice())
    }

    /// Asks for the runs of what is shown; where nothing is, it is asked anew the next time, for others write as well.
    pub fn look_up(&mut self, shown: Option<&Fingerprint>, keeper: &Keeper) {
        if self.asked.as_ref() == shown {
            return;
        }
        self.asked = shown.cloned();
        if let Some(design) = shown {
            keeper.history(design.clone());
        }
    }

    /// Takes the store's answer.
    pub fn fill(&mut self, design: Fingerprint, rows: Vec<HistoryRow>) {
        self.rows = Some((design, rows));
    }

    /// Makes a finished measurement of `model` a row, once, and remembers its kernels beside what `predictor` said of them.
    pub fn note(
        &mut self,
        model: &Model,
        measurement: Arc<Measurement>,
        predictor: Option<Arc<Predictor>>,
        keeper: &Keeper,
    ) {
        let noted = Some((measurement.key(), measurement.whole, measurement.canary));
        if self.noted != noted {
            self.noted = noted;
            self.asked = None;
            keeper.note_run(model, measurement, predictor);
        }
    }

    /// The median over that of the last comparable run before it, of the row at `index`.
    #[must_use]
    pub fn change(rows: &[HistoryRow], index: usize) -> Option<f64> {
        let (earlier, [row, ..]) = rows.split_at_checked(index)? else { return None };
        row.ratio_to_last(earlier).map(|ratio| ratio - 1.0)
    }

    /// Whether a row is of this version on this machine, run as the window runs now.
    #[must_use]
    pub fn is_as_now(row: &HistoryRow, machine: Option<&str>, options: &RunOptions) -> bool {
        let now = RunContext::new(machine, options);
        let of = &row.options;
        let isa = options.instruction_set.map(|isa| isa.name());
        row.version == now.version
            && row.machine == now.machine
            && row.device == options.device.to_string()
            && (of.runtime.as_str(), of.threads, of.batch)
                == (options.runtime.name(), options.threads as u64, options.batch)
            && (of.precision == options.precision.name() && of.instruction_set.as_deref() == isa)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use shufflescope_engine::clock::{ClockDomain, TimerQuality};
    use shufflescope_engine::device::{Conditions, DeviceId};
    use shufflescope_engine::measure::{Apart, Circumstances, ProcessSamples, Protocol, WarmUp};
    use shufflescope_engine::units::Nanos;
    use shufflescope_engine::zoo;

    use super::*;
    use crate::window::keeper::Answer;
    use crate::window::pacer::Pacer;

    fn measured(time: Nanos) -> Measurement {
        let warm_up = WarmUp { first_run: Nanos(20), runs: 3, time: Nanos(60), settled: true };
        let mut process = ProcessSamples::new(warm_up, TimerQuality { precision: Nanos(1), read_cost: Nanos(0) }, 1, 1);
        process.whole = vec![time; 5];
        let design = zoo::preset("shufflenet-v2-x0.5").unwrap().fingerprint();
        let options = RunOptions::new(DeviceId::Cpu, 1, 1);
        let key = MeasureKey { design, options, protocol: Protocol::live() };
        let circumstances = Circumstances { key, kernels: vec![], conditions: Conditions::default(), scatter: None };
        Measurement::summarise(&circumstances, &[process]).unwrap()
    }

    #[test]
    fn a_run_is_noted_once_also_when_its_layers_are_measured_apart_later_and_another_one_beside_it() {
        let (mut past, keeper) = (PastRuns::default(), Keeper::new(None, Pacer::default()));
        let (run, of) = (measured(Nanos(20)), Model::from(zoo::preset("shufflenet-v2-x0.5").unwrap()));
        let apart = Some(Apart { layers: vec![], whole: Nanos(21), clock: ClockDomain::Host });
        for run in [run.clone(), Measurement { apart, ..run.clone() }, measured(Nanos(30))] {
            past.note(&of, Arc::new(run), None, &keeper);
        }
        past.look_up(Some(&run.design), &keeper);
        let start = Instant::now();
        while past.of(&run.design).is_none() {
            assert!(start.elapsed() < Duration::from_secs(60), "the store says nothing");
            std::thread::sleep(Duration::from_millis(2));
            for answer in keeper.poll() {
                let Answer::History(design, rows) = answer else { panic!("{answer:?}") };
                past.fill(design, rows);
            }
        }
        let medians: Vec<Nanos> = past.of(&run.design).unwrap().iter().map(|row| row.median).collect();
        assert_eq!(medians, [Nanos(20), Nanos(30)]);
    }
}
