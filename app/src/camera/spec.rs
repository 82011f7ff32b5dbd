//! Which source: what a person types, and what is shown for it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
    /// The text to show: an address without its password.
    #[must_use]
    pub fn shown(&self) -> String {
        let Self::Http(address) = self else { return self.to_string() };
        let Some((scheme, rest)) = address.split_once("://") else { return address.clone() };
        let end = rest.find('/').unwrap_or(rest.len());
        match rest.get(..end).and_then(|authority| authority.rfind('@')) {
            Some(at) => format!("{scheme}://{}", rest.get(at + 1..).unwrap_or_default()),
            None => address.clone(),
        }
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
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("http://") {
            return Ok(Self::Http(text.to_owned()));
        }
        if lower.starts_with("https://") || lower.starts_with("rtsp://") {
            return Err(format!("`{text}` cannot be used: only plain `http://` streams of JPEG pictures (MJPEG) can"));
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
                "`{text}` is no source: use `synthetic`, an image file or folder, `http://HOST/PATH`, or `device:0`; \
                 `shufflescope camera list` shows what there is"
            )),
        }
    }
}

fn looks_like_a_path(text: &str) -> bool {
    !text.is_empty() && (text.contains(['/', '\\']) || text == "." || text == ".." || Path::new(text).exists())
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
}
