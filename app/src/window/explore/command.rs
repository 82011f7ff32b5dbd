//! What a person can ask for in the *Explore* tab.

use shufflescope_engine::design::Design;
use shufflescope_engine::model::Model;

use super::wish::Wish;

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub enum ExploreCommand {
    /// Searches.
    Start(Box<Wish>),
    /// Makes this network the one in hand; undo leads back.
    Open(Box<Model>),
    /// Puts this network beside the present one in *Compare*; the one in hand beside the one that was in hand before it.
    Compare(Box<Model>),
    /// Asks for a folder and saves these designs there.
    Save(Vec<Design>),
}
