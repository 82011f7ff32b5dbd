//! Parts of a `multipart/x-mixed-replace` stream as bytes come in (RFC 2046, section 5.1, as cameras write it).

use std::collections::VecDeque;

/// Longest picture.
const LONGEST_PART: usize = 16 << 20;
/// Longest header of a part.
const LONGEST_HEADER: usize = 8 << 10;
/// Longest boundary that is taken; the standard allows 70 characters.
const LONGEST_BOUNDARY: usize = 256;

/// What stands between two boundaries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The content of a part.
    Whole(Vec<u8>),
    /// A part that was left out, and why.
    Unusable(&'static str),
}

/// Takes bytes, gives parts; holds at most one part at a time and a few that are ready.
#[derive(Debug)]
pub(super) struct Multipart {
    /// Two dashes and the boundary.
    delimiter: Vec<u8>,
    buffer: Vec<u8>,
    /// Bytes at the start of the buffer that were searched in vain.
    searched: usize,
    state: State,
    ready: VecDeque<Part>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Before a boundary; what stands there is thrown away.
    Between,
    /// In the header of a part.
    Header,
    /// In a part, whose length may be known.
    Content { length: Option<usize> },
}

/// The boundary that a content type of `multipart/...` names; `None` for any other type.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().get(..10)?.eq_ignore_ascii_case("multipart/") {
        return None;
    }
    // Quoted values may hold semicolons and equals signs, so the name is looked for where a parameter can begin.
    let mut rest = parameters;
    let value = loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(';').unwrap_or((after, "")),
        };
        if name.trim_matches([' ', '\t', ';']).eq_ignore_ascii_case("boundary") {
            break value.trim_end();
        }
        rest = next;
    };
    (1..=LONGEST_BOUNDARY).contains(&value.len()).then(|| value.to_owned())
}

/// Whether a stream of this type may be one although it names no boundary, as some cameras send it.
pub(super) fn may_lack_a_boundary(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.is_empty() || kind.eq_ignore_ascii_case("multipart/x-mixed-replace")
}

