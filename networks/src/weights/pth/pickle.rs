//! Reads Python's pickles of protocol 2 to 5 without calling anything in them: what a pickle would have called is kept as
//! a description ([`Object::Made`]).
//!
//! Files are not trusted. An opcode makes one object at most and takes as long as the bytes and objects it uses up, a
//! length is compared with what the file has before anything is made of it, and a remembered object is recalled by its
//! number. The opcodes are those of `Lib/pickletools.py`.

use std::collections::HashMap;

use super::object::{Id, Made, Object, Pickle};

/// Longest pickle read; a network of 10,000 tensors needs about 2 MiB.
pub(super) const LONGEST: u64 = 16 << 20;

/// Objects that the pickles of a file may have together; a checkpoint of 1,000 tensors has about 30,000.
pub(super) const MOST_OBJECTS: usize = 2_000_000;

/// Reads the pickle at the start of `bytes`, which may have `left` objects; also returns its length.
pub(super) fn read<'a>(bytes: &'a [u8], left: &mut usize) -> Result<(Pickle<'a>, usize), String> {
    let memo = HashMap::new();
    let (objects, stack, marks) = (Vec::new(), Vec::new(), Vec::new());
    let mut reader = Reader { bytes, at: 0, objects, most: *left, copied: 0, stack, marks, memo };
    while !reader.step().map_err(|reason| format!("its pickle is damaged at byte {}: {reason}", reader.at))? {}
    let root = reader.pop().map_err(|_| "its pickle holds nothing".to_owned())?;
    *left -= reader.objects.len();
    Ok((Pickle { objects: reader.objects, root }, reader.at))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Vec<Object<'a>>,
    most: usize,
    /// Entries of dicts that were given as lists: a short list can be given often.
    copied: usize,
    stack: Vec<Id>,
    /// Heights of the stack that were marked.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Reader<'a> {
    /// One opcode; whether it was the last.
    fn step(&mut self) -> Result<bool, String> {
        match self.byte()? {
            b'.' => return Ok(true),
            // PROTO and FRAME say nothing that has to be known.
            0x80 => _ = self.byte()?,
            0x95 => _ = self.take(8)?,
            b'(' => self.marks.push(self.stack.len()),
            b'0' => self.drop_last()?,
            b'1' => _ = self.since_mark()?,
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' => self.push(Object::Nothing)?,
            code @ (0x88 | 0x89) => self.push(Object::Bool(code == 0x88))?,
            b'K' | b'M' | b'J' | b'G' | 0x8a | 0x8b => self.number()?,
            b'X' | 0x8c | 0x8d | b'U' | b'T' | b'B' | b'C' | 0x8e | 0x96 => self.text()?,
            b')' => self.push(Object::Tuple(Vec::new()))?,
            code @ 0x85..=0x87 => {
                let parts = self.pop_many(usize::from(code - 0x84))?;
                self.push(Object::Tuple(parts))?;
            }
            b't' => {
                let parts = self.since_mark()?;
                self.push(Object::Tuple(parts))?;
            }
            b']' | 0x8f => self.push(Object::List(Vec::new()))?,
            b'l' | 0x91 => {
                let parts = self.since_mark()?;
                self.push(Object::List(parts))?;
            }
            b'}' => self.push(Object::Dict(Vec::new()))?,
            b'd' => {
                let entries = pairs(&self.since_mark()?)?;
                self.push(Object::Dict(entries))?;
            }
            b'a' => {
                let item = self.pop_many(1)?;
                self.append(item)?;
            }
            b'e' | 0x90 => {
                let items = self.since_mark()?;
                self.append(items)?;
            }
            b's' => {
                let item = self.pop_many(2)?;
                self.insert(&item)?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.insert(&items)?;
            }
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.remember()?,
            b'c' | 0x93 | b'i' | b'o' | b'R' | 0x81 | 0x92 | b'b' => self.instance()?,
            b'Q' => {
                let id = self.pop()?;
                self.push(Object::Beside(id))?;
            }
            // NEXT_BUFFER and READONLY_BUFFER: bytes that are not in the pickle.
            0x97 => self.push(Object::Nothing)?,
            0x98 => {}
            other => return Err(format!("unknown opcode {other:#04x}")),
        }
        Ok(false)
    }

    /// The opcodes of numbers, of which the first byte was read.
    fn number(&mut self) -> Result<(), String> {
        let object = match self.code() {
            b'K' => Object::Int(self.byte()?.into()),
            b'M' => Object::Int(little_endian(self.take(2)?) as i64),
            b'J' => Object::Int((little_endian(self.take(4)?) as u32 as i32).into()),
            b'G' => {
                let bits = self.take(8)?.iter().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
                Object::Float(f64::from_bits(bits))
            }
            code => {
                let length = if code == 0x8a { self.byte()?.into() } else { self.length(4)? };
                match self.take(length)? {
                    [] => Object::Int(0),
                    bytes if bytes.len() <= 8 => {
                        let unused = 64 - 8 * bytes.len() as u32;
                        Object::Int(((little_endian(bytes) << unused) as i64) >> unused)
                    }
                    bytes => Object::Long(bytes),
                }
            }
        };
        self.push(object)
    }

    /// The opcodes of texts and bytes, of which the first byte was read.
    fn text(&mut self) -> Result<(), String> {
        let code = self.code();
        let length = match code {
            0x8c | b'U' | b'C' => self.byte()?.into(),
            b'X' | b'T' | b'B' => self.length(4)?,
            _ => self.length(8)?,
        };
        let bytes = self.take(length)?;
        let object = match (code, std::str::from_utf8(bytes)) {
            (b'X' | 0x8c | 0x8d, Err(_)) => return Err("a text that is not UTF-8".into()),
            // Python 2 has one type for both.
            (b'X' | 0x8c | 0x8d | b'U' | b'T', Ok(text)) => Object::Text(text),
            _ => Object::Bytes(bytes),
        };
        self.push(object)
    }

    /// The opcodes that remember and recall, of which the first byte was read.
    fn remember(&mut self) -> Result<(), String> {
        let code = self.code();
        let id = match code {
            b'q' | b'h' => self.byte()?.into(),
            b'r' | b'j' => little_endian(self.take(4)?) as u32,
            _ => self.memo.len() as u32,
        };
        if matches!(code, b'h' | b'j') {
            let known = self.memo.get(&id).copied();
            self.stack.push(known.ok_or_else(|| format!("it recalls object {id}, which it never remembered"))?);
        } else {
            let top = self.top()?;
            self.memo.insert(id, top);
        }
        Ok(())
    }

    /// The opcodes that name classes, call them and fill what they gave, of which the first byte was read.
    fn instance(&mut self) -> Result<(), String> {
        match self.code() {
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Object::Class { module, name })
            }
            0x93 => {
                let names = self.pop_many(2)?;
                let text = |at: usize| names.get(at).and_then(|&id| self.text_of(id));
                let (Some(module), Some(name)) = (text(0), text(1)) else {
                    return Err("a class without a name".into());
                };
                self.push(Object::Class { module, name })
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                let parts = self.since_mark()?;
                let class = self.add(Object::Class { module, name })?;
                let arguments = self.add(Object::Tuple(parts))?;
                self.call(class, arguments)
            }
            b'o' => {
                let mut parts = self.since_mark()?;
                if parts.is_empty() {
                    return Err("an instance of nothing".into());
                }
                let class = parts.remove(0);
                let arguments = self.add(Object::Tuple(parts))?;
                self.call(class, arguments)
            }
            b'b' => {
                let state = self.pop()?;
                let top = self.top()?;
                if let Some(Object::Made(made)) = self.objects.get_mut(top.0 as usize) {
                    made.state = Some(state);
                }
                Ok(())
            }
            code => {
                if code == 0x92 {
                    self.drop_last()?;
                }
                let arguments = self.pop()?;
                let class = self.pop()?;
                self.call(class, arguments)
            }
        }
    }

    /// Describes what `class` would have given, a dict where it is one.
    fn call(&mut self, class: Id, arguments: Id) -> Result<(), String> {
        let is_dict = matches!(
            self.objects.get(class.0 as usize),
            Some(Object::Class { module: "collections", name: "OrderedDict" | "defaultdict" })
        );
        let made = if is_dict {
            let entries = self.listed_entries(arguments);
            self.copied += entries.len();
            if self.copied > self.most {
                return Err(too_many());
            }
            Object::Dict(entries)
        } else {
            Object::Made(Box::new(Made { class, arguments, state: None, entries: Vec::new() }))
        };
        self.push(made)
    }

    /// Python 2 gives an ordered dict its entries as a list of pairs.
    fn listed_entries(&self, arguments: Id) -> Vec<(Id, Id)> {
        let parts = |id: &Id| match self.objects.get(id.0 as usize) {
            Some(Object::Tuple(parts) | Object::List(parts)) => parts.as_slice(),
            _ => &[],
        };
        let list = parts(&arguments).first().map_or(&[][..], parts);
        list.iter()
            .filter_map(|pair| if let [key, value] = parts(pair) { Some((*key, *value)) } else { None })
            .collect()
    }

    fn append(&mut self, mut items: Vec<Id>) -> Result<(), String> {
        let top = self.top()?;
        match self.objects.get_mut(top.0 as usize) {
            Some(Object::List(list)) => list.append(&mut items),
            // A list of a class of its own.
            Some(Object::Made(_)) => {}
            _ => return Err("items for something that holds none".into()),
        }
        Ok(())
    }

    fn insert(&mut self, items: &[Id]) -> Result<(), String> {
        let mut items = pairs(items)?;
        let top = self.top()?;
        match self.objects.get_mut(top.0 as usize) {
            Some(Object::Dict(entries)) => entries.append(&mut items),
            Some(Object::Made(made)) => made.entries.append(&mut items),
            _ => return Err("items for something that holds none".into()),
        }
        Ok(())
    }

    fn text_of(&self, id: Id) -> Option<&'a str> {
        match self.objects.get(id.0 as usize) {
            Some(&Object::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn add(&mut self, object: Object<'a>) -> Result<Id, String> {
        if self.objects.len() >= self.most {
            return Err(too_many());
        }
        self.objects.push(object);
        Ok(Id(self.objects.len() as u32 - 1))
    }

    fn push(&mut self, object: Object<'a>) -> Result<(), String> {
        let id = self.add(object)?;
        self.stack.push(id);
        Ok(())
    }

    /// Where the objects begin that may be taken: those before the last mark may not.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, String> {
        let reachable = self.stack.get(self.floor()..).unwrap_or_default();
        reachable.last().copied().ok_or_else(|| "it takes an object where there is none".into())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// POP takes an object, or a mark with nothing behind it.
    fn drop_last(&mut self) -> Result<(), String> {
        if self.stack.len() == self.floor() && self.marks.pop().is_some() { Ok(()) } else { self.pop().map(drop) }
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, String> {
        match self.stack.len().checked_sub(count) {
            Some(begin) if begin >= self.floor() => Ok(self.stack.split_off(begin)),
            _ => Err("it takes an object where there is none".into()),
        }
    }

    /// Takes what was pushed since the last mark, and the mark.
    fn since_mark(&mut self) -> Result<Vec<Id>, String> {
        let begin = self.marks.pop().ok_or("a mark is missing")?;
        Ok(self.stack.split_off(begin.min(self.stack.len())))
    }

    /// The opcode just read.
    fn code(&self) -> u8 {
        self.at.checked_sub(1).and_then(|at| self.bytes.get(at)).copied().unwrap_or_default()
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

    /// A length of so many bytes.
    fn length(&mut self, size: usize) -> Result<usize, String> {
        usize::try_from(little_endian(self.take(size)?)).map_err(|_| "it ends too early".into())
    }

    /// The line that starts here, without its end.
    fn line(&mut self) -> Result<&'a str, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("it ends too early")?;
        let line = std::str::from_utf8(self.take(length)?).map_err(|_| "a name that is not UTF-8")?;
        self.take(1)?;
        Ok(line.trim_end_matches('\r'))
    }
}

fn too_many() -> String {
    format!("it has more than {MOST_OBJECTS} objects, unlike any network's")
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, String> {
    match items.as_chunks::<2>() {
        (pairs, []) => Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect()),
        _ => Err("a key without a value".into()),
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests;
