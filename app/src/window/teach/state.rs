//! What teaching knows and does between two frames of the window.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shufflescope_engine::classify::Picture;
use shufflescope_engine::design::{Design, Edit, Fingerprint};
use shufflescope_engine::training::Way;

use super::history::{Buried, History, Step};
use super::keeper::{Grave, Keeper, MOST_WAITING};
use super::open::{Listed, Open, list};
use super::running::Running;
use super::thumbs::Thumbs;
use crate::camera::scaled_down;
use crate::image_file::png;
use crate::teach::{
    Class, ClassFiles, KEPT_SIDE, Kind, MOST_OF_A_CLASS, PictureFile, Shot, TakeInJob, TakenIn, TaughtFile, TaughtHere,
    TeachJob, TeachNews, TeachWork, WANTED_OF_A_CLASS,
};
use crate::window::pacer::Pacer;
use crate::worker::{CameraFrame, Launcher, TeachClient};

/// Seconds between two pictures of a run: nearer ones are the same picture.
const SPACING: f64 = 0.1;

/// Seconds between two looks while somebody shows something, or a worker works.
const LOOK_AGAIN: f64 = 0.05;
const LOOK_AT_WORK: f64 = 0.5;

/// Seconds that a design is left alone before what was taught follows it.
const SETTLED: f64 = 0.4;

