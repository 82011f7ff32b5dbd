//! The store's thread: the window hands it jobs and takes the answers, so that no database is ever waited for while a
//! frame is painted. It knows nothing of the tabs: what one of them [asks](Keeper::look_up) comes to itself.

mod asked;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shufflescope_engine::design::Fingerprint;
use shufflescope_engine::device::Machine;
use shufflescope_engine::measure::{Measurement, Mode, NoiseFloor, Peaks, Scatter};
use shufflescope_engine::model::Model;
use shufflescope_engine::predict::Predictor;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::{
    HistoryRow, Kept, KernelRun, Kind, Opened, RunContext, RunRecord, Store, StoreError, Timestamp,
};

pub use self::asked::Asked;
use super::pacer::Pacer;
use crate::kernel_times::{kept_peaks, kernel_run, way};

/// What the store says to whom it may concern.
#[derive(Debug)]
pub enum Answer {
    /// What earlier comparisons in this context could not tell apart.
    Floor(RunContext, Option<NoiseFloor>),
    /// How live runs of a network differ in a context, as far as earlier runs tell.
    Scatter(Fingerprint, RunContext, Option<Scatter>),
    /// The finished runs of a network, the newest last.
    History(Fingerprint, Vec<HistoryRow>),
    /// What predictions in this way of running are made of, or why that cannot be read.
    KernelTimes(RunOptions, Result<KernelTimes, StoreError>),
    /// The kernels of one more network are known in this way of running.
    KernelsNoted(RunOptions),
    /// The store cannot be used, or had to be begun anew: told once.
    Trouble(String),
}

/// What predictions are made of.
#[derive(Debug, Default)]
pub struct KernelTimes {
    /// The networks whose kernels were measured, the newest last.
    pub runs: Vec<KernelRun>,
    /// What the device can do at most, where that was measured.
    pub peaks: Option<Peaks>,
}

type Job = Box<dyn FnOnce(&Desk) -> Result<Option<Answer>, StoreError> + Send>;

/// See the module.
#[derive(Debug)]
pub struct Keeper {
    jobs: Sender<Job>,
    answers: Receiver<Answer>,
    pacer: Pacer,
}

/// What jobs work on.
#[derive(Debug)]
pub struct Desk {
    store: Store,
    /// What is known of where is measured: looked up where it is first needed.
    machine: RefCell<Option<Option<String>>>,
}

impl Keeper {
    /// Starts the thread. Without a data folder, and where the store cannot be used, results end with the program.
    #[must_use]
    pub fn new(data_folder: Option<&Path>, pacer: Pacer) -> Self {
        let (jobs, inbox) = channel();
        let (outbox, answers) = channel();
        let (folder, wake) = (data_folder.map(Path::to_owned), pacer.clone());
        std::thread::spawn(move || work(folder, &inbox, &outbox, &wake));
        Self { jobs, answers, pacer }
    }

    /// What came in.
    pub fn poll(&self) -> Vec<Answer> {
        self.answers.try_iter().collect()
    }

