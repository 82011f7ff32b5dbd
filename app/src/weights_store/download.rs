//! One transfer over HTTP into a file that may already have a beginning.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shufflescope_engine::units::Bytes;
use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};
use url::{Host, Url};

use super::error::{FetchError, Progress};
use crate::address::{authorization, bare, redirected, shown, told};

/// Bytes read at once.
const PIECE: usize = 1 << 16;
/// Redirections that are followed.
const MOST_REDIRECTIONS: usize = 5;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) url: Url,
    /// How long to wait for a connection, an answer or the next bytes.
    pub(super) patience: Duration,
    /// More than this is not taken.
    pub(super) largest: Bytes,
}

/// Appends to the file what the server has beyond it; a server that cannot begin in the middle begins anew. Returns when
/// the server says that this is all.
pub(super) fn download(
    source: &Source,
    (file, path): (&mut File, &Path),
    cancelled: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), FetchError> {
    let write = |source| FetchError::Write { path: path.into(), source };
    let mut have = file.seek(SeekFrom::End(0)).map_err(write)?;
    let mut response = get(source, have)?;
    if response.status() == StatusCode::PARTIAL_CONTENT && range(&response).is_none_or(|(start, _)| start != have) {
        // Another part than the one asked for.
        restart(file).map_err(write)?;
        have = 0;
        response = get(source, have)?;
    }
    let total = match response.status() {
        StatusCode::OK => {
            restart(file).map_err(write)?;
            have = 0;
            response.body().content_length()
        }
        StatusCode::PARTIAL_CONTENT if have > 0 => range(&response).and_then(|(_, total)| total),
        // Nothing beyond what there is: the hash tells whether that is the file.
        StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => return Ok(()),
        status => return Err(FetchError::Refused { url: source.shown(), status: status.as_u16() }),
    };
    let too_large = |file: &mut File| match restart(file) {
        Ok(()) => FetchError::TooLarge { url: source.shown(), largest: source.largest },
        Err(source) => FetchError::Write { path: path.into(), source },
    };
    if total.is_some_and(|total| total > source.largest.0) {
        return Err(too_large(file));
    }
    let mut reached = Progress { received: Bytes(have), total: total.map(Bytes) };
    let mut reader = response.into_body().into_reader();
    let mut piece = vec![0; PIECE];
    loop {
        progress(reached);
        if cancelled.load(Ordering::Relaxed) {
            return Err(FetchError::Cancelled { progress: reached });
        }
        let count = match reader.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(FetchError::Interrupted { progress: reached, reason: told(&error.to_string()) }),
        };
        file.write_all(piece.get(..count).unwrap_or_default()).map_err(write)?;
        reached.received = Bytes(reached.received.0.saturating_add(count as u64));
        if reached.received > source.largest {
            return Err(too_large(file));
        }
    }
    match reached.total {
        Some(total) if reached.received < total => {
            Err(FetchError::Interrupted { progress: reached, reason: "the server closed the connection".into() })
        }
        _ => Ok(()),
    }
}

impl Source {
    fn shown(&self) -> String {
        shown(self.url.as_str())
    }
}

/// Asks for the file from byte `from` on, wherever the server sends us.
fn get(source: &Source, from: u64) -> Result<Response<Body>, FetchError> {
    let unreachable = |reason: String| FetchError::Unreachable { url: source.shown(), reason };
    let mut url = source.url.clone();
    for _ in 0..=MOST_REDIRECTIONS {
        let mut request = agent(&url, source.patience).get(bare(&url).as_str());
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        if let Some(authorization) = authorization(&url) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let response = request.call().map_err(|error| unreachable(told(&error.to_string())))?;
        let location = response.headers().get(header::LOCATION);
        match (response.status().as_u16(), location) {
            (301..=303 | 307 | 308, Some(location)) => {
                let location = String::from_utf8_lossy(location.as_bytes());
                url = redirected(&url, &location).map_err(|error| unreachable(error.to_string()))?;
            }
            _ => return Ok(response),
        }
    }
    Err(unreachable(format!("it redirects more than {MOST_REDIRECTIONS} times")))
}

/// Asks one server once; redirections are not followed here.
fn agent(url: &Url, patience: Duration) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("shufflescope/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience));
    if is_local(url) {
        config = config.proxy(None);
    }
    config.build().new_agent()
}

/// Whether this machine is asked, to which no proxy leads.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The first byte and the whole length that `Content-Range: bytes 5-9/10` states.
fn range(response: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let text = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

fn restart(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()
}
