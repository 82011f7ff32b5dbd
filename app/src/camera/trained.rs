//! Trained weights that can be had, and which of them are wanted.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use shufflescope_engine::classify::demo;
use shufflescope_engine::design::Design;
use shufflescope_engine::zoo;

use crate::weights_store::{PUBLISHED, Published};

/// Trained weights, wherever they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trained {
    /// The project's own, for shapes drawn by hand; part of the program.
    Demo,
    /// Of torchvision, to be downloaded once.
    Published(#[serde(with = "by_name")] &'static Published),
    /// In a file of a person's own.
    File(PathBuf),
}

impl Trained {
    /// What the tab calls them.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Demo => "demo shapes".into(),
            Self::Published(published) => published.name.into(),
            Self::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        }
    }

    /// The network they were trained for, where that is known without a look into a file.
    #[must_use]
    pub fn design(&self) -> Option<Design> {
        match self {
            Self::Demo => Some(demo::design()),
            Self::Published(published) => zoo::preset(published.design),
            Self::File(_) => None,
        }
    }

    /// Where they are, if they are in a file that is there. `folder` is where downloads go.
    pub(super) fn path(&self, folder: Option<&Path>) -> Option<PathBuf> {
        match self {
            Self::Demo => None,
            Self::Published(published) => {
                folder.map(|folder| folder.join(published.file)).filter(|path| path.is_file())
            }
            Self::File(path) => Some(path.clone()),
        }
    }

    /// Everything that can be had without a file of a person's own.
    pub(super) fn known() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Demo).chain(PUBLISHED.iter().map(Self::Published))
    }
}

/// Which weights are to be used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightsChoice {
    /// Whichever there are that fit.
    #[default]
    Automatic,
    /// These, or none.
    Only(Trained),
}

mod by_name {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Published;

    pub(super) fn serialize<S: Serializer>(published: &Published, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(published.name)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Published, D::Error> {
        let name = String::deserialize(deserializer)?;
        Published::find(&name).ok_or_else(|| serde::de::Error::custom(format!("no weights are published as `{name}`")))
    }
}
