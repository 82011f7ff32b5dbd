//! One transfer over HTTP into a file that may already have a beginning.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shufflescope_engine::units::Bytes;
use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use super::fetch::{FetchError, LARGEST, Progress};

/// Bytes read at once.
const PIECE: usize = 1 << 16;

/// Appends to the file what the server has beyond it; a server that cannot begin in the middle begins anew. Returns when
/// the server says that this is all.
pub(super) fn download(
    url: &str,
    patience: Duration,
    (file, path): (&mut File, &Path),
    cancelled: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), FetchError> {
    let write = |source| FetchError::Write { path: path.into(), source };
    let agent = agent(url, patience);
    let mut have = file.seek(SeekFrom::End(0)).map_err(write)?;
    let mut response = get(&agent, url, have)?;
    if response.status() == StatusCode::PARTIAL_CONTENT && range(&response).is_none_or(|(start, _)| start != have) {
        // Another part than the one asked for.
        restart(file).map_err(write)?;
        have = 0;
        response = get(&agent, url, have)?;
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
        status => return Err(FetchError::Refused { url: url.into(), status: status.as_u16() }),
    };
    let too_large = |file: &mut File| match restart(file) {
        Ok(()) => FetchError::TooLarge { url: url.into() },
        Err(source) => FetchError::Write { path: path.into(), source },
    };
    if total.is_some_and(|total| total > LARGEST) {
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
            Err(error) => return Err(FetchError::Interrupted { progress: reached, reason: error.to_string() }),
        };
        file.write_all(piece.get(..count).unwrap_or_default()).map_err(write)?;
        reached.received = Bytes(reached.received.0.saturating_add(count as u64));
        if reached.received.0 > LARGEST {
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

fn agent(url: &str, patience: Duration) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .https_only(url.starts_with("https:"))
        .user_agent(concat!("shufflescope/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience));
    let host = url.split_once("://").map_or(url, |(_, host)| host);
    if ["127.0.0.1", "localhost", "[::1]"].iter().any(|local| host.starts_with(local)) {
        config = config.proxy(None);
    }
    config.build().new_agent()
}

fn get(agent: &Agent, url: &str, from: u64) -> Result<Response<Body>, FetchError> {
    let request = agent.get(url);
    let request = if from > 0 { request.header(header::RANGE, format!("bytes={from}-")) } else { request };
    request.call().map_err(|error| FetchError::Unreachable { url: url.into(), reason: error.to_string() })
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
