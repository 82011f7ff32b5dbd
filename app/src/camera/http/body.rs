//! The body of an answer without its transfer coding (RFC 9112, section 7.1).

/// Undoes the chunked coding as bytes come in, or passes them on where there is none.
#[derive(Debug)]
pub(super) struct Body {
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Not chunked.
    Plain,
    /// In the line that says a chunk's size: the size so far, how many characters of the line were read, and whether
    /// the digits are over.
    Size { size: u64, length: u16, over: bool },
    /// In a chunk.
    Data { left: u64 },
    /// In the line end after a chunk.
    AfterData,
    /// After the last chunk.
    End,
}

/// Longest line that says a chunk's size, extensions included.
const LONGEST_LINE: u16 = 1024;

impl Body {
    pub(super) const fn new(chunked: bool) -> Self {
        Self { state: if chunked { State::SIZE } else { State::Plain } }
    }

    /// Passes on what is data in `bytes`; whether the body has ended.
    pub(super) fn decode(&mut self, mut bytes: &[u8], take: &mut impl FnMut(&[u8])) -> Result<bool, &'static str> {
        while let [first, rest @ ..] = bytes {
            self.state = match self.state {
                State::Plain => {
                    take(bytes);
                    return Ok(false);
                }
                State::Size { length: LONGEST_LINE, .. } => return Err("a chunk's size is too long"),
                State::Size { size, length, over } => {
                    bytes = rest;
                    match first {
                        b'\n' if length == 0 || (length == 1 && over) => return Err("a chunk has no size"),
                        b'\n' if size == 0 => State::End,
                        b'\n' => State::Data { left: size },
                        b'\r' | b' ' | b'\t' | b';' => State::Size { size, length: length + 1, over: true },
                        _ if over => State::Size { size, length: length + 1, over },
                        digit => {
                            let digit = char::from(*digit).to_digit(16).ok_or("a chunk's size is no number")?;
                            let size = size.checked_mul(16).ok_or("a chunk's size is too large")? + u64::from(digit);
                            State::Size { size, length: length + 1, over }
                        }
                    }
                }
                State::Data { left } => {
                    let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let (data, rest) = bytes.split_at(count);
                    take(data);
                    bytes = rest;
                    let left = left - count as u64;
                    if left == 0 { State::AfterData } else { State::Data { left } }
                }
                State::AfterData => {
                    bytes = rest;
                    match first {
                        b'\r' => State::AfterData,
                        b'\n' => State::SIZE,
                        _ => return Err("a chunk is longer than it says"),
                    }
                }
                State::End => return Ok(true),
            };
        }
        Ok(matches!(self.state, State::End))
    }
}

impl State {
    const SIZE: Self = Self::Size { size: 0, length: 0, over: false };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of `bytes` given in pieces of `piece`, and whether the body ended.
    fn decoded(bytes: &[u8], piece: usize) -> Result<(Vec<u8>, bool), &'static str> {
        let (mut body, mut data, mut ended) = (Body::new(true), Vec::new(), false);
        for piece in bytes.chunks(piece) {
            ended = body.decode(piece, &mut |bytes: &[u8]| data.extend_from_slice(bytes))?;
        }
        Ok((data, ended))
    }

    #[test]
    fn chunks_are_joined_however_they_are_cut() {
        let coded = b"4\r\nWiki\r\n6;name=value\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\n\r\n";
        for piece in 1..coded.len() {
            assert_eq!(decoded(coded, piece), Ok((b"Wikipedia in \r\n\r\nchunks.".to_vec(), true)), "{piece}");
        }
        assert_eq!(decoded(b"4\nWi", 9), Ok((b"Wi".to_vec(), false)));
    }

    #[test]
    fn sizes_that_make_no_sense_are_errors() {
        for wrong in [&b"xyz\r\n"[..], b"\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"2\r\nabc\r\n", &[b'0'; 2000], &[b' '; 2000]]
        {
            assert!(decoded(wrong, 7).is_err(), "{:?}", String::from_utf8_lossy(wrong));
        }
    }

    #[test]
    fn a_plain_body_is_passed_on() {
        let mut got = Vec::new();
        let ended = Body::new(false).decode(b"4\r\nabcd", &mut |bytes: &[u8]| got.extend_from_slice(bytes));
        assert_eq!((ended, got.as_slice()), (Ok(false), &b"4\r\nabcd"[..]));
    }
}
