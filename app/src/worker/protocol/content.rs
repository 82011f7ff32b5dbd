//! Files that travel by content: what a request names by path here is another file on another machine, or none.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use shufflescope_engine::device::Machine;
use shufflescope_engine::model::Model;

use super::{CameraRequest, Contest, Request};
use crate::camera::{Trained, WeightsChoice, Wish};

/// A file that the requests behind this one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOffer {
    /// As the requests name it.
    pub path: PathBuf,
    /// The file itself, and behind it those beside it that belong to it.
    pub parts: Vec<FilePart>,
    /// Why it cannot be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePart {
    /// Without its folder.
    pub name: String,
    /// Of its content.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// The machine that a worker runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Processor, memory, system, build.
    pub machine: Machine,
    /// Threads that run where nobody asks for another number: one per core that the worker may use.
    pub threads: usize,
    /// Who measures there at the moment, on any device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy: Option<String>,
}

impl Request {
    /// The files that it names.
    pub(in crate::worker) fn files(&self) -> Vec<&Path> {
        match self {
            Self::Measure { job, .. } | Self::Apart { job, .. } => {
                of(&job.design).into_iter().chain(job.weights.as_deref()).collect()
            }
            Self::TakeTurns { job, .. } => match &job.networks {
                Contest::Pair { a, b } => of(a).into_iter().chain(of(b)).collect(),
                Contest::Column(_) => Vec::new(),
            },
            Self::Camera(CameraRequest::Network { wish }) => of_wish(wish),
            Self::CameraRun { job, .. } => job.wish.as_deref().map(of_wish).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Puts another path in the place of every file that it names.
    pub(in crate::worker) fn move_files<E>(
        &mut self,
        place: &mut dyn FnMut(&Path) -> Result<PathBuf, E>,
    ) -> Result<(), E> {
        match self {
            Self::Measure { job, .. } | Self::Apart { job, .. } => {
                move_model(&mut job.design, place)?;
                move_path(&mut job.weights, place)
            }
            Self::TakeTurns { job, .. } => match &mut job.networks {
                Contest::Pair { a, b } => {
                    move_model(a, place)?;
                    move_model(b, place)
                }
                Contest::Column(_) => Ok(()),
            },
            Self::Camera(CameraRequest::Network { wish }) => move_wish(wish, place),
            Self::CameraRun { job, .. } => job.wish.as_deref_mut().map_or(Ok(()), |wish| move_wish(wish, place)),
            _ => Ok(()),
        }
    }
}

fn of(model: &Model) -> Option<&Path> {
    match model {
        Model::File(file) => Some(file.path()),
        Model::Design(_) | Model::Network(_) => None,
    }
}

fn of_wish(wish: &Wish) -> Vec<&Path> {
    let weights = match &wish.choice {
        WeightsChoice::Only(Trained::File(path)) => Some(path.as_path()),
        WeightsChoice::Only(_) | WeightsChoice::Automatic => None,
    };
    of(&wish.model).into_iter().chain(weights).chain(wish.labels.as_deref()).collect()
}

fn move_wish<E>(wish: &mut Wish, place: &mut dyn FnMut(&Path) -> Result<PathBuf, E>) -> Result<(), E> {
    move_model(&mut wish.model, place)?;
    if let WeightsChoice::Only(Trained::File(path)) = &mut wish.choice {
        *path = place(path)?;
    }
    move_path(&mut wish.labels, place)
}

fn move_model<E>(model: &mut Model, place: &mut dyn FnMut(&Path) -> Result<PathBuf, E>) -> Result<(), E> {
    if let Model::File(file) = model {
        let path = place(file.path())?;
        *model = Model::File(file.clone().moved_to(path));
    }
    Ok(())
}

fn move_path<E>(path: &mut Option<PathBuf>, place: &mut dyn FnMut(&Path) -> Result<PathBuf, E>) -> Result<(), E> {
    if let Some(path) = path {
        *path = place(path)?;
    }
    Ok(())
}
