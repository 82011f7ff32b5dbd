//! How many of the threads asked for ran, and what is said of it.

use super::*;
use crate::runtime::{ThreadChoice, TriedThreads};

/// A measurement of which so many threads were asked for on so many cores, with what was tried before it.
fn chosen(asked: usize, cores: usize, used: usize, tried: &[(usize, f64)]) -> Measurement {
    let tried = tried.iter().map(|&(threads, ratio)| TriedThreads { threads, ratio }).collect();
    let mut circumstances = circumstances(2);
    (circumstances.key.options.threads, circumstances.conditions.usable_cores) = (asked, Some(cores));
    let choice = ThreadChoice { asked, cores, used, tried };
    let process = ProcessSamples { threads: used, thread_choice: Some(choice), ..quiet() };
    summary(&circumstances, &[process.clone(), process])
}

#[test]
fn threads_that_do_not_help_are_no_reason_to_doubt_and_cores_that_are_not_there_are() {
    let measured = chosen(8, 16, 4, &[(8, 1.03), (2, 1.41)]);
    assert_eq!((measured.threads_asked, measured.threads, &*measured.warnings), (8, 4, &[][..]));
    let few_cores = chosen(16, 2, 2, &[(1, 1.8)]);
    assert_eq!(few_cores.warnings, [Warning::ThreadsDiffer { asked: 16, used: 2 }]);
}

#[test]
fn the_choice_is_exported_beside_what_was_asked_and_used_and_reads_back() {
    let measured = chosen(8, 16, 4, &[(8, 1.03)]);
    let json = serde_json::to_value(&measured).unwrap();
    assert_eq!((&json["threads_asked"], &json["threads"]), (&8.into(), &4.into()));
    let tried = json!([{ "threads": 8, "ratio": 1.03 }]);
    assert_eq!(json["thread_choice"], json!({ "asked": 8, "cores": 16, "used": 4, "tried": tried }));
    assert_eq!(serde_json::from_value::<Measurement>(json).unwrap(), measured);
    let without = serde_json::to_value(summary(&circumstances(2), &[quiet()])).unwrap();
    assert!(without.get("thread_choice").is_none());
}
