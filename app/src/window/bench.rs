//! The long measurements of *Compare*, *Lab* and *Explore*: one step after another in a worker of their own, and never two at once.
//! Live measuring rests meanwhile, for two measurements on one machine would only measure each other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use shufflescope_engine::design::InputSize;
use shufflescope_engine::measure::{InterleaveRules, Interleaved, Measurement, Protocol};
use shufflescope_engine::search::{self, Found};
use shufflescope_engine::store::KernelRun;
use shufflescope_engine::sweep::Point;
use shufflescope_engine::units::Nanos;

use crate::worker::{Client, ClientEvent, ColumnChoice, Job, SearchJob, Ticket, TurnsJob};

/// How carefully the tabs measure.
#[derive(Clone, Debug)]
pub struct Care {
    /// Of networks in turns.
    pub rules: InterleaveRules,
    /// Fresh processes that share the rounds, where networks are compared.
    pub processes: usize,
    /// Of networks one by one.
    pub protocol: Protocol,
}

impl Default for Care {
    fn default() -> Self {
        let processes = 5;
        let rules = InterleaveRules::in_processes(processes);
        Self { rules, processes, protocol: Protocol::live().refined() }
    }
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The comparison of two networks.
    Compare,
    /// The paper's experiments and the sweep.
    Lab,
    /// The search.
    Explore,
    /// A change that is advised, tried.
    Advice,
    /// What predictions rest on.
    Calibration,
}

impl Owner {
    /// Who measures, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compare => "Compare",
            Self::Lab => "The Lab",
            Self::Explore => "Explore",
            Self::Advice => "Advice",
            Self::Calibration => "Calibration",
        }
    }

    /// What is said to who has to wait.
    #[must_use]
    pub const fn is_measuring(self) -> &'static str {
        match self {
            Self::Compare => "Compare is measuring: wait for it or cancel it.",
            Self::Lab => "The Lab is measuring: wait for it or cancel it.",
            Self::Explore => "Explore is searching: wait for it or cancel it.",
            Self::Advice => "Advice is trying a change: wait for it or cancel it.",
            Self::Calibration => "Calibration is measuring: wait for it or cancel it.",
        }
    }
}

/// One of the two networks compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the other is compared with.
    A,
    /// What is judged.
    B,
}

/// What a step is for.
#[derive(Clone, Debug)]
pub enum Task {
    /// A and B in turns.
    Pair,
    /// Where the time of one of them goes.
    LayersOf(Side),
    /// One column of an experiment.
    Column(ColumnChoice),
    /// A network of the zoo at an input.
    Network(&'static str, InputSize),
    /// One point of a sweep.
    Point(Box<Point>),
    /// A search for designs.
    Search,
    /// A design and what a change makes of it, in turns.
    Try,
    /// The kernels of what the change made of it.
    KernelsOfTry,
    /// A random design.
    Calibrate,
}

/// Random designs that one process measures: what differs between processes is part of what a prediction cannot know.
const PER_PROCESS: usize = 10;

/// What the worker is asked for.
#[derive(Clone, Debug)]
pub enum Work {
    /// Networks in turns.
    Turns(Box<TurnsJob>),
    /// One network.
    Measure(Box<Job>),
    /// One network, and then every layer of it as a kernel of its own.
    TakeApart(Box<Job>),
    /// Designs that are searched for.
    Search(Arc<SearchJob>),
}

/// A measurement to be made.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it is for.
    pub task: Task,
    /// What people call it.
    pub name: String,
    /// What is asked for.
    pub work: Work,
}

impl Step {
    /// About how long it takes, in seconds: only the proportions matter.
    fn weight(&self) -> f32 {
        match &self.work {
            Work::Turns(job) => 6.0 * job.processes.max(1) as f32,
            Work::Search(job) => job.time.as_secs_f64() as f32,
            Work::Measure(job) | Work::TakeApart(job) if job.protocol.processes.maximum > 1 => 5.0,
            Work::Measure(_) | Work::TakeApart(_) => 1.0,
        }
    }
}

/// What came of a step.
#[derive(Debug)]
pub enum Outcome {
    /// The rounds so far.
    SoFar(Vec<Arc<Interleaved>>),
    /// All rounds.
    Turns(Vec<Arc<Interleaved>>),
    /// The measurement.
    Measured(Box<Measurement>),
    /// What a search has found since the last time.
    Searching(Box<SearchNews>),
    /// The search is over.
    Searched,
    /// It cannot be done, with cause and remedy.
    Failed(String),
}

