use std::ops::ControlFlow;
use std::sync::Arc;

use super::*;
use crate::classify::{Picture, Preprocessing};
use crate::design::{InputSize, StageEdit};
use crate::training::pictures::{HoldOut, Split, Taken};
use crate::zoo;

fn design() -> Design {
    let mut design = zoo::preset("shufflenet-v2-x0.5").unwrap();
    design.input = InputSize::square(32);
    design.stages.truncate(1);
    design.family = crate::design::Family::Custom;
    let small = [
        Edit::Head(Some(16)),
        Edit::Stage { stage: 0, change: StageEdit::Channels(16) },
        Edit::Stage { stage: 0, change: StageEdit::Repeats(2) },
    ];
    small.iter().fold(design, |design, edit| design.apply(edit))
}

/// Red and blue pictures with a spot somewhere.
fn pictures() -> Pictures {
    let mut pictures = Pictures::new("colours", Preprocessing::with_resize(InputSize::square(32), 32).unwrap());
    for (class, colour) in [[200_u8, 30, 40], [30, 40, 200]].into_iter().enumerate() {
        pictures.add_class(["red", "blue"][class]).unwrap();
        for number in 0..12_usize {
            let mut rgb = colour.repeat(32 * 32);
            rgb[number * 200..number * 200 + 90].fill(number as u8 * 20);
            pictures.add(class, &Picture::new(32, 32, rgb).unwrap(), Taken::Alone).unwrap();
        }
    }
    pictures
}

fn request(epochs: f64) -> TrainRequest {
    let pictures = pictures();
    let split = pictures.split(HoldOut::default()).unwrap();
    TrainRequest {
        design: design(),
        from: Start::Nothing,
        pictures: Arc::new(pictures),
        split,
        budget: Budget::Epochs(epochs),
        seed: 7,
        threads: 2,
        checkpoint: None,
        recipe: Some(Recipe { batch: 8, ..Recipe::from_nothing() }),
    }
}

fn run(request: TrainRequest) -> Trained {
    Trainer::new(request).unwrap().run(&mut |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn a_network_learns_what_is_easy_and_tells_how_it_went() {
    let mut told = vec![];
    let trainer = Trainer::new(request(25.0)).unwrap();
    let trained = trainer
        .run(&mut |progress| {
            told.push(progress);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((trained.design.classes, trained.accuracy.held_out()), (2, 4));
    assert_eq!(trained.accuracy.correct(), 4, "{:?}", trained.history);
    assert_eq!(trained.accuracy.data().name, "colours");
    trained.weights.check(&lower(&trained.design, Batch(1)).unwrap()).unwrap();
    assert!((25.0..26.0).contains(&trained.epochs) && trained.steps == 63 && !trained.cancelled);
    let (first, last) = (&trained.history[0], &trained.history[trained.history.len() - 1]);
    assert!(last.loss < first.loss && last.training_accuracy > 0.9, "{first:?} {last:?}");
    assert!(last.held_out.is_some() && trained.history.is_sorted_by_key(|point| point.step));
    assert_eq!(told.last().unwrap().phase, Phase::Measuring);
    assert!(told.iter().all(|progress| progress.step <= progress.steps));
}

#[test]
fn a_stopped_training_goes_on_from_its_checkpoint_to_the_same_weights_but_for_rounding() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("state.checkpoint");
    let whole = run(request(6.0));
    let with_checkpoint = || TrainRequest { checkpoint: Some(checkpoint.clone()), ..request(6.0) };
    let mut trainer = Trainer::new(with_checkpoint()).unwrap();
    trainer.stop_after = Some(5);
    let stopped = trainer.run(&mut |_| ControlFlow::Continue(())).unwrap();
    assert!(stopped.cancelled && stopped.steps == 5 && checkpoint.exists());
    let trainer = Trainer::new(with_checkpoint()).unwrap();
    assert_eq!(trainer.steps_before(), 5);
    let trained = trainer.run(&mut |_| ControlFlow::Continue(())).unwrap();
    for tensor in crate::weights::expected(&lower(&trained.design, Batch(1)).unwrap()) {
        let [ours, theirs] = [&trained, &whole].map(|of| &of.weights.get(&tensor.name).unwrap().values);
        let gap = ours.iter().zip(theirs).fold(0.0_f32, |gap, (a, b)| gap.max((a - b).abs() / b.abs().max(1.0)));
        assert!(gap < 1e-3, "{}: {gap}", tensor.name);
    }
    assert_eq!(trained.steps, whole.steps);
    assert!(!checkpoint.exists(), "it is done");
}

#[test]
fn a_checkpoint_belongs_to_its_training() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("state.checkpoint");
    let with_checkpoint = || TrainRequest { checkpoint: Some(checkpoint.clone()), ..request(6.0) };
    let mut trainer = Trainer::new(with_checkpoint()).unwrap();
    trainer.stop_after = Some(2);
    trainer.run(&mut |_| ControlFlow::Continue(())).unwrap();
    let refused = |request: TrainRequest| match Trainer::new(request) {
        Err(TrainError::OtherCheckpoint { reason, .. }) => reason,
        other => panic!("{:?}", other.map(|_| ())),
    };
    assert!(refused(TrainRequest { seed: 8, ..with_checkpoint() }).contains("another design"));
    // A longer training of the same kind may go on.
    assert!(Trainer::new(TrainRequest { budget: Budget::Epochs(9.0), ..with_checkpoint() }).is_ok());
    let mut bytes = std::fs::read(&checkpoint).unwrap();
    bytes.truncate(bytes.len() - 8);
    std::fs::write(&checkpoint, bytes).unwrap();
    assert!(refused(with_checkpoint()).contains("no checkpoint"));
}

#[test]
fn time_is_kept_and_a_start_is_used() {
    let trained = run(TrainRequest { budget: Budget::Seconds(1.5), ..request(1.0) });
    assert!(trained.steps > 0 && trained.seconds < 20.0);
    let from = Start::Weights { design: Box::new(trained.design.clone()), weights: Arc::new(trained.weights.clone()) };
    let deeper = trained.design.apply(&Edit::Stage { stage: 0, change: StageEdit::Repeats(5) });
    assert!(matches!(
        Trainer::new(TrainRequest { design: deeper, from: from.clone(), ..request(1.0) }),
        Err(TrainError::Start(_))
    ));
    let trainer = Trainer::new(TrainRequest { from, ..request(1.0) }).unwrap();
    assert!(trainer.start().unwrap().is_whole());
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_trained() {
    let other = InputSize::square(64);
    let error = Trainer::new(TrainRequest { design: design().apply(&Edit::Input(other)), ..request(1.0) });
    assert!(matches!(error, Err(TrainError::Input { .. })));
    let split = Split { training: vec![0, 99], held_out: vec![1] };
    assert!(matches!(Trainer::new(TrainRequest { split, ..request(1.0) }), Err(TrainError::Split { index: 99, .. })));
    let split = Split { training: vec![0, 12], held_out: vec![] };
    assert!(matches!(Trainer::new(TrainRequest { split, ..request(1.0) }), Err(TrainError::Accuracy(_))));
    let recipe = Some(Recipe { rate: 1e30, ..Recipe::from_nothing() });
    let trainer = Trainer::new(TrainRequest { recipe, ..request(30.0) }).unwrap();
    let error = trainer.run(&mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
}
