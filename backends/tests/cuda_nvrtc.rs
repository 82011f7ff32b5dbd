//! Every CUDA kernel compiles for every generation of cards that we know.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests and their helpers")]

#[path = "../../networks/tests/support/random.rs"]
mod random;
#[path = "cuda/specs.rs"]
mod specs;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use random::Random;
use shufflescope_backends::runtime::Precision;
use shufflescope_backends::runtime::cuda::kernels::{Card, Form, GpuKernel, ImageStrides, Source};
use shufflescope_backends::runtime::cuda::nvrtc::{Nvrtc, Target};
use shufflescope_backends::runtime::cuda::portable;

/// Texts of every kind, precision and form, apart in what they are compiled from.
fn texts(card: &Card, rounds: usize) -> Vec<(Source, Form)> {
    let mut random = Random::default();
    let mut known = HashMap::new();
    for round in 0..rounds {
        for kind in specs::KINDS {
            for precision in [Precision::F32, Precision::Tf32, Precision::F16] {
                let specs::Spec { spec, flattened } = specs::random(kind, precision, &mut random);
                let plain = ImageStrides::plain(&spec);
                let strides = ImageStrides { input: flattened.unwrap_or(plain.input), ..plain };
                let kernel = GpuKernel::of(&spec, &strides).unwrap();
                let variants = kernel.variants(card);
                let Some(&variant) = variants.get(random.below(variants.len().max(1))) else { continue };
                let form = [Form::Generic, Form::Baked][round % 2];
                let source = kernel.source(variant).unwrap();
                known.insert((source.entry, source.defines(form)), (source, form));
            }
        }
    }
    known.into_values().collect()
}

#[test]
fn every_kernel_compiles_for_every_generation() {
    let nvrtc = match Nvrtc::find() {
        Ok(nvrtc) => nvrtc,
        Err(absent) => {
            eprintln!("skipped: {absent}");
            return;
        }
    };
    let rounds = std::env::var("SHUFFLESCOPE_EMULATED_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let work: Vec<(u32, Source, Form)> =
        [Card::LEAST, Card::RTX_3060, Card { shared_bytes: 12 << 10, ..Card::RTX_3060 }, Card::H100]
            .iter()
            .flat_map(|card| texts(card, rounds).into_iter().map(|(source, form)| (card.capability, source, form)))
            .collect();
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((capability, source, form)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = nvrtc.compile(source.entry, &source.text(*form), Target::Card(*capability)) {
                        faults.lock().unwrap().push(format!("{capability}: {error}\n{}", source.defines(*form)));
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    eprintln!("{} texts compiled by NVRTC {:?}", work.len(), nvrtc.version());
    assert!(faults.is_empty(), "{} of {} texts are refused:\n{}", faults.len(), work.len(), faults.join("\n"));
}

/// Not a test: `ptx/make.sh` runs it to write the file that is compiled in.
#[test]
#[ignore = "writes a file: run by ptx/make.sh"]
fn portable_ptx_is_made() {
    let path = std::env::var_os("SHUFFLESCOPE_PTX").expect("SHUFFLESCOPE_PTX names the file");
    let nvrtc = Nvrtc::find().unwrap();
    let made = portable::sources().into_iter().map(|source| {
        let text = source.text(Form::Generic);
        let ptx = nvrtc.compile(source.entry, &text, Target::Ptx(portable::CAPABILITY)).unwrap();
        let ptx = String::from_utf8(ptx).unwrap();
        // Comments and indentation are a third of it.
        let lines = ptx
            .trim_end_matches('\0')
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//"));
        (source.key(), lines.collect::<Vec<_>>().join("\n"))
    });
    std::fs::write(path, portable::file(&made.collect::<Vec<_>>())).unwrap();
}

#[test]
fn whatever_runs_without_the_compiler_was_compiled_beforehand() {
    let mut random = Random::default();
    let mut found = 0;
    for kind in specs::KINDS.into_iter().cycle().take(specs::KINDS.len() * 8) {
        for precision in [Precision::F32, Precision::F16] {
            let specs::Spec { spec, flattened } = specs::random(kind, precision, &mut random);
            let plain = ImageStrides::plain(&spec);
            let strides = ImageStrides { input: flattened.unwrap_or(plain.input), ..plain };
            let kernel = GpuKernel::of(&spec, &strides).unwrap();
            for variant in kernel.portable(&Card::LEAST) {
                let source = kernel.source(variant).unwrap();
                assert!(portable::ptx(&source).is_some(), "{spec} {variant}: {}", source.key());
                found += 1;
            }
            assert!(spec.steps.len() > 1 || !kernel.portable(&Card::LEAST).is_empty(), "{spec}: nothing runs it");
        }
    }
    assert!(found > 100, "{found}");
}
