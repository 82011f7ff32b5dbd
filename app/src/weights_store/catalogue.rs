//! What can be downloaded: torchvision's ImageNet weights of networks that are built in.

use std::path::Path;

/// Weights that torchvision publishes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// What they are called here.
    pub name: &'static str,
    /// The preset that they belong to.
    pub design: &'static str,
    /// The file; its name ends in the first digits of its SHA-256.
    pub file: &'static str,
    /// Pixels of a picture's shorter side after the resize, in the published preprocessing.
    pub resize: u32,
    /// ImageNet top-1 accuracy in percent, as torchvision states it.
    pub top1_percent: f64,
    /// Size in megabytes, as torchvision states it.
    pub megabytes: f64,
}

/// Every download there is: torchvision 0.29, `models/shufflenetv2.py` and `models/mobilenetv2.py`.
pub const PUBLISHED: [Published; 6] = [
    Published {
        name: "shufflenet-v2-x0.5",
        design: "shufflenet-v2-x0.5",
        file: "shufflenetv2_x0.5-f707e7126e.pth",
        resize: 256,
        top1_percent: 60.552,
        megabytes: 5.282,
    },
    Published {
        name: "shufflenet-v2-x1.0",
        design: "shufflenet-v2-x1.0",
        file: "shufflenetv2_x1-5666bf0f80.pth",
        resize: 256,
        top1_percent: 69.362,
        megabytes: 8.791,
    },
    Published {
        name: "shufflenet-v2-x1.5",
        design: "shufflenet-v2-x1.5",
        file: "shufflenetv2_x1_5-3c479a10.pth",
        resize: 232,
        top1_percent: 72.996,
        megabytes: 13.557,
    },
    Published {
        name: "shufflenet-v2-x2.0",
        design: "shufflenet-v2-x2.0",
        file: "shufflenetv2_x2_0-8be3c8ee.pth",
        resize: 232,
        top1_percent: 76.230,
        megabytes: 28.433,
    },
    Published {
        name: "mobilenet-v2-x1.0",
        design: "mobilenet-v2-x1.0",
        file: "mobilenet_v2-b0353104.pth",
        resize: 256,
        top1_percent: 71.878,
        megabytes: 13.555,
    },
    Published {
        name: "mobilenet-v2-x1.0-v2",
        design: "mobilenet-v2-x1.0",
        file: "mobilenet_v2-7ebf99e0.pth",
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

    /// The weights that a file of this name holds.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<&'static Self> {
        let name = path.file_name()?;
        PUBLISHED.iter().find(|published| name == published.file)
    }

    /// The best weights for a preset.
    #[must_use]
    pub fn for_design(design: &str) -> Option<&'static Self> {
        PUBLISHED.iter().find(|published| published.design == design)
    }
}

/// The hexadecimal digits at the end of a file's name, before its ending: the start of its SHA-256. At least eight, so
/// that chance does not make another file pass.
pub(super) fn sha256_prefix(file: &str) -> Option<&str> {
    let (_, digits) = file.rsplit_once('.')?.0.rsplit_once('-')?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    ((8..=64).contains(&digits.len()) && digits.bytes().all(is_digit)).then_some(digits)
}

#[cfg(test)]
mod tests {
    use shufflescope_engine::zoo;

    use super::*;

    #[test]
    fn every_download_is_of_a_preset_and_its_name_carries_a_hash() {
        for published in PUBLISHED {
            assert!(zoo::preset(published.design).is_some(), "{}", published.name);
            assert!(sha256_prefix(published.file).is_some(), "{}", published.file);
            assert_eq!(Published::find(published.name), Some(&published));
            assert_eq!(Published::of_file(&Path::new("some/folder").join(published.file)), Some(&published));
        }
        assert!(Published::find("resnet-50").is_none() && Published::of_file(Path::new("/")).is_none());
        assert_eq!(Published::for_design("mobilenet-v2-x1.0").unwrap().name, "mobilenet-v2-x1.0");
    }

    #[test]
    fn the_hash_is_what_stands_between_the_last_dash_and_the_ending() {
        assert_eq!(sha256_prefix("shufflenetv2_x0.5-f707e7126e.pth"), Some("f707e7126e"));
        assert_eq!(sha256_prefix("a-b-12345678.pth"), Some("12345678"));
        for name in ["a-1234567.pth", "a-1234567G.pth", "a-ABCDEF12.pth", "12345678.pth", "a-12345678", ""] {
            assert_eq!(sha256_prefix(name), None, "{name}");
        }
    }
}
