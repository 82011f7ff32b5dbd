//! From a picture to a network's input, as torchvision's `ImageClassification` does it: resize the shorter side, crop the
//! centre, scale to 0 .. 1, subtract ImageNet's mean, divide by its deviation.
//!
//! torchvision resizes with Pillow, which filters along the rows first, rounds to 8 bits, and then along the columns.
//! Both passes are done in that order here, each by the SIMD convolution of `fast_image_resize`, whose coefficients are
//! Pillow's; and only for the pixels that the crop keeps.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, ImageBufferError, PixelType, ResizeAlg, ResizeOptions, Resizer};
use thiserror::Error;

use super::Picture;
use crate::design::InputSize;

/// Mean and standard deviation of ImageNet's red, green and blue, of values from 0 to 1 (torchvision's presets).
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// The shorter side of the resized picture over the crop's: 256 for 224, as almost all published weights have it.
const RESIZE: (u32, u32) = (256, 224);

/// How a picture becomes an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Preprocessing {
    /// What is cut from the middle: the network's input.
    input: InputSize,
    /// What the resized picture covers, touching it on two sides; at least as large as the input.
    covers: InputSize,
}

/// A resize that would leave less than the crop needs.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "pictures cannot be resized to {resize} for an input of {input}: the shorter side must be from {least} to {most}"
)]
pub struct ResizeSideError {
    /// The side asked for.
    resize: u32,
    /// The network's input.
    input: InputSize,
    /// The input's shorter side.
    least: u32,
    /// Four times that.
    most: u32,
}

impl Preprocessing {
    /// For an input of this size: the picture's shorter side becomes 256/224 of the input's side. An input that is not
    /// square is treated alike: the picture is made just large enough to cover 256/224 of it both ways.
    #[must_use]
    pub fn new(input: InputSize) -> Self {
        let (resize, crop) = RESIZE;
        Self { input, covers: scaled(input, resize, crop) }
    }

    /// With another size after the resize: the shorter side in pixels (232 for torchvision's newer weights).
    ///
    /// # Errors
    /// Where the crop would not fit, or would be less than a quarter of the picture.
    pub fn with_resize(input: InputSize, resize: u32) -> Result<Self, ResizeSideError> {
        let least = input.height.min(input.width);
        let most = least.saturating_mul(4);
        if !(least..=most).contains(&resize) {
            return Err(ResizeSideError { resize, input, least, most });
        }
        Ok(Self { input, covers: scaled(input, resize, least) })
    }

    /// The network's input.
    #[must_use]
    pub const fn input(&self) -> InputSize {
        self.input
    }

    /// Pixels of the shorter side after the resize.
    #[must_use]
    pub fn resize(&self) -> u32 {
        self.covers.height.min(self.covers.width)
    }

    /// Size of the whole resized picture; the longer side is cut off to whole pixels.
    fn resized(&self, picture: &Picture) -> [u64; 2] {
        let [width, height] = [picture.width(), picture.height()].map(u64::from);
        let [cover_width, cover_height] = [self.covers.width, self.covers.height].map(u64::from);
        if width * cover_height <= height * cover_width {
            [cover_width, cover_width * height / width]
        } else {
            [cover_height * width / height, cover_height]
        }
    }
}

/// `numerator / denominator` of both sides, to the nearest pixel.
fn scaled(input: InputSize, numerator: u32, denominator: u32) -> InputSize {
    let scale = |side: u32| {
        let scaled =
            (u64::from(side) * u64::from(numerator) + u64::from(denominator) / 2) / u64::from(denominator.max(1));
        u32::try_from(scaled).unwrap_or(u32::MAX)
    };
    InputSize { height: scale(input.height), width: scale(input.width) }
}

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

    /// The whole pixels of the `original` that a bilinear filter over this span reads: the first, and how many.
    fn reads(&self, original: u32) -> (u32, u32) {
        let support = (self.length / f64::from(self.output)).max(1.0) + 1.0;
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
    /// The normalised value of every byte, by channel.
    normalised: [[f32; 256]; 3],
    /// `[3, height, width]`.
    values: Vec<f32>,
}

impl Preprocessor {
    /// For inputs made like this.
    #[must_use]
    pub fn new(preprocessing: Preprocessing) -> Self {
        let of =
            |channel: usize| std::array::from_fn(|byte| (byte as f32 / 255.0 - MEAN[channel]) / DEVIATION[channel]);
        Self {
            preprocessing,
            resizer: Resizer::new(),
            rows: vec![],
            crop: vec![],
            normalised: [of(0), of(1), of(2)],
            values: vec![],
        }
    }

