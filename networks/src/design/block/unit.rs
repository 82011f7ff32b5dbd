//! Where a unit stands, and what every kind of unit asks of its channels.

/// Where a unit stands: what its channel arithmetic depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Channels read.
    pub input: u32,
    /// Channels written.
    pub output: u32,
    /// 1 or 2.
    pub stride: u32,
}

impl Unit {
    /// Whether the unit keeps resolution and channels, so that part of its input can pass through.
    #[must_use]
    pub const fn keeps_shape(&self) -> bool {
        self.stride == 1 && self.input == self.output
    }
}

/// That so many channels of a convolution divide into its groups.
///
/// # Errors
/// The rule.
pub(super) fn divides(channels: u32, groups: u32) -> Result<(), String> {
    of_window(channels, groups, "1x1")
}

/// As [`divides`], of a convolution with this window.
///
/// # Errors
/// The rule.
pub(super) fn of_window(channels: u32, groups: u32, window: &str) -> Result<(), String> {
    if channels.is_multiple_of(groups.max(1)) {
        return Ok(());
    }
    Err(format!("gives a {window} convolution {channels} channels, which do not divide into {groups} groups"))
}
