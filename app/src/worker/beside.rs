//! What the program of stock Candle on CUDA, where there is one, adds to the devices of this one.

use std::path::PathBuf;

use serde::Serialize;
use shufflescope_engine::device::{DeviceId, DeviceInfo};

use super::ask::find_devices;
use crate::target::find_candle_cuda;

/// The program of stock Candle on CUDA, and what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CandleCuda {
    /// Where it is; `None` where it was not found, or is not needed.
    pub program: Option<PathBuf>,
    /// Its CUDA devices that can be used.
    pub devices: Vec<DeviceInfo>,
    /// Why there are none.
    pub problem: Option<String>,
}

impl CandleCuda {
    /// Finds the program and asks it. Blocks as [`find_devices`] does.
    #[must_use]
    pub fn ask() -> Self {
        if cfg!(feature = "cuda") {
            return Self::default();
        }
        let launcher = match find_candle_cuda() {
            Ok(launcher) => launcher,
            Err(error) => return Self { problem: Some(error.to_string()), ..Self::default() },
        };
        let answer = find_devices(&launcher);
        Self { program: Some(launcher.program), ..Self::of(answer) }
    }

    fn of(answer: Result<Vec<DeviceInfo>, String>) -> Self {
        let all = match answer {
            Ok(all) => all,
            Err(reason) => return Self { problem: Some(reason), ..Self::default() },
        };
        let (devices, others): (Vec<_>, Vec<_>) = all.into_iter().filter(is_cuda).partition(DeviceInfo::is_available);
        let reason =
            || others.into_iter().find_map(|info| info.unavailable).unwrap_or_else(|| "it knows no CUDA".into());
        let problem = devices.is_empty().then(reason);
        Self { program: None, devices, problem }
    }

    /// The devices of this program, with those that only the other can use.
    #[must_use]
    pub fn beside(&self, own: Vec<DeviceInfo>) -> Vec<DeviceInfo> {
        let is_better = |info: &&DeviceInfo| !own.iter().any(|known| known.id == info.id && known.is_available());
        let added: Vec<DeviceInfo> = self.devices.iter().filter(is_better).cloned().collect();
        if added.is_empty() {
            return own;
        }
        let is_cuda_here = |info: &DeviceInfo| is_cuda(info) && info.is_available();
        let at = own.iter().position(is_cuda).unwrap_or(own.len());
        let (before, behind) = own.split_at(at);
        let kept = behind.iter().filter(|info| !is_cuda(info) || is_cuda_here(info)).cloned();
        before.iter().cloned().chain(added).chain(kept).collect()
    }
}

const fn is_cuda(info: &DeviceInfo) -> bool {
    matches!(info.id, DeviceId::Cuda(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(id: DeviceId) -> DeviceInfo {
        DeviceInfo { unavailable: Some("not compiled in".into()), ..DeviceInfo::unknown(id) }
    }

    fn told(infos: &[DeviceInfo]) -> Vec<(DeviceId, bool)> {
        infos.iter().map(|info| (info.id, info.is_available())).collect()
    }

    #[test]
    fn its_cards_stand_in_the_place_of_one_that_is_not_compiled_in() {
        let [cpu, zero, one, metal] = [DeviceId::Cpu, DeviceId::Cuda(0), DeviceId::Cuda(1), DeviceId::Metal(0)];
        let found = CandleCuda::of(Ok([cpu, zero, one].map(DeviceInfo::unknown).into()));
        assert_eq!(told(&found.devices), [(zero, true), (one, true)]);
        assert_eq!(found.problem, None);
        let own = vec![DeviceInfo::unknown(cpu), missing(zero), missing(metal)];
        assert_eq!(told(&found.beside(own)), [(cpu, true), (zero, true), (one, true), (metal, false)]);
    }

    #[test]
    fn a_card_that_this_program_knows_is_told_as_this_program_knows_it() {
        let named = DeviceInfo { name: Some("NVIDIA H100".into()), ..DeviceInfo::unknown(DeviceId::Cuda(0)) };
        let found = CandleCuda::of(Ok(vec![DeviceInfo::unknown(DeviceId::Cuda(0))]));
        assert_eq!(found.beside(vec![named.clone()]), [named]);
    }

    #[test]
    fn without_a_card_or_the_program_nothing_changes_and_the_reason_is_told() {
        let own = vec![DeviceInfo::unknown(DeviceId::Cpu), missing(DeviceId::Cuda(0))];
        for (answer, reason) in [
            (Ok(vec![missing(DeviceId::Cuda(0))]), "not compiled in"),
            (Ok(vec![]), "it knows no CUDA"),
            (Err("it crashed".into()), "it crashed"),
        ] {
            let found = CandleCuda::of(answer);
            assert_eq!(found.problem.as_deref(), Some(reason));
            assert_eq!(found.beside(own.clone()), own);
        }
    }
}
