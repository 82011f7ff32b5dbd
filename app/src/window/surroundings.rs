//! Devices and machine, asked for on a thread: opening a driver can take seconds.

use std::sync::Arc;
use std::sync::OnceLock;

use shufflescope_engine::device::{DeviceId, DeviceInfo, Machine, devices};

use super::pacer::Pacer;

/// What the machine offers.
#[derive(Clone, Debug)]
pub struct Surroundings {
    found: Arc<OnceLock<(Machine, Vec<DeviceInfo>)>>,
    only_cpu: Vec<DeviceInfo>,
}

impl Surroundings {
    /// Starts looking.
    #[must_use]
    pub fn look(pacer: Pacer) -> Self {
        let found = Arc::new(OnceLock::new());
        let tell = Arc::clone(&found);
        std::thread::spawn(move || {
            let _ = tell.set((Machine::detect(), devices()));
            pacer.wake();
        });
        Self { found, only_cpu: vec![DeviceInfo { id: DeviceId::Cpu, name: None, unavailable: None }] }
    }

    /// The devices known so far; the CPU always is.
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
