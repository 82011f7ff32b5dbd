//! The worker's side of teaching: reads the pictures, teaches the design, and writes what came of it.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::bail;
use shufflescope_engine::classify::{Picture, Preprocessing};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::training::pictures::{Broken, HoldOut, Pictures, Split, Taken};
use shufflescope_engine::training::{AtOnceRequest, Taught, save_taught, teach_at_once};

use super::job::{Curve, Kind, TaughtFile, TeachJob, TeachNews};
use super::start::{Origin, fitting};
use super::take_in::shorten;
use super::train::train;
use crate::image_file::read_picture;

/// Time between two words about how far it is.
const SPACING: Duration = Duration::from_millis(100);

/// Does the job, telling how far it is; a training that is stopped ends with its best.
pub(crate) fn teach(
    job: &TeachJob,
    is_stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(TeachNews),
) -> anyhow::Result<TaughtFile> {
    let started = Instant::now();
    let pictures = read(job, tell)?;
    let split = pictures.split(HoldOut { seed: job.seed, ..HoldOut::default() })?;
    // On graphics cards nothing is taught yet; the pictures are looked at on the processor.
    let run = RunOptions::new(shufflescope_engine::device::DeviceId::Cpu, job.run.threads, 1);
    let mut broken: Vec<String> = pictures.broken().iter().map(ToString::to_string).collect();
    let (taught, from, curve) = match job.kind {
        Kind::AtOnce => at_once(job, &pictures, &split, &run, tell)?,
        Kind::Trained { seconds } => train(job, seconds, (pictures, split), is_stopped, tell)?,
    };
    save_taught(&taught, job.preprocessing, &job.output)?;
    shorten(&mut broken);
    Ok(TaughtFile {
        path: job.output.clone(),
        design: taught.design,
        way: taught.way,
        accuracy: taught.accuracy,
        from,
        seconds: started.elapsed().as_secs_f64(),
        curve,
        broken,
    })
}

fn at_once(
    job: &TeachJob,
    pictures: &Pictures,
    split: &Split,
    run: &RunOptions,
    tell: &mut dyn FnMut(TeachNews),
) -> anyhow::Result<(Taught, String, Vec<Curve>)> {
    let Origin { weights, words, .. } = match fitting(job) {
        Ok(origin) => origin,
        Err(reason) => bail!("{reason} Teaching at once needs features that are trained already: train instead"),
    };
    let request = AtOnceRequest { design: &job.design, weights: &weights, pictures, split, run };
    let mut told = Instant::now();
    let taught = teach_at_once(request, &mut |fraction| {
        if told.elapsed() >= SPACING {
            told = Instant::now();
            tell(TeachNews::Teaching { from: words.clone(), fraction, left: None, curve: vec![] });
        }
        ControlFlow::Continue(())
    })?;
    Ok((taught, words, vec![]))
}

/// The pictures as the network sees them; what cannot be read is named and left out.
fn read(job: &TeachJob, tell: &mut dyn FnMut(TeachNews)) -> anyhow::Result<Pictures> {
    let preprocessing = Preprocessing::with(job.design.input, &job.preprocessing)?;
    let mut pictures = Pictures::new(job.name.clone(), preprocessing);
    let all = job.classes.iter().map(|class| class.pictures.len()).sum();
    let (mut done, mut told) = (0, Instant::now());
    for class in &job.classes {
        let position = pictures.add_class(class.name.clone())?;
        for file in &class.pictures {
            match decoded(&file.path) {
                Ok(picture) => {
                    let taken = if file.in_a_run { Taken::InARun } else { Taken::Alone };
                    pictures.add(position, &picture, taken)?;
                }
                Err(reason) => pictures.leave_out(Broken { path: file.path.clone(), reason }),
            }
            done += 1;
            if told.elapsed() >= SPACING {
                told = Instant::now();
                tell(TeachNews::Reading { done, all });
            }
        }
    }
    Ok(pictures)
}

fn decoded(path: &Path) -> Result<Picture, String> {
    let read = || read_picture(path).map_err(|error| error.to_string());
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("it makes its decoder fail".into()))
}
