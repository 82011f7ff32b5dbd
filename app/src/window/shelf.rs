//! Results of one kind as the window has them: those of this session, and those that the store had of a name when it was
//! first looked at.

use std::collections::{BTreeMap, BTreeSet};

use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::Kept;

/// By what they are of; of each, those of several contexts, the latest last.
#[derive(Debug)]
pub struct Shelf<T> {
    kept: BTreeMap<String, Vec<Kept<T>>>,
    asked: BTreeSet<String>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { kept: BTreeMap::new(), asked: BTreeSet::new() }
    }
}

impl<T> Shelf<T> {
    /// Whether the store was not asked for this name yet; it counts as asked from now on.
    pub fn asks_first(&mut self, of: &str) -> bool {
        !self.asked.contains(of) && self.asked.insert(of.to_owned())
    }

    /// Takes what the store had; what was put here meanwhile is newer.
    pub fn fill(&mut self, of: &str, mut stored: Vec<Kept<T>>) {
        let here = self.kept.remove(of).unwrap_or_default();
        stored.retain(|old| here.iter().all(|new| new.context != old.context));
        stored.extend(here);
        self.kept.insert(of.to_owned(), stored);
    }

    /// What there is of `of`: taken in this way on this machine by this version, or else the latest.
    #[must_use]
    pub fn get(&self, of: &str, machine: Option<&str>, options: &RunOptions) -> Option<&Kept<T>> {
        let results = self.kept.get(of)?;
        results.iter().rev().find(|result| result.is_of(machine, options)).or_else(|| results.last())
    }

    /// As [`get`](Self::get), to be changed, and only where it is not another's.
    pub fn own(&mut self, of: &str, machine: Option<&str>, options: &RunOptions) -> Option<&mut Kept<T>> {
        self.kept.get_mut(of)?.iter_mut().rev().find(|result| result.is_of(machine, options))
    }

    /// Puts a result in place of an older one of the same context.
    pub fn put(&mut self, of: &str, result: Kept<T>) {
        let results = self.kept.entry(of.to_owned()).or_default();
        results.retain(|old| old.context != result.context);
        results.push(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::device::DeviceId;
    use shufflescope_engine::store::RunContext;

    fn options(threads: usize) -> RunOptions {
        RunOptions::new(DeviceId::Cpu, threads, 1)
    }

    fn result(threads: usize, value: u32) -> Kept<u32> {
        Kept::now(RunContext::new(Some("a machine"), &options(threads)), value)
    }

    #[test]
    fn the_result_of_these_options_comes_first_and_the_latest_of_others_after_it() {
        let mut shelf = Shelf::default();
        for (threads, value) in [(1, 10), (2, 20), (1, 11)] {
            shelf.put("g1 x1", result(threads, value));
        }
        let get = |threads| shelf.get("g1 x1", Some("a machine"), &options(threads)).unwrap();
        assert_eq!([get(1).result, get(2).result], [11, 20]);
        assert!(!get(4).is_of(Some("a machine"), &options(4)), "the latest of other options");
        assert!(
            shelf
                .get("g1 x1", Some("another"), &options(1))
                .is_some_and(|kept| !kept.is_of(Some("another"), &options(1)))
        );
        assert_eq!(shelf.get("g2 x1", None, &options(1)), None);
        assert_eq!(shelf.own("g1 x1", Some("a machine"), &options(4)), None);
    }

    #[test]
    fn what_the_store_had_comes_behind_what_was_measured_meanwhile() {
        let mut shelf = Shelf::default();
        assert!(shelf.asks_first("g1 x1") && !shelf.asks_first("g1 x1"), "the store is asked once");
        shelf.put("g1 x1", result(1, 11));
        let earlier = Kept { context: RunContext { version: "0.1.0".into(), ..result(1, 0).context }, ..result(1, 9) };
        shelf.fill("g1 x1", vec![earlier, result(1, 10), result(2, 20)]);
        let get = |threads| shelf.get("g1 x1", Some("a machine"), &options(threads)).unwrap().result;
        assert_eq!([get(1), get(2)], [11, 20]);
    }

    #[test]
    fn a_result_of_another_version_is_shown_but_never_as_current() {
        let mut shelf = Shelf::default();
        let earlier = RunContext { version: "0.1.0".into(), ..result(1, 0).context };
        shelf.fill("g1 x1", vec![Kept { context: earlier, ..result(1, 9) }]);
        let kept = shelf.get("g1 x1", Some("a machine"), &options(1)).unwrap();
        assert!(!kept.is_of(Some("a machine"), &options(1)) && kept.about().contains("version 0.1.0"));
    }
}
