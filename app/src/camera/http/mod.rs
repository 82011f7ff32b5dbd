//! JPEG pictures over HTTP, as network cameras and phones send them (MJPEG: `multipart/x-mixed-replace`).
//!
//! Nothing a server sends makes this grow without bound or wait without end: headers, parts and pauses have limits.

mod body;
mod connection;
mod multipart;

use std::time::{Duration, Instant};

use url::Url;

use self::connection::{Connection, Response};
use self::multipart::{Multipart, Part};
use super::{Captured, FrameSource, Next, RawImage, SourceError, Stop};
use crate::address::{self, authority, redirected, shown, told};
use crate::jpeg;

/// Longest time without a whole picture.
const PATIENCE: Duration = Duration::from_secs(10);
/// Redirections that are followed.
const MOST_REDIRECTIONS: usize = 3;
/// Longest beginning that is searched for a boundary which the stream does not name.
const LONGEST_BEGINNING: usize = 64 << 10;

/// A stream that is being received.
#[derive(Debug)]
pub(super) struct HttpStream {
    /// The address as it may be shown.
    address: String,
    response: Response,
    parts: Multipart,
    /// Why nothing more will come; what came before is given first.
    ended: Option<SourceError>,
    last_picture: Instant,
    patience: Duration,
}

impl HttpStream {
    pub(super) fn open(address: &str, stop: &Stop) -> Result<Self, SourceError> {
        Self::open_within(address, stop, PATIENCE)
    }

    fn open_within(address: &str, stop: &Stop, patience: Duration) -> Result<Self, SourceError> {
        let wrong = |reason: String| SourceError::NotAStream { address: shown(address), reason };
        let mut url = address::parse(address).map_err(|error| wrong(error.to_string()))?;
        for _ in 0..=MOST_REDIRECTIONS {
            let not_a_stream = |reason: String| SourceError::NotAStream { address: shown(url.as_str()), reason };
            if url.scheme() != "http" {
                return Err(not_a_stream("only http:// streams can be received".into()));
            }
            let response = Connection::open(&url, stop)?.request(&url, stop, patience)?;
            match (response.status, &response.location) {
                (200, _) => return Self::begin(&url, response, stop, patience),
                (301..=303 | 307 | 308, Some(location)) => {
                    url = redirected(&url, location).map_err(|error| not_a_stream(error.to_string()))?;
                }
                (401 | 403, _) => {
                    let reason = "it wants a name and password: write http://NAME:PASSWORD@HOST/PATH, and in them @ : / \
                                  ? # % as %40 %3A %2F %3F %23 %25";
                    return Err(not_a_stream(reason.into()));
                }
                (status, _) => return Err(not_a_stream(format!("it answered with HTTP status {status}"))),
            }
        }
        Err(wrong(format!("it redirects more than {MOST_REDIRECTIONS} times")))
    }

    /// The stream whose header has come.
    fn begin(url: &Url, mut response: Response, stop: &Stop, patience: Duration) -> Result<Self, SourceError> {
        let content_type = response.content_type.clone().unwrap_or_default();
        let parts = match multipart::boundary(&content_type) {
            Some(boundary) => Multipart::new(&boundary),
            None if multipart::may_lack_a_boundary(&content_type) => search(url, &mut response, stop, patience)?,
            None => {
                let reason = format!(
                    "it sends {}, not multipart/x-mixed-replace; look for its MJPEG address",
                    told(&content_type)
                );
                return Err(SourceError::NotAStream { address: shown(url.as_str()), reason });
            }
        };
        let (address, ended, last_picture) = (shown(url.as_str()), None, Instant::now());
        Ok(Self { address, response, parts, ended, last_picture, patience })
    }
}

/// The parts of a stream that does not name their boundary.
fn search(url: &Url, response: &mut Response, stop: &Stop, patience: Duration) -> Result<Multipart, SourceError> {
    let typed = response.content_type.as_deref().is_some_and(|kind| !kind.is_empty());
    let kind = if typed { "multipart/x-mixed-replace without a boundary" } else { "something without a type" };
    let nothing = |reason: &str| SourceError::NotAStream {
        address: shown(url.as_str()),
        reason: format!(
            "it sends {kind}, and {reason} without a line that begins with two dashes; look for its MJPEG address"
        ),
    };
    let (mut beginning, started) = (Vec::new(), Instant::now());
    loop {
        if let Some(boundary) = multipart::first_boundary(&beginning) {
            let mut parts = Multipart::new(&boundary);
            parts.push(&beginning);
            return Ok(parts);
        }
        if beginning.len() > LONGEST_BEGINNING {
            return Err(nothing("goes on for 64 KiB"));
        }
        if stop.is_raised() {
            return Err(SourceError::Connection { address: authority(url).to_owned(), reason: "given up".into() });
        }
        if started.elapsed() > patience {
            return Err(SourceError::Stalled { source_name: shown(url.as_str()), seconds: patience.as_secs() });
        }
        let received = response.receive(|bytes| beginning.extend_from_slice(bytes));
        // What came with the end is looked at before the end is told.
        if received.is_err() && multipart::first_boundary(&beginning).is_none() {
            return Err(nothing("ends"));
        }
    }
}

impl FrameSource for HttpStream {
    fn next(&mut self, stop: &Stop) -> Result<Next, SourceError> {
        loop {
            match self.parts.next() {
                Some(Part::Whole(bytes)) if jpeg::begins(&bytes) => {
                    self.last_picture = Instant::now();
                    return Ok(Next::Frame(Captured::from(RawImage::jpeg(bytes))));
                }
                Some(Part::Whole(_)) => return Ok(Next::Skipped("a part of the stream was no JPEG picture".into())),
                Some(Part::Unusable(reason)) => return Ok(Next::Skipped(reason.into())),
                None => {}
            }
            if stop.is_raised() {
                return Ok(Next::Stopped);
            }
            if self.last_picture.elapsed() > self.patience {
                let seconds = self.patience.as_secs();
                return Err(SourceError::Stalled { source_name: self.address.clone(), seconds });
            }
            if let Some(error) = self.ended.take() {
                return Err(error);
            }
            let parts = &mut self.parts;
            self.ended = self.response.receive(|bytes| parts.push(bytes)).err();
        }
    }
}

#[cfg(test)]
mod tests;
