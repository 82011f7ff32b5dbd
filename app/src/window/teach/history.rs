//! Changes of classes and pictures that can be taken back.

use std::collections::VecDeque;

use super::keeper::{Grave, Keeper};
use crate::teach::{Class, Place, Project, Shot};

/// Most steps that are kept, and most deleted pictures in memory, about 100 KB each.
const MOST_STEPS: usize = 40;
const MOST_BURIED: usize = 900;

/// A deleted picture: where it stood, and its bytes.
#[derive(Clone, Debug)]
pub(super) struct Buried {
    pub position: usize,
    pub shot: Shot,
    pub grave: Grave,
}

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Pictures were taken, of these classes.
    Taken(Vec<(u64, u64)>),
    /// A class was added.
    Added(u64),
    /// A folder was taken in: new classes, and pictures by class.
    TakenIn(Vec<u64>, Vec<(u64, u64)>),
    /// Pictures were deleted, in rising order of their positions.
    Deleted(u64, Vec<Buried>),
    /// A class was deleted, which stood at this position.
    ClassDeleted(usize, Class, Vec<Buried>),
    /// A class was called so before.
    Renamed(u64, String),
}

impl Step {
    /// What undoing it does, in a few words.
    fn about(&self) -> String {
        let pictures = |count: usize| if count == 1 { "1 picture".into() } else { format!("{count} pictures") };
        match self {
            Self::Taken(taken) => format!("Delete the last {} taken", pictures(taken.len())),
            Self::Added(_) => "Delete the new class".into(),
            Self::TakenIn(_, taken) => format!("Delete the {} taken in", pictures(taken.len())),
            Self::Deleted(_, buried) => format!("Bring {} back", pictures(buried.len())),
            Self::ClassDeleted(_, class, _) => format!("Bring the class `{}` back", class.name),
            Self::Renamed(_, name) => format!("Call the class `{name}` again"),
        }
    }

    fn buried(&self) -> usize {
        match self {
            Self::Deleted(_, buried) | Self::ClassDeleted(_, _, buried) => buried.len(),
            _ => 0,
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct History {
    steps: VecDeque<Step>,
}

impl History {
    pub fn push(&mut self, step: Step) {
        self.steps.push_back(step);
        while self.steps.len() > MOST_STEPS
            || (self.steps.len() > 1 && self.steps.iter().map(Step::buried).sum::<usize>() > MOST_BURIED)
        {
            self.steps.pop_front();
        }
    }

    /// Adds a picture to the run that is being taken: one step for all of a run.
    pub fn took(&mut self, class: u64, number: u64, goes_on: bool) {
        match self.steps.back_mut() {
            Some(Step::Taken(taken)) if goes_on => taken.push((class, number)),
            _ => self.push(Step::Taken(vec![(class, number)])),
        }
    }

    /// What undoing would do now.
    pub fn next(&self) -> Option<String> {
        self.steps.back().map(Step::about)
    }

    pub fn clear(&mut self) {
        self.steps.clear();
    }

    /// Takes the last change back; the pictures that are gone by that.
    pub fn undo(&mut self, project: &mut Project, place: &Place, keeper: &Keeper) -> Vec<u64> {
        match self.steps.pop_back() {
            Some(Step::Taken(taken)) => remove(&taken, project, place, keeper),
            Some(Step::TakenIn(classes, taken)) => {
                let gone = remove(&taken, project, place, keeper);
                project.classes.retain(|class| !classes.contains(&class.id) || !class.shots.is_empty());
                gone
            }
            Some(Step::Added(id)) => {
                project.classes.retain(|class| class.id != id || !class.shots.is_empty());
                vec![]
            }
            Some(Step::Deleted(id, buried)) => {
                if let Some(class) = project.class_mut(id) {
                    raise(class, buried, place, keeper);
                }
                vec![]
            }
            Some(Step::ClassDeleted(at, mut class, buried)) => {
                raise(&mut class, buried, place, keeper);
                project.classes.insert(at.min(project.classes.len()), class);
                vec![]
            }
            Some(Step::Renamed(id, name)) => {
                if let Some(class) = project.class_mut(id) {
                    class.name = name;
                }
                vec![]
            }
            None => vec![],
        }
    }
}

fn remove(taken: &[(u64, u64)], project: &mut Project, place: &Place, keeper: &Keeper) -> Vec<u64> {
    let mut gone = vec![];
    for (class, number) in taken {
        let Some(class) = project.class_mut(*class) else { continue };
        let before = class.shots.len();
        class.shots.retain(|shot| shot.number != *number);
        if class.shots.len() < before {
            keeper.remove(place.picture(*number));
            gone.push(*number);
        }
    }
    gone
}

fn raise(class: &mut Class, buried: Vec<Buried>, place: &Place, keeper: &Keeper) {
    for Buried { position, shot, grave } in buried {
        keeper.raise(place.picture(shot.number), grave);
        class.shots.insert(position.min(class.shots.len()), shot);
    }
}
