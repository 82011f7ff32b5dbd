//! What a person can ask for in the list of targets.

use crate::target::Target;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetCommand {
    /// Adds a machine behind SSH.
    Add {
        /// `ssh://[user@]host[:port]`.
        address: String,
        /// The program there, where it is not in the search path; empty where it is.
        program: String,
    },
    /// Takes it from the list.
    Remove(Target),
    /// Asks it who it is.
    Check(Target),
    /// Copies this program into the user's cache there.
    Copy(Target),
    /// Measures there side by side with others, or does not.
    Tick(Target),
    /// Everything but the camera runs there from now on.
    Use(Target),
    /// Measures the present network on every target ticked.
    Measure,
    /// Stops that.
    Stop,
}
