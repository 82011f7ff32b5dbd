//! The stream that `torch.save` wrote before PyTorch 1.6: five pickles (magic number, protocol, system, object, storage
//! keys), then every storage as its length in elements (64 bits) and its bytes. `torch/serialization.py`, `_legacy_save`.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::super::stored::{Fault, Group, shown};
use super::object::{Id, Object, Pickle};
use super::{found, pickle, state_dict};

/// What the first pickle holds: the number 0x1950a86a20f9469cfc6c.
const MAGIC: &[u8] = b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// The protocol that this layout has.
const PROTOCOL: i64 = 1001;

/// The dicts of tensors in a file, none of which is read yet.
pub(in super::super) fn list(file: &mut File, length: u64) -> Result<Vec<Group>, Fault> {
    let mut bytes = Vec::new();
    file.take(pickle::LONGEST).read_to_end(&mut bytes)?;
    let (mut at, mut left) = (0, pickle::MOST_OBJECTS);
    let mut next = || {
        let (object, length) =
            pickle::read(bytes.get(at..).unwrap_or_default(), &mut left).map_err(Fault::Malformed)?;
        at += length;
        Ok::<_, Fault>(object)
    };
    if *next()?.root() != Object::Long(MAGIC) {
        return Err(Fault::foreign(
            "it is a pickle that Python wrote without `torch.save`; load it there and save its tensors with `torch.save` \
             or as safetensors",
        ));
    }
    let (protocol, system, object, keys) = (next()?, next()?, next()?, next()?);
    if *protocol.root() != Object::Int(PROTOCOL) {
        return Err(Fault::malformed("it is of an unknown version"));
    }
    let is_big_endian = |&(key, value): &(Id, Id)| {
        system.text(key) == Some("little_endian") && *system.get(value) == Object::Bool(false)
    };
    if system.entries(system.root).iter().any(is_big_endian) {
        return Err(Fault::malformed("its tensors are stored big-endian"));
    }
    let found = found::found(&object)?;
    let ranges = ranges(file, length, at as u64, &keys, &state_dict::storages(&object))?;
    let place = |record: state_dict::Record| {
        let (begin, end) = match &record.storage {
            None => (0, 0),
            Some(key) => *ranges
                .get(key.as_str())
                .ok_or_else(|| Fault::malformed(format!("it has no data for tensor `{}`", shown(&record.name))))?,
        };
        Ok(record.between(begin, end))
    };
    let group = |found: found::Found| {
        let tensors = found.records.into_iter().map(place).collect::<Result<_, Fault>>()?;
        Ok(Group { place: found.place, tensors })
    };
    found.into_iter().map(group).collect()
}

/// First and one past the last byte of every storage's content, by key.
fn ranges<'a>(
    file: &mut File,
    length: u64,
    mut at: u64,
    keys: &Pickle<'a>,
    classes: &HashMap<&str, &str>,
) -> Result<HashMap<&'a str, (u64, u64)>, Fault> {
    let Object::List(listed) = keys.root() else {
        return Err(Fault::malformed("its list of storages is damaged"));
    };
    let mut ranges = HashMap::new();
    for &key in listed {
        let (Some(key), true) = (keys.text(key), at < length) else {
            return Err(Fault::malformed("it ends before its last tensor"));
        };
        let size = classes.get(key).and_then(|class| element_size(class));
        let size = size.ok_or_else(|| Fault::malformed(format!("storage `{}` is of an unknown kind", shown(key))))?;
        let mut elements = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut elements)?;
        let begin = at + elements.len() as u64;
        let end = u64::from_le_bytes(elements).checked_mul(size).and_then(|bytes| begin.checked_add(bytes));
        let Some(end) = end.filter(|&end| end <= length) else {
            return Err(Fault::malformed(format!("storage `{}` reaches beyond the file's {length} bytes", shown(key))));
        };
        ranges.insert(key, (begin, end));
        at = end;
    }
    Ok(ranges)
}

/// Bytes per element of PyTorch's storage classes.
fn element_size(class: &str) -> Option<u64> {
    Some(match class {
        "BoolStorage" | "ByteStorage" | "CharStorage" | "QInt8Storage" | "QUInt8Storage" => 1,
        "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
        "FloatStorage" | "IntStorage" | "QInt32Storage" => 4,
        "DoubleStorage" | "LongStorage" | "ComplexFloatStorage" => 8,
        "ComplexDoubleStorage" => 16,
        _ => return None,
    })
}
