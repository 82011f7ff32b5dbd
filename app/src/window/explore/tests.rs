//! A search begins, goes on with what was found before, and ends; what was found stands beside what is published.

use shufflescope_engine::design::{Design, Edit, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::measure::MedianRange;
use shufflescope_engine::search::{Found, Standing};
use shufflescope_engine::store::Store;
use shufflescope_engine::units::{MultAdds, Nanos, Params};
use shufflescope_engine::zoo;

use super::*;
use crate::window::pacer::Pacer;

fn options() -> RunOptions {
    RunOptions::new(DeviceId::Cpu, 1, 1)
}

fn wish(seed: u32) -> Wish {
    Fields { seed, ..Fields::default() }.wish(None).unwrap()
}

/// A design that takes so many microseconds.
fn found(design: Design, mega: u64, micros: u64) -> Found {
    let time = Nanos(1_000 * micros);
    let latency = MedianRange { median: time, low: time, high: time };
    Found { design, mult_adds: MultAdds(mega * 1_000_000), params: Params(1), predicted: time, latency }
}

fn design(classes: u32) -> Design {
    zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Classes(classes))
}

fn news(found: Vec<Found>) -> Outcome {
    let (left, measured) = (Nanos::from_secs(9), found.len());
    let standing = Standing { phase: Phase::Measuring, fraction: 0.5, left, evaluated: 77, measured, on_front: 1 };
    Outcome::Searching(Box::new(SearchNews { standing, found, kernels: Vec::new() }))
}

/// The job that a search begins with.
fn begun(explore: &mut Explore, seed: u32, keeper: &Keeper) -> SearchJob {
    explore.start(wish(seed), None, &options(), keeper);
    let running = explore.running.as_ref().unwrap();
    running.exploration.job(&options())
}

#[test]
fn a_search_goes_on_with_what_it_has_found_before_and_another_seed_begins_anew() {
    let (mut explore, keeper) = (Explore::default(), Keeper::new(None, Pacer::default()));
    let job = begun(&mut explore, 1, &keeper);
    assert!(job.found.is_empty() && job.starts.len() > 1 && job.time == Nanos::from_secs(60));
    explore.take(news(vec![found(design(3), 40, 900)]), &keeper);
    let Some(Shown::SoFar(so_far)) = explore.shown(None, &options()) else { panic!("it is in progress") };
    assert_eq!((so_far.found.len(), so_far.evaluated, explore.phase()), (1, 77, Some(Phase::Measuring)));
    explore.stop(&keeper);
    assert!(matches!(explore.shown(None, &options()), Some(Shown::Kept(kept, true)) if kept.result.is_partial));
    assert_eq!(begun(&mut explore, 1, &keeper).found.len(), 1);
    explore.take(Outcome::Searched, &keeper);
    assert!(matches!(explore.shown(None, &options()), Some(Shown::Kept(kept, true)) if !kept.result.is_partial));
    assert!(begun(&mut explore, 2, &keeper).found.is_empty());
}

#[test]
fn a_search_that_is_given_up_before_the_store_has_answered_measures_nothing() {
    let (mut explore, keeper) = (Explore::default(), Keeper::new(None, Pacer::default()));
    let job = begun(&mut explore, 1, &keeper);
    assert_eq!(explore.steps(Box::new(job.clone())).len(), 1);
    explore.stop(&keeper);
    assert!(explore.steps(Box::new(job)).is_empty());
    assert!(explore.shown(None, &options()).is_none(), "nothing was found");
}

#[test]
fn a_failure_is_told_and_what_was_found_before_it_stays() {
    let (mut explore, keeper) = (Explore::default(), Keeper::new(None, Pacer::default()));
    begun(&mut explore, 1, &keeper);
    explore.take(news(vec![found(design(3), 40, 900)]), &keeper);
    explore.take(Outcome::Failed("the device is gone".into()), &keeper);
    assert_eq!(explore.failure(), Some("the device is gone"));
    assert!(!explore.is_running() && explore.shown(None, &options()).is_some());
    begun(&mut explore, 1, &keeper);
    assert_eq!(explore.failure(), None);
}

#[test]
fn a_published_network_that_was_measured_on_the_way_is_one_row_with_its_accuracy_and_the_front_comes_first() {
    let published = Landmarks::look_up(&Store::in_memory().unwrap(), None, &options(), None, &[]).unwrap().networks;
    let known = zoo::preset("shufflenet-v2-x1.0").unwrap();
    let small = known.apply(&Edit::Input(InputSize::square(32)));
    let mut exploration = Exploration::begun(wish(1));
    exploration.add(vec![
        found(design(3), 200, 1_500),
        found(known.clone(), 145, 1_200),
        found(small, 100, 1_300),
        found(design(4), 900, 9_000),
    ]);
    let rows = rows(Some(&exploration), 1, &published, &[], Order::default());
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(rows.len(), published.len() + 3);
    assert_eq!(names.iter().filter(|name| **name == "shufflenet-v2-x1.0").count(), 1);
    assert!(names.contains(&"shufflenet-v2-x1.0 at 32x32"), "it is another network and has another name");
    assert_eq!((rows[0].mult_adds.0, rows[1].mult_adds.0), (200_000_000, 145_000_000));
    assert!(rows[1].on_front && rows[1].accuracy.is_some() && rows[1].measured.is_some());
    assert!(rows[2].accuracy.is_some() && !rows[2].on_front, "then what is published");
    assert!(rows.last().is_some_and(|row| !row.is_listed()), "and last what is on no list");
}

#[test]
fn of_too_many_designs_the_oldest_go_that_are_not_on_the_front() {
    let mut exploration = Exploration::begun(wish(1));
    exploration.add(vec![found(design(1), 500, 1_000)]);
    let beaten = (2..2_200).map(|classes| found(design(classes), 1, 2_000)).collect();
    exploration.add(beaten);
    assert_eq!(exploration.found.len(), 2_000);
    assert_eq!((exploration.front(), exploration.found[0].design.classes), (vec![0], 1));
    assert_eq!(exploration.found.last().unwrap().design.classes, 2_199, "the newest stay");
}
