//! Candle's pickle reader behind a guard.
//!
//! The reader itself trusts its input: it allocates what a string's length field claims, copies whole objects on every
//! memo access (so a short file can ask for exponentially large ones), nests without limit (dropping such an object
//! overflows the stack, which aborts), overflows on long integers, and prints whole objects into its errors. The guard
//! replays the same opcodes with sizes and depths in place of objects, and only what it can follow to the end reaches the
//! reader.

use std::collections::HashMap;

use candle_core::pickle::{Object, OpCode, Stack};

/// Longest pickle read; a network of 10,000 tensors needs about 2 MiB.
pub(super) const LONGEST: u64 = 8 << 20;

/// Objects nested deeper than this are refused; a `state_dict` in a checkpoint has about 8 levels.
const DEEPEST: u32 = 64;

/// Objects (and 32-byte pieces of text) created by all pickles of a file, copies included; a network of 1,000 tensors needs
/// about 100,000.
pub(super) const MOST_OBJECTS: u64 = 2_000_000;

/// Reads the pickle at the start of `bytes`, which may make `left` objects; also returns its length.
pub(super) fn read(bytes: &[u8], left: &mut u64) -> Result<(Object, usize), String> {
    let length = checked_length(bytes, left)?;
    let mut stack = Stack::empty();
    let mut checked = bytes.get(..length).unwrap_or_default();
    stack.read_loop(&mut checked).map_err(|_| "its pickle is damaged".to_owned())?;
    let object = stack.finalize().map_err(|_| "its pickle is damaged".to_owned())?;
    Ok((object, length))
}

/// Length of the pickle at the start of `bytes`, if reading it is harmless.
fn checked_length(bytes: &[u8], left: &mut u64) -> Result<usize, String> {
    let mut guard = Guard { bytes, at: 0, stack: Vec::new(), memo: HashMap::new(), objects: 0 };
    while !guard.step().map_err(|reason| format!("its pickle is damaged at byte {}: {reason}", guard.at))? {
        if guard.objects > *left {
            return Err(format!("its pickle makes more than {MOST_OBJECTS} objects, unlike any network's"));
        }
    }
    *left -= guard.objects;
    Ok(guard.at)
}

/// What an object on the stack costs.
#[derive(Clone, Copy)]
struct Size {
    depth: u32,
    objects: u64,
    kind: Kind,
}

/// What can be done with an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mark,
    List,
    Dict,
    /// A class whose instances Candle makes a dict.
    DictClass,
    Other,
}

struct Guard<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Size>,
    memo: HashMap<u32, Size>,
    objects: u64,
}

