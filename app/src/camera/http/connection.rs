//! One HTTP request, and its answer as it comes in.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use url::{Position, Url};

use super::super::{SourceError, Stop};
use super::body::Body;
use crate::address::{authority, authorization, shown};

/// Longest wait for a connection to one address of a host.
const CONNECT: Duration = Duration::from_secs(5);
/// How often a wait looks up whether it is time to stop.
const LOOK_UP: Duration = Duration::from_millis(50);
/// Longest header of an answer.
const LONGEST_HEADER: usize = 16 << 10;

/// A connection nobody has asked anything yet.
#[derive(Debug)]
pub(super) struct Connection(TcpStream);

/// The header of an answer, and the connection for the rest.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) location: Option<String>,
    stream: TcpStream,
    body: Body,
    /// What came with the header.
    first: Vec<u8>,
    authority: String,
}

impl Connection {
    /// Looks up the host and connects.
    pub(super) fn open(url: &Url, stop: &Stop) -> Result<Self, SourceError> {
        let lost = |reason: String| SourceError::Connection { address: authority(url).to_owned(), reason };
        // Neither looking up a name nor connecting can be interrupted: a thread of their own waits, at most some
        // seconds longer than anybody is interested.
        let (found, result) = sync_channel(1);
        let target = url.clone();
        std::thread::Builder::new()
            .name("camera connection".into())
            .spawn(move || found.send(connect(&target)))
            .map_err(|error| lost(error.to_string()))?;
        loop {
            match result.recv_timeout(LOOK_UP) {
                Ok(Ok(stream)) => return Ok(Self(stream)),
                Ok(Err(error)) => return Err(lost(error.to_string())),
                Err(RecvTimeoutError::Timeout) if !stop.is_raised() => {}
                Err(_) => return Err(lost("given up".into())),
            }
        }
    }

    /// Asks for the stream and reads the answer's header.
    pub(super) fn request(self, url: &Url, stop: &Stop, patience: Duration) -> Result<Response, SourceError> {
        let authority = authority(url).to_owned();
        let lost = |reason: String| SourceError::Connection { address: authority.clone(), reason };
        let not_a_stream = |reason: String| SourceError::NotAStream { address: shown(url.as_str()), reason };
        let Self(mut stream) = self;
        let mut request = format!(
            "GET {} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: shufflescope/{}\r\n\
             Accept: multipart/x-mixed-replace, image/jpeg\r\nConnection: close\r\n",
            &url[Position::BeforePath..Position::AfterQuery],
            env!("CARGO_PKG_VERSION"),
        );
        if let Some(authorization) = authorization(url) {
            request += &format!("Authorization: {authorization}\r\n");
        }
        request += "\r\n";
        let io = |error: std::io::Error| lost(error.to_string());
        stream.set_read_timeout(Some(LOOK_UP)).map_err(io)?;
        stream.set_write_timeout(Some(CONNECT)).map_err(io)?;
        stream.write_all(request.as_bytes()).map_err(io)?;

        let (mut header, started) = (Vec::new(), Instant::now());
        let end = loop {
            // The interim answers of HTTP/1.1 (100 to 199) come before the real one.
            if let Some(end) = end_of_header(&header) {
                if status(&header).is_some_and(|status| status < 200) {
                    header.drain(..end);
                    continue;
                }
                break end;
            }
            if header.len() > LONGEST_HEADER {
                let reason = format!("the header of its answer is longer than {} KiB", LONGEST_HEADER >> 10);
                return Err(not_a_stream(reason));
            }
            if stop.is_raised() {
                return Err(lost("given up".into()));
            }
            if started.elapsed() > patience {
                return Err(SourceError::Stalled { source_name: shown(url.as_str()), seconds: patience.as_secs() });
            }
            let mut chunk = [0; 4096];
            match read(&mut stream, &mut chunk).map_err(|error| lost(error.to_string()))? {
                Some(0) => return Err(lost("it closed the connection without an answer".into())),
                received => header.extend_from_slice(chunk.get(..received.unwrap_or(0)).unwrap_or_default()),
            }
        };
        let first = header.split_off(end);
        let status = status(&header).ok_or_else(|| not_a_stream("its answer is not HTTP".into()))?;
        // A carriage return alone ends no line: it is a space (RFC 9112, section 2.2).
        let text = String::from_utf8_lossy(&header).replace("\r\n", "\n").replace('\r', " ");
        let field = |name: &str| {
            let mut fields = text.lines().filter_map(|line| line.split_once(':'));
            fields.find(|(field, _)| field.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
        };
        let coding = field("transfer-encoding").unwrap_or_default();
        let chunked = coding.rsplit(',').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("chunked"));
        let (content_type, location) = (field("content-type"), field("location"));
        Ok(Response { status, content_type, location, stream, body: Body::new(chunked), first, authority })
    }
}

impl Response {
    /// Waits briefly for more of the body.
    ///
    /// # Errors
    /// Where the connection is lost or the server has ended the stream.
    pub(super) fn receive(&mut self, mut take: impl FnMut(&[u8])) -> Result<(), SourceError> {
        let lost = |reason: String| SourceError::Connection { address: self.authority.clone(), reason };
        let first = std::mem::take(&mut self.first);
        let mut chunk = [0; 64 << 10];
        let received = if first.is_empty() {
            match read(&mut self.stream, &mut chunk).map_err(|error| lost(error.to_string()))? {
                None => return Ok(()),
                Some(0) => return Err(lost("the server closed the stream".into())),
                Some(count) => chunk.get(..count).unwrap_or_default(),
            }
        } else {
            first.as_slice()
        };
        match self.body.decode(received, &mut take) {
            Ok(false) => Ok(()),
            Ok(true) => Err(lost("the server ended the stream".into())),
            Err(reason) => Err(lost(reason.into())),
        }
    }
}

/// Connects to the first address of the host that answers.
fn connect(target: &Url) -> std::io::Result<TcpStream> {
    let mut error = std::io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in target.socket_addrs(|| None)?.into_iter().take(4) {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(failed) => error = failed,
        }
    }
    Err(error)
}

/// Reads what there is; `None` where nothing came for a while.
fn read(stream: &mut TcpStream, into: &mut [u8]) -> std::io::Result<Option<usize>> {
    match stream.read(into) {
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Where the header ends, its empty line included.
fn end_of_header(bytes: &[u8]) -> Option<usize> {
    let after = |pattern: &[u8]| bytes.windows(pattern.len()).position(|at| at == pattern).map(|at| at + pattern.len());
    [after(b"\r\n\r\n"), after(b"\n\n")].into_iter().flatten().min()
}

/// The status of `HTTP/1.1 200 OK`.
fn status(header: &[u8]) -> Option<u16> {
    let line = header.split(|&byte| byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/"))?;
    words.next()?.parse().ok()
}
