//! What teaching knows and does between two frames of the window.

mod pictures;
mod projects;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shufflescope_engine::classify::Picture;
use shufflescope_engine::design::{Design, Fingerprint};
use shufflescope_engine::training::Way;

pub use self::work::JobParts;
use super::history::History;
use super::keeper::Keeper;
use super::open::{Listed, Open};
use super::running::Running;
use super::thumbs::Thumbs;
use crate::teach::{Class, TaughtFile, TaughtHere, WANTED_OF_A_CLASS};
use crate::window::pacer::Pacer;
use crate::worker::{CameraFrame, Launcher, TeachClient};

/// Seconds between two looks while somebody shows something, or a worker works.
const LOOK_AGAIN: f64 = 0.05;
const LOOK_AT_WORK: f64 = 0.5;

/// Most that the end of the program waits for files.
const AT_THE_END: Duration = Duration::from_secs(3);

/// What the last work came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A design was taught.
    Taught(Box<TaughtFile>),
    /// A folder was taken in.
    TakenIn(String),
    /// It was cancelled.
    Cancelled,
    /// It cannot be done: cause and remedy.
    Failed(String),
}

/// What keeps from teaching, or should be known before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// It is not possible yet.
    Needed(String),
    /// It would be better otherwise.
    Better(String),
}

/// See the module.
#[derive(Debug)]
pub struct Teach {
    /// Where projects are; nowhere where the system names no folder for a user's data.
    root: Option<PathBuf>,
    open: Option<Open>,
    projects: Vec<Listed>,
    keeper: Keeper,
    thumbs: Thumbs,
    history: History,
    client: TeachClient,
    /// The class that is shown, whether a picture of this run was taken, and when the last one was.
    shows: Option<u64>,
    run_began: bool,
    took_at: f64,
    took_frame: Option<u64>,
    running: Option<Running>,
    /// The design that what was taught is to follow to, since when, and whether that was tried.
    followed: Option<(Fingerprint, f64, bool)>,
    outcome: Option<Outcome>,
    problem: Option<String>,
    /// Whether the index differs from the one on disk.
    is_changed: bool,
    version: u64,
}

impl Teach {
    /// Nothing is looked for before the tab is shown.
    #[must_use]
    pub fn new(data_folder: Option<&Path>, launcher: Launcher, pacer: Pacer) -> Self {
        let wake = pacer.clone();
        Self {
            root: data_folder.map(|folder| folder.join("teach")),
            open: None,
            projects: vec![],
            keeper: Keeper::new(pacer.clone()),
            thumbs: Thumbs::new(pacer),
            history: History::default(),
            client: TeachClient::new(launcher, move || wake.wake_now()),
            shows: None,
            run_began: false,
            took_at: f64::NEG_INFINITY,
            took_frame: None,
            running: None,
            followed: None,
            outcome: None,
            problem: None,
            is_changed: false,
            version: 0,
        }
    }

    /// Whether there is a folder to keep pictures in.
    #[must_use]
    pub const fn is_possible(&self) -> bool {
        self.root.is_some()
    }

