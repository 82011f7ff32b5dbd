//! What a worker is asked for, and what came of it.

use std::path::PathBuf;

use shufflescope_engine::design::{Design, Fingerprint};

use super::super::history::Step;
use super::super::running::Running;
use super::{Hint, LOOK_AGAIN, Outcome, Teach};
use crate::teach::{
    Class, ClassFiles, Kind, MOST_OF_A_CLASS, PictureFile, Shot, TakeInJob, TakenIn, TaughtFile, TaughtHere, TeachJob,
    TeachNews, TeachWork,
};

/// Seconds that a design is left alone before what was taught follows it.
const SETTLED: f64 = 0.4;

/// Numbers that are set aside for a folder that is taken in, by class: the most of each, times more classes than there are.
const SET_ASIDE: u64 = 1 << 20;

/// What the project knows of a work.
#[derive(Debug)]
pub struct JobParts {
    pub(in crate::window) name: String,
    pub(in crate::window) classes: Vec<ClassFiles>,
    pub(in crate::window) design: Design,
    pub(in crate::window) kind: Kind,
    pub(in crate::window) output: PathBuf,
}

impl Teach {
    /// Has a folder with one folder a class taken in.
    pub fn take_in(&mut self, folder: PathBuf) {
        let Some(open) = self.begin() else { return };
        let (pictures, first) = (open.place.pictures(), open.project.numbers(SET_ASIDE));
        let job = TakeInJob { folder, pictures, first, most: MOST_OF_A_CLASS };
        self.save();
        self.run(TeachWork::TakeIn(Box::new(job)));
    }

    /// What a worker is to be asked for to teach `design`; `rest` fills in what the project does not know.
    pub fn job(&mut self, kind: Kind, design: Design, rest: impl FnOnce(JobParts) -> TeachJob) {
        if let Some(Hint::Needed(reason)) = self.hint() {
            self.outcome = Some(Outcome::Failed(reason));
            return;
        }
        let Some(open) = self.begin() else { return };
        let output = open.place.weights(&format!("taught-{}.safetensors", open.project.number()));
        let file = |shot: &Shot| PictureFile { path: open.place.picture(shot.number), in_a_run: shot.in_a_run };
        let files =
            |class: &Class| ClassFiles { name: class.name.clone(), pictures: class.shots.iter().map(file).collect() };
        let classes = open.project.classes.iter().map(files).collect();
        let parts = JobParts { name: open.project.name.clone(), classes, design, kind, output };
        self.save();
        self.run(TeachWork::Teach(Box::new(rest(parts))));
    }

    /// Whether to teach this design now what was taught to another, which does not fit it: once, when it was left alone for
    /// a moment. Says in how many seconds to look again.
    pub fn follows(&mut self, print: &Fingerprint, now: f64) -> (bool, Option<f64>) {
        let is_able = self.running.is_none() && !matches!(self.hint(), Some(Hint::Needed(_)));
        match &mut self.followed {
            Some((of, since, tried)) if of == print => {
                let left = *since + SETTLED - now;
                if *tried || !is_able {
                    return (false, None);
                }
                *tried = left <= 0.0;
                (*tried, (!*tried).then_some(left.max(LOOK_AGAIN)))
            }
            followed => {
                *followed = Some((print.clone(), now, false));
                (false, Some(SETTLED))
            }
        }
    }

    fn run(&mut self, work: TeachWork) {
        self.show(None);
        self.running = Some(Running::new(work));
        self.outcome = None;
    }

    /// Stops what a worker does: a training keeps its best, unless it is stopped once more.
    pub fn cancel(&mut self) {
        if let Some(running) = self.running.as_mut().filter(|running| running.can_stop()) {
            running.stop();
            return self.client.stop();
        }
        let Some(running) = self.running.take() else { return };
        self.client.cancel();
        self.outcome = Some(Outcome::Cancelled);
        // What it has left half done.
        match running.work() {
            TeachWork::TakeIn(_) => self.sweep(),
            TeachWork::Teach(job) => {
                self.keeper.remove(job.output.clone());
                self.keeper.remove(job.checkpoint());
            }
        }
    }

    pub(super) fn sweep(&self) {
        if let Some(open) = &self.open {
            let known = open.project.shots().map(|shot| shot.number).collect();
            self.keeper.sweep(open.place.clone(), known);
        }
    }

    /// Hands the work to a worker once everything that it is to read is written.
    pub(super) fn send(&mut self) {
        let Some(running) = self.running.as_mut().filter(|running| !running.is_sent && self.keeper.waiting() == 0)
        else {
            return;
        };
        running.is_sent = true;
        let threads = match running.work() {
            TeachWork::Teach(job) => job.run.threads,
            TeachWork::TakeIn(_) => 1,
        };
        if let Err(reason) = self.client.start(running.work().clone(), threads) {
            self.running = None;
            self.outcome = Some(Outcome::Failed(format!("Teaching cannot begin: {reason}.")));
        }
    }

    pub(super) fn take(&mut self, news: TeachNews) -> Option<PathBuf> {
        if let Some(running) = &mut self.running {
            running.take(&news);
        }
        match news {
            TeachNews::Reading { .. } | TeachNews::Teaching { .. } => None,
            TeachNews::Failed { message } => {
                let was = self.running.take();
                if matches!(was.as_ref().map(Running::work), Some(TeachWork::TakeIn(_))) {
                    self.sweep();
                }
                self.outcome = Some(Outcome::Failed(sentence(&message)));
                None
            }
            TeachNews::TakenIn(taken) => {
                self.running = None;
                self.took_in(taken);
                None
            }
            TeachNews::Taught(taught) => {
                self.running = None;
                Some(self.was_taught(taught))
            }
        }
    }

    fn took_in(&mut self, taken: TakenIn) {
        let Some(open) = &mut self.open else { return };
        let (mut added, mut pictures) = (vec![], vec![]);
        for class in taken.classes {
            let known = open.project.classes.len();
            let name = if class.name.is_empty() { "unnamed".to_owned() } else { class.name };
            let id = open.project.class_called(&name);
            if open.project.classes.len() > known {
                added.push(id);
            }
            let Some(of) = open.project.class_mut(id) else { continue };
            for number in class.numbers {
                of.shots.push(Shot { number, in_a_run: false });
                pictures.push((id, number));
            }
        }
        let mut said = format!("{} pictures were taken in.", pictures.len());
        if taken.beyond > 0 {
            said += &format!(" {} more were left: {MOST_OF_A_CLASS} of a class are enough.", taken.beyond);
        }
        if !taken.broken.is_empty() {
            said += &format!(" Left out: {}.", taken.broken.join("; "));
        }
        self.outcome = Some(Outcome::TakenIn(said));
        self.changed(Step::TakenIn(added, pictures));
    }

    fn was_taught(&mut self, taught: Box<TaughtFile>) -> PathBuf {
        let path = taught.path.clone();
        if let (Some(open), Some(file)) = (&mut self.open, path.file_name()) {
            let forgotten = open.project.remember(TaughtHere {
                file: file.to_string_lossy().into_owned(),
                way: taught.way,
                design: taught.design.clone(),
                accuracy: taught.accuracy.clone(),
            });
            forgotten.iter().for_each(|file| self.keeper.remove(open.place.weights(file)));
            self.version += 1;
            self.save();
        }
        self.outcome = Some(Outcome::Taught(taught));
        path
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
