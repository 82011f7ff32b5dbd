//! Advice on machines whose every cost is known.

mod machine;

use self::machine::{Machine, TILED, options};
use super::*;
use crate::design::{Design, Edit, StageEdit};
use crate::guideline::Guideline;
use crate::zoo::preset;

fn channels(stage: usize, channels: u32) -> Edit {
    Edit::Stage { stage, change: StageEdit::Channels(channels) }
}

#[test]
fn predicted_changes_are_the_machines_and_what_costs_nothing_stands_above_what_costs() {
    let predictor = TILED.known(&[]);
    for name in ["shufflenet-v2-x1.0", "shufflenet-v1-g3-x1.0", "mobilenet-v2-x1.0"] {
        let design = preset(name).unwrap();
        let advice = Counsel::of(&design, &predictor, &options()).unwrap().changes;
        assert!(advice.len() > 40, "{name}: {}", advice.len());
        let (mut offs, mut held) = (Vec::new(), 0);
        for one in &advice {
            let changed = design.apply(&one.edit);
            assert!(changed.check().is_ok() && changed.fingerprint() != design.fingerprint(), "{}", one.label);
            let truth = TILED.truth(&changed) / TILED.truth(&design);
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
    let advice = Counsel::of(&design, &TILED.known(&[]), &options()).unwrap().changes;
    let widened = channels(1, 256);
    let free = advice.iter().position(|one| one.edit == widened).unwrap();
    assert!(advice[free].mult_adds.after > advice[free].mult_adds.before);
    let cost = advice[free].predicted_ratio - 1.0;
    let true_cost = TILED.truth(&design.apply(&widened)) / TILED.truth(&design) - 1.0;
    assert!((cost - true_cost).abs() < 0.02, "{cost} for {true_cost}");
    let kernel = advice.iter().position(|one| one.label == "stage3: depthwise 7x7").unwrap();
    assert!(free < kernel, "larger windows cost and bring few mult-adds");
}

#[test]
fn a_guidelines_remedy_is_named_as_such_and_a_broken_design_is_refused() {
    let design = preset("shufflenet-v1-g8-x1.0").unwrap();
    let predictor = TILED.known(&[]);
    let Counsel { changes, remedies: proposed, .. } = Counsel::of(&design, &predictor, &options()).unwrap();
    assert!(changes.iter().any(|one| one.guideline == Some(Guideline::G2)), "groups are what G2 is about");
    assert!(changes.iter().any(|one| one.guideline.is_none()));
    assert_eq!(proposed, remedies(&design, &predictor, &options()).unwrap());
    assert!(proposed.iter().all(|one| one.guideline.is_some()));
    let json = serde_json::to_value(&changes[0]).unwrap();
    for key in ["label", "edit", "predicted_ratio", "low", "high", "mult_adds", "params", "guideline"] {
        assert!(json.get(key).is_some(), "{key}");
    }
    let broken = design.apply(&Edit::Classes(0));
    assert!(Counsel::of(&broken, &predictor, &options()).is_err());
    assert!(remedies(&broken, &predictor, &options()).is_err());
}

#[test]
fn a_remedy_that_does_not_help_on_a_target_says_so_and_one_that_does_too() {
    // Whether groups pay is the machine's business: where they are computed five times as fast, G2's remedy costs time.
    let design = preset("shufflenet-v1-g8-x1.0").unwrap();
    for (machine, outlook) in
        [(TILED, Outlook::Helps), (Machine { grouped: 5.0, made: 1, ..TILED }, Outlook::DoesNotHelp)]
    {
        let proposed = remedies(&design, &machine.known(&[]), &options()).unwrap();
        let remedy = proposed.iter().find(|one| one.guideline == Some(Guideline::G2)).unwrap();
        let truth = machine.truth(&design.apply(&remedy.edit)) / machine.truth(&design);
        assert_eq!(remedy.outlook(), outlook, "{machine:?}: {remedy:?}, in truth {truth}");
        assert_eq!(truth < 1.0, outlook == Outlook::Helps, "{truth}");
    }
    assert_eq!(Outlook::DoesNotHelp.to_string(), "does not help here");
}

/// Reads and computes 32 channels together: units of stage 3 are half as wide, so 225 to 256 channels cost the same.
const STAIRS: Machine = Machine { read: 32, made: 32, grouped: 1.0 };

fn staircase(design: &Design, machine: Machine, also: &[Design]) -> Staircase {
    Staircase::of(design, 1, &machine.known(also), &options()).unwrap().unwrap()
}

#[test]
fn free_channels_are_told_to_the_last_one_where_their_kernels_were_measured() {
    let design = preset("shufflenet-v2-x1.0").unwrap();
    let measured: Vec<Design> =
        [232, 240, 248, 256, 260, 264].map(|number| design.apply(&channels(1, number))).to_vec();
    let stairs = staircase(&design, STAIRS, &measured);
    let free = stairs.free().unwrap();
    assert_eq!((free.from, free.to, free.is_measured), (232, 256, true), "{:?}", stairs.treads);
    assert_eq!((free.edit(), free.about().as_str()), (channels(1, 256), "stage3: 232 to 256 channels"));
    assert_eq!(free.source(), "measured");
    let is_measured = |number| stairs.at(number).unwrap().is_measured;
    assert!(is_measured(248) && is_measured(264) && is_measured(232) && !is_measured(252));
    assert!(stairs.at(260).unwrap().ratio.ratio > 1.03, "the next tile costs: {:?}", stairs.at(260));

    // The same is advised, once, and named as what it is.
    let counsel = Counsel::of(&design, &STAIRS.known(&measured), &options()).unwrap();
    let advised: Vec<&Advice> = counsel.changes.iter().filter(|one| one.edit == channels(1, 256)).collect();
    let [advice] = advised.as_slice() else { panic!("{advised:?}") };
    assert_eq!(advice.free_channels, Some(free));
    assert!(advice.costs_nothing() && counsel.on(&free.edit()) == Some(*advice));
    assert_eq!(serde_json::to_value(advice).unwrap()["free_channels"]["measured"], true);
    assert_eq!(counsel.staircases.len(), 3);
}

#[test]
fn what_only_other_channels_were_measured_of_is_called_predicted() {
    let design = preset("shufflenet-v2-x1.0").unwrap();
    let stairs = staircase(&design, STAIRS, std::slice::from_ref(&design));
    assert!(stairs.treads.iter().all(|tread| tread.is_measured == (tread.channels == 232)), "{:?}", stairs.treads);
    // The tiles are seen in kernels of other sizes.
    let of = |number| stairs.at(number).unwrap().ratio.ratio;
    assert!(of(264) / of(256) > 1.03 && of(256) < 1.03, "{} {}", of(256), of(264));
    assert!(stairs.free().is_none_or(|free| !free.is_measured && free.source() == "predicted"));
}

#[test]
fn on_a_smooth_machine_no_channels_are_free() {
    let smooth = Machine { read: 1, made: 1, grouped: 1.0 };
    let design = preset("shufflenet-v2-x1.0").unwrap();
    let measured: Vec<Design> = [232, 240, 248, 256].map(|number| design.apply(&channels(1, number))).to_vec();
    let predictor = smooth.known(&measured);
    for name in ["shufflenet-v2-x1.0", "shufflenet-v1-g3-x1.0", "mobilenet-v2-x1.0"] {
        let counsel = Counsel::of(&preset(name).unwrap(), &predictor, &options()).unwrap();
        for stairs in &counsel.staircases {
            assert_eq!(stairs.free(), None, "{name}: {:?}", stairs.treads);
        }
        assert!(counsel.changes.iter().all(|one| one.free_channels.is_none()));
    }
    assert_eq!(Staircase::of(&design, 9, &predictor, &options()).unwrap(), None, "no such stage");
}
