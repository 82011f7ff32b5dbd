//! Which source: what a person types, and what is shown for it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::address::{self, begins_with_name, shown};

/// Which source, as text: `synthetic`, `folder:PATH`, `http://HOST/PATH`, `device:/dev/video0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceSpec {
    /// A drawn scene; the same seed draws the same frames.
    Synthetic {
        /// Seed of the animation.
        seed: u64,
    },
    /// An image file, or the image files of a folder in order, again and again.
    Pictures(PathBuf),
    /// A JPEG stream over HTTP: the whole address.
    Http(String),
    /// A camera: a number from 0, a device's path, or on some systems its name.
    Device(String),
}

impl SourceSpec {
    /// The text to show: an address without name and password.
    #[must_use]
    pub fn shown(&self) -> String {
        if let Self::Http(address) = self { address::shown(address) } else { self.to_string() }
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synthetic { seed: 0 } => f.pad("synthetic"),
            Self::Synthetic { seed } => write!(f, "synthetic:{seed}"),
            Self::Pictures(path) => write!(f, "folder:{}", path.display()),
            Self::Http(address) => f.pad(address),
            Self::Device(device) => write!(f, "device:{device}"),
        }
    }
}

impl FromStr for SourceSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((scheme, _)) = text.split_once("://").filter(|(scheme, _)| !matches!(*scheme, "file" | "folder")) {
            let wrong = |reason: &str| Err(format!("`{}` cannot be used: {reason}", shown(text)));
            return match address::parse(text) {
                _ if !scheme.eq_ignore_ascii_case("http") => {
                    wrong("only plain `http://` streams of JPEG pictures (MJPEG) can")
                }
                Ok(_) => Ok(Self::Http(text.to_owned())),
                Err(error) => wrong(&error.to_string()),
            };
        }
        match text.split_once(':') {
            _ if text == "synthetic" => Ok(Self::Synthetic { seed: 0 }),
            Some(("synthetic", seed)) => match seed.parse() {
                Ok(seed) => Ok(Self::Synthetic { seed }),
                Err(_) => Err(format!("`{seed}` is no seed: write `synthetic` or `synthetic:7`")),
            },
            Some(("folder" | "file", path)) if !path.is_empty() => Ok(Self::Pictures(path.into())),
            Some(("device", device)) if !device.is_empty() => Ok(Self::Device(device.to_owned())),
            _ if cfg!(unix) && text.starts_with("/dev/") => Ok(Self::Device(text.to_owned())),
            _ if looks_like_a_path(text) => Ok(Self::Pictures(text.into())),
            _ => Err(format!(
                "`{}` is no source: use `synthetic`, an image file or folder, `http://HOST/PATH`, or `device:0`; \
                 `shufflescope camera list` shows what there is",
                shown(text)
            )),
        }
    }
}

fn looks_like_a_path(text: &str) -> bool {
    let path = Path::new(text);
    // `me:secret@cam/video` is an address without its `http://`.
    path.exists() || (text.contains(['/', '\\']) && !begins_with_name(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_read_as_it_is_shown() {
        for text in [
            "synthetic",
            "synthetic:7",
            "folder:pictures",
            "http://10.0.0.2:8080/video",
            "device:0",
            "device:/dev/video2",
        ] {
            assert_eq!(text.parse::<SourceSpec>().unwrap().to_string(), text);
        }
        assert_eq!("./pictures".parse(), Ok(SourceSpec::Pictures("./pictures".into())));
        assert_eq!("file:a.png".parse(), Ok(SourceSpec::Pictures("a.png".into())));
        assert_eq!(r"C:\pictures".parse(), Ok(SourceSpec::Pictures(r"C:\pictures".into())));
        if cfg!(unix) {
            assert_eq!("/dev/video0".parse(), Ok(SourceSpec::Device("/dev/video0".into())));
        }
    }

    #[test]
    fn what_is_no_source_is_refused_with_what_could_be_meant() {
        for wrong in ["", "camera", "folder:", "device:", "synthetic:x", "https://a/b", "rtsp://a/b"] {
            let said = wrong.parse::<SourceSpec>().unwrap_err();
            assert!(said.contains("synthetic") || said.contains("http://"), "{wrong}: {said}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        let spec: SourceSpec = "http://me:secret@cam.local:81/stream?x=a@b".parse().unwrap();
        assert_eq!(spec.shown(), "http://cam.local:81/stream?x=a@b");
        assert_eq!(spec.to_string(), "http://me:secret@cam.local:81/stream?x=a@b");
    }

    #[test]
    fn a_password_in_what_is_no_source_is_not_shown_either() {
        for wrong in [
            "http://me:secret@cam:99999/",
            "https://me:secret@cam/",
            "rtsp://me:secret@cam/",
            "HTTP://me:secret@",
            "me:secret@cam",
            "me:secret@cam/video",
            "http:/me:secret@cam/",
        ] {
            let said = wrong.parse::<SourceSpec>().unwrap_err();
            assert!(!said.contains("secret") && !said.contains("me:"), "{wrong}: {said}");
        }
    }
}
