//! Advice on a machine whose every cost is known: 32 channels of a group are computed together, and a launch costs.

use super::*;
use crate::design::{Batch, Design, Edit, StageEdit};
use crate::device::DeviceId;
use crate::graph::lower;
use crate::guideline::Guideline;
use crate::predict::{Draw, Predictor};
use crate::runtime::plan::Work;
use crate::runtime::{KernelSpec, RunOptions, plan_without_weights};
use crate::store::{KernelRun, Timestamp};
use crate::units::Nanos;
use crate::zoo::preset;

const TILE: usize = 32;

fn kernel(spec: &KernelSpec) -> f64 {
    let mut input = spec.input;
    let mut time = 900.0;
    for step in &spec.steps {
        let groups = match step.work {
            Work::Conv { groups, .. } if !step.work.is_depthwise(input, step.output) => groups,
            _ => 1,
        };
        let channels = (step.output.channels / groups).next_multiple_of(TILE) * groups;
        let made = channels as f64 * (step.output.batch * step.output.pixels()) as f64;
        time += match step.work {
            Work::Conv { window, .. } => {
                let taps = (window.kernel[0] * window.kernel[1]) as f64;
                let is_depthwise = step.work.is_depthwise(input, step.output);
                made * taps * if is_depthwise { 0.12 } else { (input.channels / groups) as f64 / 30.0 }
            }
            Work::Linear => input.channels as f64 * made / 6.0,
            _ => made / 6.0,
        };
        input = step.output;
    }
    time
}

fn options() -> RunOptions {
    RunOptions::new(DeviceId::Cpu, 1, 1)
}

fn specs(design: &Design) -> Vec<KernelSpec> {
    let graph = lower(design, Batch(1)).unwrap();
    let plan = plan_without_weights(&graph, &options()).unwrap();
    plan.kernels.into_iter().filter_map(|kernel| kernel.spec).collect()
}

fn truth(design: &Design) -> f64 {
    specs(design).iter().map(kernel).sum()
}

fn predictor() -> Predictor {
    let mut draw = Draw::new(11, None);
    let run = |design: Design| KernelRun {
        when: Timestamp(0),
        model: design.name.clone(),
        design: design.fingerprint(),
        whole: Nanos(truth(&design).round() as u64),
        canary: None,
        kernels: specs(&design)
            .into_iter()
            .map(|spec| {
                let time = kernel(&spec);
                (spec, Nanos(time.round() as u64))
            })
            .collect(),
        estimate: None,
    };
    let runs: Vec<KernelRun> = (0..120).map(|_| run(draw.design())).collect();
    Predictor::new(&runs, None).unwrap()
}

#[test]
fn predicted_changes_are_the_machines_and_what_costs_nothing_stands_above_what_costs() {
    let predictor = predictor();
    for name in ["shufflenet-v2-x1.0", "shufflenet-v1-g3-x1.0", "mobilenet-v2-x1.0"] {
        let design = preset(name).unwrap();
        let advice = advise(&design, &predictor, &options()).unwrap();
        assert!(advice.len() > 40, "{name}: {}", advice.len());
        let (mut offs, mut held) = (Vec::new(), 0);
        for one in &advice {
            let changed = design.apply(&one.edit);
            assert!(changed.check().is_ok() && changed.fingerprint() != design.fingerprint(), "{}", one.label);
            let truth = truth(&changed) / truth(&design);
            offs.push((one.predicted_ratio / truth - 1.0).abs());
            held += usize::from((one.low - 0.002..=one.high + 0.002).contains(&truth));
        }
        offs.sort_by(f64::total_cmp);
        assert!(offs[offs.len() / 2] < 0.01, "{name}: {}", offs[offs.len() / 2]);
        assert!(offs[offs.len() * 9 / 10] < 0.05, "{name}: {}", offs[offs.len() * 9 / 10]);
        assert!(held * 10 >= advice.len() * 7, "{name}: {held} of {}", advice.len());
        assert!(advice.windows(2).all(|pair| pair[0].gain() >= pair[1].gain()));
    }
}

#[test]
fn whole_tiles_are_found_to_be_free() {
    // Half of 232 channels is 116: three of four tiles and a bit. 256 are four whole ones.
    let design = preset("shufflenet-v2-x1.0").unwrap();
    let advice = advise(&design, &predictor(), &options()).unwrap();
    let widened = Edit::Stage { stage: 1, change: StageEdit::Channels(256) };
    let free = advice.iter().position(|one| one.edit == widened).unwrap();
    assert!(advice[free].mult_adds.after > advice[free].mult_adds.before);
    let cost = advice[free].predicted_ratio - 1.0;
    let true_cost = truth(&design.apply(&widened)) / truth(&design) - 1.0;
    assert!((cost - true_cost).abs() < 0.02, "{cost} for {true_cost}");
    let kernel = advice.iter().position(|one| one.label == "stage3: depthwise 7x7").unwrap();
    assert!(free < kernel, "larger windows cost and bring few mult-adds");
}

#[test]
fn a_guidelines_remedy_is_named_as_such_and_a_broken_design_is_refused() {
    let design = preset("shufflenet-v1-g8-x1.0").unwrap();
    let advice = advise(&design, &predictor(), &options()).unwrap();
    assert!(advice.iter().any(|one| one.guideline == Some(Guideline::G2)), "groups are what G2 is about");
    assert!(advice.iter().any(|one| one.guideline.is_none()));
    let json = serde_json::to_value(&advice[0]).unwrap();
    for key in ["label", "edit", "predicted_ratio", "low", "high", "mult_adds", "params", "guideline"] {
        assert!(json.get(key).is_some(), "{key}");
    }
    let broken = design.apply(&Edit::Classes(0));
    assert!(advise(&broken, &predictor(), &options()).is_err());
}
