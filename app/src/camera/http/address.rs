//! `http://NAME:PASSWORD@HOST:PORT/PATH`, taken apart.

use std::str::FromStr;

use super::super::SourceError;

/// Where a stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// A name or address, without the brackets of IPv6.
    pub(super) host: String,
    pub(super) port: u16,
    /// From the first slash on, with the query.
    pub(super) path: String,
    /// `NAME:PASSWORD`, percent-decoded.
    credentials: Option<Vec<u8>>,
}

impl Address {
    /// `host:port`, as the Host header wants it.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 80 { host } else { format!("{host}:{}", self.port) }
    }

    /// The address without credentials.
    pub(super) fn shown(&self) -> String {
        format!("http://{}{}", self.authority(), self.path)
    }

    /// What proves who asks (RFC 7617), if the address says so.
    pub(super) fn authorization(&self) -> Option<String> {
        self.credentials.as_deref().map(|credentials| format!("Basic {}", base64(credentials)))
    }

    /// Where this server says to go instead. Credentials are not taken to another server.
    pub(super) fn redirected(&self, location: &str) -> Result<Self, SourceError> {
        if location.starts_with('/') {
            return Ok(Self { path: location.to_owned(), ..self.clone() });
        }
        let mut next: Self = location.parse()?;
        if next.credentials.is_none() && (&next.host, next.port) == (&self.host, self.port) {
            next.credentials.clone_from(&self.credentials);
        }
        Ok(next)
    }
}

impl FromStr for Address {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let wrong = |reason: &str| SourceError::NotAStream { address: text.to_owned(), reason: reason.to_owned() };
        let has_scheme = text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
        let rest = text.get(7..).filter(|_| has_scheme).ok_or_else(|| wrong("only http:// addresses can be used"))?;
        // A line break would smuggle in headers of its own.
        if rest.bytes().any(|byte| byte <= b' ' || byte == 0x7F) {
            return Err(wrong("an address has no spaces; write %20"));
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let (credentials, place) = match authority.rsplit_once('@') {
            Some((credentials, place)) => (Some(percent_decoded(credentials)), place),
            None => (None, authority),
        };
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let port = port.filter(|port| !port.is_empty()).map_or(Ok(80), str::parse);
        let port = port.map_err(|_| wrong("its port is no number up to 65535"))?;
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        Ok(Self { host: host.to_owned(), port, path, credentials })
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    decoded
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit) & 63) as usize;
            text.push(if digit > group.len() { '=' } else { char::from(DIGITS[value]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_taken_apart() {
        let whole = address("HTTP://me:p%40ss@cam.local:8080/video?fps=30#x");
        assert_eq!((whole.host.as_str(), whole.port, whole.path.as_str()), ("cam.local", 8080, "/video?fps=30"));
        assert_eq!(whole.authorization(), Some("Basic bWU6cEBzcw==".into()));
        assert_eq!(
            (whole.authority(), whole.shown()),
            ("cam.local:8080".into(), "http://cam.local:8080/video?fps=30".into())
        );
        let bare = address("http://10.0.0.2");
        assert_eq!((bare.port, bare.path.as_str(), bare.authorization()), (80, "/", None));
        assert_eq!(address("http://[::1]:81?a").shown(), "http://[::1]:81/?a");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in
            ["", "http://", "http://:80/", "http://a:b/", "http://a:70000", "http://a/\r\nX: y", "ftp://a/", "é"]
        {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_redirection_keeps_the_password_on_the_same_server_only() {
        let from = address("http://me:secret@cam/a");
        assert_eq!(from.redirected("/b").unwrap(), address("http://me:secret@cam/b"));
        assert_eq!(from.redirected("http://cam/c").unwrap(), address("http://me:secret@cam/c"));
        assert_eq!(from.redirected("http://other/c").unwrap(), address("http://other/c"));
        assert!(from.redirected("https://cam/").is_err());
    }

    #[test]
    fn base64_meets_the_standards_examples() {
        let all: Vec<_> = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes())).into();
        assert_eq!(all, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }
}
