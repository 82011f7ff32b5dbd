//! The present network on one of several targets: its latency there, and which guidelines hold there: what they propose
//! makes the design faster, measured in turns.

use std::collections::VecDeque;

use shufflescope_engine::cost::model_cost;
use shufflescope_engine::design::{Batch, Fingerprint};
use shufflescope_engine::experiment::PairResult;
use shufflescope_engine::graph::Graph;
use shufflescope_engine::guideline::{Guideline, Remedy, findings};
use shufflescope_engine::measure::{Difference, InterleaveRules, Interleaved, Measurement, Protocol, RatioInterval};
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;

use crate::later::Later;
use crate::target::Programs;
use crate::window::pacer::Pacer;
use crate::worker::{Client, ClientEvent, Contest, Job, Ticket, TurnsJob};

/// How a network is measured side by side.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Of the network alone.
    pub protocol: Protocol,
    /// Of the network and what a guideline makes of it.
    pub rules: InterleaveRules,
}

/// What a guideline's remedy does on a target.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Which.
    pub guideline: Guideline,
    /// What it proposes.
    pub remedy: String,
    /// How long the changed design takes, as a ratio to the design as it is.
    pub ratio: RatioInterval,
    /// What that means.
    pub verdict: Difference,
}

impl Judged {
    /// Whether the guideline holds there; `None` where the measurement does not tell.
    #[must_use]
    pub const fn holds(&self) -> Option<bool> {
        match self.verdict {
            Difference::Faster => Some(true),
            Difference::Slower | Difference::Same => Some(false),
            Difference::Undecided => None,
        }
    }
}

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// The network.
    pub of: Fingerprint,
    /// How it ran.
    pub options: RunOptions,
    /// Its latency there.
    pub measurement: Box<Measurement>,
    /// The guidelines that it goes against.
    pub judged: Vec<Judged>,
}

/// See the module.
#[derive(Debug)]
pub struct Side {
    pacer: Pacer,
    run: Option<Run>,
    measured: Option<Measured>,
    failure: Option<String>,
}

#[derive(Debug)]
struct Run {
    client: Client,
    ticket: Ticket,
    model: Model,
    options: RunOptions,
    rules: InterleaveRules,
    fraction: f32,
    /// Who measures there, while that is waited for.
    behind: Option<String>,
    /// What is measured in turns, and what follows.
    remedies: VecDeque<(Guideline, Remedy)>,
    judging: Later<Result<Judged, String>>,
}

impl Side {
    pub(super) const fn new(pacer: Pacer) -> Self {
        Self { pacer, run: None, measured: None, failure: None }
    }

    /// The last result.
    #[must_use]
    pub const fn measured(&self) -> Option<&Measured> {
        self.measured.as_ref()
    }

