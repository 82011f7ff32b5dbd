//! Where a command measures: on this machine, or on a target behind SSH, which is asked who it is first.

use std::io::{BufRead, IsTerminal, Write};

use serde::Serialize;
use serde_json::{Value, json};
use shufflescope_engine::device::Machine;
use shufflescope_engine::runtime::RunOptions;

use super::resolve;
use crate::target::{Copied, Launcher, Programs, RemoteProgram, Target};
use crate::worker::{Place, ReachError, Reaching, reach};

/// One target.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct On {
    /// Measure there: ssh://[user@]host[:port], or local
    #[arg(long, value_name = "TARGET", default_value_t)]
    target: Target,
    #[command(flatten)]
    program: ProgramThere,
}

/// The program on targets behind SSH.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ProgramThere {
    /// The program on the target [default: `shufflescope` in its search path, or a copy of this one in its cache]
    #[arg(long, value_name = "PATH")]
    remote_program: Option<RemoteProgram>,
    /// Copy this program into the target's cache where it has none of this release, without asking
    #[arg(long, conflicts_with = "remote_program")]
    copy_program: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub programs: Programs,
    /// What another machine said; `None` on this one, which needs no asking.
    place: Option<Place>,
}

impl On {
    /// The target, once it has answered.
    pub(super) fn site(&self) -> anyhow::Result<Site> {
        Site::at(&self.target, &self.program)
    }

    /// The target.
    pub(super) const fn target(&self) -> &Target {
        &self.target
    }
}

impl Site {
    /// This machine.
    pub(super) fn here() -> anyhow::Result<Self> {
        Ok(Self { programs: Launcher::this_program()?.into(), place: None })
    }

    /// A target, once it has answered. A person at a terminal is asked whether this program may be copied there.
    pub(super) fn at(target: &Target, program: &ProgramThere) -> anyhow::Result<Self> {
        if !target.is_remote() {
            return Self::here();
        }
        let ProgramThere { remote_program, copy_program } = program.clone();
        let how = Reaching { program: remote_program, copy: copy_program, ..Reaching::default() };
        let place = match reach(target, &how) {
            Err(error) if may_ask(&error, &how) && is_wanted(&error)? => {
                reach(target, &Reaching { copy: true, ..how })?
            }
            place => place?,
        };
        Ok(Self { programs: place.programs.clone(), place: Some(place) })
    }

    /// Threads that run where nobody asks for another number: one per core of the site.
    pub(super) fn threads(&self) -> usize {
        self.place.as_ref().map_or_else(resolve::default_threads, |place| place.host.threads)
    }

    /// Refuses what cannot run there.
    pub(super) fn can_run(&self, options: &RunOptions) -> anyhow::Result<()> {
        let Some(place) = &self.place else { return resolve::can_run(options) };
        options.check().map_err(|error| resolve::UsageError(error.to_string()))?;
        place.check(options).map_err(|reason| resolve::UsageError(reason).into())
    }

    /// The machine, where it is another one.
    pub(super) fn machine(&self) -> Option<&Machine> {
        self.place.as_ref().map(Place::machine)
    }

    /// What the store calls the machine.
    pub(super) fn name_in_store(&self) -> Option<String> {
        self.place.as_ref().map_or_else(|| Machine::detect().cpu_model, Place::name_in_store)
    }

    /// Another machine in words.
    pub(super) fn in_words(&self) -> Option<String> {
        self.place.as_ref().map(Place::in_words)
    }

    /// A report for people, with where it was measured in front where that is another machine.
    pub(super) fn text(&self, report: String) -> String {
        match self.in_words() {
            Some(place) => format!("measured on {place}\n\n{report}"),
            None => report,
        }
    }

    /// A report as JSON, with the key `measured_on` where that is another machine.
    pub(super) fn json(&self, report: &impl Serialize) -> anyhow::Result<String> {
        let Some(Place { target, host, .. }) = &self.place else {
            return Ok(serde_json::to_string_pretty(report)? + "\n");
        };
        let mut report = serde_json::to_value(report)?;
        if let Value::Object(report) = &mut report {
            report.insert("measured_on".into(), json!({ "target": target, "machine": host.machine }));
        }
        Ok(serde_json::to_string_pretty(&report)? + "\n")
    }
}

/// Whether somebody is there who can be asked for a copy, and there is something to ask.
fn may_ask(error: &ReachError, how: &Reaching) -> bool {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    error.asks_for_copy() && how.program.is_none() && !how.copy && is_terminal
}

/// Asks a person whether this program may be copied.
fn is_wanted(error: &ReachError) -> anyhow::Result<bool> {
    let megabytes = Copied::this_program()?.megabytes();
    let mut screen = std::io::stderr().lock();
    write!(screen, "{error}\nCopy this program ({megabytes} MB) into the user's cache there? [y/N] ")?;
    screen.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
