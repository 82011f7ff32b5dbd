//! Classes and their pictures: taken, deleted, brought back.

use std::sync::Arc;

use super::super::history::{Buried, Step};
use super::super::keeper::{Grave, MOST_WAITING};
use super::Teach;
use crate::camera::scaled_down;
use crate::image_file::png;
use crate::teach::{KEPT_SIDE, MOST_OF_A_CLASS, Shot};
use crate::worker::CameraFrame;

/// Seconds between two pictures of a run: nearer ones are the same picture.
const SPACING: f64 = 0.1;

/// Said where there is nothing to take.
const NO_SOURCE: &str = "No picture comes: start a source first.";

impl Teach {
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

    pub(super) fn changed(&mut self, step: Step) {
        self.history.push(step);
        self.save();
    }

    pub(super) fn take_shown(&mut self, frame: Option<&CameraFrame>, now: f64) {
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
}
