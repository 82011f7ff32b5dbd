//! The CUDA kernels' very texts, run on the CPU by g++ and our emulator, against plain loops on random shapes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests and their helpers")]

#[path = "cuda/cases.rs"]
mod cases;
#[path = "cuda/emulation.rs"]
mod emulation;
#[path = "cuda/naive.rs"]
mod naive;
#[path = "cuda/program.rs"]
mod program;
#[path = "../../networks/tests/support/random.rs"]
mod random;
#[path = "cuda/specs.rs"]
mod specs;

use cases::{Case, Rest, case, fault, of_shufflenet, portable_case};
use emulation::Job;
use random::Random;
use shufflescope_backends::runtime::Precision;
use shufflescope_backends::runtime::cuda::kernels::{Card, GpuKernel, ImageStrides};

fn check(kinds: &[&str], rounds: usize, seed: usize) {
    if emulation::compiler().is_none() {
        return;
    }
    let mut random = Random::default();
    (0..seed).for_each(|_| _ = random.below(2));
    let cards = [Card::H100, Card::RTX_3060, Card::LEAST];
    let mut cases = Vec::new();
    for round in 0..rounds {
        for kind in kinds {
            for precision in [Precision::F32, Precision::Tf32, Precision::F16] {
                let specs::Spec { spec, flattened } = specs::random(kind, precision, &mut random);
                let pick = random.below(12);
                cases.extend(case(&spec, flattened, &cards[round % 3 * random.below(2)], pick, &mut random));
            }
        }
    }
    judge(cases);
}

/// Runs the cases, and says which are wrong.
fn judge(cases: Vec<Case>) {
    let Some(compiler) = emulation::compiler() else { return };
    let (jobs, rest): (Vec<Job>, Vec<Rest>) = cases.into_iter().map(|case| (case.job, case.rest)).unzip();
    let made = emulation::run(&compiler, &jobs).unwrap_or_else(|error| panic!("{error}"));
    let faults: Vec<String> = jobs
        .iter()
        .zip(&rest)
        .zip(&made)
        .filter_map(|((job, rest), bank)| {
            Some(format!("{}: {}\n{}", rest.what, fault(rest, bank)?, emulation::describe(job)))
        })
        .collect();
    assert!(faults.is_empty(), "{} of {} are wrong:\n{}", faults.len(), made.len(), faults.join("\n"));
}

fn rounds() -> usize {
    std::env::var("SHUFFLESCOPE_EMULATED_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(2)
}

#[test]
fn products_are_those_of_plain_loops() {
    check(&specs::KINDS[..4], rounds(), 1);
}

#[test]
fn depthwise_convolutions_stems_pools_and_normalisations_are_those_of_plain_loops() {
    check(&specs::KINDS[4..10], rounds(), 2);
}

#[test]
fn means_linear_layers_and_arithmetic_are_those_of_plain_loops() {
    check(&specs::KINDS[10..13], rounds(), 3);
}

#[test]
fn fused_units_are_those_of_plain_loops() {
    check(&specs::KINDS[13..], rounds(), 4);
}

#[test]
fn units_whose_weights_come_in_bands_are_those_of_plain_loops() {
    if emulation::compiler().is_none() {
        return;
    }
    let mut random = Random::default();
    let mut cases = Vec::new();
    for _ in 0..30 * rounds() {
        for precision in [Precision::F32, Precision::Tf32, Precision::F16] {
            let specs::Spec { spec, flattened } = specs::random("unit", precision, &mut random);
            // Little memory, since units are small enough for the emulator.
            let shared_bytes = 4096 << random.below(4);
            let card = Card { shared_bytes, cluster: [1, 16][random.below(2)], ..Card::RTX_3060 };
            let in_bands = |case: &Case| !case.rest.what.contains("b1x1");
            cases.extend(case(&spec, flattened, &card, random.below(12), &mut random).filter(in_bands));
        }
    }
    eprintln!("{} of {} units are in bands", cases.len(), 90 * rounds());
    // A unit of 1.0x that cards below 9.0 have no other way for.
    let mut units = of_shufflenet(Precision::F32).into_iter();
    let unit = units.find(|spec| spec.steps.len() == 3 && (spec.input.channels, spec.input.height) == (116, 14));
    cases.push(case(&unit.unwrap(), None, &Card::RTX_3060, 0, &mut random).unwrap());
    assert!(cases.len() > 10 * rounds(), "{}", cases.len());
    judge(cases);
}

#[test]
fn kernels_that_are_compiled_beforehand_are_those_of_plain_loops() {
    let mut random = Random::default();
    let mut cases = Vec::new();
    for kind in specs::KINDS {
        for precision in [Precision::F32, Precision::F16] {
            let specs::Spec { spec, flattened } = specs::random(kind, precision, &mut random);
            let pick = random.below(12);
            cases.extend(portable_case(&spec, flattened, &Card::LEAST, pick, &mut random));
        }
    }
    assert!(cases.len() > specs::KINDS.len(), "{}", cases.len());
    judge(cases);
}

#[test]
#[ignore = "takes minutes: every variant of a whole network's kernels"]
fn every_variant_of_shufflenet_is_that_of_plain_loops() {
    let mut random = Random::default();
    let mut cases = Vec::new();
    for precision in [Precision::F32, Precision::Tf32, Precision::F16] {
        for spec in of_shufflenet(precision) {
            let kernel = GpuKernel::of(&spec, &ImageStrides::plain(&spec)).unwrap();
            for pick in 0..kernel.variants(&Card::H100).len() {
                cases.extend(case(&spec, None, &Card::H100, pick, &mut random));
            }
        }
    }
    eprintln!("{} variants", cases.len());
    while !cases.is_empty() {
        judge(cases.split_off(cases.len().saturating_sub(40)));
    }
}