    /// Keeps a result.
    pub fn keep<T: Serialize + Send + 'static>(&self, kind: Kind, name: &str, kept: Kept<T>) {
        let name = name.to_owned();
        self.tell(move |desk| {
            let kept = Kept { context: desk.complete(kept.context), ..kept };
            desk.store.keep(kind, &name, &kept)
        });
    }

    /// Asks for the results kept of a name.
    pub fn load<T: DeserializeOwned + Send + 'static>(&self, kind: Kind, name: &str) -> Asked<Vec<Kept<T>>> {
        let name = name.to_owned();
        self.look_up(move |desk| desk.store.kept(kind, &name))
    }

    /// Has something looked up on the store's thread; what comes of it waits for who has asked.
    pub fn look_up<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Desk) -> Result<T, StoreError> + Send + 'static,
    ) -> Asked<T> {
        let (tell, asked) = Asked::new();
        let pacer = self.pacer.clone();
        self.send(Box::new(move |desk| {
            tell(job(desk)?);
            pacer.wake_now();
            Ok(None)
        }));
        asked
    }

    /// Asks for the noise floor of a context.
    pub fn floor(&self, context: RunContext) {
        self.ask(move |desk| {
            let context = desk.complete(context);
            desk.store.floor(&context).map(|floor| Answer::Floor(context, floor))
        });
    }

    /// Asks how live runs of a network differ with these options on this machine.
    pub fn scatter(&self, of: Fingerprint, options: RunOptions) {
        self.ask(move |desk| {
            let context = RunContext::new(desk.machine().as_deref(), &options);
            let scatter = desk.store.scatter(&context, &of, Mode::Live)?;
            Ok(Answer::Scatter(of, context, scatter))
        });
    }

    /// From now on what is measured is of the machine of this name; of this one where there is no name.
    pub fn measure_at(&self, machine: Option<String>) {
        self.tell(move |desk| {
            *desk.machine.borrow_mut() = machine.map(Some);
            Ok(())
        });
    }

    /// Remembers a noise floor.
    pub fn note_floor(&self, context: RunContext, floor: NoiseFloor) {
        self.tell(move |desk| desk.store.note_floor(&desk.complete(context), floor));
    }

    /// Remembers a finished run of `model` on this machine, and the times of its kernels beside what `predictor` said of
    /// them before; what becomes of its samples is computed on the store's thread.
    pub fn note_run(&self, model: &Model, measurement: Arc<Measurement>, predictor: Option<Arc<Predictor>>) {
        let (name, when, of) = (model.name().to_owned(), Timestamp::now(), measurement.clone());
        self.tell(move |desk| {
            let context = RunContext::new(desk.machine().as_deref(), &of.key().options);
            desk.store.note_run(&RunRecord::of(&of, &name, context, when))
        });
        self.note_kernels(model, measurement, predictor);
    }

    /// As [`note_run`](Self::note_run), of a network that is of interest for its kernels alone: it becomes no row of a
    /// history.
    pub fn note_kernels(&self, model: &Model, measurement: Arc<Measurement>, predictor: Option<Arc<Predictor>>) {
        let model = model.clone();
        self.send(Box::new(move |desk| {
            let options = measurement.key().options;
            let Some(run) = kernel_run(&model, &options, &measurement, predictor.as_deref()) else { return Ok(None) };
            desk.store.note_kernels(&RunContext::new(desk.machine().as_deref(), &options), &run)?;
            Ok(Some(Answer::KernelsNoted(way(&options))))
        }));
    }

    /// Asks for everything that predictions in a way of running are made of.
    pub fn kernel_times(&self, options: RunOptions) {
        self.ask(move |desk| {
            let context = RunContext::new(desk.machine().as_deref(), &options);
            let runs = desk.store.kernel_runs(&context);
            let known = runs.and_then(|runs| Ok(KernelTimes { runs, peaks: kept_peaks(&desk.store, &context)? }));
            Ok(Answer::KernelTimes(options, known))
        });
    }

    /// Remembers the kernels of networks that were measured in this context.
    pub fn note_kernel_runs(&self, context: &RunContext, runs: Vec<KernelRun>) {
        for run in runs {
            let context = context.clone();
            self.ask(move |desk| {
                let way = way(&context.options);
                desk.store.note_kernels(&desk.complete(context), &run).map(|()| Answer::KernelsNoted(way))
            });
        }
    }

    /// Asks for the finished runs of a network.
    pub fn history(&self, of: Fingerprint) {
        self.ask(move |desk| desk.store.history(Some(&of)).map(|rows| Answer::History(of, rows)));
    }

    /// Waits until everything is kept, but not for long; for the end of the program.
    pub fn finish(&self) {
        let (done, wait) = channel();
        self.tell(move |_| {
            let _ = done.send(());
            Ok(())
        });
        let _ = wait.recv_timeout(Duration::from_secs(5));
    }

    fn ask(&self, job: impl FnOnce(&Desk) -> Result<Answer, StoreError> + Send + 'static) {
        self.send(Box::new(|desk| job(desk).map(Some)));
    }

    fn tell(&self, job: impl FnOnce(&Desk) -> Result<(), StoreError> + Send + 'static) {
        self.send(Box::new(|desk| job(desk).map(|()| None)));
    }

    fn send(&self, job: Job) {
        // The thread only ends with this sender, or where there is no memory for a store.
        let _ = self.jobs.send(job);
    }
}

impl Desk {
    /// The store.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The name of the machine that is measured on: this one's processor, or what a target is called.
    pub fn machine(&self) -> Option<String> {
        self.machine.borrow_mut().get_or_insert_with(|| Machine::detect().cpu_model).clone()
    }

    /// The context with its machine, which the window does not know in its first moments.
    fn complete(&self, context: RunContext) -> RunContext {
        context.known_as(self.machine().as_deref())
    }
}