/// What a search tells on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchNews {
    /// Where it stands.
    pub standing: search::Standing,
    /// The designs that were measured since the last time.
    pub found: Vec<Found>,
    /// The kernels that were measured since the last time.
    pub kernels: Vec<KernelRun>,
}

/// How far the run in progress is.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Whose run it is.
    pub owner: Owner,
    /// What is being measured.
    pub name: String,
    /// Its number, from 1.
    pub step: usize,
    /// All steps of the run.
    pub steps: usize,
    /// Of the run, from 0 to 1.
    pub fraction: f32,
    /// At the pace so far, once that is known.
    pub left: Option<Nanos>,
    /// Who measures on the device, while that is waited for.
    pub behind: Option<String>,
}

/// See the module.
#[derive(Debug)]
pub struct Bench {
    client: Client,
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    owner: Owner,
    current: Step,
    ticket: Ticket,
    /// The current network's measurement, while its layers are measured apart.
    measured: Option<Box<Measurement>>,
    /// Of the current step, as far as the worker tells.
    fraction: f32,
    step_left: Option<Nanos>,
    /// Who measures on the device, while that is waited for.
    behind: Option<String>,
    waiting: VecDeque<Step>,
    done: usize,
    /// The work done so far, as [`Step::weight`] counts it.
    done_weight: f32,
    started: Instant,
}