impl<'a> Guard<'a> {
    /// One opcode; whether it was the last.
    fn step(&mut self) -> Result<bool, String> {
        let code = OpCode::try_from(self.byte()?).map_err(|code| format!("unknown opcode {code:#04x}"))?;
        match code {
            OpCode::Stop if self.stack.is_empty() => return Err("it leaves no object".into()),
            OpCode::Stop => return Ok(true),
            OpCode::Proto => _ = self.byte()?,
            OpCode::Mark => self.leaf(0, Kind::Mark)?,
            OpCode::NewTrue | OpCode::NewFalse | OpCode::None | OpCode::EmptyTuple => self.leaf(0, Kind::Other)?,
            OpCode::EmptyList => self.leaf(0, Kind::List)?,
            OpCode::EmptyDict => self.leaf(0, Kind::Dict)?,
            OpCode::BinInt1 => self.number(1)?,
            OpCode::BinInt2 => self.number(2)?,
            OpCode::BinInt => self.number(4)?,
            OpCode::BinFloat => self.number(8)?,
            OpCode::Long1 => match self.byte()? {
                length @ 0..=8 => self.number(length.into())?,
                length => return Err(format!("an integer of {length} bytes")),
            },
            OpCode::BinUnicode => {
                let length = self.u32()? as usize;
                if std::str::from_utf8(self.take(length)?).is_err() {
                    return Err("a text that is not UTF-8".into());
                }
                self.leaf(length, Kind::Other)?;
            }
            OpCode::Global => {
                let (module, class) = (self.line()?, self.line()?);
                let is_dict = module == b"collections" && (class == b"OrderedDict" || class == b"defaultdict");
                self.leaf(module.len() + class.len(), if is_dict { Kind::DictClass } else { Kind::Other })?;
            }
            OpCode::BinPersId | OpCode::Tuple1 => self.group(1, Kind::Other)?,
            OpCode::Tuple2 | OpCode::NewObj => self.group(2, Kind::Other)?,
            OpCode::Tuple3 => self.group(3, Kind::Other)?,
            OpCode::Reduce => {
                let makes_dict = self.kind(1) == Some(Kind::DictClass);
                self.group(2, if makes_dict { Kind::Dict } else { Kind::Other })?;
            }
            OpCode::Build => {
                let is_dict = self.kind(0) == Some(Kind::Dict) && self.kind(1) == Some(Kind::Dict);
                self.group(2, if is_dict { Kind::Dict } else { Kind::Other })?;
            }
            OpCode::Tuple => self.group_since_mark(Kind::Other)?,
            OpCode::Dict => self.group_since_mark(Kind::Dict)?,
            OpCode::Append => self.extend(1, Kind::List)?,
            OpCode::SetItem => self.extend(2, Kind::Dict)?,
            OpCode::Appends => {
                self.group_since_mark(Kind::Other)?;
                self.extend(1, Kind::List)?;
            }
            OpCode::SetItems => {
                if self.since_mark()? % 2 != 0 {
                    return Err("a key without a value".into());
                }
                self.group_since_mark(Kind::Other)?;
                self.extend(1, Kind::Dict)?;
            }
            OpCode::BinPut => {
                let id = self.byte()?.into();
                self.put(id)?;
            }
            OpCode::LongBinPut => {
                let id = self.u32()?;
                self.put(id)?;
            }
            OpCode::BinGet => {
                let id = self.byte()?.into();
                self.get(id)?;
            }
            OpCode::LongBinGet => {
                let id = self.u32()?;
                self.get(id)?;
            }
        }
        Ok(false)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).ok_or("it ends too early")?;
        let taken = self.bytes.get(self.at..end).ok_or("it ends too early")?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(self.take(4)?.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }

