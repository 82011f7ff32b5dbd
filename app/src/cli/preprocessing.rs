//! What is done to pictures before a network sees them, from the words on the command line. The names are PyTorch's and
//! timm's.

use shufflescope_engine::classify::{ChannelOrder, CropMode, Interpolation, Normalization, PreprocessingOptions};
use shufflescope_engine::design::InputSize;

/// Means and deviations that have names.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Normalize {
    /// ImageNet's mean and deviation of values from 0 to 1: torchvision, most of timm
    #[default]
    Imagenet,
    /// Values from -1 to 1: Inception, TensorFlow's MobileNets, some of timm
    Inception,
    /// Values from 0 to 1, or with --scale 1 from 0 to 255: for networks that normalise inside
    None,
}

#[derive(Debug, clap::Args)]
pub(super) struct PreprocessingArguments {
    /// Pixels of a picture's shorter side after the resize [default: as published with the weights, or 256/224 of the input]
    #[arg(long, value_name = "PIXELS")]
    resize: Option<u32>,
    /// The input's part of the resized picture, in place of --resize: timm's crop_pct, such as 0.875
    #[arg(long, value_name = "PART", conflicts_with = "resize", value_parser = part)]
    crop_pct: Option<f64>,
    /// What the network sees: center (the middle of the resized picture) or squash (all of it, whatever its shape)
    #[arg(long, value_name = "MODE", default_value_t)]
    crop_mode: CropMode,
    /// How pictures are resized: bilinear, bicubic or lanczos
    #[arg(long, value_name = "FILTER", default_value_t)]
    interpolation: Interpolation,
    /// What is made of the pixels' values; --mean, --std and --scale replace parts of it
    #[arg(long, value_name = "NAME", value_enum, default_value_t)]
    normalize: Normalize,
    /// What is subtracted from every channel, after --scale: three numbers in the network's order, or one for all
    #[arg(long, value_name = "R,G,B", value_parser = channels, allow_hyphen_values = true)]
    mean: Option<[f32; 3]>,
    /// What every channel is divided by, after --mean
    #[arg(long, value_name = "R,G,B", value_parser = divisors)]
    std: Option<[f32; 3]>,
    /// What bytes are multiplied by at first: 1/255 for values from 0 to 1, 1 for values from 0 to 255 [default: 1/255]
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    scale: Option<f64>,
    /// The order of colours that the network reads: rgb, or bgr (Caffe, OpenCV)
    #[arg(long, value_name = "ORDER", default_value_t)]
    channel_order: ChannelOrder,
}

impl PreprocessingArguments {
    /// What is asked for, for an input of this size whose weights were published with this resize.
    pub(super) fn options(&self, input: InputSize, published: Option<u32>) -> PreprocessingOptions {
        let shorter = f64::from(input.height.min(input.width));
        let by_part = self.crop_pct.map(|part| (shorter / part).floor() as u32);
        let named = match self.normalize {
            Normalize::Imagenet => Normalization::IMAGENET,
            Normalize::Inception => Normalization::INCEPTION,
            Normalize::None => Normalization::NONE,
        };
        PreprocessingOptions {
            resize: self.resize.or(by_part).or(published.filter(|_| self.crop_mode == CropMode::Center)),
            crop: self.crop_mode,
            interpolation: self.interpolation,
            normalization: Normalization {
                scale: self.scale.unwrap_or(named.scale),
                mean: self.mean.unwrap_or(named.mean),
                std: self.std.unwrap_or(named.std),
            },
            channels: self.channel_order,
        }
    }

    /// The resize that was asked for by its size.
    pub(super) const fn resize(&self) -> Option<u32> {
        self.resize
    }
}

fn part(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(part) if (0.25..=1.0).contains(&part) => Ok(part),
        _ => Err("must be from 0.25 to 1".into()),
    }
}

/// A factor, also as a fraction.
fn factor(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let factor = match text.split_once('/') {
        Some((numerator, denominator)) => number(numerator).zip(number(denominator)).map(|(n, d)| n / d),
        None => number(text),
    };
    factor.filter(|factor| (1e-6..=1e6).contains(factor)).ok_or_else(|| "must be a number or a fraction above 0".into())
}

/// Three numbers, or one for all three.
fn channels(text: &str) -> Result<[f32; 3], String> {
    let numbers: Option<Vec<f32>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([all]) if all.is_finite() => Ok([*all; 3]),
        Some([first, second, third]) if [first, second, third].iter().all(|number| number.is_finite()) => {
            Ok([*first, *second, *third])
        }
        _ => Err("must be three numbers with commas between them, or one".into()),
    }
}

fn divisors(text: &str) -> Result<[f32; 3], String> {
    let numbers = channels(text)?;
    if numbers.iter().all(|number| *number >= 1e-6) { Ok(numbers) } else { Err("must be above 0".into()) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: PreprocessingArguments,
    }

    fn options(words: &str) -> Result<PreprocessingOptions, String> {
        let line = Line::try_parse_from(std::iter::once("it").chain(words.split_whitespace()));
        line.map(|line| line.arguments.options(InputSize::square(224), Some(232))).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_said_is_what_torchvision_does() {
        let usual = PreprocessingOptions { resize: Some(232), ..PreprocessingOptions::default() };
        assert_eq!(options(""), Ok(usual));
    }

    #[test]
    fn timms_and_caffes_words_are_understood() {
        let said = options("--crop-pct 0.95 --interpolation bicubic --normalize inception").unwrap();
        assert_eq!((said.resize, said.interpolation), (Some(235), Interpolation::Bicubic));
        assert_eq!(said.normalization, Normalization::INCEPTION);
        let said = options("--scale 1 --mean 104,117,123 --std 1 --channel-order bgr --crop-mode squash").unwrap();
        assert_eq!(said.normalization, Normalization { scale: 1.0, mean: [104.0, 117.0, 123.0], std: [1.0; 3] });
        assert_eq!((said.channels, said.crop, said.resize), (ChannelOrder::Bgr, CropMode::Squash, None));
        assert_eq!(options("--normalize none --scale 1/128").unwrap().normalization.scale, 1.0 / 128.0);
        assert_eq!(options("--mean -1").unwrap().normalization.mean, [-1.0; 3]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        for (words, said) in [
            ("--crop-pct 0.1", "from 0.25 to 1"),
            ("--crop-pct 0.9 --resize 256", "cannot be used with"),
            ("--scale 0", "above 0"),
            ("--scale 1/0", "above 0"),
            ("--mean 1,2", "three numbers"),
            ("--mean 1,2,inf", "three numbers"),
            ("--std 1,0,1", "above 0"),
            ("--channel-order grb", "there are `rgb` `bgr`"),
            ("--normalize zero", "imagenet"),
        ] {
            let complaint = options(words).unwrap_err();
            assert!(complaint.contains(said), "{words}: {complaint}");
        }
    }
}
