//! What a device can do to work that it was given: the same while a network is prepared and while it runs.

use thiserror::Error;

use crate::units::Nanos;

/// A device that failed at its work.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DeviceFault {
    /// The driver took the device away: it was reset, removed or put to sleep. Nothing on it is left.
    #[error(
        "the device was lost ({reason}): everything on it is gone and its process starts anew; try again, or choose \
         another device"
    )]
    Lost {
        /// What the driver says.
        reason: String,
    },
    /// The device's memory does not suffice.
    #[error(
        "the device is out of memory ({reason}): lower batch, input or width, or close other programs that use the device"
    )]
    OutOfMemory {
        /// What the driver says.
        reason: String,
    },
    /// The work was not done in time, so that the driver's watchdog ends it or has ended it.
    #[error(
        "the device was not done after {waited}, and the driver's watchdog ends work that takes too long: lower batch or \
         input, or choose another device"
    )]
    Watchdog {
        /// How long it was waited for.
        waited: Nanos,
    },
    /// Anything else.
    #[error("the device failed: {reason}; update its driver, or choose another device")]
    Other {
        /// What the driver says.
        reason: String,
    },
}

impl DeviceFault {
    /// Whether the device is of no more use to this process: only a fresh one can open it again.
    #[must_use]
    pub const fn ends_process(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Watchdog { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{PrepareError, RunError};

    #[test]
    fn every_fault_names_what_the_driver_said_and_a_remedy_and_is_told_once() {
        let reason = || "VK_ERROR".to_owned();
        let faults = [
            (DeviceFault::Lost { reason: reason() }, "try again", true),
            (DeviceFault::OutOfMemory { reason: reason() }, "lower batch", false),
            (DeviceFault::Watchdog { waited: Nanos::from_secs(9) }, "lower batch", true),
            (DeviceFault::Other { reason: reason() }, "another device", false),
        ];
        for (fault, remedy, ends) in faults {
            let text = fault.to_string();
            assert!(text.contains(remedy) && (text.contains("VK_ERROR") || text.contains("9.00 s")), "{text}");
            assert_eq!(fault.ends_process(), ends, "{text}");
            assert_eq!(RunError::from(fault.clone()).to_string(), text);
            let error = PrepareError::from(fault.clone());
            let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<DeviceFault>());
            assert_eq!((error.to_string(), cause), (text, Some(&fault)), "it is found in what it becomes part of");
        }
    }
}