    /// The line that starts here, without its end.
    fn line(&mut self) -> Result<&'a [u8], String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("it ends too early")?;
        let line = self.take(length)?;
        self.take(1)?;
        Ok(line)
    }

    fn push(&mut self, size: Size) -> Result<(), String> {
        if size.depth > DEEPEST {
            return Err(format!("objects nested more than {DEEPEST} levels deep"));
        }
        self.stack.push(size);
        Ok(())
    }

    /// An object without parts that holds `text` bytes.
    fn leaf(&mut self, text: usize, kind: Kind) -> Result<(), String> {
        let objects = 1 + text as u64 / 32;
        self.objects += objects;
        self.push(Size { depth: 1, objects, kind })
    }

    /// A number made from the next `length` bytes.
    fn number(&mut self, length: usize) -> Result<(), String> {
        self.take(length)?;
        self.leaf(0, Kind::Other)
    }

    /// What the object is that has `above` others above it.
    fn kind(&self, above: usize) -> Option<Kind> {
        self.stack.iter().rev().nth(above).map(|size| size.kind)
    }

    fn pop(&mut self) -> Result<Size, String> {
        self.stack.pop().ok_or_else(|| "it takes an object where there is none".into())
    }

    /// Replaces the last `count` objects by one that contains them.
    fn group(&mut self, count: usize, kind: Kind) -> Result<(), String> {
        let mut whole = Size { depth: 1, objects: 1, kind };
        for _ in 0..count {
            let part = self.pop()?;
            whole.depth = whole.depth.max(part.depth + 1);
            whole.objects += part.objects;
        }
        self.objects += 1;
        self.push(whole)
    }

    /// Replaces the last mark and what is above it by one object that contains the latter.
    fn group_since_mark(&mut self, kind: Kind) -> Result<(), String> {
        self.group(self.since_mark()?, kind)?;
        let group = self.pop()?;
        self.pop()?;
        self.push(group)
    }

    /// Moves the last `count` objects into the container before them.
    fn extend(&mut self, count: usize, kind: Kind) -> Result<(), String> {
        self.group(count, Kind::Other)?;
        let (items, container) = (self.pop()?, self.pop()?);
        if container.kind != kind {
            return Err("items for something that holds none".into());
        }
        let depth = container.depth.max(items.depth);
        self.push(Size { depth, objects: container.objects + items.objects, kind })
    }

    /// Objects after the last mark.
    fn since_mark(&self) -> Result<usize, String> {
        self.stack.iter().rev().position(|size| size.kind == Kind::Mark).ok_or_else(|| "a mark is missing".into())
    }

    /// Candle copies what it remembers, and again what it recalls.
    fn put(&mut self, id: u32) -> Result<(), String> {
        let size = *self.stack.last().ok_or("it remembers an object where there is none")?;
        self.objects += size.objects;
        self.memo.insert(id, size);
        Ok(())
    }

    fn get(&mut self, id: u32) -> Result<(), String> {
        let size = *self.memo.get(&id).ok_or_else(|| format!("it recalls object {id}, which it never remembered"))?;
        self.objects += size.objects;
        self.push(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(Object, usize), String> {
        super::read(bytes, &mut { MOST_OBJECTS })
    }

    #[test]
    fn the_pickles_of_a_file_share_what_they_may_make() {
        let mut left = 3;
        for remaining in [2, 1, 0] {
            super::read(b"\x80\x02K\x01.", &mut left).unwrap();
            assert_eq!(left, remaining);
        }
        assert!(super::read(b"\x80\x02K\x01.", &mut left).unwrap_err().contains("more than"));
    }

    #[test]
    fn an_ordinary_pickle_is_read_to_its_end_and_no_further() {
        // pickle.dumps({"a": (1, 2.5)}, protocol=2) and a byte that is not part of it.
        let bytes = b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01G@\x04\x00\x00\x00\x00\x00\x00\x86q\x02s.!";
        let (object, length) = read(bytes).unwrap();
        assert_eq!(length, bytes.len() - 1);
        let value = Object::Tuple(vec![Object::Int(1), Object::Float(2.5)]);
        assert_eq!(object, Object::Dict(vec![(Object::Unicode("a".into()), value)]));
    }

    #[test]
    fn a_string_that_claims_four_gigabytes_is_refused_before_it_is_allocated() {
        let error = read(b"\x80\x02X\xff\xff\xff\xffabc.").unwrap_err();
        assert!(error.contains("ends too early"), "{error}");
    }

    #[test]
    fn exponential_copies_are_refused() {
        // A tuple, then 60 times: remember it, recall it, pair the two.
        let mut bytes = b"\x80\x02)".to_vec();
        for _ in 0..60 {
            bytes.extend(b"q\x00h\x00\x86");
        }
        bytes.push(b'.');
        let error = read(&bytes).unwrap_err();
        assert!(error.contains("more than 2000000 objects"), "{error}");
    }

    #[test]
    fn deep_nesting_is_refused_before_it_can_overflow_the_stack() {
        let mut bytes = b"\x80\x02)".to_vec();
        bytes.resize(2_000_000, 0x85);
        bytes.push(b'.');
        let error = read(&bytes).unwrap_err();
        assert!(error.contains("nested more than 64"), "{error}");
    }

    #[test]
    fn an_integer_longer_than_eight_bytes_is_refused() {
        assert!(read(b"\x80\x02\x8a\x0a0123456789.").unwrap_err().contains("integer of 10 bytes"));
        assert_eq!(read(b"\x80\x02\x8a\x02\x00\x01.").unwrap().0, Object::Long(256));
    }

    #[test]
    fn opcodes_without_the_operands_they_need_are_errors() {
        for bytes in [
            &b"."[..],
            b"t.",
            b"R.",
            b"s.",
            b"(s.",
            b"q\x00.",
            b"h\x00.",
            b"a.",
            b"e.",
            b"",
            b"\x80",
            b"cmodule",
            b"NNa.",
            b"NNNs.",
            b"}(Nu.",
            b"X\x01\0\0\0\xff.",
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }
}
