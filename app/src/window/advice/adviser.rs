//! What every change would bring: worked out on a thread, kept by what it is of.

use std::collections::VecDeque;
use std::sync::Arc;

use shufflescope_engine::advise::{Advice, Counsel, remedies};
use shufflescope_engine::design::{Design, Edit, Fingerprint, StageEdit};
use shufflescope_engine::predict::Predictor;
use shufflescope_engine::runtime::RunOptions;

use super::applied::{Applications, Promise};
use super::trial::Trials;
use crate::later::Later;
use crate::window::bench::Care;
use crate::window::document::Document;
use crate::window::forecast::{Knowledge, Learning};
use crate::window::pacer::Pacer;

/// Answers that are kept: a step back shows at once what was worked out before.
const KEPT: usize = 12;

/// How much is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Guidelines' remedies: a few plans.
    Remedies,
    /// Every knob and every staircase: some two hundred plans.
    Everything,
}

/// Everything that an answer depends on.
#[derive(Clone, Debug, PartialEq)]
struct Question {
    design: Fingerprint,
    options: RunOptions,
    /// Of what is known of the target.
    generation: u64,
}

#[derive(Debug)]
struct Answer {
    of: Question,
    depth: Depth,
    counsel: Result<Counsel, String>,
}

/// See the module.
#[derive(Debug)]
pub struct Adviser {
    /// What is asked now; `None` where the network is no design, or nothing is known of the target.
    asked: Option<Question>,
    answers: VecDeque<Answer>,
    in_work: Option<(Question, Depth)>,
    working: Later<Answer>,
    /// Changes that were tried.
    pub trials: Trials,
    /// Changes that were made.
    pub applications: Applications,
}

impl Adviser {
    /// Nothing is asked yet. Changes are tried with this care; `pacer` is woken when something is worked out.
    #[must_use]
    pub fn new(care: Care, pacer: Pacer) -> Self {
        let wake = pacer.clone();
        Self {
            asked: None,
            answers: VecDeque::new(),
            in_work: None,
            working: Later::new(move || wake.wake_now()),
            trials: Trials::new(care, pacer),
            applications: Applications::default(),
        }
    }

    /// Asks about the document's design, to this depth.
    pub fn settle(&mut self, document: &Document, learning: &Learning, depth: Depth) {
        let options = document.valid_options();
        let design = document.valid().model.design();
        let (Some(design), Knowledge::Known(predictor, generation)) = (design, learning.of(&options)) else {
            self.asked = None;
            return;
        };
        let question = Question { design: document.valid().fingerprint.clone(), options, generation };
        let is_there = self.answer(&question).is_some_and(|answer| answer.depth >= depth);
        let is_on_its_way = self.in_work.as_ref().is_some_and(|(of, to)| *of == question && *to >= depth);
        self.asked = Some(question.clone());
        if !is_there && !is_on_its_way {
            self.in_work = Some((question.clone(), depth));
            let (design, predictor) = (design.clone(), predictor.clone());
            self.working.start(move || work_out(question, depth, &design, &predictor));
        }
    }

    /// Takes what was worked out.
    pub fn poll(&mut self) {
        let Some(result) = self.working.take() else { return };
        let answer = match (result, &self.in_work) {
            (Ok(answer), _) => answer,
            (Err(reason), Some((of, depth))) => Answer { of: of.clone(), depth: *depth, counsel: Err(reason) },
            (Err(_), None) => return,
        };
        self.in_work.take_if(|(of, depth)| *of == answer.of && *depth <= answer.depth);
        self.answers.retain(|old| old.of != answer.of);
        self.answers.push_back(answer);
        if self.answers.len() > KEPT {
            self.answers.pop_front();
        }
    }

    /// What is worked out of the present design; `None` while nothing is, or nothing can be.
    ///
    /// # Errors
    /// Why nothing can be.
    #[must_use]
    pub fn counsel(&self) -> Option<Result<(&Counsel, Depth), &str>> {
        let Answer { depth, counsel, .. } = self.answer(self.asked.as_ref()?)?;
        Some(counsel.as_ref().map(|counsel| (counsel, *depth)).map_err(String::as_str))
    }

    /// Everything about the present design, once it is worked out.
    #[must_use]
    pub fn everything(&self) -> Option<&Counsel> {
        let (counsel, depth) = self.counsel()?.ok()?;
        (depth == Depth::Everything).then_some(counsel)
    }

    /// What is said of an edit of the present design.
    #[must_use]
    pub fn on(&self, edit: &Edit) -> Option<&Advice> {
        self.counsel()?.ok()?.0.on(edit)
    }

    /// What is promised of an edit of the present design, be it an advice or other channels of a stage.
    #[must_use]
    pub fn promise(&self, edit: &Edit) -> Option<Promise> {
        if let Some(advice) = self.on(edit) {
            return Some(Promise { label: advice.label.clone(), predicted: advice.ratio() });
        }
        let Edit::Stage { stage, change: StageEdit::Channels(channels) } = edit else { return None };
        let stairs = self.everything()?.staircases.iter().find(|stairs| stairs.stage == *stage)?;
        Some(Promise { label: edit.to_string(), predicted: stairs.at(*channels)?.ratio })
    }

    /// Whether something about the present design is on its way.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.in_work.as_ref().is_some_and(|(of, _)| self.asked.as_ref() == Some(of))
    }

    fn answer(&self, question: &Question) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.of == *question)
    }
}

fn work_out(of: Question, depth: Depth, design: &Design, predictor: &Arc<Predictor>) -> Answer {
    let counsel = match depth {
        Depth::Remedies => {
            remedies(design, predictor, &of.options).map(|remedies| Counsel { remedies, ..Counsel::default() })
        }
        Depth::Everything => Counsel::of(design, predictor, &of.options),
    };
    Answer { depth, counsel: counsel.map_err(|error| error.to_string()), of }
}
