//! The folder of a search: the designs of its front as TOML files, and what it takes to go on.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use shufflescope_engine::design::{Design, Fingerprint};
use shufflescope_engine::files::{FileLock, read_regular, write_atomically};
use shufflescope_engine::search::{Found, Goal, front};
use shufflescope_engine::store::RunContext;
use shufflescope_engine::units::Bytes;

use super::resolve::UsageError;

/// What it takes to go on.
const STATE: &str = "search.json";

/// Held while a search writes here.
const LOCK: &str = "search.lock";

/// Larger than what a week of searching finds.
const MOST: Bytes = Bytes(256 << 20);

/// A search, as far as it got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// What is searched for.
    pub goal: Goal,
    /// The designs it started from.
    pub starts: Vec<Fingerprint>,
    /// Machine, program version and way of running.
    pub context: RunContext,
    /// Designs that were looked at.
    pub evaluated: usize,
    /// How long it went on.
    pub seconds: f64,
    /// Everything that was measured, in the order measured.
    pub found: Vec<Found>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    pub state: State,
    _lock: Option<FileLock>,
}

impl Folder {
    /// Makes the folder, or goes on with the search that is in it, which has to be the same as `new`.
    pub fn open(path: &Path, new: State) -> anyhow::Result<Self> {
        let name = path.display();
        std::fs::create_dir_all(path).with_context(|| format!("the folder {name} cannot be made"))?;
        let lock = match FileLock::attempt(&path.join(LOCK)) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => bail!("another search writes to {name}: wait for it, or name another folder"),
            Err(error) if error.kind() == std::io::ErrorKind::Unsupported => None,
            Err(error) => return Err(error).with_context(|| format!("nothing can be written to {name}")),
        };
        let file = path.join(STATE);
        let mut this = Self { path: path.to_owned(), state: new, _lock: lock };
        if file.exists() {
            let found = read_regular(&file, MOST).with_context(|| format!("{} cannot be read", file.display()))?;
            let before: State = serde_json::from_slice(&found)
                .with_context(|| format!("{} is not of a search; name another folder", file.display()))?;
            this.go_on(before)?;
        }
        Ok(this)
    }

    fn go_on(&mut self, before: State) -> anyhow::Result<()> {
        let State { goal, starts, context, .. } = &self.state;
        let differs = [
            (before.goal != *goal, "is for another budget or other bounds"),
            (before.starts != *starts, "starts from other designs"),
            (before.context.machine != context.machine, "was made on another machine"),
            (before.context.version != context.version, "was made by another version of this program"),
            (before.context.options != context.options, "runs in another way (device, threads, precision or batch)"),
        ];
        if let Some((_, how)) = differs.into_iter().find(|(differs, _)| *differs) {
            let name = self.path.display();
            return Err(UsageError(format!("the search in {name} {how}: name another folder")).into());
        }
        self.state = before;
        Ok(())
    }

    /// Writes the state and the front's designs. A file of a design that is not on the front any more goes, unless somebody
    /// has changed it.
    pub fn save(&self) -> anyhow::Result<()> {
        let name = || format!("nothing can be written to {}", self.path.display());
        let state = serde_json::to_vec(&self.state)?;
        write_atomically(&self.path.join(STATE), &state).with_context(name)?;
        let State { goal, found, .. } = &self.state;
        let on_front = front(goal, found);
        for (at, found) in found.iter().enumerate() {
            let file = self.path.join(file_name(&found.design));
            let text = found.design.to_toml()?;
            let is_ours = || read_regular(&file, MOST).is_ok_and(|there| there == text.as_bytes());
            match on_front.contains(&at) {
                true if !file.exists() => write_atomically(&file, text.as_bytes()).with_context(name)?,
                false if file.exists() && is_ours() => std::fs::remove_file(&file).with_context(name)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The file of a design: its name, with what no file system takes replaced.
pub(super) fn file_name(design: &Design) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = design.name.chars().map(plain).collect();
    format!("{}.toml", name.trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use shufflescope_engine::device::DeviceId;
    use shufflescope_engine::measure::MedianRange;
    use shufflescope_engine::runtime::RunOptions;
    use shufflescope_engine::search::Capacity;
    use shufflescope_engine::units::{MultAdds, Nanos, Params};
    use shufflescope_engine::zoo::preset;

    use super::*;

    fn state() -> State {
        let goal = Goal {
            budget: Nanos::from_millis(2),
            at_least_mult_adds: None,
            at_most_params: None,
            most: Capacity::MultAdds,
        };
        let context = RunContext::new(Some("a processor"), &RunOptions::new(DeviceId::Cpu, 1, 1));
        State { goal, starts: vec![], context, evaluated: 7, seconds: 1.5, found: vec![] }
    }

    fn found(name: &str, mult_adds: u64, micros: u64) -> Found {
        let latency =
            MedianRange { median: Nanos(1_000 * micros), low: Nanos(990 * micros), high: Nanos(1_010 * micros) };
        let (mult_adds, params) = (MultAdds(mult_adds), Params(9));
        Found { design: preset(name).unwrap(), mult_adds, params, predicted: latency.median, latency }
    }

    #[test]
    fn the_same_search_goes_on_and_another_one_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b");
        let mut folder = Folder::open(&path, state()).unwrap();
        folder.state.found = vec![found("shufflenet-v2-x0.5", 40, 800), found("shufflenet-v2-x1.0", 145, 1_900)];
        folder.save().unwrap();
        let kept = folder.state.clone();
        assert!(Folder::open(&path, state()).unwrap_err().to_string().contains("another search writes to"));
        drop(folder);
        assert_eq!(Folder::open(&path, State { evaluated: 0, seconds: 0.0, ..state() }).unwrap().state, kept);
        let mut other = state();
        other.goal.budget = Nanos::from_millis(3);
        let refused = Folder::open(&path, other).unwrap_err();
        assert!(refused.is::<UsageError>() && refused.to_string().contains("another budget"), "{refused}");
        let mut other = state();
        other.context.options.threads = 2;
        assert!(Folder::open(&path, other).unwrap_err().is::<UsageError>());
        std::fs::write(path.join(STATE), "{}").unwrap();
        assert!(!Folder::open(&path, state()).unwrap_err().is::<UsageError>());
    }

    #[test]
    fn the_front_is_there_as_files_and_what_left_it_goes_unless_somebody_changed_it() {
        let home = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(home.path(), state()).unwrap();
        let [slow, small] = ["shufflenet-v2-x1.0", "shufflenet-v2-x0.5"];
        folder.state.found =
            vec![found(slow, 145, 1_900), found(small, 40, 800), found("mobilenet-v2-x1.0", 300, 2_100)];
        folder.save().unwrap();
        let is_there = |name: &str| home.path().join(format!("{name}.toml")).exists();
        assert!(is_there(slow) && is_there(small) && !is_there("mobilenet-v2-x1.0"), "2.1 ms are above the budget");
        assert_eq!(Design::read(&home.path().join(format!("{slow}.toml"))).unwrap(), preset(slow).unwrap());
        std::fs::write(home.path().join(format!("{small}.toml")), "# mine").unwrap();
        folder.state.found.push(found("shufflenet-v2-x1.5", 299, 700));
        folder.save().unwrap();
        assert!(!is_there(slow) && is_there(small) && is_there("shufflenet-v2-x1.5"));
    }

    #[test]
    fn a_file_is_called_after_its_design_whatever_that_is_called() {
        let named = |name: &str| file_name(&Design { name: name.into(), ..preset("shufflenet-v2-x1.0").unwrap() });
        assert_eq!(named("shufflenet-v2-found-0badcafe"), "shufflenet-v2-found-0badcafe.toml");
        assert_eq!(named("../mein Netz\\ä"), "-mein-Netz--.toml");
    }
}
