//! Finds out what there is to measure on at a target: its machine and devices, and the program there.

use shufflescope_engine::device::{DeviceId, DeviceInfo, Machine};
use shufflescope_engine::runtime::RunOptions;
use thiserror::Error;

use super::ask::look_around;
use super::beside::CandleCuda;
use super::protocol::Host;
use crate::target::{Copied, CopyError, Launcher, Programs, RemoteProgram, Ssh, SshAddress, Target, Trouble};

/// A target that answers, and all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which.
    pub target: Target,
    /// The programs that jobs run in there.
    pub programs: Programs,
    /// Its machine.
    pub host: Host,
    /// Its devices, each with the reason where it cannot be used.
    pub devices: Vec<DeviceInfo>,
}

/// How a target is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaching {
    /// What reaches other machines.
    pub ssh: Ssh,
    /// The program there; the one in its search path, or a copy of this one, where `None`.
    pub program: Option<RemoteProgram>,
    /// Whether this program may be copied to a machine that has none of this release.
    pub copy: bool,
}

impl Default for Reaching {
    fn default() -> Self {
        Self { ssh: Ssh::of_the_system(), program: None, copy: false }
    }
}

/// Why a target cannot be measured on.
#[derive(Debug, Error)]
pub enum ReachError {
    /// Cause and remedy.
    #[error("{reason}")]
    Trouble {
        /// Its kind.
        trouble: Trouble,
        /// What people are told.
        reason: String,
    },
    /// There is no program of this release, and this one cannot be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// This program does not find itself.
    #[error("this program does not know where it is: {0}")]
    Here(std::io::Error),
}

impl ReachError {
    /// Whether a copy of this program might help.
    #[must_use]
    pub const fn asks_for_copy(&self) -> bool {
        matches!(self, Self::Trouble { trouble: Trouble::NoProgram | Trouble::OtherRelease, .. })
    }
}

/// Asks a target who it is. Blocks until it answers: to be called on a thread.
///
/// # Errors
/// Where it cannot be reached or has no program of this release.
pub fn reach(target: &Target, how: &Reaching) -> Result<Place, ReachError> {
    let Target::Ssh(address) = target else { return here() };
    let ask = |program: Option<&RemoteProgram>| ask(target, how.ssh.worker(address, program));
    let first = match (ask(how.program.as_ref()), &how.program) {
        (Err(error), None) if error.asks_for_copy() => error,
        (answer, _) => return answer,
    };
    // What was copied there once is not asked for again.
    let copied = Copied::this_program()?;
    let there = copied.there();
    match ask(Some(&there)) {
        Err(error) if error.asks_for_copy() => {}
        answer => return answer,
    }
    if !how.copy {
        return Err(first);
    }
    bring(&copied, how, address)?;
    ask(Some(&there))
}

fn bring(copied: &Copied, how: &Reaching, address: &SshAddress) -> Result<(), ReachError> {
    Ok(copied.bring(&how.ssh, address)?)
}

fn here() -> Result<Place, ReachError> {
    let launcher = Launcher::this_program().map_err(ReachError::Here)?;
    let place = ask(&Target::Here, launcher)?;
    Ok(Place { devices: CandleCuda::ask().beside(place.devices), ..place })
}

fn ask(target: &Target, launcher: Launcher) -> Result<Place, ReachError> {
    let (host, devices) =
        look_around(&launcher).map_err(|(trouble, reason)| ReachError::Trouble { trouble, reason })?;
    Ok(Place { target: target.clone(), programs: launcher.into(), host, devices })
}

impl Place {
    /// The machine.
    #[must_use]
    pub const fn machine(&self) -> &Machine {
        &self.host.machine
    }

    /// What the store calls the machine: its processor and, behind SSH, where it is. Machines with processors of one name, or
    /// none, differ in all that a measurement depends on.
    #[must_use]
    pub fn name_in_store(&self) -> Option<String> {
        let processor = self.machine().cpu_model.clone();
        match &self.target {
            Target::Here => processor,
            Target::Ssh(address) => Some(format!("{} at {address}", processor.as_deref().unwrap_or("unknown"))),
        }
    }