    /// What the data is called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.open.as_ref().map_or("", |open| open.project.name.as_str())
    }

    /// Where the project is.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.open.as_ref().map(|open| open.place.0.as_path())
    }

    /// Every project on disk, the one changed last first.
    #[must_use]
    pub fn projects(&self) -> &[Listed] {
        &self.projects
    }

    /// The classes.
    #[must_use]
    pub fn classes(&self) -> &[Class] {
        self.open.as_ref().map(|open| open.project.classes.as_slice()).unwrap_or_default()
    }

    /// What was taught on the project's pictures, the newest last.
    #[must_use]
    pub fn taught(&self) -> &[TaughtHere] {
        self.open.as_ref().map(|open| open.project.taught.as_slice()).unwrap_or_default()
    }

    /// Counts what could change what is [`taught`](Self::taught).
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The newest of what was taught to this network, however many classes it has now.
    #[must_use]
    pub fn taught_to(&self, design: &Design) -> Option<&TaughtHere> {
        self.taught().iter().rev().find(|taught| taught.design.is_but_for_classes(design))
    }

    /// Where the weights of what was taught are.
    #[must_use]
    pub fn weights(&self, taught: &TaughtHere) -> Option<PathBuf> {
        self.open.as_ref().map(|open| open.place.weights(&taught.file))
    }

    /// Whether a file is of what was taught here.
    #[must_use]
    pub fn is_own(&self, path: &Path) -> bool {
        self.taught().iter().any(|taught| self.weights(taught).as_deref() == Some(path))
    }

    /// The newest weights that were taught to `design`, where those in use are of this project and were taught to another.
    #[must_use]
    pub fn better_for(&self, used: &Path, design: &Design) -> Option<PathBuf> {
        let present = self.taught().iter().find(|taught| self.weights(taught).as_deref() == Some(used))?;
        let better = self.taught_to(design).filter(|_| !present.design.is_but_for_classes(design))?;
        self.weights(better)
    }

    /// The class that is being shown.
    #[must_use]
    pub const fn shows(&self) -> Option<u64> {
        self.shows
    }

    /// The small picture of this number, once it is at hand.
    #[must_use]
    pub fn thumbnail(&self, number: u64) -> Option<&Arc<Picture>> {
        self.thumbs.get(number)
    }

    /// What undoing would do.
    #[must_use]
    pub fn undoes(&self) -> Option<String> {
        self.history.next().filter(|_| self.running.is_none())
    }

    /// What a worker does.
    #[must_use]
    pub const fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// What the last work came to.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// What went wrong with classes or files.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Process number of the worker, while there is one.
    #[must_use]
    pub fn worker_id(&self) -> Option<u32> {
        self.client.worker_id()
    }

    /// What keeps from teaching, or would make it better.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        let classes = self.classes();
        if classes.len() < 2 {
            return Some(Hint::Needed("Add at least two classes, and show each.".into()));
        }
        if let Some(class) = classes.iter().find(|class| class.shots.len() < 2) {
            return Some(Hint::Needed(format!("Show `{}`: it needs at least 2 pictures, better 20.", class.name)));
        }
        let few = classes.iter().find(|class| class.shots.len() < WANTED_OF_A_CLASS)?;
        let name = &few.name;
        Some(Hint::Better(format!(
            "`{name}` has {} pictures; from {WANTED_OF_A_CLASS} on it gets better.",
            few.shots.len()
        )))
    }

    /// The project in hand, made on disk where it was not, where it may be changed.
    fn begin(&mut self) -> Option<&mut Open> {
        if self.running.is_some() {
            return None;
        }
        self.problem = None;
        let open = self.open.as_mut()?;
        match open.hold() {
            Ok(()) => Some(open),
            Err(reason) => {
                self.problem = Some(reason);
                None
            }
        }
    }

    /// Has the index written.
    fn save(&mut self) {
        self.is_changed = false;
        if let Some(open) = &self.open {
            let project = open.project.clone();
            self.keeper.write(open.place.index(), move || project.to_text().map(String::into_bytes));
        }
    }

    /// Takes what has come, and the frame where somebody shows something. Says in how many seconds to look again, and what
    /// was taught since the last call. Nothing is taken unless the tab is shown; `is_looked_at` says whether anybody looks at
    /// what was taught.
    pub fn advance(
        &mut self,
        is_shown: bool,
        is_looked_at: bool,
        frame: Option<&CameraFrame>,
        now: f64,
    ) -> (Option<f64>, Option<PathBuf>) {
        if is_looked_at
            && self.open.is_none()
            && let Some(root) = self.root.clone()
        {
            let (open, said) = Open::last(&root);
            self.set_open(open);
            self.list();
            self.problem = said.into_iter().next();
        }
        if !is_shown {
            self.show(None);
        }
        self.problem = self.keeper.problems().into_iter().next().or(self.problem.take());
        if let Some(open) = &self.open {
            self.thumbs.advance(|number| open.place.picture(number));
        }
        self.take_shown(frame, now);
        self.send();
        let mut taught = None;
        for news in self.client.poll() {
            taught = self.take(news).or(taught);
        }
        let looks = if self.shows.is_some() { Some(LOOK_AGAIN) } else { self.running.as_ref().map(|_| LOOK_AT_WORK) };
        (looks, taught)
    }

    /// Ends everything; for the end of the program. What was taken is on disk when this returns.
    pub fn finish(&mut self) {
        self.show(None);
        // What a training has is kept: it goes on from there.
        self.client.cancel();
        self.keeper.finish(AT_THE_END);
    }
}

/// How a way of teaching is called.
#[must_use]
pub const fn way_words(way: Way) -> &'static str {
    match way {
        Way::AtOnce => "at once",
        Way::Trained => "trained",
    }
}