impl Bench {
    /// Measures with this client; no process starts before something is asked for.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client, run: None }
    }

    /// Whether a run is in progress.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.run.is_some()
    }

    /// Whose run is in progress.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        self.run.as_ref().map(|run| run.owner)
    }

    /// Adds steps behind those that wait. Refused, with the reason, while another tab measures.
    ///
    /// # Errors
    /// What to do about it.
    pub fn add(&mut self, owner: Owner, steps: impl IntoIterator<Item = Step>) -> Result<(), &'static str> {
        if let Some(run) = &mut self.run {
            if run.owner != owner {
                return Err(run.owner.is_measuring());
            }
            run.waiting.extend(steps);
            return Ok(());
        }
        let mut waiting: VecDeque<Step> = steps.into_iter().collect();
        let Some(current) = waiting.pop_front() else { return Ok(()) };
        let ticket = start(&mut self.client, &current);
        let (started, fraction, measured, step_left, behind) = (Instant::now(), 0.0, None, None, None);
        let (done, done_weight) = (0, 0.0);
        self.run = Some(Run {
            owner,
            current,
            ticket,
            measured,
            fraction,
            step_left,
            behind,
            waiting,
            done,
            done_weight,
            started,
        });
        Ok(())
    }

    /// Tells the worker that a repaint begins or ends.
    pub fn painting(&mut self, begins: bool) {
        self.client.painting(begins);
    }

    /// Gives up the run in progress, if it is this owner's; what is finished is kept by those who asked.
    pub fn cancel(&mut self, owner: Owner) {
        if self.owner() == Some(owner) {
            self.run = None;
            self.client.cancel();
        }
    }

    /// The step being measured and those that wait.
    pub fn pending(&self) -> impl Iterator<Item = &Step> {
        self.run.iter().flat_map(|run| std::iter::once(&run.current).chain(&run.waiting))
    }

    /// How far the run in progress is.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        let run = self.run.as_ref()?;
        let steps = run.done + 1 + run.waiting.len();
        let (current, waiting) = (run.current.weight(), run.waiting.iter().map(Step::weight).sum::<f32>());
        let done = run.done_weight + current * run.fraction.clamp(0.0, 1.0);
        let fraction = done / (run.done_weight + current + waiting);
        let left = if run.waiting.is_empty() && run.step_left.is_some() {
            run.step_left
        } else {
            let elapsed = run.started.elapsed().as_secs_f64();
            let known = fraction > 0.02 && elapsed > 1.0;
            known.then(|| Nanos((elapsed * f64::from((1.0 - fraction) / fraction) * 1e9) as u64))
        };
        let (owner, name, behind) = (run.owner, run.current.name.clone(), run.behind.clone());
        Some(Standing { owner, name, step: run.done + 1, steps, fraction, left, behind })
    }

    /// Takes what the worker said and starts the next step; says what came of which step.
    pub fn advance(&mut self) -> Vec<(Step, Outcome)> {
        let mut news = Vec::new();
        for event in self.client.poll() {
            let Some(run) = &mut self.run else { continue };
            let outcome = match event {
                ClientEvent::Waiting { ticket, behind } if ticket == run.ticket => {
                    run.behind = Some(behind);
                    continue;
                }
                ClientEvent::Preparing { ticket } if ticket == run.ticket => {
                    run.behind = None;
                    continue;
                }
                ClientEvent::Progress { ticket, fraction, left, .. } if ticket == run.ticket => {
                    (run.fraction, run.step_left) = (fraction, Some(left));
                    continue;
                }
                ClientEvent::Turns { ticket, fraction, left, processes } if ticket == run.ticket => {
                    (run.fraction, run.step_left) = (fraction, left);
                    if let Some(processes) = processes {
                        news.push((run.current.clone(), Outcome::SoFar(processes)));
                    }
                    continue;
                }
                ClientEvent::Done { ticket, measurement } if ticket == run.ticket => match &run.current.work {
                    Work::TakeApart(job) => {
                        run.ticket = self.client.take_apart((**job).clone());
                        run.measured = Some(measurement);
                        continue;
                    }
                    Work::Measure(_) | Work::Turns(_) | Work::Search(_) => Outcome::Measured(measurement),
                },
                ClientEvent::Apart { ticket, apart } if ticket == run.ticket => {
                    let Some(mut measurement) = run.measured.take() else { continue };
                    measurement.apart = Some(*apart);
                    Outcome::Measured(measurement)
                }
                ClientEvent::Search { ticket, standing, found, kernels } if ticket == run.ticket => {
                    (run.fraction, run.step_left, run.behind) = (standing.fraction as f32, Some(standing.left), None);
                    let told = Box::new(SearchNews { standing, found, kernels });
                    news.push((run.current.clone(), Outcome::Searching(told)));
                    continue;
                }
                ClientEvent::SearchDone { ticket } if ticket == run.ticket => Outcome::Searched,
                ClientEvent::TurnsDone { ticket, processes } if ticket == run.ticket => Outcome::Turns(processes),
                ClientEvent::Failed { ticket, message } if ticket == run.ticket => Outcome::Failed(message),
                ClientEvent::WorkerLost { message } => Outcome::Failed(message),
                _ => continue,
            };
            news.push((run.current.clone(), outcome));
            self.next();
        }
        news
    }

    fn next(&mut self) {
        let Some(run) = &mut self.run else { return };
        run.done += 1;
        run.done_weight += run.current.weight();
        (run.fraction, run.measured, run.step_left, run.behind) = (0.0, None, None, None);
        match run.waiting.pop_front() {
            Some(step) => {
                if matches!(step.task, Task::Calibrate) && run.done.is_multiple_of(PER_PROCESS) {
                    self.client.start_anew();
                }
                run.ticket = start(&mut self.client, &step);
                run.current = step;
            }
            None => self.run = None,
        }
    }
}

fn start(client: &mut Client, step: &Step) -> Ticket {
    match &step.work {
        Work::Turns(job) => client.take_turns((**job).clone()),
        Work::Measure(job) | Work::TakeApart(job) => client.measure((**job).clone()),
        Work::Search(job) => client.search((**job).clone()),
    }
}

/// Eight rounds of so many networks, in two sittings.
#[cfg(test)]
pub(super) fn rounds_of(networks: usize) -> Vec<Arc<Interleaved>> {
    use shufflescope_engine::clock::TimerQuality;
    use shufflescope_engine::measure::{Block, Round, RowRecord, WarmUp};
    let mut rounds = Interleaved::new(TimerQuality { precision: Nanos(20), read_cost: Nanos(25) });
    let warm_up = WarmUp { first_run: Nanos(9_000), runs: 5, time: Nanos(50_000), settled: true };
    let row = RowRecord { warm_up, runs_per_sample: 1, samples_per_block: 2, threads: 1, instruction_set: None };
    rounds.rows = vec![row; networks];
    let block = |round: u64| move |row: usize| Block { row, samples: vec![Nanos(1_000 + 10 * round + row as u64); 2] };
    rounds.rounds = (0..8).map(|round| Round { blocks: (0..networks).map(block(round)).collect() }).collect();
    rounds.prepared_anew = vec![4];
    vec![Arc::new(rounds)]
}