/// The boundary of a stream that names none, from its beginning: the first line that begins with two dashes, which are
/// a part of it, as browsers do.
pub(super) fn first_boundary(beginning: &[u8]) -> Option<String> {
    let lines = beginning.split_inclusive(|&byte| byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
    let named = lines.map(<[u8]>::trim_ascii_end).find(|line| line.starts_with(b"--") && line.len() > 2)?;
    let named = std::str::from_utf8(named).ok()?;
    (named.len() <= LONGEST_BOUNDARY).then(|| named.to_owned())
}

impl Multipart {
    pub(super) fn new(boundary: &str) -> Self {
        // Some cameras name the boundary with its two dashes already.
        let delimiter = if boundary.starts_with("--") { boundary.to_owned() } else { format!("--{boundary}") };
        Self {
            delimiter: delimiter.into_bytes(),
            buffer: Vec::new(),
            searched: 0,
            state: State::Between,
            ready: VecDeque::new(),
        }
    }

    /// Takes what came in.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        while self.advance() {}
    }

    /// The next part that is whole.
    pub(super) fn next(&mut self) -> Option<Part> {
        self.ready.pop_front()
    }

    /// Goes on by one step; whether there may be another.
    fn advance(&mut self) -> bool {
        match self.state {
            State::Between => self.skip_to_boundary(),
            State::Header => self.read_header(),
            State::Content { length: Some(length) } => self.read_known(length),
            State::Content { length: None } => self.read_unknown(),
        }
    }

    fn skip_to_boundary(&mut self) -> bool {
        let Some(at) = self.find_boundary() else {
            // Only the beginning of a boundary may matter later.
            let kept = self.buffer.len().min(self.delimiter.len() + 1);
            self.consume(self.buffer.len() - kept);
            return false;
        };
        self.consume(at + self.delimiter.len());
        self.state = State::Header;
        true
    }

    fn read_header(&mut self) -> bool {
        let Some((end, next)) = end_of_header(&self.buffer) else {
            if self.buffer.len() > LONGEST_HEADER {
                self.unusable("the header of a part of the stream has no end");
                return true;
            }
            return false;
        };
        let header = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default());
        let fields = header.lines().filter_map(|line| line.split_once(':'));
        let mut lengths = fields.filter(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"));
        // A length that makes no sense is as good as none.
        let length = lengths.next().and_then(|(_, length)| length.trim().parse().ok()).filter(|&length| length > 0);
        self.consume(next);
        self.state = State::Content { length };
        if length.is_some_and(|length| length > LONGEST_PART) {
            self.unusable("a part of the stream is longer than 16 MiB");
        }
        true
    }

    /// A part that says its length, which cameras sometimes get wrong: a boundary within ends it too.
    fn read_known(&mut self, length: usize) -> bool {
        if self.buffer.len() < length {
            return false;
        }
        let within = self.find_boundary().filter(|&at| at < length);
        self.finish(within.unwrap_or(length));
        true
    }

    fn read_unknown(&mut self) -> bool {
        match self.find_boundary() {
            Some(at) => self.finish(at),
            None if self.buffer.len() > LONGEST_PART => self.unusable("a part of the stream is longer than 16 MiB"),
            None => return false,
        }
        true
    }

    /// The part ends before byte `end`.
    fn finish(&mut self, end: usize) {
        let mut content: Vec<u8> = self.buffer.drain(..end).collect();
        self.searched = 0;
        // The line end before a boundary belongs to the boundary.
        if let [.., b'\r', b'\n'] = *content {
            content.truncate(content.len() - 2);
        }
        self.ready.push_back(Part::Whole(content));
        self.state = State::Between;
    }

    fn unusable(&mut self, reason: &'static str) {
        self.ready.push_back(Part::Unusable(reason));
        self.state = State::Between;
        self.searched = 0;
    }

    /// Where the next boundary begins: at the start of the buffer or of a line.
    fn find_boundary(&mut self) -> Option<usize> {
        let from = self.searched;
        let found = self.buffer.get(from..).unwrap_or_default().windows(self.delimiter.len()).enumerate().find(
            |(at, window)| {
                *window == self.delimiter
                    && (from + at).checked_sub(1).is_none_or(|before| self.buffer.get(before) == Some(&b'\n'))
            },
        );
        match found {
            Some((at, _)) => Some(from + at),
            None => {
                self.searched = self.buffer.len().saturating_sub(self.delimiter.len());
                None
            }
        }
    }

    fn consume(&mut self, count: usize) {
        self.buffer.drain(..count.min(self.buffer.len()));
        self.searched = 0;
    }
}