/// Numbers that are set aside for a folder that is taken in, by class: the most of each, times more classes than there are.
const SET_ASIDE: u64 = 1 << 20;

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
        self.taught().iter().rev().find(|taught| is_same(&taught.design, design))
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
        let better = self.taught_to(design).filter(|_| !is_same(&present.design, design))?;
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

    /// Adds a class.
    pub fn add_class(&mut self, name: &str) {
        let Some(open) = self.begin() else { return };
        match open.project.checked_name(name, None) {
            Ok(name) => {
                let id = open.project.class_called(&name);
                self.changed(Step::Added(id));
            }
            Err(reason) => self.problem = Some(reason),
        }
    }

    /// Gives a class another name.
    pub fn rename_class(&mut self, id: u64, name: &str) {
        let Some(open) = self.begin() else { return };
        match open.project.checked_name(name, Some(id)) {
            Ok(name) => {
                let Some(class) = open.project.class_mut(id).filter(|class| class.name != name) else { return };
                let before = std::mem::replace(&mut class.name, name);
                self.changed(Step::Renamed(id, before));
            }
            Err(reason) => self.problem = Some(reason),
        }
    }

    /// Deletes a class with its pictures.
    pub fn delete_class(&mut self, id: u64) {
        let Some(open) = self.begin() else { return };
        let Some(at) = open.project.classes.iter().position(|class| class.id == id) else { return };
        let mut class = open.project.classes.remove(at);
        let shots = std::mem::take(&mut class.shots);
        let buried = self.bury(shots.into_iter().enumerate().collect());
        self.changed(Step::ClassDeleted(at, class, buried));
    }

    /// Deletes pictures of a class.
    pub fn delete(&mut self, id: u64, numbers: &[u64]) {
        let Some(open) = self.begin() else { return };
        let Some(class) = open.project.class_mut(id) else { return };
        let is_meant = |shot: &Shot| numbers.contains(&shot.number);
        let meant: Vec<(usize, Shot)> =
            class.shots.iter().copied().enumerate().filter(|(_, shot)| is_meant(shot)).collect();
        class.shots.retain(|shot| !is_meant(shot));
        if !meant.is_empty() {
            let buried = self.bury(meant);
            self.changed(Step::Deleted(id, buried));
        }
    }

    fn bury(&mut self, shots: Vec<(usize, Shot)>) -> Vec<Buried> {
        let Some(open) = &self.open else { return vec![] };
        let bury = |(position, shot): (usize, Shot)| {
            let grave = Grave::default();
            self.keeper.bury(open.place.picture(shot.number), grave.clone());
            self.thumbs.forget(shot.number);
            Buried { position, shot, grave }
        };
        shots.into_iter().map(bury).collect()
    }

    /// Takes the last change back.
    pub fn undo(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some(open) = &mut self.open else { return };
        for number in self.history.undo(&mut open.project, &open.place, &self.keeper) {
            self.thumbs.forget(number);
        }
        self.problem = None;
        self.save();
    }

    /// From now on every new frame is a picture of this class, or of none.
    pub fn show(&mut self, class: Option<u64>) {
        if self.shows != class {
            (self.shows, self.run_began) = (class, false);
            self.took_at = f64::NEG_INFINITY;
            if class.is_none() && self.is_changed {
                self.save();
            }
        }
    }

    /// Takes one picture of a class.
    pub fn take_one(&mut self, class: u64, frame: Option<&CameraFrame>) {
        match frame {
            Some(frame) => {
                self.take_picture(class, frame, false);
                self.save();
            }
            None => self.problem = Some(NO_SOURCE.into()),
        }
    }

    fn take_picture(&mut self, class: u64, frame: &CameraFrame, goes_on: bool) {
        if self.keeper.waiting() >= MOST_WAITING {
            self.problem = Some("The disk is slower than the camera: wait a moment.".into());
            return;
        }
        let Some(open) = self.begin() else { return };
        let Some(count) = open.project.class(class).map(|class| class.shots.len()) else { return };
        if count >= MOST_OF_A_CLASS {
            self.problem = Some(format!("{MOST_OF_A_CLASS} pictures of a class are enough: more teach nothing."));
            self.shows = None;
            return;
        }
        let number = open.project.number();
        let path = open.place.picture(number);
        if let Some(class) = open.project.class_mut(class) {
            class.shots.push(Shot { number, in_a_run: true });
        }
        let picture = scaled_down(&Arc::new(frame.picture.clone()), KEPT_SIDE);
        self.thumbs.put(number, &picture);
        self.keeper.write(path, move || png(&picture));
        self.history.took(class, number, goes_on);
        (self.is_changed, self.took_frame) = (true, Some(frame.head.number));
    }

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

    fn sweep(&self) {
        if let Some(open) = &self.open {
            let known = open.project.shots().map(|shot| shot.number).collect();
            self.keeper.sweep(open.place.clone(), known);
        }
    }

    /// Gives the project another name.
    pub fn rename_project(&mut self, name: &str) {
        let Some(open) = self.begin() else { return };
        let name: String = name.trim().chars().filter(|letter| !letter.is_control()).take(60).collect();
        if !name.is_empty() && open.project.name != name {
            open.project.name = name;
            self.save();
            self.list();
        }
    }

    /// Begins another project.
    pub fn new_project(&mut self) {
        if let (Some(root), None) = (self.root.clone(), &self.running) {
            self.set_open(Open::fresh(&root));
            self.list();
        }
    }

    /// Opens a project.
    pub fn open_project(&mut self, folder: &Path) {
        if self.running.is_some() || self.folder() == Some(folder) {
            return;
        }
        match Open::at(folder) {
            Ok(Some(open)) => self.set_open(open),
            Ok(None) => self.problem = Some("Another window has this project open.".into()),
            Err(reason) => self.problem = Some(reason),
        }
    }

    /// Deletes the project with all that is in it.
    pub fn delete_project(&mut self) {
        let (Some(root), Some(open), None) = (self.root.clone(), &mut self.open, &self.running) else { return };
        open.let_go();
        self.keeper.remove_folder(open.place.0.clone());
        // Its name is free again only once it is gone.
        self.keeper.finish(AT_THE_END);
        let (fresh, said) = Open::last(&root);
        self.set_open(fresh);
        self.list();
        self.problem = said.into_iter().next();
    }

    fn set_open(&mut self, open: Open) {
        self.history.clear();
        self.thumbs.clear();
        (self.shows, self.outcome, self.problem) = (None, None, None);
        self.open = Some(open);
        self.sweep();
        self.version += 1;
    }

    fn list(&mut self) {
        // What was asked to be written is listed too.
        self.keeper.finish(AT_THE_END);
        self.projects = self.root.as_deref().map(list).unwrap_or_default();
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

    fn changed(&mut self, step: Step) {
        self.history.push(step);
        self.save();
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

    fn take_shown(&mut self, frame: Option<&CameraFrame>, now: f64) {
        let Some(class) = self.shows else { return };
        let Some(frame) = frame else {
            self.problem = Some(NO_SOURCE.into());
            return;
        };
        if now - self.took_at >= SPACING && (self.took_frame != Some(frame.head.number) || !self.run_began) {
            let goes_on = self.run_began;
            self.take_picture(class, frame, goes_on);
            (self.took_at, self.run_began) = (now, true);
        }
    }

    /// Hands the work to a worker once everything that it is to read is written.
    fn send(&mut self) {
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

    fn take(&mut self, news: TeachNews) -> Option<PathBuf> {
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

    /// Ends everything; for the end of the program. What was taken is on disk when this returns.
    pub fn finish(&mut self) {
        self.show(None);
        // What a training has is kept: it goes on from there.
        self.client.cancel();
        self.keeper.finish(AT_THE_END);
    }
}

/// What the project knows of a work.
#[derive(Debug)]
pub struct JobParts {
    pub(in crate::window) name: String,
    pub(in crate::window) classes: Vec<ClassFiles>,
    pub(in crate::window) design: Design,
    pub(in crate::window) kind: Kind,
    pub(in crate::window) output: PathBuf,
}

const NO_SOURCE: &str = "No picture comes: start a source first.";

/// Whether two designs are one network, however many classes they have.
fn is_same(a: &Design, b: &Design) -> bool {
    b.apply(&Edit::Classes(a.classes)).fingerprint() == a.fingerprint()
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// How a way of teaching is called.
#[must_use]
pub const fn way_words(way: Way) -> &'static str {
    match way {
        Way::AtOnce => "at once",
        Way::Trained => "trained",
    }
}
