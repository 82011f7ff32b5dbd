//! From a picture to a network's input, as torchvision's `ImageClassification` does it: resize the shorter side, crop the
//! centre, scale to 0 .. 1, subtract ImageNet's mean, divide by its deviation.
//!
//! torchvision resizes with Pillow, which filters along the rows first, rounds to 8 bits, and then along the columns.
//! Both passes are done in that order here, each by the SIMD convolution of `fast_image_resize`, whose coefficients are
//! Pillow's; and only for the pixels that the crop keeps.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{ImageBufferError, ResizeAlg, ResizeOptions, Resizer};
use thiserror::Error;

use super::preprocessing::{ChannelOrder, Interpolation};
use super::{Picture, Preprocessing};
use crate::design::InputSize;

/// Where one side of the crop comes from: `length` pixels of the picture from `start` make `output` pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    start: f64,
    length: f64,
    output: u32,
}

impl Span {
    /// The middle `output` pixels of `resized`, in pixels of the `original`.
    fn middle(original: u32, resized: u64, output: u32) -> Self {
        let scale = f64::from(original) / resized as f64;
        // Python's `round`, which torchvision uses: halves go to the even neighbour.
        let offset = ((resized as f64 - f64::from(output)) / 2.0).round_ties_even();
        let start = offset * scale;
        // The rounding of the products must not lead out of the picture.
        Self { start, length: (f64::from(output) * scale).min(f64::from(original) - start), output }
    }

    /// The whole pixels of the `original` that a filter over this span reads: the first, and how many.
    fn reads(&self, original: u32, interpolation: Interpolation) -> (u32, u32) {
        let support = interpolation.support() * (self.length / f64::from(self.output)).max(1.0) + 1.0;
        let first = (self.start - support).floor().max(0.0) as u32;
        let end = ((self.start + self.length + support).ceil() as u32).min(original);
        (first, end.saturating_sub(first))
    }
}

/// Makes inputs of pictures, keeping its buffers.
#[derive(Debug)]
pub struct Preprocessor {
    preprocessing: Preprocessing,
    resizer: Resizer,
    /// Rows filtered along their length: `input.width` pixels each.
    rows: Vec<u8>,
    /// The crop, `[height, width, 3]`.
    crop: Vec<u8>,
    /// The normalised value of every byte, by channel in the network's order.
    normalised: [[f32; 256]; 3],
    /// `[3, height, width]`.
    values: Vec<f32>,
}

impl Preprocessor {
    /// For inputs made like this.
    #[must_use]
    pub fn new(preprocessing: Preprocessing) -> Self {
        let normalization = preprocessing.options().normalization;
        Self {
            preprocessing,
            resizer: Resizer::new(),
            rows: vec![],
            crop: vec![],
            normalised: [0, 1, 2].map(|channel| normalization.of_channel(channel)),
            values: vec![],
        }
    }

    /// How inputs are made.
    #[must_use]
    pub const fn preprocessing(&self) -> Preprocessing {
        self.preprocessing
    }

    /// The network's input, `[3, height, width]` normalised values of the colours in the network's order.
    ///
    /// # Errors
    /// Never for the sizes that a [`Picture`] can have; told rather than hidden.
    pub fn input(&mut self, picture: &Picture) -> Result<&[f32], ResizeError> {
        self.crop(picture)?;
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        self.normalise(&self.crop, &mut values);
        self.values = values;
        Ok(&self.values)
    }

    /// Appends `[3, height, width]` normalised values of a crop, `[height, width, 3]` bytes of red, green and blue.
    pub fn normalise(&self, crop: &[u8], values: &mut Vec<f32>) {
        let colours = match self.preprocessing.options().channels {
            ChannelOrder::Rgb => [0, 1, 2],
            ChannelOrder::Bgr => [2, 1, 0],
        };
        for (colour, normalised) in colours.into_iter().zip(&self.normalised) {
            let bytes = crop.iter().skip(colour).step_by(3);
            values.extend(bytes.map(|&byte| normalised[usize::from(byte)]));
        }
    }