    /// The machine for people: `ssh://pi@board (Cortex-A72, 4 cores, Debian GNU/Linux 12)`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Machine { cpu_model, logical_cores, os, os_version, .. } = self.machine();
        let cores = logical_cores.map(|cores| format!("{cores} core{}", if cores == 1 { "" } else { "s" }));
        let system = [os.clone(), os_version.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let facts = [cpu_model.clone(), cores, Some(system).filter(|system| !system.is_empty())];
        format!("{} ({})", self.target, facts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    /// What is known of a device.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Option<&DeviceInfo> {
        self.devices.iter().find(|info| info.id == id)
    }

    /// Whether a network can run like this there.
    ///
    /// # Errors
    /// What there is no device for, or what the device lacks.
    pub fn check(&self, options: &RunOptions) -> Result<(), String> {
        let target = &self.target;
        let RunOptions { device, precision, .. } = options;
        match self.device(*device) {
            None if *device == DeviceId::Cpu => Ok(()),
            None => {
                let known: Vec<String> = self.devices.iter().map(|info| info.id.to_string()).collect();
                Err(format!("{target} has no {device}; it has {}", known.join(", ")))
            }
            Some(DeviceInfo { unavailable: Some(reason), .. }) => {
                Err(format!("{device} of {target} cannot be used: {reason}"))
            }
            Some(DeviceInfo { precisions, .. }) if !precisions.is_empty() && !precisions.contains(precision) => {
                Err(format!("{device} of {target} does not compute in {precision}"))
            }
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use shufflescope_engine::device::Precision;

    use super::*;

    fn place(target: &str, cpu_model: Option<&str>) -> Place {
        let machine = Machine { cpu_model: cpu_model.map(str::to_owned), ..Machine::detect() };
        let missing = DeviceInfo { unavailable: Some("no driver".into()), ..DeviceInfo::unknown(DeviceId::Gpu(0)) };
        let cpu = DeviceInfo { precisions: vec![Precision::F32], ..DeviceInfo::unknown(DeviceId::Cpu) };
        let target: Target = target.parse().unwrap();
        let launcher = match &target {
            Target::Here => Launcher::local("shufflescope".into(), vec!["worker".into()]),
            Target::Ssh(address) => Ssh { program: "ssh".into() }.worker(address, None),
        };
        let host = Host { machine, threads: 4, busy: None };
        Place { target, programs: launcher.into(), host, devices: vec![cpu, missing] }
    }

    #[test]
    fn machines_behind_ssh_are_kept_apart_whatever_their_processors_are_called() {
        let name = |target, cpu| place(target, cpu).name_in_store();
        assert_eq!(name("local", Some("Cortex-A72")).as_deref(), Some("Cortex-A72"));
        assert_eq!(name("ssh://a", Some("Cortex-A72")).as_deref(), Some("Cortex-A72 at ssh://a"));
        assert_eq!(name("ssh://b", None).as_deref(), Some("unknown at ssh://b"));
    }

    #[test]
    fn what_the_target_cannot_run_is_told_before_anything_is_waited_for() {
        let place = place("ssh://board", None);
        let check = |device, precision| place.check(&RunOptions { precision, ..RunOptions::new(device, 1, 1) });
        assert_eq!(check(DeviceId::Cpu, Precision::F32), Ok(()));
        for (device, precision, part) in [
            (DeviceId::Gpu(0), Precision::F32, "no driver"),
            (DeviceId::Gpu(1), Precision::F32, "has no gpu:1; it has cpu, gpu:0"),
            (DeviceId::Cpu, Precision::Tf32, "does not compute in tf32"),
        ] {
            let reason = check(device, precision).unwrap_err();
            assert!(reason.contains(part) && reason.contains("ssh://board"), "{reason}");
        }
    }
}
