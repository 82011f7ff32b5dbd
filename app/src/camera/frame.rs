//! What every source gives: frames, one at a time, until it is told to stop.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shufflescope_engine::classify::Picture;
use shufflescope_engine::units::Nanos;

use super::{RawImage, SourceError, Stop, pixels};

/// Where frames come from. A source that returned an error is dropped and opened again.
pub trait FrameSource: Send {
    /// Waits for the next frame, and returns within 200 ms once `stop` is raised.
    ///
    /// # Errors
    /// Where the source cannot go on: unplugged, connection lost, nothing for too long.
    fn next(&mut self, stop: &Stop) -> Result<Next, SourceError>;
}

/// What a source has to say.
#[derive(Debug)]
pub enum Next {
    /// A frame, just captured.
    Frame(Captured),
    /// Something that should have been a frame could not be used, and why; the source goes on.
    Skipped(String),
    /// The source was told to stop.
    Stopped,
}

/// A frame as its source gives it.
#[derive(Debug)]
pub struct Captured {
    /// What was captured.
    pub pixels: Pixels,
    /// What the frame is known to show: the synthetic scene's shape.
    pub shows: Option<&'static str>,
}

impl From<RawImage> for Captured {
    fn from(image: RawImage) -> Self {
        Self { pixels: Pixels::Raw(image), shows: None }
    }
}

/// Pixels as they came, so that frames nobody takes are never decoded.
#[derive(Clone, Debug)]
pub enum Pixels {
    /// Decoded already.
    Picture(Arc<Picture>),
    /// In a camera's format.
    Raw(RawImage),
}

impl Pixels {
    /// The picture: 8-bit RGB.
    ///
    /// # Errors
    /// Where the bytes are not an image of their format.
    pub fn decode(self) -> Result<Arc<Picture>, pixels::PixelError> {
        match self {
            Self::Picture(picture) => Ok(picture),
            Self::Raw(image) => image.decode().map(Arc::new),
        }
    }
}

/// A frame on its way to whoever looks at it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What was captured.
    pub pixels: Pixels,
    /// What it is known to show.
    pub shows: Option<&'static str>,
    /// When it arrived, on the capture's clock.
    pub captured: Nanos,
    /// How many frames came before it.
    pub number: u64,
}

/// Pixels across and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resolution {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Resolution {
    /// What is asked for where nobody says: enough for a classifier, and every camera has it.
    pub const DEFAULT: Self = Self { width: 640, height: 480 };

    /// A size to choose by: how far `self` is from `wanted`, in pixels of both sides.
    #[must_use]
    pub fn distance(self, wanted: Self) -> u64 {
        u64::from(self.width.abs_diff(wanted.width)) + u64::from(self.height.abs_diff(wanted.height))
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}x{}", self.width, self.height))
    }
}

impl Serialize for Resolution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Any size: a camera may give one that nobody may ask for.
impl<'de> Deserialize<'de> for Resolution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let sides = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        let (width, height) =
            sides.ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no resolution such as 640x480")))?;
        Ok(Self { width, height })
    }
}

impl FromStr for Resolution {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides = text.split_once(['x', 'X']).map(|(width, height)| (width.parse(), height.parse()));
        match sides {
            Some((Ok(width), Ok(height))) if [width, height].iter().all(|side| (16..=8192).contains(side)) => {
                Ok(Self { width, height })
            }
            _ => Err(format!("`{text}` is no resolution: write WIDTHxHEIGHT such as 640x480, each from 16 to 8192")),
        }
    }
}

/// What is asked of a source; each gives the nearest it can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceOptions {
    /// Pixels across and down; [`Resolution::DEFAULT`] where `None`. Files and network streams come as they are.
    pub resolution: Option<Resolution>,
    /// Time between frames; 30 frames per second where `None`. A network stream comes as fast as it is sent.
    pub interval: Option<Nanos>,
}

impl SourceOptions {
    /// The resolution to look for.
    #[must_use]
    pub fn wanted_resolution(&self) -> Resolution {
        self.resolution.unwrap_or(Resolution::DEFAULT)
    }

    /// The time between frames to keep.
    #[must_use]
    pub fn wanted_interval(&self) -> Nanos {
        self.interval.unwrap_or(Nanos(33_333_333))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolution_is_read_as_it_is_shown_and_bounded() {
        let shown = Resolution { width: 1280, height: 720 }.to_string();
        assert_eq!(shown, "1280x720");
        assert_eq!(shown.parse(), Ok(Resolution { width: 1280, height: 720 }));
        for wrong in ["", "640", "640x", "0x480", "640x9000", "-1x20", "640x480x3"] {
            assert!(wrong.parse::<Resolution>().is_err(), "{wrong}");
        }
    }
}
