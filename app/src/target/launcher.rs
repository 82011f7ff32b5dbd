//! How worker processes are started.

use std::path::PathBuf;

use shufflescope_engine::runtime::RunOptions;

use super::SshAddress;
use super::candle_cuda::{NoCandleCuda, find_candle_cuda, needs_candle_cuda};

/// How to start a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// The machine that it runs on, where the program is an `ssh` that reaches it.
    pub remote: Option<SshAddress>,
}

impl Launcher {
    /// This very program with the hidden subcommand `worker`.
    ///
    /// # Errors
    /// Where the system does not tell the program's path.
    pub fn this_program() -> std::io::Result<Self> {
        Ok(Self::worker(std::env::current_exe()?))
    }

    /// A program of this machine with these arguments.
    #[must_use]
    pub const fn local(program: PathBuf, args: Vec<String>) -> Self {
        Self { program, args, remote: None }
    }

    /// A program with that subcommand.
    pub(super) fn worker(program: PathBuf) -> Self {
        Self::local(program, vec!["worker".into()])
    }

    /// What people call it: its path, or the machine that it runs on.
    #[must_use]
    pub fn name(&self) -> String {
        self.remote.as_ref().map_or_else(|| self.program.display().to_string(), |remote| format!("the one on {remote}"))
    }
}

/// The programs that jobs run in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// Does whatever no other is needed for.
    pub own: Launcher,
    /// Stock Candle on CUDA, where this build lacks it.
    pub candle_cuda: Result<Launcher, NoCandleCuda>,
}

impl Programs {
    /// The program for these options.
    ///
    /// # Errors
    /// Where another program is needed that is not there, with how to get it.
    pub const fn of(&self, options: &RunOptions) -> Result<&Launcher, &NoCandleCuda> {
        if needs_candle_cuda(options) { self.candle_cuda.as_ref() } else { Ok(&self.own) }
    }
}

/// That program, and those beside this one; on another machine only that one.
impl From<Launcher> for Programs {
    fn from(own: Launcher) -> Self {
        let candle_cuda = match &own.remote {
            None => find_candle_cuda(),
            Some(target) => Err(NoCandleCuda::OnTarget { target: target.to_string() }),
        };
        Self { own, candle_cuda }
    }
}
