//! Damaged weight files: whatever is in them, loading ends in a result, and in little memory.
//!
//! Every fixture is cut off at every length and has thousands of bytes changed; an allocator that remembers the largest
//! request shows that no length field in a file is believed.

#![allow(clippy::unwrap_used)] // Helpers of tests panic like tests.

#[path = "support/counting.rs"]
mod counting;
#[path = "../../networks/tests/support/random.rs"]
mod random;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use counting::LARGEST;
use random::Random;
use shufflescope_engine::graph::{Conv2d, Graph, GraphBuilder, Op, Shape, Window};
use shufflescope_engine::weights::{Weights, WeightsError, load, save_safetensors};

/// No single request may exceed this; the files are about 4 KiB.
const LARGEST_ALLOWED: usize = 1 << 20;

/// The network whose weights are in the `tiny*` fixtures.
fn tiny() -> Graph {
    let mut builder = GraphBuilder::new("tiny", Shape::new(1, 3, 8, 8));
    let conv = Conv2d { in_channels: 3, out_channels: 4, window: Window::square(3, 1), groups: 1, bias: false };
    let value = builder.push("stem.0", Op::Conv2d(conv), &[builder.input()]).unwrap();
    let value = builder.push("stem.1", Op::BatchNorm { channels: 4, eps: 1e-5 }, &[value]).unwrap();
    let value = builder.push("pool", Op::GlobalAvgPool, &[value]).unwrap();
    builder.push("fc", Op::Linear { in_features: 4, out_features: 5, bias: true }, &[value]).unwrap();
    builder.finish()
}

/// Undamaged files of every format.
fn originals(folder: &Path) -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../networks/tests/fixtures");
    let saved = folder.join("tiny.safetensors");
    save_safetensors(&Weights::seeded(&tiny(), 1), &saved).unwrap();
    let names = ["tiny.pth", "tiny_before_1_6.pth", "tiny_half_checkpoint.pth", "tiny_averaged.ckpt"];
    names.into_iter().map(|name| fixtures.join(name)).chain([saved]).collect()
}

/// Loads a damaged copy; a panic fails the test, an error has to name the file.
fn try_load(path: &Path, bytes: &[u8], graph: &Graph) -> Result<Weights, WeightsError> {
    // Not truncated in place: ext4 writes such files to the disk at once, which takes longer than the test.
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
    let result = load(path, graph);
    match &result {
        Ok(weights) => weights.check(graph).unwrap(),
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains("damaged."), "{message}");
            assert!(message.len() < 10_000, "{message}");
        }
    }
    result
}

fn damaged_copy(folder: &Path, original: &Path) -> PathBuf {
    folder.join("damaged").with_extension(original.extension().unwrap())
}

/// One test, since the largest request is one number for the whole process.
#[test]
fn damaged_files_are_errors_or_other_values_but_never_panics_or_huge_allocations() {
    let folder = tempfile::tempdir().unwrap();
    let graph = tiny();
    for original in originals(folder.path()) {
        let bytes = fs::read(&original).unwrap();
        let path = damaged_copy(folder.path(), &original);
        try_load(&path, &bytes, &graph).unwrap();
        LARGEST.store(0, Ordering::Relaxed);

        for length in 0..bytes.len() {
            assert!(try_load(&path, &bytes[..length], &graph).is_err(), "{original:?} cut off at {length}");
        }

        let mut random = Random::default();
        let mut errors = 0;
        for round in 0..6_000 {
            let mut damaged = bytes.clone();
            for _ in 0..=round % 4 {
                let at = random.below(damaged.len());
                match round % 3 {
                    0 => damaged[at] ^= 1 << random.below(8),
                    1 => damaged[at] = [0x00, 0xFF, 0x7F, 0x80, b'(', b'q', b'h', b'X', b'R'][random.below(9)],
                    _ => {
                        let end = damaged.len().min(at + 1 + random.below(8));
                        damaged[at..end].fill(0xFF);
                    }
                }
            }
            errors += usize::from(try_load(&path, &damaged, &graph).is_err());
        }
        assert!(errors > 500, "only {errors} damaged copies of {original:?} were noticed");
        let largest = LARGEST.load(Ordering::Relaxed);
        assert!(largest < LARGEST_ALLOWED, "{largest} bytes were asked for at once while reading {original:?}");
    }
}
