//! Devices and machine. Drivers are asked by a process of their own: opening one can take seconds, or crash.

use std::sync::Arc;
use std::sync::OnceLock;

use shufflescope_engine::device::{DeviceId, DeviceInfo, Machine};

use super::pacer::Pacer;
use crate::worker::{CandleCuda, Launcher, Place, find_devices};

/// What the machine offers.
#[derive(Clone, Debug)]
pub struct Surroundings {
    found: Arc<OnceLock<(Machine, Vec<DeviceInfo>)>>,
    /// What the store calls it, where that is not the processor's name alone.
    name: Option<String>,
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
            let devices = CandleCuda::ask().beside(devices);
            let _ = tell.set((machine, devices));
            pacer.wake();
        });
        Self { found, name: None, only_cpu: vec![DeviceInfo::unknown(DeviceId::Cpu)] }
    }

    /// What a target has said of itself.
    #[must_use]
    pub fn of(place: &Place) -> Self {
        let found = Arc::new(OnceLock::from((place.machine().clone(), place.devices.clone())));
        Self { found, name: place.name_in_store(), only_cpu: vec![DeviceInfo::unknown(DeviceId::Cpu)] }
    }

    /// What the store calls the machine, once it is known.
    #[must_use]
    pub fn name_in_store(&self) -> Option<&str> {
        self.name.as_deref().or_else(|| self.machine()?.cpu_model.as_deref())
    }

    /// The devices known so far, with the reason where one cannot be used; the CPU always is.
    #[must_use]
    pub fn devices(&self) -> &[DeviceInfo] {
        self.found.get().map_or(&self.only_cpu, |(_, devices)| devices)
    }

    /// What is known of a device; `None` where it was not found, or not yet.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Option<&DeviceInfo> {
        self.devices().iter().find(|info| info.id == id)
    }

    /// The devices to choose from while `chosen` is the present one. What only plays a GPU is not offered: whoever wants
    /// it says so on the command line.
    pub fn choices(&self, chosen: DeviceId) -> impl Iterator<Item = &DeviceInfo> {
        self.devices().iter().filter(move |info| info.id != DeviceId::SoftwareGpu || chosen == DeviceId::SoftwareGpu)
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
    let unavailable = Some(format!("devices could not be looked for: {reason}"));
    vec![
        DeviceInfo { name: machine.cpu_model.clone(), ..DeviceInfo::unknown(DeviceId::Cpu) },
        DeviceInfo { unavailable, ..DeviceInfo::unknown(DeviceId::Gpu(0)) },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ids: &[DeviceId]) -> Surroundings {
        let known = (Machine::detect(), ids.iter().copied().map(DeviceInfo::unknown).collect());
        Surroundings { found: Arc::new(OnceLock::from(known)), name: None, only_cpu: Vec::new() }
    }

    #[test]
    fn what_plays_a_gpu_is_a_choice_only_where_it_was_chosen_already() {
        let around = found(&[DeviceId::Cpu, DeviceId::Gpu(0), DeviceId::SoftwareGpu]);
        let choices = |chosen| around.choices(chosen).map(|info| info.id).collect::<Vec<_>>();
        assert_eq!(choices(DeviceId::Cpu), [DeviceId::Cpu, DeviceId::Gpu(0)]);
        assert_eq!(choices(DeviceId::SoftwareGpu), [DeviceId::Cpu, DeviceId::Gpu(0), DeviceId::SoftwareGpu]);
        assert!(around.device(DeviceId::SoftwareGpu).is_some() && around.device(DeviceId::Gpu(1)).is_none());
    }

    #[test]
    fn a_driver_that_crashes_leaves_the_processor_and_the_reason() {
        let devices = without_drivers(&Machine::detect(), "it crashed".into());
        let told: Vec<_> = devices.iter().map(|info| (info.id, info.is_available())).collect();
        assert_eq!(told, [(DeviceId::Cpu, true), (DeviceId::Gpu(0), false)]);
        assert!(devices[1].unavailable.as_deref().is_some_and(|reason| reason.contains("it crashed")));
    }
}
