//! Devices and machine. Drivers are asked by a process of their own: opening one can take seconds, or crash.

use std::sync::Arc;
use std::sync::OnceLock;

use shufflescope_engine::device::{DeviceId, DeviceInfo, Machine};

use super::pacer::Pacer;
use crate::worker::{Launcher, find_devices};

/// What the machine offers.
#[derive(Clone, Debug)]
pub struct Surroundings {
    found: Arc<OnceLock<(Machine, Vec<DeviceInfo>)>>,
    only_cpu: Vec<DeviceInfo>,
}

impl Surroundings {
    /// Starts looking.
    #[must_use]
    pub fn look(launcher: Launcher, pacer: Pacer) -> Self {
        let found = Arc::new(OnceLock::new());
        let tell = Arc::clone(&found);
        std::thread::spawn(move || {
            let machine = Machine::detect();
            let devices = find_devices(&launcher).unwrap_or_else(|reason| without_drivers(&machine, reason));
            let _ = tell.set((machine, devices));
            pacer.wake();
        });
        Self { found, only_cpu: vec![DeviceInfo { id: DeviceId::Cpu, name: None, unavailable: None }] }
    }

    /// The devices known so far, with the reason where one cannot be used; the CPU always is.
    #[must_use]
    pub fn devices(&self) -> &[DeviceInfo] {
        self.found.get().map_or(&self.only_cpu, |(_, devices)| devices)
    }

    /// The machine, once it is known.
    #[must_use]
    pub fn machine(&self) -> Option<&Machine> {
        self.found.get().map(|(machine, _)| machine)
    }

    /// Threads worth choosing from: as many as the scheduler sees cores.
    #[must_use]
    pub fn most_threads(&self) -> usize {
        let cores = self.machine().and_then(|machine| machine.logical_cores);
        cores.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1)
    }
}

/// The processor, and why no other device is known.
fn without_drivers(machine: &Machine, reason: String) -> Vec<DeviceInfo> {
    let gpu = if cfg!(target_os = "macos") { DeviceId::Metal(0) } else { DeviceId::Cuda(0) };
    vec![
        DeviceInfo { id: DeviceId::Cpu, name: machine.cpu_model.clone(), unavailable: None },
        DeviceInfo { id: gpu, name: None, unavailable: Some(format!("devices could not be looked for: {reason}")) },
    ]
}
