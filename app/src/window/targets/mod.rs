//! The machines that networks can be measured on: this one, and those behind SSH. Each is asked who it is on a thread; the
//! present network can be measured on several of them side by side, each with a worker of its own.

mod command;
mod entry;
mod side;

use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;

pub use self::command::TargetCommand;
pub use self::entry::{Entry, Refusal, State};
pub use self::side::{Judged, Manner, Measured, Side};
use super::pacer::Pacer;
use crate::target::{Launcher, Programs, RemoteProgram, Ssh, SshAddress, Target};

/// More than anybody has on a desk.
const MOST: usize = 64;

/// See the module.
#[derive(Debug)]
pub struct Targets {
    /// This machine first.
    entries: Vec<Entry>,
    current: Target,
    own: Launcher,
    ssh: Ssh,
    pacer: Pacer,
    /// Why the last address was not added.
    wrong: Option<String>,
}

impl Targets {
    /// This machine, and those that an earlier session kept: an address each, and behind it the program there.
    #[must_use]
    pub fn new(kept: &[String], own: Launcher, ssh: Ssh, pacer: Pacer) -> Self {
        let entries = vec![Entry::new(Target::Here, None, &pacer)];
        let mut this = Self { entries, current: Target::Here, own, ssh, pacer, wrong: None };
        for line in kept {
            let (address, program) = line.split_once(' ').unwrap_or((line, ""));
            // What a later version or a person wrote there stays in the file.
            let _ = this.add(address, program);
        }
        this.wrong = None;
        this
    }

