//! JPEG pictures over HTTP, as network cameras and phones send them (MJPEG: `multipart/x-mixed-replace`).
//!
//! Nothing a server sends makes this grow without bound or wait without end: headers, parts and pauses have limits.

mod address;
mod body;
mod connection;
mod multipart;

use std::time::{Duration, Instant};

use self::address::Address;
use self::connection::{Connection, Response};
use self::multipart::{Multipart, Part};
use super::{Captured, FrameSource, Next, RawImage, SourceError, Stop, jpeg};

/// Longest time without a whole picture.
const PATIENCE: Duration = Duration::from_secs(10);
/// Redirections that are followed.
const MOST_REDIRECTIONS: usize = 3;

/// A stream that is being received.
#[derive(Debug)]
pub(super) struct HttpStream {
    address: Address,
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
        let mut address: Address = address.parse()?;
        for _ in 0..=MOST_REDIRECTIONS {
            let response = Connection::open(&address, stop)?.request(&address, stop, patience)?;
            let not_a_stream = |reason| SourceError::NotAStream { address: address.shown(), reason };
            match response.status {
                200 => {}
                300..=399 if response.location.is_some() => {
                    address = address.redirected(response.location.as_deref().unwrap_or_default())?;
                    continue;
                }
                401 | 403 => {
                    let reason = "it wants a name and password: write http://NAME:PASSWORD@HOST/PATH";
                    return Err(not_a_stream(reason.into()));
                }
                status => return Err(not_a_stream(format!("it answered with HTTP status {status}"))),
            }
            let content_type = response.content_type.clone().unwrap_or_default();
            let Some(boundary) = multipart::boundary(&content_type) else {
                let what = if content_type.is_empty() { "something without a type" } else { &content_type };
                let reason = format!("it sends {what}, not multipart/x-mixed-replace; look for its MJPEG address");
                return Err(not_a_stream(reason));
            };
            let parts = Multipart::new(&boundary);
            let (ended, last_picture) = (None, Instant::now());
            return Ok(Self { address, response, parts, ended, last_picture, patience });
        }
        let reason = format!("it redirects more than {MOST_REDIRECTIONS} times");
        Err(SourceError::NotAStream { address: address.shown(), reason })
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
                return Err(SourceError::Stalled { source_name: self.address.shown(), seconds });
            }
            if let Some(error) = self.ended.take() {
                return Err(error);
            }
            let parts = &mut self.parts;
            self.ended = self.response.receive(|bytes| parts.push(bytes)).err();
        }
    }
}

/// The parts of a stream of this content type, whose body came in pieces of so many bytes; in place of a part that is
/// left out, `None`. `None` altogether where the type names no parts.
#[must_use]
pub fn parts_of_stream(content_type: &str, chunked: bool, body: &[u8], piece: usize) -> Option<Vec<Option<Vec<u8>>>> {
    let mut parts = Multipart::new(&multipart::boundary(content_type)?);
    let (mut coding, mut found) = (body::Body::new(chunked), Vec::new());
    for received in body.chunks(piece.max(1)) {
        let ended = coding.decode(received, &mut |bytes: &[u8]| parts.push(bytes));
        found.extend(std::iter::from_fn(|| parts.next()).map(|part| match part {
            Part::Whole(bytes) => Some(bytes),
            Part::Unusable(_) => None,
        }));
        if ended != Ok(false) {
            break;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests;
