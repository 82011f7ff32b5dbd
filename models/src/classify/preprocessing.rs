//! What is done to a picture before a network sees it, by the names that PyTorch and timm have for it.

use std::fmt;
use std::str::FromStr;

use fast_image_resize::FilterType;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Picture;
use crate::design::InputSize;

/// Mean and standard deviation of ImageNet's red, green and blue, of values from 0 to 1 (torchvision's presets).
const IMAGENET: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/// The shorter side of the resized picture over the crop's: 256 for 224, as almost all published weights have it.
const RESIZE: (u32, u32) = (256, 224);

/// Which part of a picture the network sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CropMode {
    /// The shorter side is resized, and the centre cut out.
    #[default]
    Center,
    /// Both sides are resized to the input's, whatever that does to the shapes on it; all of the picture is seen unless
    /// more is asked for.
    Squash,
}

/// How pixels are made of more or fewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// A triangle over two pixels: torchvision's weights.
    #[default]
    Bilinear,
    /// A cubic over four pixels: most of timm's weights.
    Bicubic,
    /// A windowed sinc over six pixels.
    Lanczos,
}

/// In which order a network reads colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelOrder {
    /// Red first: PyTorch, TensorFlow.
    #[default]
    Rgb,
    /// Blue first: Caffe, OpenCV.
    Bgr,
}

/// Words for the values of an enum, as they are written and read.
macro_rules! words {
    ($type:ident: $($word:literal => $value:ident),+) => {
        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$value),+];
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$value => $word),+ })
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$value),)+
                    _ => Err(concat!("there are" $(, " `", $word, "`")+).to_owned()),
                }
            }
        }
    };
}

words!(CropMode: "center" => Center, "squash" => Squash);
words!(Interpolation: "bilinear" => Bilinear, "bicubic" => Bicubic, "lanczos" => Lanczos);
words!(ChannelOrder: "rgb" => Rgb, "bgr" => Bgr);

impl Interpolation {
    pub(super) const fn filter(self) -> FilterType {
        match self {
            Self::Bilinear => FilterType::Bilinear,
            // Pillow's cubic, with a = -0.5.
            Self::Bicubic => FilterType::CatmullRom,
            Self::Lanczos => FilterType::Lanczos3,
        }
    }

    /// How many pixels of the result a filter reaches to either side.
    pub(super) const fn support(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }
}

/// What becomes of a byte: `(byte * scale - mean) / std`, by channel in the network's order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    /// 1/255 for values from 0 to 1.
    pub scale: f64,
    /// Subtracted.
    pub mean: [f32; 3],
    /// Divided by.
    pub std: [f32; 3],
}

impl Normalization {
    /// ImageNet's mean and deviation of values from 0 to 1: torchvision, most of timm.
    pub const IMAGENET: Self = Self { scale: 1.0 / 255.0, mean: IMAGENET.0, std: IMAGENET.1 };
    /// Values from -1 to 1: Inception, MobileNet of TensorFlow, some of timm.
    pub const INCEPTION: Self = Self { scale: 1.0 / 255.0, mean: [0.5; 3], std: [0.5; 3] };
    /// Values from 0 to 1, for networks that normalise inside.
    pub const NONE: Self = Self { scale: 1.0 / 255.0, mean: [0.0; 3], std: [1.0; 3] };
    /// The bytes themselves, from 0 to 255, for networks that do all of it inside.
    pub const BYTES: Self = Self { scale: 1.0, mean: [0.0; 3], std: [1.0; 3] };

    /// The value of every byte in this channel. `byte / 255` is what PyTorch computes, to the last bit.
    pub(super) fn of_channel(&self, channel: usize) -> [f32; 256] {
        let divisor = self.scale.recip() as f32;
        let part = |of: &[f32; 3]| of.get(channel).copied().unwrap_or_default();
        let (mean, std) = (part(&self.mean), part(&self.std));
        std::array::from_fn(|byte| (byte as f32 / divisor - mean) / std)
    }
}

impl Default for Normalization {
    fn default() -> Self {
        Self::IMAGENET
    }
}

/// What is asked of the preprocessing; what is absent is as torchvision has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PreprocessingOptions {
    /// Pixels of the picture's shorter side after the resize; 256/224 of the input's where absent.
    pub resize: Option<u32>,
    /// What is cut out.
    pub crop: CropMode,
    /// How it is resized.
    pub interpolation: Interpolation,
    /// What becomes of the bytes.
    pub normalization: Normalization,
    /// Which colour comes first.
    pub channels: ChannelOrder,
}

