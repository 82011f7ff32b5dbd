//! Walks over the bytes of a model before anything is made of them, and allocates nothing. In a protocol buffer two bytes
//! can stand for a message of 200 and one byte for a number of eight: what a file would become is counted first, and what no
//! classifier has is refused.

mod schema;
#[cfg(test)]
mod tests;

use schema::{Count, Field, MODEL, Message};

/// Longest name of anything. Layers are called by the names of their weights, so that one long name can become many.
const LONGEST_NAME: u64 = 1 << 10;

/// What a decoded file may take for each byte of it, and besides that: values come as they are, a graph is small.
const PER_BYTE: u64 = 4;
const BESIDES: u64 = 128 << 20;

/// Lists grow by doubling.
const GROWTH: u64 = 2;

/// What to do about a file that is too much.
const REMEDY: &str = "export the classifier alone, in evaluation mode and as one file, or simplify it (onnxsim) first";

/// Refuses what would become more than any classifier, and what is no protocol buffer.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut scan = Scan { bytes, counts: [0; Count::ALL.len()], decoded: 0 };
    scan.message(&MODEL, 0, bytes.len())
}

struct Scan<'a> {
    bytes: &'a [u8],
    /// How often each of [`Count::ALL`] was there.
    counts: [u64; Count::ALL.len()],
    /// Bytes that everything so far becomes in memory, at most.
    decoded: u64,
}

/// What stands behind a field's key.
enum Content {
    /// A number of its own, or 32 or 64 bits.
    Number,
    /// Bytes from here to there.
    Bytes(usize, usize),
}

impl Scan<'_> {
    /// The message that the bytes from `at` to `end` hold.
    fn message(&mut self, of: &Message, mut at: usize, end: usize) -> Result<(), String> {
        while at < end {
            let start = at;
            let (number, content);
            (number, content, at) = self.field(of, at, end)?;
            let Some((_, field)) = of.fields.iter().find(|(known, _)| *known == number) else { continue };
            match (field, content) {
                (Field::Each(count, message, size), Content::Bytes(from, to)) => {
                    self.count(*count, 1)?;
                    self.decode(GROWTH * *size as u64)?;
                    self.message(message, from, to)?;
                }
                (Field::Only(message), Content::Bytes(from, to)) => {
                    self.message(message, from, to)?;
                }
                (Field::Names(count), Content::Bytes(from, to)) => {
                    self.count(*count, 1)?;
                    self.decode(GROWTH * size_of::<String>() as u64)?;
                    self.name(of, start, to - from)?;
                }
                (Field::Name, Content::Bytes(from, to)) => self.name(of, start, to - from)?,
                (Field::Bytes, Content::Bytes(from, to)) => self.decode((to - from) as u64)?,
                (Field::Integers, content) => {
                    let many = match content {
                        Content::Number => 1,
                        // Every number ends with a byte below 128.
                        Content::Bytes(from, to) => {
                            let packed = self.bytes.get(from..to).unwrap_or_default();
                            packed.iter().filter(|&&byte| byte < 0x80).count() as u64
                        }
                    };
                    self.count(Count::Numbers, many)?;
                    self.decode(GROWTH * many * size_of::<i64>() as u64)?;
                }
                (Field::Floats | Field::Doubles, content) => {
                    let size = if matches!(field, Field::Floats) { size_of::<f32>() } else { size_of::<f64>() } as u64;
                    let many = if let Content::Bytes(from, to) = content { (to - from) as u64 / size } else { 1 };
                    self.decode(GROWTH * many * size)?;
                }
                // Of another kind than the field: decoding says so.
                (_, Content::Number) => {}
            }
        }
        Ok(())
    }

    /// The number and content of the field at `at`, and where the next one starts.
    fn field(&self, of: &Message, at: usize, end: usize) -> Result<(u64, Content, usize), String> {
        let refuse = |what: String| format!("its {} message is damaged at byte {at}: {what}", of.name);
        let (key, from) = self.number(at, end).map_err(refuse)?;
        let number = key >> 3;
        if number == 0 || key > u64::from(u32::MAX) {
            return Err(refuse(format!("{number} is no number of a field")));
        }
        let left = end - from;
        let skip = |length: u64| match usize::try_from(length) {
            Ok(length) if length <= left => Ok(from + length),
            _ => Err(refuse(format!("field {number} claims {length} bytes where {left} are left"))),
        };
        match key & 7 {
            0 => self.number(from, end).map(|(_, to)| (number, Content::Number, to)).map_err(refuse),
            1 => Ok((number, Content::Number, skip(8)?)),
            2 => {
                let (length, from) = self.number(from, end).map_err(refuse)?;
                let left = end - from;
                match usize::try_from(length) {
                    Ok(length) if length <= left => Ok((number, Content::Bytes(from, from + length), from + length)),
                    _ => Err(refuse(format!("field {number} claims {length} bytes where {left} are left"))),
                }
            }
            5 => Ok((number, Content::Number, skip(4)?)),
            3 | 4 => Err(refuse(format!("field {number} is a group, of which ONNX has none"))),
            kind => Err(refuse(format!("field {number} is of the unknown kind {kind}"))),
        }
    }

    /// The number of variable length at `at`, and where it ends.
    fn number(&self, at: usize, end: usize) -> Result<(u64, usize), String> {
        /// Bytes of 64 bits, seven in each.
        const LONGEST: usize = 10;
        let mut number = 0;
        for (index, &byte) in self.bytes.get(at..end).unwrap_or_default().iter().take(LONGEST).enumerate() {
            if index == LONGEST - 1 && byte > 1 {
                break;
            }
            number |= u64::from(byte & 0x7F) << (7 * index);
            if byte < 0x80 {
                return Ok((number, at + index + 1));
            }
        }
        Err(if end - at < LONGEST { "it ends in a number" } else { "a number has more than 64 bits" }.into())
    }

    fn name(&mut self, of: &Message, at: usize, length: usize) -> Result<(), String> {
        if length as u64 > LONGEST_NAME {
            return Err(format!(
                "the {} message at byte {at} has a name of {length} bytes, more than {LONGEST_NAME}; {REMEDY}",
                of.name
            ));
        }
        self.decode(length as u64)
    }

    fn count(&mut self, what: Count, more: u64) -> Result<(), String> {
        let (name, most) = what.most();
        if let Some(count) = self.counts.get_mut(what as usize) {
            *count += more;
            if *count > most {
                return Err(format!("it has more than {most} {name}, which no classifier has; {REMEDY}"));
            }
        }
        Ok(())
    }

    fn decode(&mut self, bytes: u64) -> Result<(), String> {
        self.decoded = self.decoded.saturating_add(bytes);
        if self.decoded > (self.bytes.len() as u64).saturating_mul(PER_BYTE).saturating_add(BESIDES) {
            return Err(format!("it becomes more than {PER_BYTE} times its size in memory; {REMEDY}"));
        }
        Ok(())
    }
}
