//! The finished runs of the present network, as the store remembers them, and which result became the last row.

use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::measure::Measurement;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::{HistoryRow, RunContext, RunRecord, Timestamp};

use super::keeper::Keeper;

/// See the module.
#[derive(Debug, Default)]
pub struct PastRuns {
    /// What was asked for; `None` where the rows have to be asked for anew.
    asked: Option<Fingerprint>,
    rows: Option<(Fingerprint, Vec<HistoryRow>)>,
    noted: Option<RunRecord>,
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

    /// Makes a finished measurement of the network called `model` a row, once.
    pub fn note(&mut self, model: &str, measurement: &Measurement, keeper: &Keeper) {
        let context = RunContext::new(None, &measurement.key().options);
        let run = RunRecord::of(measurement, model, context, Timestamp::now());
        let is_known = self
            .noted
            .as_ref()
            .is_some_and(|noted| RunRecord { when: run.when, model: model.to_owned(), ..noted.clone() } == run);
        if !is_known {
            self.noted = Some(run.clone());
            self.asked = None;
            keeper.note_run(run);
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
            && (of.precision == now.precision && of.instruction_set.as_deref() == isa)
    }
}
