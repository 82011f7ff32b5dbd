//! What can lie over the window.

/// One of them at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The command palette.
    Finder,
    /// The tour of the window.
    Tour,
    /// Versions and licences.
    About,
    /// The machines that can be measured on.
    Targets,
}
