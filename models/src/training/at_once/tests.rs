use std::ops::ControlFlow;

use super::*;
use crate::classify::{Picture, Preprocessing};
use crate::design::InputSize;
use crate::device::DeviceId;
use crate::training::pictures::{DataError, HoldOut, Taken};
use crate::zoo;

fn tiny() -> Design {
    zoo::preset("shufflenet-v2-x0.5").unwrap().apply(&Edit::Input(InputSize::square(32)))
}

/// Stripes across, stripes down, and neither, each with chance in its greys.
fn pictures(input: InputSize, each: usize) -> Pictures {
    let mut pictures = Pictures::new("stripes", Preprocessing::new(input));
    for (class, name) in ["across", "down", "plain"].into_iter().enumerate() {
        pictures.add_class(name).unwrap();
        for number in 0..each {
            let pixel = |x: usize, y: usize| {
                let along = [y, x, 0][class];
                let line = if (along / 5 + number).is_multiple_of(2) { 60 } else { 190 };
                let chance = (x * 7919 + y * 104_729 + number * 1_299_709) % 37;
                (line + chance) as u8
            };
            let rgb = (0..40 * 40).flat_map(|i| [pixel(i % 40, i / 40); 3]).collect();
            pictures.add(class, &Picture::new(40, 40, rgb).unwrap(), Taken::Alone).unwrap();
        }
    }
    pictures
}

#[test]
fn classes_that_a_network_never_knew_are_told_apart_at_once_and_the_accuracy_is_of_the_whole_network() {
    let design = tiny();
    let pictures = pictures(design.input, 12);
    let split = pictures.split(HoldOut::default()).unwrap();
    let weights = Weights::seeded(&lower(&design, Batch(1)).unwrap(), 5);
    let run = RunOptions::new(DeviceId::Cpu, 1, 1);
    let request = AtOnceRequest { design: &design, weights: &weights, pictures: &pictures, split: &split, run: &run };
    let mut shares = vec![];
    let taught = teach_at_once(request, &mut |share| {
        shares.push(share);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(shares.is_sorted() && shares.last() == Some(&1.0), "{shares:?}");
    assert_eq!((taught.design.classes, taught.classes.len()), (3, 3));
    // Stripes are so far apart that even made-up features tell them.
    assert!(taught.accuracy.correct() >= 5 && taught.accuracy.held_out() == 6, "{}", taught.accuracy);
    let graph = lower(&taught.design, Batch(1)).unwrap();
    taught.weights.check(&graph).unwrap();
    let all: Vec<usize> = (0..pictures.samples().len()).collect();
    let right = told_right(&graph, &taught.weights, &pictures, &all, &run, &mut |_| ControlFlow::Continue(()));
    assert!(right.unwrap() >= 33);

    // Without the classifier's bias, and ended from outside.
    let mut without = design.clone();
    without.head.bias = false;
    let request = AtOnceRequest { design: &without, ..request };
    let taught = teach_at_once(request, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(taught.accuracy.correct() >= 4, "{}", taught.accuracy);
    assert!(matches!(teach_at_once(request, &mut |_| ControlFlow::Break(())), Err(TeachError::Cancelled)));
}

#[test]
fn what_is_missing_is_said_before_the_network_runs() {
    let design = tiny();
    let run = RunOptions::new(DeviceId::Cpu, 1, 1);
    let pictures = pictures(design.input, 1);
    let split = Split::default();
    let weights = Weights::default();
    let request = AtOnceRequest { design: &design, weights: &weights, pictures: &pictures, split: &split, run: &run };
    let error = teach_at_once(request, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, TeachError::Data(DataError::OnePicture { .. })), "{error}");
    let pictures = super::tests::pictures(design.input, 4);
    let split = pictures.split(HoldOut::default()).unwrap();
    let request = AtOnceRequest { pictures: &pictures, split: &split, ..request };
    let error = teach_at_once(request, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, TeachError::Weights(_)), "{error}");
    assert_eq!(feature_count(&design).unwrap(), 1024);
}
