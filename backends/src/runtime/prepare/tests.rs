use super::*;
use crate::design::{Batch, Edit, InputSize};
use crate::graph::lower;
use crate::zoo;

fn network() -> (Graph, Weights) {
    let small = Edit::Input(InputSize { height: 32, width: 32 });
    let design = zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&small);
    let graph = lower(&design, Batch(1)).unwrap();
    let weights = Weights::seeded(&graph, 1);
    (graph, weights)
}

fn options(threads: usize) -> RunOptions {
    RunOptions::new(DeviceId::Cpu, threads, 1)
}

#[test]
fn more_threads_than_cores_are_never_started() {
    let (graph, weights) = network();
    let cores = usable_cores().unwrap();
    let (device, asked) = (Device::cpu(), options(cores + 14));
    for prepared in [prepare, prepare_apart] {
        assert_eq!(prepared(&graph, &weights, &device, &asked).unwrap().threads(), cores);
    }
    let fitting = prepare_fitting(&graph, &weights, &device, &asked, None).unwrap();
    let choice = fitting.thread_choice().unwrap();
    assert_eq!((choice.asked, choice.cores, choice.used), (cores + 14, cores, fitting.threads()));
    assert!((1..=cores).contains(&choice.used), "{choice:?}");
    assert!(choice.describe().starts_with(&format!("the process may use {cores} core")), "{}", choice.describe());
    let tried = choice.tried.iter().all(|tried| tried.threads <= cores && tried.threads != choice.used);
    assert!(tried && (cores == 1 || !choice.tried.is_empty()), "{choice:?}");
}

#[test]
fn a_choice_that_is_known_is_taken_and_what_needs_none_has_none() {
    let (graph, weights) = network();
    let prepared = |options: &RunOptions, known: Option<&ThreadChoice>| {
        prepare_fitting(&graph, &weights, &Device::cpu(), options, known).unwrap()
    };
    let cores = usable_cores().unwrap();
    let known = ThreadChoice { asked: 2, cores, used: 1, tried: Vec::new() };
    let same = prepared(&options(2), Some(&known));
    assert_eq!((same.threads(), same.thread_choice()), (1, Some(&known)));
    let of_others = prepared(&options(3), Some(&known));
    assert_eq!(of_others.thread_choice().unwrap().asked, 3, "another question has another answer");
    let one = prepared(&options(1), None);
    assert_eq!((one.threads(), one.thread_choice()), (1, None));
    let candle = prepared(&options(2).with(Runtime::Candle), None);
    assert_eq!(candle.thread_choice(), None);
}
