//! The stream that `torch.save` wrote before PyTorch 1.6: five pickles (magic number, protocol, system, object, storage
//! keys), then every storage as its length in elements (64 bits) and its bytes. `torch/serialization.py`, `_legacy_save`.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use candle_core::pickle::Object;

use super::super::stored::{Fault, StoredTensor, shown};
use super::{pickle, state_dict};

/// The first pickle: the number 0x1950a86a20f9469cfc6c.
pub(super) const MAGIC: &[u8; 15] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// The protocol that this layout has.
const PROTOCOL: i32 = 1001;

/// The tensors of a file, none of them read yet.
pub(super) fn list(file: &mut File, length: u64) -> Result<Vec<StoredTensor>, Fault> {
    let mut bytes = Vec::new();
    file.take(pickle::LONGEST).read_to_end(&mut bytes)?;
    let (mut at, mut left) = (MAGIC.len(), pickle::MOST_OBJECTS);
    let mut next = || {
        let (object, length) =
            pickle::read(bytes.get(at..).unwrap_or_default(), &mut left).map_err(Fault::Malformed)?;
        at += length;
        Ok::<_, Fault>(object)
    };
    let (protocol, system, object, keys) = (next()?, next()?, next()?, next()?);
    if protocol != Object::Int(PROTOCOL) {
        return Err(Fault::malformed("it is of an unknown version"));
    }
    if let Object::Dict(system) = &system
        && system.contains(&(Object::Unicode("little_endian".into()), Object::Bool(false)))
    {
        return Err(Fault::malformed("its tensors are stored big-endian"));
    }
    let records = state_dict::records(&object).map_err(Fault::Malformed)?;
    let mut classes = HashMap::new();
    state_dict::storages(&object, &mut classes);
    let ranges = ranges(file, length, at as u64, &keys, &classes)?;
    let place = |record: state_dict::Record| {
        let (begin, end) = match &record.storage {
            None => (0, 0),
            Some(key) => *ranges
                .get(key.as_str())
                .ok_or_else(|| Fault::malformed(format!("it has no data for tensor `{}`", shown(&record.name))))?,
        };
        Ok(record.between(begin, end))
    };
    records.into_iter().map(place).collect()
}

/// First and one past the last byte of every storage's content, by key.
fn ranges<'a>(
    file: &mut File,
    length: u64,
    mut at: u64,
    keys: &'a Object,
    classes: &HashMap<&str, &str>,
) -> Result<HashMap<&'a str, (u64, u64)>, Fault> {
    let Object::List(keys) = keys else {
        return Err(Fault::malformed("its list of storages is damaged"));
    };
    let mut ranges = HashMap::new();
    for key in keys {
        let (Object::Unicode(key), true) = (key, at < length) else {
            return Err(Fault::malformed("it ends before its last tensor"));
        };
        let size = classes.get(key.as_str()).and_then(|class| element_size(class));
        let size = size.ok_or_else(|| Fault::malformed(format!("storage `{}` is of an unknown kind", shown(key))))?;
        let mut elements = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut elements)?;
        let begin = at + elements.len() as u64;
        let end = u64::from_le_bytes(elements).checked_mul(size).and_then(|bytes| begin.checked_add(bytes));
        let Some(end) = end.filter(|&end| end <= length) else {
            return Err(Fault::malformed(format!("storage `{}` reaches beyond the file's {length} bytes", shown(key))));
        };
        ranges.insert(key.as_str(), (begin, end));
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
