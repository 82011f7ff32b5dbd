//! What changes between measurements: load, memory, frequency.

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sysinfo::{
    CpuRefreshKind, MINIMUM_CPU_UPDATE_INTERVAL, MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate,
    RefreshKind, System, get_current_pid,
};

use super::card::{CardProbe, CardState};
use super::cores::{CoreKind, cores_of_this_thread, usable_cores};
use super::emulator::emulator;
use super::sensors::Sensors;
use crate::units::Bytes;

/// The state of the machine while a measurement ran; `None` is unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Conditions {
    /// Share of all cores that other processes used meanwhile, 0 to 1.
    pub others_cpu_share: Option<f64>,
    /// Tasks that ran or wanted to, on average over the last minute; this program's own included.
    pub load_average: Option<f64>,
    /// Cores that this process may use (affinity and container limits respected).
    pub usable_cores: Option<usize>,
    /// Memory that could be had without swapping.
    #[serde(rename = "available_memory_bytes")]
    pub available_memory: Option<Bytes>,
    /// The fastest core's clock at the end, in MHz.
    pub cpu_mhz: Option<u64>,
    /// The kinds of core that the threads could run on, the fastest first; empty where all cores are alike or unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cores: Vec<CoreKind>,
    /// The clock that the system allowed the fastest cores at the end, where that is less than they can reach: because of
    /// heat, power, or a setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_limit: Option<ClockLimit>,
    /// The hottest of the processor's sensors at the end, in degrees Celsius; absent where there is none to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_celsius: Option<f64>,
    /// The program that only plays this processor; absent on a real one, as far as that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emulator: Option<String>,
    /// What the card told that ran it; absent where it ran on no card of NVIDIA's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardState>,
}

/// A clock that is held down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockLimit {
    /// The most that the system allows, in MHz.
    pub mhz: u64,
    /// The most that the processor can reach, in MHz.
    pub most_mhz: u64,
}

/// Watches the conditions from [`start`](Self::start) on; [`read`](Self::read) it as often as wanted.
#[derive(Debug)]
pub struct ConditionsProbe {
    system: Option<System>,
    process: Option<Pid>,
    since: Instant,
    own_cpu_millis: Option<u64>,
    /// Seconds watched so far, and in them the seconds that others used all cores.
    watched: Option<(f64, f64)>,
    card: Option<CardProbe>,
    sensors: Sensors,
    emulator: Option<String>,
}

impl ConditionsProbe {
    /// Starts watching; takes about a millisecond.
    #[must_use]
    pub fn start() -> Self {
        let cpu = CpuRefreshKind::nothing().with_usage();
        let mut probe = Self {
            system: System::new_with_specifics(RefreshKind::nothing().with_cpu(cpu)).ok(),
            process: get_current_pid().ok(),
            since: Instant::now(),
            own_cpu_millis: None,
            watched: None,
            card: None,
            sensors: Sensors::find(),
            emulator: emulator(),
        };
        probe.own_cpu_millis = probe.own_cpu();
        probe
    }

    /// The same, watching a card too.
    #[must_use]
    pub fn with_card(self, card: Option<CardProbe>) -> Self {
        Self { card, ..self }
    }

    /// The conditions now, with the share of other processes since the start.
    ///
    /// That share is unknown in the first 200 ms, and then counts in steps of at least as long.
    pub fn read(&mut self) -> Conditions {
        if let Some((seconds, share)) = self.step() {
            let (watched, used) = self.watched.unwrap_or_default();
            self.watched = Some((watched + seconds, used + seconds * share));
        }
        let others_cpu_share = self.watched.map(|(watched, used)| used / watched);
        if let Some(system) = &mut self.system {
            system.refresh_cpu_frequency();
            system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        }
        let system = self.system.as_ref();
        Conditions {
            others_cpu_share,
            load_average: load_average(),
            usable_cores: usable_cores(),
            available_memory: system.and_then(available),
            cpu_mhz: system
                .and_then(|system| system.cpus().iter().map(sysinfo::Cpu::frequency).max())
                .filter(|&mhz| mhz > 0),
            cores: cores_of_this_thread(),
            clock_limit: self
                .sensors
                .clock_limit()
                .filter(|(mhz, most_mhz)| mhz < most_mhz)
                .map(|(mhz, most_mhz)| ClockLimit { mhz, most_mhz }),
            cpu_celsius: self.sensors.celsius(),
            emulator: self.emulator.clone(),
            card: self.card.as_mut().map(CardProbe::read),
        }
    }

    /// The seconds since the last step, and what all processes used in them less what this one used, over all cores.
    fn step(&mut self) -> Option<(f64, f64)> {
        let elapsed = self.since.elapsed();
        if elapsed < MINIMUM_CPU_UPDATE_INTERVAL {
            return None;
        }
        let system = self.system.as_mut()?;
        system.refresh_cpu_usage();
        let (all, cores) = (f64::from(system.global_cpu_usage()) / 100.0, system.cpus().len());
        let before = self.own_cpu_millis;
        self.own_cpu_millis = self.own_cpu();
        self.since = Instant::now();
        let own = self.own_cpu_millis?.checked_sub(before?)? as f64 / 1e3 / elapsed.as_secs_f64() / cores.max(1) as f64;
        Some((elapsed.as_secs_f64(), (all - own).clamp(0.0, 1.0)))
    }

    fn own_cpu(&mut self) -> Option<u64> {
        let (system, process) = (self.system.as_mut()?, self.process?);
        let refresh = ProcessRefreshKind::nothing().with_cpu().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[process]), false, refresh);
        system.process(process).map(sysinfo::Process::accumulated_cpu_time)
    }
}

/// Memory that could be had without swapping, within the container's limit where there is one.
#[must_use]
pub fn available_memory() -> Option<Bytes> {
    let ram = MemoryRefreshKind::nothing().with_ram();
    System::new_with_specifics(RefreshKind::nothing().with_memory(ram)).ok().as_ref().and_then(available)
}

fn available(system: &System) -> Option<Bytes> {
    let container = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    Some(Bytes(system.available_memory().min(container))).filter(|_| system.total_memory() > 0)
}

/// Windows has no load average; what is reported there warms up from 0 and would read as an idle machine.
fn load_average() -> Option<f64> {
    if cfg!(windows) { None } else { System::load_average().ok().map(|load| load.one) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_read_at_once_does_not_know_the_share_of_others() {
        let conditions = ConditionsProbe::start().read();
        assert_eq!(conditions.others_cpu_share, None);
        assert_ne!(conditions.cpu_mhz, Some(0));
        assert_ne!(conditions.usable_cores, Some(0));
    }

    #[test]
    fn the_share_of_others_lies_between_none_and_all() {
        let mut probe = ConditionsProbe::start();
        std::thread::sleep(MINIMUM_CPU_UPDATE_INTERVAL);
        let share = probe.read().others_cpu_share;
        assert!(share.is_none_or(|share| (0.0..=1.0).contains(&share)), "{share:?}");
        assert_eq!(probe.read().others_cpu_share, share, "a second reading at once knows what the first one knew");
    }

    #[test]
    fn available_memory_is_more_than_nothing_where_it_is_known() {
        assert_ne!(available_memory(), Some(Bytes(0)));
    }

    #[test]
    fn unknown_conditions_are_null_in_json() {
        let json = serde_json::to_value(Conditions::default()).unwrap();
        assert!(json.as_object().unwrap().values().all(serde_json::Value::is_null));
    }
}
