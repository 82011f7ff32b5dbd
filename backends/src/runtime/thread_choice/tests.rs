use std::cell::RefCell;

use super::*;

/// The choice where a run takes so long with so many threads, and the numbers that were made ready for it.
fn choice(asked: [usize; 2], alike: &[usize], time: impl Fn(usize) -> f64) -> (ThreadChoice, Vec<usize>) {
    let mut made = Vec::new();
    let mut make = |threads| {
        made.push(threads);
        Ok::<usize, ()>(threads)
    };
    let mut race = |first: &mut usize, second: &mut usize| Ok(Some(time(*second) / time(*first)));
    let (network, choice) = fewest_that_help((asked[0], asked[1]), alike, &mut make, &mut race).unwrap();
    assert_eq!(network, choice.used, "the network that is handed out is the one of the choice");
    (choice, made)
}

/// A table of times in microseconds.
fn of<const N: usize>(times: [(usize, f64); N]) -> impl Fn(usize) -> f64 {
    move |threads| times.iter().find(|(of, _)| *of == threads).unwrap().1
}

#[test]
fn the_fewest_threads_that_are_hardly_slower_than_the_fastest_are_used_and_the_others_told() {
    let (found, made) = choice([8, 16], &[], of([(8, 1_030.0), (4, 1_000.0), (2, 1_410.0), (1, 2_700.0)]));
    assert_eq!((found.asked, found.cores, found.used), (8, 16, 4));
    assert_eq!(made, [8, 4, 2], "still fewer are not worth a try");
    assert_eq!(found.describe(), "8 take 1.03 of the time of 4, 2 take 1.41");
    // The times of a large machine.
    let measured = of([(16, 990.0), (8, 1_030.0), (4, 1_240.0), (2, 2_060.0), (1, 3_140.0)]);
    let (found, made) = choice([16, 16], &[], measured);
    assert_eq!((found.used, made), (16, vec![16, 8, 4]));
    assert!(found.is_as_asked());
    assert_eq!(found.describe(), "8 take 1.04 of the time of 16, 4 take 1.25");
    // Within what cannot be told apart.
    let (found, _) = choice([4, 4], &[], of([(4, 1_000.0), (2, 1_010.0), (1, 1_015.0)]));
    assert_eq!((found.used, found.is_as_asked()), (1, false));
    // Small steps do not add up to a slow one.
    let (found, _) = choice([4, 4], &[], of([(4, 1_000.0), (2, 1_015.0), (1, 1_030.0)]));
    assert_eq!(found.used, 2);
}

#[test]
fn no_more_threads_than_cores_are_tried_and_it_is_said() {
    let (found, made) = choice([16, 2], &[], of([(2, 1_000.0), (1, 1_800.0)]));
    assert_eq!((found.asked, found.cores, found.used), (16, 2, 2));
    assert_eq!(made, [2, 1]);
    assert_eq!(found.describe(), "the process may use 2 cores, 1 takes 1.80 of the time of 2");
    let (found, made) = choice([3, 1], &[], |_| 1.0);
    assert_eq!((found.used, made, found.describe().as_str()), (1, vec![1], "the process may use 1 core"));
}

#[test]
fn counts_up_to_which_cores_are_alike_are_tried_beside_the_halves() {
    assert_eq!(candidates(16, &[6, 8, 0, 99]), [16, 8, 6, 4, 2, 1]);
    assert_eq!(candidates(6, &[]), [6, 3, 2, 1]);
    assert_eq!(candidates(0, &[]), [1]);
    // Six fast cores and four slow ones that hold them up.
    let (found, _) = choice([10, 10], &[6], of([(10, 1_300.0), (6, 1_000.0), (5, 1_150.0), (3, 1_900.0)]));
    assert_eq!(found.used, 6);
    assert_eq!(found.describe(), "10 take 1.30 of the time of 6, 5 take 1.15");
}

#[test]
fn where_a_run_takes_long_or_fewer_cannot_be_had_as_many_as_may_run_do() {
    let long = &mut |_: &mut usize, _: &mut usize| Ok::<_, ()>(None);
    let (network, choice) = fewest_that_help((4, 8), &[], &mut Ok, long).unwrap();
    assert_eq!((network, choice.used, choice.tried), (4, 4, vec![]));
    let make = &mut |threads| if threads == 4 { Ok(threads) } else { Err("no memory") };
    let (network, _) = fewest_that_help((4, 8), &[], make, &mut |_, _| panic!("nobody to race")).unwrap();
    assert_eq!(network, 4);
    assert_eq!(fewest_that_help((2, 8), &[], make, &mut |_, _| Ok(None)).unwrap_err(), "no memory");
    let fails = &mut |_: &mut usize, _: &mut usize| Err("a run failed");
    assert_eq!(fewest_that_help((2, 8), &[], &mut Ok, fails).unwrap_err(), "a run failed");
}

/// The ratio of two networks of which each takes what the list says, run for run, and so on from its start; how often each
/// ran.
fn race(times: [&[u64]; 2]) -> (Option<f64>, [usize; 2]) {
    let runs = RefCell::new([0; 2]);
    let run = |which: usize| {
        let at = runs.borrow()[which];
        runs.borrow_mut()[which] += 1;
        Ok::<_, ()>(Nanos(1_000 * times[which][at % times[which].len()]))
    };
    let ratio = in_turns([&mut || run(0), &mut || run(1)]).unwrap();
    (ratio, runs.into_inner())
}

#[test]
fn two_networks_take_turns_until_they_are_told_apart() {
    let (ratio, runs) = race([&[1_000], &[1_030]]);
    assert!((ratio.unwrap() - 1.03).abs() < 1e-9);
    // One run before all, then each turn one to settle and two that count: a round takes 6 ms, and ten of them their time.
    assert_eq!(runs, [1 + 10 * 3, 1 + 10 * 3]);
    let (ratio, runs) = race([&[1_000], &[1_800]]);
    assert_eq!((ratio, runs), (Some(1.8), [1 + 2 * 3, 1 + 2 * 3]), "two rounds say it");
    let (ratio, runs) = race([&[170], &[170]]);
    assert_eq!((ratio, runs[0] > 100), (Some(1.0), true), "short runs are taken by the dozen");
    assert_eq!(race([&[30_000], &[1]]), (None, [1, 0]), "a long run is no question");
}

#[test]
fn a_run_that_was_put_aside_does_not_decide() {
    // Every seventh run of the first takes twenty times as long.
    let mut first = [1_000; 7];
    first[4] = 20_000;
    assert_eq!(race([&first, &[1_010]]).0.map(|ratio| (ratio * 100.0).round()), Some(101.0));
    assert_eq!(race([&[0], &[0]]).0, Some(1.0), "a clock that stands still ends it too");
}
