//! Results of one kind as the window has them: those of this session, and those that the store had of a name when it was
//! first looked at.

use std::collections::BTreeMap;

use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::store::Kept;

use super::keeper::Asked;

/// By what they are of; of each, those of several contexts, the latest last.
#[derive(Debug)]
pub struct Shelf<T> {
    kept: BTreeMap<String, Vec<Kept<T>>>,
    /// What the store was asked for; what is on its way.
    asked: BTreeMap<String, Option<Asked<Vec<Kept<T>>>>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { kept: BTreeMap::new(), asked: BTreeMap::new() }
    }
}

impl<T> Shelf<T> {
    /// Asks the store for this name, where that was not done yet.
    pub fn ask(&mut self, of: &str, ask: impl FnOnce() -> Asked<Vec<Kept<T>>>) {
        if !self.asked.contains_key(of) {
            self.asked.insert(of.to_owned(), Some(ask()));
        }
    }

    /// Takes what the store has answered meanwhile; says whether there was anything.
    pub fn take_answers(&mut self) -> bool {
        let mut answers = Vec::new();
        for (of, asked) in &mut self.asked {
            if let Some(stored) = asked.as_ref().and_then(Asked::take) {
                *asked = None;
                answers.push((of.clone(), stored));
            }
        }
        let is_news = !answers.is_empty();
        answers.into_iter().for_each(|(of, stored)| self.fill(&of, stored));
        is_news
    }

    /// Takes what the store had; what was put here meanwhile is newer.
    fn fill(&mut self, of: &str, mut stored: Vec<Kept<T>>) {
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
    use shufflescope_engine::store::{Kind, RunContext};

    use crate::window::keeper::Keeper;
    use crate::window::pacer::Pacer;

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
        shelf.put("g1 x1", result(1, 11));
        let earlier = Kept { context: RunContext { version: "0.1.0".into(), ..result(1, 0).context }, ..result(1, 9) };
        shelf.fill("g1 x1", vec![earlier, result(1, 10), result(2, 20)]);
        let get = |threads| shelf.get("g1 x1", Some("a machine"), &options(threads)).unwrap().result;
        assert_eq!([get(1), get(2)], [11, 20]);
    }

    #[test]
    fn the_store_is_asked_once_for_a_name_and_its_answer_is_taken_when_it_is_there() {
        let (mut shelf, keeper) = (Shelf::<u32>::default(), Keeper::new(None, Pacer::default()));
        keeper.keep(Kind::Experiment, "g1 x1", result(1, 10));
        shelf.ask("g1 x1", || keeper.load(Kind::Experiment, "g1 x1"));
        shelf.ask("g1 x1", || panic!("it was asked for already"));
        keeper.finish();
        assert!(shelf.take_answers() && !shelf.take_answers());
        assert_eq!(shelf.get("g1 x1", None, &options(1)).unwrap().result, 10);
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