    /// All of them, this machine first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The one in the list.
    #[must_use]
    pub fn entry(&self, target: &Target) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.target == *target)
    }

    fn entry_mut(&mut self, target: &Target) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.target == *target)
    }

    /// Where everything but the camera runs.
    #[must_use]
    pub const fn current(&self) -> &Target {
        &self.current
    }

    /// Why the last address was not added.
    #[must_use]
    pub fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }

    /// Adds a machine; the line that keeps it for the next session.
    pub fn add(&mut self, address: &str, program: &str) -> Option<String> {
        let added = self.understand(address.trim(), program.trim()).and_then(|(target, program)| {
            match (self.entry(&target), self.entries.len()) {
                (Some(_), _) => Err(format!("{target} is in the list")),
                (None, MOST..) => Err(format!("there are {MOST} targets: remove one first")),
                (None, _) => Ok((target, program)),
            }
        });
        match added {
            Ok((target, program)) => {
                let line = program.as_ref().map_or_else(|| target.to_string(), |program| format!("{target} {program}"));
                self.entries.push(Entry::new(target, program, &self.pacer));
                self.wrong = None;
                Some(line)
            }
            Err(reason) => {
                self.wrong = Some(reason);
                None
            }
        }
    }

    fn understand(&self, address: &str, program: &str) -> Result<(Target, Option<RemoteProgram>), String> {
        let address: SshAddress = address.parse().map_err(|error| format!("{error}"))?;
        let program = Some(program).filter(|program| !program.is_empty()).map(str::parse).transpose()?;
        Ok((Target::Ssh(address), program))
    }

    /// Takes a machine from the list; one that is in use stays, and so does this one.
    pub fn remove(&mut self, target: &Target) -> bool {
        let may_go = target.is_remote() && *target != self.current;
        let before = self.entries.len();
        self.entries.retain(|entry| !may_go || entry.target != *target);
        self.entries.len() < before
    }

    /// Asks a machine who it is; with `copy` this program is copied there where it has none of this release.
    pub fn check(&mut self, target: &Target, copy: bool) {
        let ssh = self.ssh.clone();
        if let Some(entry) = self.entry_mut(target).filter(|entry| entry.target.is_remote()) {
            entry.ask(&ssh, copy);
        }
    }

    /// Asks those that were not asked yet.
    pub fn check_new(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.target.is_remote()) {
            if matches!(entry.state(), State::Unknown) {
                entry.ask(&self.ssh, false);
            }
        }
    }

    /// Measures there side by side with others, or does not.
    pub fn tick(&mut self, target: &Target) {
        if let Some(entry) = self.entry_mut(target) {
            entry.is_ticked = !entry.is_ticked;
        }
    }

    /// The programs of a target that has answered, or of this machine.
    #[must_use]
    pub fn programs(&self, target: &Target) -> Option<Programs> {
        match target {
            Target::Here => Some(self.own.clone().into()),
            Target::Ssh(_) => self.entry(target)?.place().map(|place| place.programs.clone()),
        }
    }

    /// This one is used from now on.
    pub(super) fn set_current(&mut self, target: Target) {
        self.current = target;
    }

    /// Whether something is measured side by side.
    #[must_use]
    pub fn is_measuring(&self) -> bool {
        self.entries.iter().any(|entry| entry.side.is_busy())
    }

    /// Whether the answer of a machine is waited for.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.state(), State::Asking))
    }

    /// Measures a network on every target ticked.
    ///
    /// # Errors
    /// Where none is.
    pub fn measure(&mut self, model: &Model, options: &RunOptions, manner: Manner) -> Result<(), String> {
        if !self.entries.iter().any(Entry::is_ticked) {
            return Err("tick the targets to measure on".into());
        }
        for at in 0..self.entries.len() {
            let Some(target) = self.entries.get(at).filter(|entry| entry.is_ticked).map(|entry| entry.target.clone())
            else {
                continue;
            };
            let ready = self.ready(&target, options);
            let Some(entry) = self.entries.get_mut(at) else { continue };
            match ready {
                Ok((programs, options)) => entry.side.start(programs, model, options, manner),
                Err(reason) => entry.side.refuse(reason),
            }
        }
        Ok(())
    }

    /// What runs there, and how: with no more threads than it has.
    fn ready(&self, target: &Target, options: &RunOptions) -> Result<(Programs, RunOptions), String> {
        let not_asked = || "it has not answered: check it first".to_owned();
        let programs = self.programs(target).ok_or_else(not_asked)?;
        let Some(place) = self.entry(target).and_then(Entry::place) else { return Ok((programs, options.clone())) };
        place.check(options)?;
        let threads = options.threads.min(place.host.threads.max(1));
        Ok((programs, RunOptions { threads, ..options.clone() }))
    }

    /// Stops measuring side by side; what is measured stays.
    pub fn stop(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.side.stop());
    }

    /// Takes what came in.
    pub fn advance(&mut self) {
        for entry in &mut self.entries {
            entry.advance();
            entry.side.advance();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(kept: &[&str]) -> Targets {
        let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
        let own = Launcher::local("shufflescope".into(), vec!["worker".into()]);
        Targets::new(&kept, own, Ssh { program: "no such ssh".into() }, Pacer::default())
    }

    fn names(targets: &Targets) -> Vec<String> {
        targets.entries().iter().map(|entry| entry.target().to_string()).collect()
    }

    #[test]
    fn a_target_is_added_once_kept_as_a_line_and_understood_again() {
        let mut of = targets(&["ssh://a", "nonsense", "ssh://b /opt/my programs/shufflescope"]);
        assert_eq!(names(&of), ["local", "ssh://a", "ssh://b"]);
        assert_eq!(of.wrong(), None, "what is in the file is not what a person has just typed");
        let program = of.entries()[2].program().map(ToString::to_string);
        assert_eq!(program.as_deref(), Some("/opt/my programs/shufflescope"));
        assert_eq!(of.add(" ssh://pi@c:2222 ", ""), Some("ssh://pi@c:2222".into()));
        assert_eq!(of.add("ssh://d", "bin/x"), Some("ssh://d bin/x".into()));
        for (address, program, part) in [
            ("ssh://a", "", "is in the list"),
            ("board", "", "ssh://[user@]host[:port]"),
            ("local", "", "ssh://"),
            ("ssh://e", "a;b", "a path on the target"),
        ] {
            assert_eq!(of.add(address, program), None);
            assert!(of.wrong().is_some_and(|wrong| wrong.contains(part)), "{:?}", of.wrong());
        }
    }

    #[test]
    fn this_machine_and_the_one_in_use_stay() {
        let mut of = targets(&["ssh://a", "ssh://b"]);
        let [here, a, b] =
            of.entries().iter().map(|entry| entry.target().clone()).collect::<Vec<_>>().try_into().unwrap();
        of.set_current(a.clone());
        assert!(!of.remove(&here) && !of.remove(&a) && of.remove(&b) && !of.remove(&b));
        assert_eq!(names(&of), ["local", "ssh://a"]);
    }

    #[test]
    fn nothing_is_measured_where_nothing_is_ticked_or_nobody_has_answered() {
        use shufflescope_engine::measure::{InterleaveRules, Protocol};
        let mut of = targets(&["ssh://a"]);
        let model = Model::in_zoo("shufflenet-v2-x0.5").unwrap();
        let options = RunOptions::new(shufflescope_engine::device::DeviceId::Cpu, 1, 1);
        let manner = Manner { protocol: Protocol::live(), rules: InterleaveRules::in_processes(1) };
        assert!(of.measure(&model, &options, manner).is_err());
        of.tick(&"ssh://a".parse().unwrap());
        of.measure(&model, &options, manner).unwrap();
        assert!(!of.is_measuring());
        assert!(of.entries()[1].side().failure().is_some_and(|why| why.contains("check it first")));
    }
}