/// Where a part's header ends, and where what follows begins. The rest of the boundary's own line belongs to it.
fn end_of_header(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut start = 0;
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        let line = bytes.get(start..at).unwrap_or_default();
        if start > 0 && matches!(line, b"" | b"\r") {
            return Some((start, at + 1));
        }
        start = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All parts of `bytes`, given in pieces of `piece`.
    fn parts(bytes: &[u8], piece: usize) -> Vec<Part> {
        let mut multipart = Multipart::new("frame");
        let mut parts = Vec::new();
        for piece in bytes.chunks(piece) {
            multipart.push(piece);
            parts.extend(std::iter::from_fn(|| multipart.next()));
        }
        parts
    }

    fn whole(content: &[u8]) -> Part {
        Part::Whole(content.to_vec())
    }

    #[test]
    fn a_boundary_is_read_from_the_content_type_however_it_is_written() {
        for (text, expected) in [
            ("multipart/x-mixed-replace;boundary=frame", Some("frame")),
            ("Multipart/X-Mixed-Replace; charset=\"a;boundary=no\"; Boundary=\"a b;c\"", Some("a b;c")),
            ("multipart/x-mixed-replace; boundary=\"frame\"", Some("frame")),
            ("multipart/x-mixed-replace; boundary = --x ", Some("--x")),
            ("multipart/x-mixed-replace", None),
            ("multipart/x-mixed-replace; boundary=", None),
            ("image/jpeg", None),
            ("text/html; boundary=x", None),
            ("é; boundary=x", None),
        ] {
            assert_eq!(boundary(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_stream_that_names_no_boundary_begins_with_it() {
        for (beginning, expected) in [
            (&b"--frame\r\nContent-Type: image/jpeg\r\n"[..], Some("--frame")),
            (b"\r\n--a b \r\n", Some("--a b")),
            (b"-x\n--\r\n  --c\r\n----d\n--e\n", Some("----d")),
            (b"--frame", None),
            (b"--\xFF\xFE\n", None),
            (b"\xFF\xD8--frame\n", None),
            (b"", None),
        ] {
            assert_eq!(first_boundary(beginning).as_deref(), expected, "{}", String::from_utf8_lossy(beginning));
        }
        assert_eq!(first_boundary(&[b"--".as_slice(), &[b'x'; 999], b"\n"].concat()), None);
        for (content_type, may) in [
            ("", true),
            ("Multipart/X-Mixed-Replace", true),
            ("multipart/x-mixed-replace; charset=utf-8", true),
            ("multipart/mixed", false),
            ("text/html", false),
        ] {
            assert_eq!(may_lack_a_boundary(content_type), may, "{content_type}");
        }
    }

    #[test]
    fn parts_come_whole_however_the_stream_is_cut() {
        let stream = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 5\r\n\r\none\r\n\r\n\
            --frame\r\nContent-Type: image/jpeg\r\n\r\ntwo--frame\r\n--frame\nX: y\n\nthree\r\n--frame\r\n\r\n\r\n--frame--\r\n";
        for piece in 1..stream.len() {
            assert_eq!(
                parts(stream, piece),
                [whole(b"one"), whole(b"two--frame"), whole(b"three"), whole(b"")],
                "{piece}"
            );
        }
    }

    #[test]
    fn a_part_that_is_shorter_than_it_says_does_not_swallow_the_next() {
        let stream =
            b"--frame\r\nContent-Length: 30\r\n\r\nhalf\r\n--frame\r\nContent-Length: 5\r\n\r\nwhole\r\n--frame\r\n";
        assert_eq!(parts(stream, 9), [whole(b"half"), whole(b"whole")]);
    }

    #[test]
    fn garbage_before_a_boundary_and_lengths_that_make_no_sense_are_ignored() {
        let stream = [&[0xAA; 100_000][..], b"\r\n--frame\r\nContent-Length: soon\r\n\r\nx\r\n--frame\r\n"].concat();
        assert_eq!(parts(&stream, 1000), [whole(b"x")]);
    }

    #[test]
    fn endless_headers_and_parts_are_left_out_within_bounds() {
        let mut multipart = Multipart::new("frame");
        multipart.push(b"--frame\r\n");
        for _ in 0..100 {
            multipart.push(&[b'h'; 1024]);
            assert!(multipart.buffer.len() <= LONGEST_HEADER + 1024);
        }
        assert!(matches!(multipart.next(), Some(Part::Unusable(reason)) if reason.contains("header")));
        multipart.push(b"\r\n--frame\r\n\r\n");
        let block = vec![b'c'; 1 << 20];
        for _ in 0..40 {
            multipart.push(&block);
            assert!(multipart.buffer.len() <= LONGEST_PART + block.len());
        }
        assert!(matches!(multipart.next(), Some(Part::Unusable(reason)) if reason.contains("16 MiB")));
        assert_eq!(multipart.next(), None);
        multipart.push(b"\r\n--frame\r\nContent-Length: 999999999999\r\n\r\nabc");
        assert!(matches!(multipart.next(), Some(Part::Unusable(_))));
        multipart.push(b"\r\n--frame\r\n\r\nagain\r\n--frame");
        assert_eq!(multipart.next(), Some(whole(b"again")), "it finds its way back");
    }
}