    /// Why there is none, or no whole one.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Whether it is being measured.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.run.is_some()
    }

    /// What is being done, in a few words.
    #[must_use]
    pub fn standing(&self) -> Option<String> {
        let run = self.run.as_ref()?;
        Some(match (&run.behind, &self.measured, run.remedies.front()) {
            (Some(behind), ..) => format!("waiting for {behind}"),
            (None, Some(_), Some((guideline, _))) => format!("trying {guideline}, {:.0} %", 100.0 * run.fraction),
            _ => format!("measuring, {:.0} %", 100.0 * run.fraction),
        })
    }

    /// Measures this network there, in place of what was measured.
    pub(super) fn start(&mut self, programs: Programs, model: &Model, options: RunOptions, manner: Manner) {
        let (wake, pacer) = (self.pacer.clone(), self.pacer.clone());
        let mut client = Client::new(programs, "the window, side by side", move || wake.wake());
        let protocol = manner.protocol.on(options.device);
        let (model, rules) = (model.clone(), manner.rules);
        let job = Job { design: model.clone(), options: options.clone(), protocol, weights: None, scatter: None };
        let ticket = client.measure(job);
        let judging = Later::new(move || pacer.wake_now());
        let (fraction, behind, remedies) = (0.0, None, VecDeque::new());
        (self.measured, self.failure) = (None, None);
        self.run = Some(Run { client, ticket, model, options, rules, fraction, behind, remedies, judging });
    }

    /// Says why nothing is measured there.
    pub(super) fn refuse(&mut self, reason: String) {
        (self.run, self.measured, self.failure) = (None, None, Some(reason));
    }

    /// Stops; what is measured stays.
    pub(super) fn stop(&mut self) {
        self.run = None;
    }

    /// Takes what came, and goes on.
    pub(super) fn advance(&mut self) {
        let Some(run) = &mut self.run else { return };
        let mut failure = None;
        for event in run.client.poll() {
            match event {
                ClientEvent::Waiting { behind, .. } => run.behind = Some(behind),
                ClientEvent::Preparing { .. } => run.behind = None,
                ClientEvent::Progress { fraction, .. } | ClientEvent::Turns { fraction, .. } => run.fraction = fraction,
                ClientEvent::Done { ticket, measurement } if ticket == run.ticket => {
                    run.remedies = remedies(&run.model, &measurement);
                    let (of, options) = (run.model.fingerprint(), run.options.clone());
                    self.measured = Some(Measured { of, options, measurement, judged: Vec::new() });
                    run.try_next();
                }
                ClientEvent::TurnsDone { ticket, processes } if ticket == run.ticket => {
                    run.judge(processes.into_iter().map(std::sync::Arc::unwrap_or_clone).collect());
                }
                ClientEvent::Failed { message, .. } | ClientEvent::WorkerLost { message } => failure = Some(message),
                _ => {}
            }
        }
        match run.judging.take().map(Result::flatten) {
            Some(Ok(judged)) => {
                run.remedies.pop_front();
                if let Some(measured) = &mut self.measured {
                    measured.judged.push(judged);
                }
                run.try_next();
            }
            Some(Err(reason)) => failure = Some(reason),
            None => {}
        }
        let is_over = self.measured.is_some() && run.remedies.is_empty();
        if failure.is_some() || is_over {
            (self.run, self.failure) = (None, failure);
        }
    }
}

impl Run {
    fn try_next(&mut self) {
        let (Some((_, remedy)), Some(design)) = (self.remedies.front(), self.model.design()) else { return };
        let (a, b) = (Box::new(self.model.clone()), Box::new(Model::from(design.apply(&remedy.edit))));
        let networks = Contest::Pair { a, b };
        self.fraction = 0.0;
        let (options, rules) = (self.options.clone(), self.rules);
        self.ticket = self.client.take_turns(TurnsJob { networks, options, rules, processes: 1 });
    }

    /// Makes a verdict of the rounds, on a thread.
    fn judge(&self, rounds: Vec<Interleaved>) {
        let (Some((guideline, remedy)), Some(design)) = (self.remedies.front().cloned(), self.model.design()) else {
            return;
        };
        let (a, b) = (self.model.clone(), Model::from(design.apply(&remedy.edit)));
        let (options, rules) = (self.options.clone(), self.rules);
        self.judging.start(move || {
            let batch = Batch(options.batch);
            let graph =
                |model: &Model| -> Result<Graph, String> { model.graph(batch).map_err(|error| error.to_string()) };
            let (a, b) = (graph(&a)?, graph(&b)?);
            let pair = PairResult::new([&a, &b], &options, &rules, &rounds, None).map_err(|error| error.to_string())?;
            let (ratio, verdict) = (pair.comparison.ratio, pair.comparison.verdict);
            Ok(Judged { guideline, remedy: remedy.label, ratio, verdict })
        });
    }
}

/// What the guidelines propose for a network that was measured so.
fn remedies(model: &Model, measurement: &Measurement) -> VecDeque<(Guideline, Remedy)> {
    let Ok(graph) = model.graph(Batch(measurement.batch)) else { return VecDeque::new() };
    let found = findings(model.design(), &graph, &model_cost(&graph), Some(measurement));
    found.into_iter().filter_map(|finding| Some((finding.guideline, finding.remedy?))).collect()
}
