//! Addresses of servers: what may be shown of them, who we say we are, and where a server may send us on to.
//!
//! Everything that shows an address or a server's own words goes through [`shown`] or [`told`].

use thiserror::Error;
use url::{ParseError, Position, Url};

/// Longest text from elsewhere that is shown, in characters.
const LONGEST_SHOWN: usize = 200;
/// Parts of the names under which addresses carry who asks, as many cameras want it: `?loginuse=me&loginpas=secret`.
const SECRETS: [&str; 9] = ["user", "usr", "login", "pas", "pwd", "psw", "token", "secret", "auth"];

/// An address of the web: `http://` or `https://`, and a host.
///
/// # Errors
/// What is wrong with it, without the address itself.
pub fn parse(text: &str) -> Result<Url, AddressError> {
    if text.chars().any(char::is_control) {
        return Err(AddressError::Control);
    }
    let url = Url::parse(text).map_err(|error| match error {
        ParseError::InvalidPort => AddressError::Port,
        ParseError::EmptyHost => AddressError::NoHost,
        ParseError::RelativeUrlWithoutBase => AddressError::Scheme,
        other => AddressError::Other(other),
    })?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(AddressError::Scheme) }
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// Line breaks would smuggle in headers of their own.
    #[error("it holds a line break or another control character")]
    Control,
    /// Not of the web.
    #[error("it has to begin with http:// or https://")]
    Scheme,
    /// A port that is none.
    #[error("its port is no number up to 65535")]
    Port,
    /// Nobody to ask.
    #[error("it names no host")]
    NoHost,
    /// Anything else.
    #[error("{0}; in a name or password write @ : / ? # % as %40 %3A %2F %3F %23 %25")]
    Other(ParseError),
}

/// An address as it may be shown, whether it is one or not: without name, password and whatever else says who asks.
#[must_use]
pub fn shown(address: &str) -> String {
    let bare = match Url::parse(address) {
        Ok(url) if url.has_host() => bare(&url).to_string(),
        _ => without_name(address),
    };
    told(&without_secrets(&bare))
}

