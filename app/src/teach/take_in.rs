//! Takes a folder with one folder a class into a project: every picture small enough to be kept, under a number.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use shufflescope_engine::training::pictures::{Broken, class_folders};

use super::job::{TakeInJob, TakenClass, TakenIn};
use super::project::LONGEST_NAME;
use crate::camera::scaled_down;
use crate::image_file::{png, read_picture};

/// Longest side of a picture that is kept: networks see no more of it, and three hundred of them stay small.
pub(crate) const KEPT_SIDE: u32 = 400;

/// Broken pictures that are named; of more their number tells.
const NAMED: usize = 20;

/// Does the job. `tell` hears how many files of how many are done, and can end it.
pub(crate) fn take_in(
    job: &TakeInJob,
    tell: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> anyhow::Result<TakenIn> {
    let folders = class_folders(&job.folder)?;
    std::fs::create_dir_all(&job.pictures)
        .with_context(|| format!("the folder `{}` cannot be made", job.pictures.display()))?;
    let all = folders.iter().map(|class| class.files.len().min(job.most)).sum();
    let (mut taken, mut number, mut done) = (TakenIn::default(), job.first, 0);
    for class in folders {
        let name: String = class.class.trim().chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
        let mut numbers = vec![];
        taken.beyond += class.files.len().saturating_sub(job.most);
        for file in class.files.iter().take(job.most) {
            match small_png(file) {
                Ok(bytes) => {
                    let path = job.pictures.join(format!("{number:06}.png"));
                    std::fs::write(&path, bytes).with_context(|| format!("`{}` cannot be written", path.display()))?;
                    numbers.push(number);
                    number += 1;
                }
                Err(reason) => {
                    taken.broken.push(Broken { path: file.clone(), reason }.to_string());
                }
            }
            done += 1;
            if tell(done, all).is_break() {
                anyhow::bail!("taking the folder in was cancelled");
            }
        }
        taken.classes.push(TakenClass { name, numbers });
    }
    shorten(&mut taken.broken);
    Ok(taken)
}

/// Names the first of many.
pub(super) fn shorten(broken: &mut Vec<String>) {
    let more = broken.len().saturating_sub(NAMED);
    if more > 0 {
        broken.truncate(NAMED);
        broken.push(format!("and {more} more"));
    }
}

/// The picture in a file, not larger than is kept.
fn small_png(file: &Path) -> Result<Vec<u8>, String> {
    let read = || {
        let picture = Arc::new(read_picture(file).map_err(|error| error.to_string())?);
        png(&scaled_down(&picture, KEPT_SIDE))
    };
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("it makes its decoder fail".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_becomes_small_numbered_pictures_and_what_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("things"), folder.path().join("project/pictures"));
        for (class, names) in [("mug", ["a.png", "b.png", "c.png"]), ("book", ["d.png", "e.png", "f.png"])] {
            std::fs::create_dir_all(from.join(class)).unwrap();
            for name in names {
                image::RgbImage::from_pixel(900, 600, image::Rgb([9, 8, 7])).save(from.join(class).join(name)).unwrap();
            }
        }
        std::fs::write(from.join("book/e.png"), b"no picture").unwrap();
        let job = TakeInJob { folder: from, pictures: to.clone(), first: 40, most: 2 };
        let mut heard = vec![];
        let taken = take_in(&job, &mut |done, all| {
            heard.push((done, all));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(heard, [(1, 4), (2, 4), (3, 4), (4, 4)]);
        let numbers: Vec<_> =
            taken.classes.iter().map(|class| (class.name.as_str(), class.numbers.as_slice())).collect();
        assert_eq!(numbers, [("book", &[40][..]), ("mug", &[41, 42][..])]);
        assert!(taken.beyond == 2 && taken.broken.len() == 1 && taken.broken[0].contains("e.png"), "{taken:?}");
        assert_eq!(image::image_dimensions(to.join("000041.png")).unwrap(), (300, 200));
        assert!(take_in(&job, &mut |_, _| ControlFlow::Break(())).unwrap_err().to_string().contains("cancelled"));
    }
}
