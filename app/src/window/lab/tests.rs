//! Columns are summarised on another thread, and an experiment is kept once the summary of all of them is there.

use std::time::{Duration, Instant};

use shufflescope_engine::device::DeviceId;

use super::*;
use crate::window::bench::rounds_of;

const G2: (Experiment, Scale) = (Experiment::G2, Scale::X1);

fn options() -> RunOptions {
    RunOptions::new(DeviceId::Cpu, 1, 1)
}

fn begun(keeper: &Keeper) -> (Lab, Vec<Step>) {
    let mut lab = Lab::new(Care::default(), Pacer::default());
    let steps = lab.start(&Run::Experiments(vec![G2.0], G2.1), None, &options(), keeper).unwrap();
    (lab, steps)
}

fn measure(lab: &mut Lab, step: &Step, keeper: &Keeper) {
    let Task::Column(choice) = step.task else { panic!("{step:?}") };
    // The first row has a twin.
    let rounds = rounds_of(choice.column().unwrap().rows.len() + 1);
    lab.take(step, Outcome::Turns(rounds), None, keeper);
}

fn known(lab: &Lab) -> Option<Known<'_>> {
    lab.experiment(G2, None, &options())
}

fn poll_until(lab: &mut Lab, keeper: &Keeper, ready: impl Fn(&Lab) -> bool) {
    let start = Instant::now();
    while !ready(lab) {
        assert!(start.elapsed() < Duration::from_secs(60), "{lab:?}");
        std::thread::sleep(Duration::from_millis(2));
        lab.poll(None, keeper);
    }
}

#[test]
fn columns_are_summarised_elsewhere_and_a_measured_experiment_is_kept_even_where_the_rest_is_stopped() {
    let keeper = Keeper::new(None, Pacer::default());
    let (mut lab, steps) = begun(&keeper);
    let [first, last] = steps.as_slice() else { panic!("{steps:?}") };
    measure(&mut lab, first, &keeper);
    assert!(known(&lab).is_none(), "nothing is computed where rounds are taken");
    poll_until(&mut lab, &keeper, |lab| known(lab).is_some());
    let Some(Known::SoFar(so_far)) = known(&lab) else { panic!("{lab:?}") };
    let rounds: Vec<usize> = so_far.columns.iter().map(|column| column.rounds).collect();
    assert_eq!(rounds, [8, 0], "the other column stands there as the paper prints it");
    assert!(so_far.cells[7].ours.is_none() && so_far.cells[7].paper_gpu.rate > 0.0);
    assert_eq!(so_far.verdict, shufflescope_engine::experiment::Verdict::Undecided);
    measure(&mut lab, last, &keeper);
    lab.stop();
    assert!(matches!(known(&lab), Some(Known::SoFar(_))), "its last summary is missing");
    poll_until(&mut lab, &keeper, |lab| !lab.is_measuring());
    assert!(
        matches!(known(&lab), Some(Known::Kept(kept, true)) if kept.result.columns.iter().all(|column| column.rounds == 8))
    );
}

#[test]
fn what_is_stopped_before_its_last_column_leaves_nothing_and_so_does_a_column_that_failed() {
    let keeper = Keeper::new(None, Pacer::default());
    let (mut lab, steps) = begun(&keeper);
    measure(&mut lab, &steps[0], &keeper);
    lab.stop();
    lab.poll(None, &keeper);
    assert!(!lab.is_measuring() && known(&lab).is_none());

    let (mut lab, steps) = begun(&keeper);
    lab.take(&steps[0], Outcome::Failed("no device".into()), None, &keeper);
    measure(&mut lab, &steps[1], &keeper);
    poll_until(&mut lab, &keeper, |lab| !lab.is_measuring());
    assert!(known(&lab).is_none());
    assert_eq!(lab.failures(), ["g2-gpu-x1: no device"]);
}
