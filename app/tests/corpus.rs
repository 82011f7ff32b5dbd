//! Every file that the fuzzers start from or have found, through the very functions that they call: `fuzz/corpus`.
//!
//! `cargo test --test corpus -- --ignored` writes the seeds that are made here anew.

#![allow(clippy::unwrap_used, clippy::expect_used)] // What does not hold panics: that is the test.

#[path = "corpus/seeds.rs"]
mod seeds;
#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

fn names(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Runs all seeds of one target and names every file for which something does not hold.
fn replay(target: &str) {
    let run = targets::TARGETS.iter().find(|(name, _)| *name == target).unwrap().1;
    let folder = corpus().join(target);
    let files = names(&folder);
    assert!(!files.is_empty(), "{target} has no seeds");
    let fails = |file: &String| {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        catch_unwind(AssertUnwindSafe(|| run(&bytes))).is_err()
    };
    let failed: Vec<&String> = files.iter().filter(|file| fails(file)).collect();
    assert!(failed.is_empty(), "of fuzz/corpus/{target}: {failed:?}");
}

macro_rules! replayed {
    ($($target:ident)*) => {
        $(#[test] fn $target() { replay(stringify!($target)); })*
        const REPLAYED: &[&str] = &[$(stringify!($target)),*];
    };
}

replayed! {
    camera_pixels design_toml jpeg labels mjpeg_multipart onnx picture_file profile_json pth safetensors worker_lines
}

#[test]
fn every_folder_of_the_corpus_has_a_fuzzer_and_is_replayed() {
    let targets: BTreeSet<String> = targets::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&corpus()), targets);
    assert_eq!(REPLAYED.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>(), targets);
    let fuzzers = names(&corpus().join("../targets"));
    assert_eq!(fuzzers, targets.iter().map(|name| format!("{name}.rs")).collect());
}

#[test]
#[ignore = "writes files"]
fn write_the_seeds_that_are_made_here() {
    for (target, name, bytes) in seeds::all() {
        let folder = corpus().join(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}