fn work(folder: Option<PathBuf>, jobs: &Receiver<Job>, answers: &Sender<Answer>, pacer: &Pacer) {
    let say = |answer| {
        let _ = answers.send(answer);
        pacer.wake_now();
    };
    let opened = match folder.as_deref().map(Store::open).transpose() {
        Ok(Some(Opened { store, damaged })) => {
            if let Some(damaged) = damaged {
                say(Answer::Trouble(format!("Earlier results are gone: {damaged}.")));
            }
            Ok(store)
        }
        Ok(None) => Store::in_memory(),
        Err(error) => {
            say(Answer::Trouble(format!("Results are not kept over a restart: export what you need. {error}.")));
            Store::in_memory()
        }
    };
    let store = match opened {
        Ok(store) => store,
        Err(error) => return say(Answer::Trouble(format!("Results are not kept. {error}."))),
    };
    let desk = Desk { store, machine: RefCell::default() };
    let mut told = false;
    for job in jobs {
        match job(&desk) {
            Ok(Some(answer)) => say(answer),
            Ok(None) => {}
            // Once is enough: the next job would most likely say the same.
            Err(_) if told => {}
            Err(error) => {
                told = true;
                say(Answer::Trouble(format!("A result is not kept over a restart: export it. {error}.")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::device::DeviceId;
    use shufflescope_engine::runtime::RunOptions;
    use std::time::Instant;

    fn wait(keeper: &Keeper) -> Answer {
        let start = Instant::now();
        loop {
            if let Some(answer) = keeper.poll().pop() {
                return answer;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "no answer");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn context() -> RunContext {
        RunContext::new(Some("a machine"), &RunOptions::new(DeviceId::Cpu, 1, 1))
    }

    #[test]
    fn jobs_are_done_in_order_and_what_was_noted_is_there_for_the_next_window() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(Some(folder.path()), Pacer::default());
        keeper.note_floor(context(), NoiseFloor { share: 0.02 });
        keeper.floor(context());
        let seen = |answer| matches!(answer, Answer::Floor(_, Some(NoiseFloor { share })) if share == 0.02);
        assert!(seen(wait(&keeper)));
        keeper.finish();
        let another = Keeper::new(Some(folder.path()), Pacer::default());
        another.floor(context());
        assert!(seen(wait(&another)), "while the first is still open");
    }

    #[test]
    fn what_began_before_the_machine_was_known_is_kept_as_this_machines() {
        let keeper = Keeper::new(None, Pacer::default());
        let options = RunOptions::new(DeviceId::Cpu, 1, 1);
        let (early, late) = (RunContext::new(None, &options), Machine::detect().cpu_model);
        keeper.keep(Kind::Networks, "all", Kept::now(early.clone(), 7));
        let asked = keeper.load::<u32>(Kind::Networks, "all");
        keeper.finish();
        let kept = asked.take().unwrap();
        assert!(asked.take().is_none(), "an answer is taken once");
        let here = RunContext::new(late.as_deref(), &options);
        assert_eq!(kept[0].context, here);
        keeper.note_floor(early.clone(), NoiseFloor { share: 0.02 });
        keeper.floor(early);
        let Answer::Floor(context, floor) = wait(&keeper) else { panic!("another answer") };
        assert_eq!((context, floor), (here, Some(NoiseFloor { share: 0.02 })));
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_told_once_and_the_session_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let keeper = Keeper::new(Some(&file.join("data")), Pacer::default());
        let Answer::Trouble(text) = wait(&keeper) else { panic!("no trouble") };
        assert!(text.contains("not kept over a restart") && text.contains("data"), "{text}");
        keeper.note_floor(context(), NoiseFloor { share: 0.02 });
        keeper.floor(context());
        assert!(matches!(wait(&keeper), Answer::Floor(_, Some(_))));
    }

    #[test]
    fn a_damaged_store_is_told_with_where_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("store.sqlite"), "no database ".repeat(400)).unwrap();
        let keeper = Keeper::new(Some(folder.path()), Pacer::default());
        let Answer::Trouble(text) = wait(&keeper) else { panic!("no trouble") };
        assert!(text.contains("store.damaged-") && text.contains("a new one is begun"), "{text}");
        keeper.floor(context());
        assert!(matches!(wait(&keeper), Answer::Floor(_, None)));
    }
}