impl PreprocessingOptions {
    /// Whether nothing else than the usual is asked for.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// How a picture becomes an input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preprocessing {
    /// What is cut from the middle: the network's input.
    input: InputSize,
    /// What the resized picture covers, touching it on two sides; at least as large as the input.
    covers: InputSize,
    options: PreprocessingOptions,
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
        Self { input, covers: scaled(input, resize, crop), options: PreprocessingOptions::default() }
    }

    /// With another size after the resize: the shorter side in pixels (232 for torchvision's newer weights).
    ///
    /// # Errors
    /// As [`with`](Self::with).
    pub fn with_resize(input: InputSize, resize: u32) -> Result<Self, ResizeSideError> {
        Self::with(input, &PreprocessingOptions { resize: Some(resize), ..PreprocessingOptions::default() })
    }

    /// As the options say.
    ///
    /// # Errors
    /// Where the crop would not fit the resized picture, or would be less than a quarter of it.
    pub fn with(input: InputSize, options: &PreprocessingOptions) -> Result<Self, ResizeSideError> {
        let options = *options;
        let least = input.height.min(input.width);
        let covers = match (options.resize, options.crop) {
            (Some(resize), _) => {
                let most = least.saturating_mul(4);
                if !(least..=most).contains(&resize) {
                    return Err(ResizeSideError { resize, input, least, most });
                }
                scaled(input, resize, least)
            }
            (None, CropMode::Squash) => input,
            (None, CropMode::Center) => Self::new(input).covers,
        };
        Ok(Self { input, covers, options })
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

    /// What was asked for.
    #[must_use]
    pub const fn options(&self) -> &PreprocessingOptions {
        &self.options
    }

    /// Size of the whole resized picture; the longer side is cut off to whole pixels.
    pub(super) fn resized(&self, picture: &Picture) -> [u64; 2] {
        let [width, height] = [picture.width(), picture.height()].map(u64::from);
        let [cover_width, cover_height] = [self.covers.width, self.covers.height].map(u64::from);
        if self.options.crop == CropMode::Squash {
            [cover_width, cover_height]
        } else if width * cover_height <= height * cover_width {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Picture {
        Picture::new(width, height, vec![0; (width * height * 3) as usize]).unwrap()
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
            assert_eq!(preprocessing.resized(&picture(width, height)), resized, "{width}x{height}");
        }
        assert_eq!(Preprocessing::new(InputSize::square(160)).resize(), 183);
        assert_eq!(Preprocessing::with_resize(InputSize::square(224), 232).unwrap().resize(), 232);
    }

    #[test]
    fn an_input_that_is_not_square_is_covered_both_ways() {
        let preprocessing = Preprocessing::new(InputSize { height: 112, width: 224 });
        assert_eq!(preprocessing.resized(&picture(100, 100)), [256, 256]);
        assert_eq!(preprocessing.resized(&picture(400, 100)), [512, 128]);
        let narrow = Preprocessing::with_resize(InputSize { height: 224, width: 112 }, 112).unwrap();
        assert_eq!(narrow.resized(&picture(100, 100)), [224, 224]);
    }

    #[test]
    fn a_squashed_picture_is_seen_whole_unless_a_margin_is_asked_for() {
        let squash = PreprocessingOptions { crop: CropMode::Squash, ..PreprocessingOptions::default() };
        let input = InputSize { height: 112, width: 224 };
        let whole = Preprocessing::with(input, &squash).unwrap();
        assert_eq!(whole.resized(&picture(500, 30)), [224, 112]);
        let margin = Preprocessing::with(input, &PreprocessingOptions { resize: Some(128), ..squash }).unwrap();
        assert_eq!(margin.resized(&picture(500, 30)), [256, 128]);
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
    fn normalizations_span_what_they_promise() {
        let ends = |of: Normalization| [of.of_channel(1)[0], of.of_channel(1)[255]];
        assert_eq!(ends(Normalization::NONE), [0.0, 1.0]);
        assert_eq!(ends(Normalization::INCEPTION), [-1.0, 1.0]);
        assert_eq!(ends(Normalization::BYTES), [0.0, 255.0]);
        assert_eq!(ends(Normalization::IMAGENET), [-0.456 / 0.224, (1.0 - 0.456) / 0.224]);
        // Caffe's: bytes less the mean of each colour.
        let caffe = Normalization { mean: [104.0, 117.0, 123.0], ..Normalization::BYTES };
        assert_eq!([caffe.of_channel(0)[104], caffe.of_channel(2)[0]], [0.0, -123.0]);
    }

    #[test]
    fn words_read_back_and_others_are_told_what_there_is() {
        for mode in CropMode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(*mode));
        }
        for order in ChannelOrder::ALL {
            assert_eq!(order.to_string().parse(), Ok(*order));
        }
        for interpolation in Interpolation::ALL {
            assert_eq!(interpolation.to_string().parse(), Ok(*interpolation));
        }
        assert_eq!("grb".parse::<ChannelOrder>(), Err("there are `rgb` `bgr`".into()));
    }
}