    /// How inputs are made.
    #[must_use]
    pub const fn preprocessing(&self) -> Preprocessing {
        self.preprocessing
    }

    /// The network's input, `[3, height, width]` normalised values of red, green and blue.
    ///
    /// # Errors
    /// Never for the sizes that a [`Picture`] can have; told rather than hidden.
    pub fn input(&mut self, picture: &Picture) -> Result<&[f32], ResizeError> {
        self.crop(picture)?;
        self.values.clear();
        for (channel, normalised) in self.normalised.iter().enumerate() {
            let bytes = self.crop.iter().skip(channel).step_by(3);
            self.values.extend(bytes.map(|&byte| normalised[usize::from(byte)]));
        }
        Ok(&self.values)
    }

    /// The part of the resized picture that the network sees, `[height, width, 3]` bytes.
    ///
    /// # Errors
    /// As [`input`](Self::input).
    pub fn crop(&mut self, picture: &Picture) -> Result<&[u8], ResizeError> {
        let InputSize { height, width } = self.preprocessing.input;
        let [resized_width, resized_height] = self.preprocessing.resized(picture);
        let across = Span::middle(picture.width(), resized_width, width);
        let down = Span::middle(picture.height(), resized_height, height);
        let (first_row, row_count) = down.reads(picture.height());

        let bytes = |width: u32, height: u32| width as usize * height as usize * 3;
        self.rows.resize(bytes(width, row_count), 0);
        self.crop.resize(bytes(width, height), 0);
        let source = ImageRef::new(picture.width(), picture.height(), picture.rgb(), PixelType::U8x3)?;
        let mut rows = Image::from_slice_u8(width, row_count, &mut self.rows, PixelType::U8x3)?;
        let along_rows = bilinear().crop(across.start, f64::from(first_row), across.length, f64::from(row_count));
        self.resizer.resize(&source, &mut rows, &along_rows)?;

        let mut crop = Image::from_slice_u8(width, height, &mut self.crop, PixelType::U8x3)?;
        let start = down.start - f64::from(first_row);
        let length = down.length.min(f64::from(row_count) - start);
        self.resizer.resize(&rows, &mut crop, &bilinear().crop(0.0, start, f64::from(width), length))?;
        Ok(&self.crop)
    }
}

fn bilinear() -> ResizeOptions {
    ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).use_alpha(false)
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

    use super::*;

    fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Picture {
        let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
        Picture::new(width, height, rgb).unwrap()
    }

    #[test]
    fn the_shorter_side_becomes_256_and_the_longer_side_is_cut_off_to_whole_pixels() {
        let preprocessing = Preprocessing::new(InputSize::square(224));
        assert_eq!(preprocessing.resize(), 256);
        for (width, height, resized) in [
            (640, 427, [383, 256]),
            (427, 640, [256, 383]),
            (256, 256, [256, 256]),
            (1, 16_384, [256, 4_194_304]),
            (2, 3, [256, 384]),
        ] {
            assert_eq!(preprocessing.resized(&picture(width, height, |_, _| [0; 3])), resized, "{width}x{height}");
        }
        assert_eq!(Preprocessing::new(InputSize::square(160)).resize(), 183);
        assert_eq!(Preprocessing::with_resize(InputSize::square(224), 232).unwrap().resize(), 232);
    }

    #[test]
    fn an_input_that_is_not_square_is_covered_both_ways() {
        let preprocessing = Preprocessing::new(InputSize { height: 112, width: 224 });
        assert_eq!(preprocessing.resized(&picture(100, 100, |_, _| [0; 3])), [256, 256]);
        assert_eq!(preprocessing.resized(&picture(400, 100, |_, _| [0; 3])), [512, 128]);
        let narrow = Preprocessing::with_resize(InputSize { height: 224, width: 112 }, 112).unwrap();
        assert_eq!(narrow.resized(&picture(100, 100, |_, _| [0; 3])), [224, 224]);
    }

    #[test]
    fn a_resize_smaller_than_the_crop_or_far_larger_is_refused() {
        let side = |resize| Preprocessing::with_resize(InputSize::square(224), resize);
        assert!(side(224).is_ok() && side(896).is_ok());
        let said = side(223).unwrap_err().to_string();
        assert!(said.contains("223") && said.contains("224x224") && said.contains("from 224 to 896"), "{said}");
        assert!(side(897).is_err() && side(u32::MAX).is_err());
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
