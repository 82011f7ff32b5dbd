//! Batches of drawn pictures, made by threads of their own while the network trains.

use std::error::Error;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use shufflescope_engine::training::innermost;

use super::draw::{self, CLASSES};

/// Pixels of a side: the demo design's input.
pub const SIDE: usize = 96;

/// ImageNet's mean and deviation, as torchvision normalises.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Seeds from here on are not trained on.
pub const HELD_OUT: u64 = 1 << 63;

/// Threads that draw.
const DRAWERS: u64 = 2;

/// Pictures and their classes.
pub struct Batch {
    pictures: Vec<(usize, Vec<u8>)>,
}

impl Batch {
    /// `count` pictures from number `first` of those that are not trained on, the classes in turn.
    pub fn held_out(first: usize, count: usize) -> Self {
        let picture = |index: usize| {
            let class = index % CLASSES.len();
            (class, draw::picture(class, SIDE, HELD_OUT + index as u64))
        };
        Self { pictures: (first..first + count).map(picture).collect() }
    }

    /// Half of a batch of the training with `seed`; `nothing` twice as often as any shape.
    fn half(seed: u64, number: u64, size: usize) -> Vec<(usize, Vec<u8>)> {
        let picture = |index: usize| {
            let seed = (seed << 40).wrapping_add(number * size as u64 + index as u64) & !HELD_OUT;
            let class = (index + number as usize * 5) % (CLASSES.len() + 1);
            let class = if class < CLASSES.len() { class } else { 0 };
            (class, draw::picture(class, SIDE, seed))
        };
        (0..size).map(picture).collect()
    }

    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    pub fn labels(&self) -> Vec<usize> {
        self.pictures.iter().map(|(class, _)| *class).collect()
    }

    /// Normalised values of every picture, `[3, height, width]`.
    pub fn normalised(&self) -> Vec<Vec<f32>> {
        let tables: [Vec<f32>; 3] = std::array::from_fn(|channel| {
            (0..=255).map(|byte| (byte as f32 / 255.0 - MEAN[channel]) / DEVIATION[channel]).collect()
        });
        let picture = |(_, picture): &(usize, Vec<u8>)| {
            let channel = |channel: usize| picture.iter().skip(channel).step_by(3);
            (0..3).flat_map(|of| channel(of).map(|&byte| tables[of][usize::from(byte)]).collect::<Vec<_>>()).collect()
        };
        self.pictures.iter().map(picture).collect()
    }

    /// As the trainer reads them, the pictures innermost.
    pub fn values(&self) -> Vec<f32> {
        innermost(&self.normalised())
    }
}

/// `steps` batches in order, a few of them ahead of the reader. Every drawing is shown twice, the second time mirrored and
/// in other company: no class has a handedness, and drawing takes a fair share of the time.
pub fn produce(seed: u64, size: usize, steps: usize) -> Receiver<Batch> {
    let drawers: Vec<Receiver<Batch>> = (0..DRAWERS)
        .map(|drawer| {
            let (sender, receiver) = sync_channel(2);
            thread::spawn(move || {
                // Numbers that are not those of any batch give the first batch its second half.
                let mut before = Batch::half(seed, steps as u64 + drawer, size / 2);
                for number in (drawer..steps as u64).step_by(DRAWERS as usize) {
                    let fresh = Batch::half(seed, number, size / 2);
                    let again = before.iter().map(|(class, picture)| (*class, mirrored(picture)));
                    let batch = Batch { pictures: fresh.iter().cloned().chain(again).collect() };
                    if sender.send(batch).is_err() {
                        return; // Nobody reads any more.
                    }
                    before = fresh;
                }
            });
            receiver
        })
        .collect();
    let (sender, receiver) = sync_channel(1);
    thread::spawn(move || {
        for number in 0..steps {
            let Ok(batch) = drawers[number % drawers.len()].recv() else { return };
            if sender.send(batch).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The picture as a mirror shows it.
fn mirrored(picture: &[u8]) -> Vec<u8> {
    let rows = picture.chunks_exact(3 * SIDE);
    rows.flat_map(|row| row.chunks_exact(3).rev()).flatten().copied().collect()
}

/// A contact sheet of twelve pictures of every class, as a PPM file's bytes.
pub fn sheet(seed: u64) -> Vec<u8> {
    const ROWS: usize = 12;
    let columns = CLASSES.len();
    let mut bytes = format!("P6 {} {} 255\n", columns * SIDE, ROWS * SIDE).into_bytes();
    for row in 0..ROWS {
        let picture = |class| draw::picture(class, SIDE, (seed << 40) + (row * columns + class) as u64);
        let pictures: Vec<_> = (0..columns).map(picture).collect();
        for y in 0..SIDE {
            pictures.iter().for_each(|picture| bytes.extend(&picture[y * SIDE * 3..][..SIDE * 3]));
        }
    }
    bytes
}

/// Writes `count` pictures of every class to a folder of its own below `folder`: a data set for the command line.
pub fn write_folder(folder: &Path, count: usize, seed: u64) -> Result<(), Box<dyn Error>> {
    for (class, name) in CLASSES.iter().enumerate() {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        for number in 0..count {
            let seed = (seed << 40).wrapping_add((number * CLASSES.len() + class) as u64) & !HELD_OUT;
            let picture = draw::picture(class, SIDE, seed);
            let path = folder.join(format!("{number:05}.png"));
            image::save_buffer(path, &picture, SIDE as u32, SIDE as u32, image::ExtendedColorType::Rgb8)?;
        }
    }
    Ok(())
}
