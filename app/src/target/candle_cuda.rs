//! Stock Candle on CUDA. A build with it does not even start where CUDA's libraries are missing, so it is a program of
//! its own, which this one finds beside itself or where a variable says.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use shufflescope_engine::device::DeviceId;
use shufflescope_engine::runtime::{RunOptions, Runtime};
use thiserror::Error;

use super::Launcher;

/// The program's name, without what the system puts behind those of programs.
pub const CANDLE_CUDA: &str = "shufflescope-candle-cuda";

/// The environment variable with its path, where it does not lie beside this program.
pub const CANDLE_CUDA_VARIABLE: &str = "SHUFFLESCOPE_CANDLE_CUDA";

/// Why there is no program for stock Candle on CUDA.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoCandleCuda {
    /// It does not lie beside this program.
    #[error(
        "stock Candle on CUDA is a program of its own, and there is no {}: {HOW_TO_BUILD}, and put it there, or set {} to \
         where it is",
        .looked_for.display(), CANDLE_CUDA_VARIABLE
    )]
    NotBeside {
        /// Where it was looked for.
        looked_for: PathBuf,
    },
    /// It is not where the variable says.
    #[error(
        "{} says that stock Candle on CUDA is {}, which is no file: {HOW_TO_BUILD}, and set the variable to its path",
        CANDLE_CUDA_VARIABLE, .path.display()
    )]
    NotThere {
        /// What the variable says.
        path: PathBuf,
    },
    /// It would have to be on another machine.
    #[error(
        "stock Candle on CUDA is not measured over SSH: choose --runtime tuned for {target}, or run this program there"
    )]
    OnTarget {
        /// Which.
        target: String,
    },
}

/// What is said of a program that is missing.
const HOW_TO_BUILD: &str = "build it from the same release where NVIDIA's CUDA toolkit is installed (`cargo build \
                            --release --no-default-features --features cuda --bin shufflescope-candle-cuda`)";

/// Whether these options run in a program of their own: stock Candle on CUDA, in a build without it.
#[must_use]
pub const fn needs_candle_cuda(options: &RunOptions) -> bool {
    !cfg!(feature = "cuda") && matches!((options.runtime, options.device), (Runtime::Candle, DeviceId::Cuda(_)))
}

/// The program: where the variable says, or beside this one.
///
/// # Errors
/// Where it is not there, with how to get it.
pub fn find_candle_cuda() -> Result<Launcher, NoCandleCuda> {
    let beside = std::env::current_exe().unwrap_or_default();
    find(std::env::var_os(CANDLE_CUDA_VARIABLE), &beside)
}

fn find(variable: Option<OsString>, this_program: &Path) -> Result<Launcher, NoCandleCuda> {
    if let Some(path) = variable.filter(|path| !path.is_empty()).map(PathBuf::from) {
        return if path.is_file() { Ok(Launcher::worker(path)) } else { Err(NoCandleCuda::NotThere { path }) };
    }
    let name = format!("{CANDLE_CUDA}{}", std::env::consts::EXE_SUFFIX);
    let looked_for = this_program.with_file_name(name);
    if looked_for.is_file() { Ok(Launcher::worker(looked_for)) } else { Err(NoCandleCuda::NotBeside { looked_for }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_lies_beside_this_one_unless_a_variable_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let this = folder.path().join("shufflescope");
        let beside = folder.path().join(format!("{CANDLE_CUDA}{}", std::env::consts::EXE_SUFFIX));
        let text = find(None, &this).unwrap_err().to_string();
        for part in [&*beside.to_string_lossy(), "--features cuda --bin shufflescope-candle-cuda", CANDLE_CUDA_VARIABLE]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        std::fs::write(&beside, "").unwrap();
        let found = Launcher::worker(beside);
        assert_eq!(find(None, &this), Ok(found.clone()));
        assert_eq!(find(Some("".into()), &this), Ok(found), "an empty variable says nothing");
        let elsewhere = folder.path().join("elsewhere");
        let missing = find(Some(elsewhere.clone().into()), &this);
        assert_eq!(
            missing,
            Err(NoCandleCuda::NotThere { path: elsewhere.clone() }),
            "what a person says is not passed over"
        );
        std::fs::write(&elsewhere, "").unwrap();
        assert_eq!(find(Some(elsewhere.clone().into()), &this).unwrap().program, elsewhere);
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn only_stock_candle_on_cuda_needs_another_program() {
        let needs = |runtime, device| needs_candle_cuda(&RunOptions { runtime, ..RunOptions::new(device, 1, 1) });
        assert!(needs(Runtime::Candle, DeviceId::Cuda(3)));
        for device in [DeviceId::Cpu, DeviceId::Metal(0), DeviceId::Gpu(0)] {
            assert!(!needs(Runtime::Candle, device), "{device}");
        }
        assert!(!needs(Runtime::Tuned, DeviceId::Cuda(0)));
    }
}