    /// The part of the resized picture that the network sees, `[height, width, 3]` bytes.
    ///
    /// # Errors
    /// As [`input`](Self::input).
    pub fn crop(&mut self, picture: &Picture) -> Result<&[u8], ResizeError> {
        let InputSize { height, width } = self.preprocessing.input();
        let interpolation = self.preprocessing.options().interpolation;
        let [resized_width, resized_height] = self.preprocessing.resized(picture);
        let across = Span::middle(picture.width(), resized_width, width);
        let down = Span::middle(picture.height(), resized_height, height);
        let (first_row, row_count) = down.reads(picture.height(), interpolation);

        let bytes = |width: u32, height: u32| width as usize * height as usize * 3;
        self.rows.resize(bytes(width, row_count), 0);
        self.crop.resize(bytes(width, height), 0);
        // Of this one kind of pixel: left to find out the kind, the resizer brings its code for all thirteen, 3 MB of it.
        let source = TypedImageRef::<U8x3>::from_buffer(picture.width(), picture.height(), picture.rgb())?;
        let mut rows = TypedImage::<U8x3>::from_buffer(width, row_count, &mut self.rows)?;
        let along_rows =
            filter(interpolation).crop(across.start, f64::from(first_row), across.length, f64::from(row_count));
        self.resizer.resize_typed(&source, &mut rows, &along_rows)?;

        let rows = TypedImageRef::<U8x3>::from_buffer(width, row_count, &self.rows)?;
        let mut crop = TypedImage::<U8x3>::from_buffer(width, height, &mut self.crop)?;
        let start = down.start - f64::from(first_row);
        let length = down.length.min(f64::from(row_count) - start);
        let down_columns = filter(interpolation).crop(0.0, start, f64::from(width), length);
        self.resizer.resize_typed(&rows, &mut crop, &down_columns)?;
        Ok(&self.crop)
    }
}

fn filter(interpolation: Interpolation) -> ResizeOptions {
    ResizeOptions::new().resize_alg(ResizeAlg::Convolution(interpolation.filter())).use_alpha(false)
}

/// A picture that the resizer refuses.
#[derive(Clone, Debug, Error)]
#[error("the picture cannot be resized: {0}")]
pub struct ResizeError(String);

impl From<fast_image_resize::ResizeError> for ResizeError {
    fn from(error: fast_image_resize::ResizeError) -> Self {
        Self(error.to_string())
    }
}

impl From<ImageBufferError> for ResizeError {
    fn from(error: ImageBufferError) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{CropMode, Normalization, PreprocessingOptions};
    use super::*;

    fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Picture {
        let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
        Picture::new(width, height, rgb).unwrap()
    }

    #[test]
    fn half_a_pixel_of_offset_goes_to_the_even_side() {
        assert_eq!(Span::middle(341, 341, 224).start, 58.0);
        assert_eq!(Span::middle(343, 343, 224).start, 60.0);
    }

    #[test]
    fn a_picture_of_the_right_size_is_cropped_and_normalised_as_it_is() {
        let mut preprocessor = Preprocessor::new(Preprocessing::with_resize(InputSize::square(2), 4).unwrap());
        let picture = picture(4, 4, |x, y| [x as u8 * 50, y as u8 * 60, 255]);
        assert_eq!(preprocessor.crop(&picture).unwrap(), [50, 60, 255, 100, 60, 255, 50, 120, 255, 100, 120, 255]);
        let input = preprocessor.input(&picture).unwrap();
        let value = |byte: f32, mean: f32, deviation: f32| (byte / 255.0 - mean) / deviation;
        assert_eq!(input[..2], [value(50.0, 0.485, 0.229), value(100.0, 0.485, 0.229)]);
        assert_eq!(input[4..6], [value(60.0, 0.456, 0.224); 2]);
        assert_eq!(input[8..], [value(255.0, 0.406, 0.225); 4]);
    }

