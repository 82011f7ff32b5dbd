//! Rounds are summarised on another thread, and a comparison is kept once its last summary is there.

use std::time::{Duration, Instant};

use shufflescope_engine::device::DeviceId;

use super::*;
use crate::window::bench::rounds_of;

fn options() -> RunOptions {
    RunOptions::new(DeviceId::Cpu, 1, 1)
}

/// A comparison whose rounds are taken.
fn running() -> Compare {
    let document = Document::new(zoo::preset("shufflenet-v2-x0.5").unwrap(), options()).unwrap();
    let mut compare = Compare::new(Care::default(), Pacer::default());
    compare.settle(&document);
    assert_eq!(compare.start(None).unwrap().len(), 3);
    compare.take(&Task::Pair, Outcome::Turns(rounds_of(3)));
    compare
}

/// The layers cannot be measured: the rounds are enough.
fn end(compare: &mut Compare) {
    for side in [Side::A, Side::B] {
        compare.take(&Task::LayersOf(side), Outcome::Failed("no layers".into()));
    }
}

fn poll_until(compare: &mut Compare, keeper: &Keeper, ready: impl Fn(&Compare) -> bool) {
    let start = Instant::now();
    while !ready(compare) {
        assert!(start.elapsed() < Duration::from_secs(60), "{compare:?}");
        std::thread::sleep(Duration::from_millis(2));
        compare.poll(keeper);
    }
}

#[test]
fn rounds_are_summarised_elsewhere_and_a_comparison_is_kept_with_its_last_summary() {
    let keeper = Keeper::new(None, Pacer::default());
    let mut compare = running();
    assert!(compare.so_far().is_none(), "nothing is computed where rounds are taken");
    poll_until(&mut compare, &keeper, |compare| compare.so_far().is_some());
    assert_eq!(compare.so_far().unwrap().pair.comparison.rounds, 8);
    end(&mut compare);
    assert!(compare.is_running() && compare.last(None, &options()).is_none(), "its last summary is missing");
    poll_until(&mut compare, &keeper, |compare| !compare.is_running());
    let (kept, is_current) = compare.last(None, &options()).unwrap();
    assert!(is_current && kept.result.pair.comparison.rounds == 8);

    let asked = keeper.load::<Compared>(Kind::Comparison, LAST);
    keeper.finish();
    let stored = asked.take().unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].result.key, kept.result.key);
}

#[test]
fn stopping_before_the_last_summary_drops_it() {
    let keeper = Keeper::new(None, Pacer::default());
    let mut compare = running();
    end(&mut compare);
    compare.stop();
    compare.poll(&keeper);
    assert!(!compare.is_running() && compare.last(None, &options()).is_none());
}