/// Words from elsewhere (a server, a file) as they may be shown: one line, no control characters, not too long.
#[must_use]
pub fn told(text: &str) -> String {
    // Marks that turn the direction of writing make a text look like another one.
    let turns = |c: char| matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let mut clean: String = text
        .chars()
        .take(LONGEST_SHOWN + 1)
        .map(|c| if c.is_control() || turns(c) { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if let Some((end, _)) = clean.char_indices().nth(LONGEST_SHOWN) {
        clean.truncate(end);
        clean.push('…');
    }
    clean
}

/// The address without name and password, to be asked for.
#[must_use]
pub fn bare(url: &Url) -> Url {
    let mut url = url.clone();
    // Only addresses without a host refuse this, and those have nothing to take off.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url
}

/// `host:port`, the port only where it is not the usual one.
#[must_use]
pub fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

/// What proves who asks (RFC 7617), where the address says so.
#[must_use]
pub fn authorization(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut credentials = percent_decoded(url.username());
    credentials.push(b':');
    credentials.extend(percent_decoded(url.password().unwrap_or_default()));
    Some(format!("Basic {}", base64(&credentials)))
}

/// Where nobody is sent on to.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RedirectError {
    /// Not an address.
    #[error("it redirects to `{0}`, which is no address")]
    NoAddress(String),
    /// Away from the web.
    #[error("it redirects to {0}; only http:// and https:// are followed")]
    Scheme(String),
    /// From an encrypted connection to one that anybody on the way can read and change.
    #[error("it redirects to {0}, which is not encrypted; use an address that stays on https://")]
    Downgrade(String),
}

/// Where a server at `from` sends us with this `Location`: an address, `//host/path`, or a path from the root or from
/// where we are. Name and password go along to the very same server (scheme, host and port) and to no other; those that
/// the server names are not used, for it must not speak for us elsewhere. Nothing leads from https to http.
///
/// # Errors
/// Where we do not follow.
pub fn redirected(from: &Url, location: &str) -> Result<Url, RedirectError> {
    let next = from.join(location).map_err(|_| RedirectError::NoAddress(shown(location)))?;
    let mut next = bare(&next);
    let to = || shown(next.as_str());
    match (from.scheme(), next.scheme()) {
        (_, scheme) if !matches!(scheme, "http" | "https") => return Err(RedirectError::Scheme(to())),
        ("https", "http") => return Err(RedirectError::Downgrade(to())),
        _ => {}
    }
    if from.origin() == next.origin() {
        let _ = next.set_username(from.username());
        let _ = next.set_password(from.password());
    }
    Ok(next)
}

/// Whether a text without a scheme begins as `NAME:PASSWORD@` does. `C:\a@b` is a path.
#[must_use]
pub fn begins_with_name(text: &str) -> bool {
    let is_drive = matches!(text.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    !is_drive && text.split_once('@').is_some_and(|(name, _)| name.contains(':'))
}

/// A text that is no address without what stands before its last `@`: it was meant to be a name and password.
fn without_name(text: &str) -> String {
    let after = |text: &str| text.rsplit_once('@').map_or(text, |(_, place)| place).to_owned();
    match text.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", after(rest)),
        None if begins_with_name(text) => after(text),
        None => text.to_owned(),
    }
}

/// An address without the values of its query that say who asks.
fn without_secrets(address: &str) -> String {
    let Some((place, query)) = address.split_once('?') else { return address.to_owned() };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if SECRETS.iter().any(|secret| name.to_ascii_lowercase().contains(secret)) => {
            format!("{name}=…")
        }
        _ => pair.to_owned(),
    };
    format!("{place}?{}", query.split('&').map(pair).collect::<Vec<_>>().join("&"))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
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
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        parse(text).unwrap()
    }

    #[test]
    fn an_address_is_taken_apart() {
        let whole = url("HTTP://me:p%40ss@cam.local:8080/video?fps=30#x");
        assert_eq!(
            (authority(&whole), bare(&whole).as_str()),
            ("cam.local:8080", "http://cam.local:8080/video?fps=30")
        );
        assert_eq!(authorization(&whole), Some("Basic bWU6cEBzcw==".into()));
        assert_eq!((authority(&url("http://10.0.0.2")), authorization(&url("http://10.0.0.2"))), ("10.0.0.2", None));
        assert_eq!(authority(&url("http://[::1]:81?a")), "[::1]:81");
        assert_eq!(authorization(&url("http://m%C3%A9:a%2Fb%3A@cam")), Some("Basic bcOpOmEvYjo=".into()));
        assert_eq!(authorization(&url("http://me@cam")), Some("Basic bWU6".into()));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (wrong, reason) in [
            ("", "begin with http://"),
            ("cam.local", "begin with http://"),
            ("ftp://a/", "begin with http://"),
            ("http://", "no host"),
            ("http://:80/", "no host"),
            ("http://a:b/", "port"),
            ("http://me:secret@cam:99999/", "port"),
            ("http://a/\r\nX: y", "line break"),
            ("http://[::1", "IPv6"),
        ] {
            let error = parse(wrong).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("secret"), "{wrong}: {error}");
        }
    }

    #[test]
    fn no_name_and_no_password_is_shown_whether_it_is_an_address_or_not() {
        for (address, expected) in [
            ("http://me:secret@cam/a", "http://cam/a"),
            ("http://cam.local:81/stream?x=a@b", "http://cam.local:81/stream?x=a@b"),
            ("http://me:secret@cam:99999/", "http://cam:99999/"),
            ("http://me:sec/ret@cam/", "http://cam/"),
            ("http://me:sec?ret@cam/", "http://cam/"),
            ("http://me:sec#ret@cam/", "http://cam/"),
            ("http://me:secret@", "http://"),
            ("http://me:secret@ca m/", "http://ca m/"),
            ("rtsp://me:secret@cam/", "rtsp://cam/"),
            ("me:secret@cam/video", "cam/video"),
            ("http:/me:secret@cam:99999", "cam:99999"),
            ("http://cam/?loginuse=me&loginpas=secret&rate=0", "http://cam/?loginuse=…&loginpas=…&rate=0"),
            ("http://cam:99999/?User=me&PWD=secret", "http://cam:99999/?User=…&PWD=…"),
            (r"C:\a@b", r"C:\a@b"),
            ("synthetic", "synthetic"),
        ] {
            assert_eq!(shown(address), expected, "{address}");
        }
    }

    #[test]
    fn a_servers_words_cannot_steer_a_terminal_or_fill_it() {
        assert_eq!(told("text/html"), "text/html");
        assert_eq!(told("a\x1b[2J\r\nb\u{202E}c\u{9b}"), "a\u{FFFD}[2J\u{FFFD}\u{FFFD}b\u{FFFD}c\u{FFFD}");
        let long = told(&"é".repeat(10_000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (LONGEST_SHOWN + 1, true));
    }

    #[test]
    fn a_redirection_goes_where_the_server_says_and_takes_the_password_nowhere_else() {
        let from = url("http://me:secret@cam/a/b?c");
        for (location, expected) in [
            ("/b", "http://me:secret@cam/b"),
            ("x?y", "http://me:secret@cam/a/x?y"),
            ("../x", "http://me:secret@cam/x"),
            ("http://cam/c", "http://me:secret@cam/c"),
            ("http://CAM:80/c", "http://me:secret@cam/c"),
            ("//other/c", "http://other/c"),
            ("http://other/c", "http://other/c"),
            ("http://cam:81/c", "http://cam:81/c"),
            ("https://cam/c", "https://cam/c"),
            (r"\\other\c", "http://other/c"),
            ("http://admin:admin@router/reboot", "http://router/reboot"),
            ("/b\rX-Header: y", "http://me:secret@cam/bX-Header:%20y"),
        ] {
            assert_eq!(redirected(&from, location).unwrap().as_str(), expected, "{location}");
        }
    }

    #[test]
    fn a_redirection_never_leads_out_of_encryption_or_the_web() {
        let from = url("https://me:secret@cam/a");
        assert!(matches!(redirected(&from, "http://cam/a"), Err(RedirectError::Downgrade(_))));
        assert_eq!(redirected(&from, "//other/a").unwrap().as_str(), "https://other/a");
        for location in ["ftp://cam/", "file:///etc/passwd", "javascript:alert(1)"] {
            assert!(matches!(redirected(&from, location), Err(RedirectError::Scheme(_))), "{location}");
        }
        let error = redirected(&from, "http://you:hidden@cam:99999/").unwrap_err();
        assert!(matches!(&error, RedirectError::NoAddress(_)) && !error.to_string().contains("hidden"), "{error}");
    }

    #[test]
    fn base64_meets_the_standards_examples() {
        let all: Vec<_> = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes())).into();
        assert_eq!(all, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_a_password_before_the_host_is_never_shown(
            scheme in "(http|HTTPS|rtsp|ftp)",
            name in "[a-z%:]{0,6}",
            before in "[ -~]{0,6}",
            after in "[!-~]{0,6}",
            place in "(cam|10\\.0\\.0\\.2|\\[::1\\]|ca m|)(:[0-9]{1,6})?(/[a-z]{0,3})?",
        ) {
            // A slash and the like end an address' host, so what is before an unescaped one cannot be told from a host.
            let before = before.replace(['/', '\\', '?', '#'], "");
            let after = after.replace(['/', '\\', '?', '#'], "");
            let address = format!("{scheme}://{name}:{before}SECRET{after}@{place}");
            prop_assert!(!shown(&address).to_uppercase().contains("SECRET"), "{} for {}", shown(&address), address);
        }

        #[test]
        fn no_location_brings_a_line_break_or_our_password_elsewhere(location in "\\PC{0,20}|(//|/|http://)[ -~\\r\\n]{0,20}") {
            let from = url("http://me:secret@cam/a");
            if let Ok(next) = redirected(&from, &location) {
                prop_assert!(!next.as_str().chars().any(char::is_control));
                prop_assert!(next.origin() == from.origin() || authorization(&next).is_none(), "{}", next);
            }
        }
    }
}