    #[test]
    fn blue_comes_first_where_that_is_asked_for_with_means_in_that_order() {
        let options = PreprocessingOptions {
            resize: Some(2),
            channels: ChannelOrder::Bgr,
            normalization: Normalization { mean: [3.0, 2.0, 1.0], ..Normalization::BYTES },
            ..PreprocessingOptions::default()
        };
        let mut preprocessor = Preprocessor::new(Preprocessing::with(InputSize::square(2), &options).unwrap());
        let input = preprocessor.input(&picture(2, 2, |_, _| [10, 20, 30])).unwrap();
        assert_eq!(input, [[27.0; 4], [18.0; 4], [9.0; 4]].concat());
    }

    #[test]
    fn every_interpolation_and_crop_keeps_a_plain_colour_and_a_ramp_in_order() {
        for &interpolation in Interpolation::ALL {
            for &crop in CropMode::ALL {
                let options = PreprocessingOptions { interpolation, crop, ..PreprocessingOptions::default() };
                let preprocessing = Preprocessing::with(InputSize::square(40), &options).unwrap();
                let mut preprocessor = Preprocessor::new(preprocessing);
                let plain = preprocessor.crop(&picture(300, 90, |_, _| [7, 8, 9])).unwrap();
                assert!(plain.as_chunks::<3>().0.iter().all(|pixel| *pixel == [7, 8, 9]), "{interpolation}");
                let ramp = picture(256, 90, |x, _| [x as u8; 3]);
                let row: Vec<u8> = preprocessor.crop(&ramp).unwrap().iter().copied().step_by(3).take(40).collect();
                assert!(row.is_sorted(), "{interpolation}, {crop}: {row:?}");
                // The whole of it, or the middle of a picture that is 2.8 times as wide as high.
                let seen = if crop == CropMode::Squash { 230 } else { 70 };
                assert!(row[39] - row[0] >= seen && (crop == CropMode::Squash || row[39] - row[0] < 100), "{row:?}");
            }
        }
    }

    #[test]
    fn shrinking_averages_every_pixel() {
        // Black and white lines a pixel wide: without antialiasing the result would be black or white.
        let lines = picture(1000, 1000, |x, _| [if x % 2 == 0 { 0 } else { 255 }; 3]);
        let mut preprocessor = Preprocessor::new(Preprocessing::new(InputSize::square(32)));
        assert!(preprocessor.crop(&lines).unwrap().iter().all(|byte| (120..=135).contains(byte)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_size_of_picture_and_input_works_and_a_plain_colour_stays_itself(
            (width, height) in (1..700_u32, 1..700_u32),
            (across, down) in (1..80_u32, 1..80_u32),
            margin in 0..30_u32,
            colour in any::<[u8; 3]>(),
        ) {
            let input = InputSize { height: down, width: across };
            let resize = (across.min(down) + margin).min(across.min(down) * 4);
            let mut preprocessor = Preprocessor::new(Preprocessing::with_resize(input, resize).unwrap());
            let crop = preprocessor.crop(&picture(width, height, |_, _| colour)).unwrap();
            prop_assert_eq!(crop.len(), (across * down * 3) as usize);
            for pixel in crop.as_chunks::<3>().0 {
                prop_assert_eq!(*pixel, colour);
            }
        }
    }

    #[test]
    fn the_longest_pictures_are_resized_in_little_memory() {
        let mut preprocessor = Preprocessor::new(Preprocessing::new(InputSize::square(224)));
        for (width, height) in [(1, 16_384), (16_384, 1), (16_384, 2), (3, 16_384), (1, 1)] {
            let crop = preprocessor.crop(&picture(width, height, |_, _| [9, 8, 7])).unwrap();
            assert_eq!(crop.len(), 224 * 224 * 3);
            assert!(crop.as_chunks::<3>().0.iter().all(|pixel| *pixel == [9, 8, 7]), "{width}x{height}");
        }
    }
}
