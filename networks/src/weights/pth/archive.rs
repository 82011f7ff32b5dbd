//! The zip container of PyTorch 1.6 and later: `NAME/data.pkl` and one stored (never compressed) entry per storage,
//! `NAME/data/KEY`. Only what `torch.save` writes is read, so that every tensor is a plain range of the file.
//! Field offsets are those of PKWARE's APPNOTE 6.3, sections 4.3.7 (local header), .12 (directory) and .14 to .16 (end).

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use super::super::stored::{Checksum, Fault, Group, StoredTensor, shown};
use super::state_dict::Record;
use super::{found, pickle};

/// Longest directory read: about 200,000 entries.
const LONGEST_DIRECTORY: u64 = 16 << 20;

/// Fixed length of the end record, and its longest comment.
const END: usize = 22;
const LONGEST_COMMENT: u64 = 0xFFFF;

/// The dicts of tensors in a file, none of which is read yet.
pub(in super::super) fn list(file: &mut File, length: u64) -> Result<Vec<Group>, Fault> {
    let entries = directory(file, length)?;
    if let Some(reason) = foreign(&entries) {
        return Err(Fault::Foreign(reason));
    }
    let mut pickles = entries.keys().filter_map(|name| Some((name, name.strip_suffix("data.pkl")?)));
    let (Some((name, prefix)), None) = (pickles.next(), pickles.next()) else {
        return Err(Fault::malformed("it has no `data.pkl`, or several"));
    };
    let mut archive = Archive { file, length, entries: &entries };
    if let Some(order) = archive.read(&format!("{prefix}byteorder"), 6)?
        && order != b"little"
    {
        return Err(Fault::malformed("its tensors are stored big-endian"));
    }
    let bytes = archive.read(name, pickle::LONGEST)?.unwrap_or_default();
    let (object, _) = pickle::read(&bytes, &mut { pickle::MOST_OBJECTS }).map_err(Fault::Malformed)?;
    let mut storages = Storages { archive, prefix, known: HashMap::new() };
    let mut groups = Vec::new();
    for found in found::found(&object)? {
        let tensors = found.records.into_iter().map(|record| storages.tensor(record)).collect::<Result<_, Fault>>()?;
        groups.push(Group { place: found.place, tensors });
    }
    Ok(groups)
}

/// Where the storages lie, as far as they were asked for.
struct Storages<'a> {
    archive: Archive<'a>,
    prefix: &'a str,
    known: HashMap<String, Arc<Checksum>>,
}

impl Storages<'_> {
    fn tensor(&mut self, record: Record) -> Result<StoredTensor, Fault> {
        let Some(key) = record.storage.clone() else { return Ok(record.between(0, 0)) };
        let storage = match self.known.get(&key) {
            Some(storage) => Arc::clone(storage),
            None => {
                let missing = || Fault::malformed(format!("it has no data for tensor `{}`", shown(&record.name)));
                let place = self.archive.place(&format!("{}data/{key}", self.prefix))?;
                let storage = Arc::new(place.ok_or_else(missing)?);
                self.known.insert(key, Arc::clone(&storage));
                storage
            }
        };
        let tensor = record.between(storage.begin, storage.end);
        Ok(StoredTensor { checksum: Some(storage), ..tensor })
    }
}

/// What an archive is that `torch.save` did not write, by the names in it.
fn foreign(entries: &HashMap<String, Entry>) -> Option<String> {
    let has = |end: &str| entries.keys().any(|name| name.ends_with(end));
    let inside = |part: &str| entries.keys().any(|name| name.contains(part));
    let all = |end: &str| !entries.is_empty() && entries.keys().all(|name| name.ends_with(end));
    let known = [
        (
            has("constants.pkl") && inside("code/") || has("/model.json") && inside("/code/"),
            "it is a TorchScript program, as `torch.jit.save` writes it; \
             `torch.save(torch.jit.load(FILE).state_dict(), \"weights.pth\")` saves its weights",
        ),
        (
            has("archive_format") || has("serialized_exported_program.json"),
            "it is a program of `torch.export`; `torch.save(torch.export.load(FILE).state_dict, \"weights.pth\")` saves \
             its weights",
        ),
        (
            has(".data/extern_modules"),
            "it is a package of `torch.package`; load its model there and save `model.state_dict()`",
        ),
        (all(".npy"), "it is a NumPy archive; save its arrays by PyTorch's names with `safetensors.numpy.save_file`"),
        (has("model.weights.h5"), "it is a Keras model; export it as ONNX (`tf2onnx`) and give that as the network"),
    ];
    if let Some((_, what)) = known.into_iter().find(|(is, _)| *is) {
        return Some(what.into());
    }
    if has("data.pkl") {
        return None;
    }
    let mut inner = entries.keys().filter(|name| {
        [".pth", ".pt", ".tar", ".ckpt", ".bin", ".safetensors", ".onnx"].iter().any(|end| name.ends_with(end))
    });
    inner.next().map(|name| format!("it is a zip archive with `{}` in it; unpack it first", shown(name)))
}

struct Entry {
    /// Where the entry's local header is.
    header: u64,
    /// Bytes of content.
    size: u64,
    /// CRC-32 of the content; 0 where the writer computed none.
    crc32: u32,
    /// Compressed or encrypted, which `torch.save` never does.
    is_packed: bool,
}

/// Bytes of a local header without the name and the extra fields behind it.
const LOCAL_HEADER: u64 = 30;

struct Archive<'a> {
    file: &'a mut File,
    length: u64,
    entries: &'a HashMap<String, Entry>,
}

impl Archive<'_> {
    /// Where the entry of this name lies, with its checksum; `None` where there is none.
    fn place(&mut self, name: &str) -> Result<Option<Checksum>, Fault> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        if entry.is_packed {
            let name = shown(name);
            return Err(Fault::malformed(format!(
                "its entry `{name}` is compressed or encrypted, which `torch.save` does not do; save it there again"
            )));
        }
        let mut header = [0; LOCAL_HEADER as usize];
        self.file.seek(SeekFrom::Start(entry.header))?;
        self.file.read_exact(&mut header)?;
        let begin = entry.header.saturating_add(LOCAL_HEADER + number(&header, 26, 2) + number(&header, 28, 2));
        let end = begin.saturating_add(entry.size);
        if !header.starts_with(b"PK\x03\x04") || end > self.length {
            return Err(Fault::malformed("an entry is not where its directory says"));
        }
        Ok(Some(Checksum { entry: name.into(), begin, end, crc32: entry.crc32 }))
    }

    /// The content of the entry of this name.
    fn read(&mut self, name: &str, longest: u64) -> Result<Option<Vec<u8>>, Fault> {
        let Some(place) = self.place(name)? else { return Ok(None) };
        let size = place.end - place.begin;
        if size > longest {
            return Err(Fault::malformed(format!("an entry has {size} bytes where at most {longest} make sense")));
        }
        let bytes = at(self.file, place.begin, size)?;
        place.compare(crc32fast::hash(&bytes))?;
        Ok(Some(bytes))
    }
}

/// `size` bytes from `begin` on; the caller has checked that the size is reasonable.
fn at(file: &mut File, begin: u64, size: u64) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; size as usize];
    file.seek(SeekFrom::Start(begin))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Every entry by name.
fn directory(file: &mut File, length: u64) -> Result<HashMap<String, Entry>, Fault> {
    let (begin, size) = directory_place(file, length)?;
    if size > LONGEST_DIRECTORY || begin.checked_add(size).is_none_or(|end| end > length) {
        return Err(Fault::malformed(format!("its directory claims {size} bytes at {begin}, the file has {length}")));
    }
    let bytes = at(file, begin, size)?;
    let mut rest = bytes.as_slice();
    let mut entries = HashMap::new();
    while rest.starts_with(b"PK\x01\x02") {
        let damaged = || Fault::malformed("its directory is damaged");
        let (name_length, extra_length) = (number(rest, 28, 2) as usize, number(rest, 30, 2) as usize);
        let extra_begin = 46 + name_length;
        let name = String::from_utf8_lossy(rest.get(46..extra_begin).ok_or_else(damaged)?).into_owned();
        let extra = rest.get(extra_begin..extra_begin + extra_length).ok_or_else(damaged)?;
        let is_packed = number(rest, 10, 2) != 0 || number(rest, 8, 2) & 1 != 0;
        let [stored, size, header] = wide([number(rest, 20, 4), number(rest, 24, 4), number(rest, 42, 4)], extra);
        if stored != size && !is_packed {
            return Err(damaged());
        }
        let crc32 = number(rest, 16, 4) as u32;
        let next = extra_begin + extra_length + number(rest, 32, 2) as usize;
        rest = rest.get(next..).ok_or_else(damaged)?;
        if let Some(Entry { .. }) = entries.insert(name, Entry { header, size: stored, crc32, is_packed }) {
            return Err(Fault::malformed("two entries have the same name"));
        }
    }
    if overlap(&entries, begin) {
        return Err(Fault::malformed("two of its entries lie in the same bytes"));
    }
    Ok(entries)
}

/// Whether an entry reaches into the next one, or the last into the directory.
fn overlap(entries: &HashMap<String, Entry>, directory: u64) -> bool {
    let end = |entry: &Entry| entry.header.saturating_add(LOCAL_HEADER).saturating_add(entry.size);
    let mut places: Vec<(u64, u64)> = entries.values().map(|entry| (entry.header, end(entry))).collect();
    places.sort_unstable();
    let next = places.iter().skip(1).map(|(begin, _)| *begin).chain([directory]);
    places.iter().zip(next).any(|((_, end), next)| *end > next)
}

/// Fields of a directory entry, those that do not fit 32 bits taken from the zip64 extra field.
fn wide(narrow: [u64; 3], extra: &[u8]) -> [u64; 3] {
    let mut rest = extra;
    while rest.len() >= 4 && number(rest, 0, 2) != 1 {
        rest = rest.get(4 + number(rest, 2, 2) as usize..).unwrap_or_default();
    }
    // Uncompressed size comes before compressed size there, but the two are equal for stored entries.
    let mut next = 4;
    narrow.map(|field| {
        if field != 0xFFFF_FFFF {
            return field;
        }
        next += 8;
        number(rest, next - 8, 8)
    })
}

/// Offset and size of the directory, from the record at the file's end.
fn directory_place(file: &mut File, length: u64) -> Result<(u64, u64), Fault> {
    let tail_length = length.min(END as u64 + LONGEST_COMMENT);
    let tail = at(file, length - tail_length, tail_length)?;
    let is_end =
        |record: &[u8]| record.starts_with(b"PK\x05\x06") && number(record, 20, 2) == record.len() as u64 - END as u64;
    let begin = (0..=tail.len().saturating_sub(END)).rev().find(|&begin| tail.get(begin..).is_some_and(is_end));
    let Some(begin) = begin else {
        return Err(Fault::malformed("it has no zip directory at its end: it is cut off or not a zip archive"));
    };
    let record = tail.get(begin..).unwrap_or_default();
    let (offset, size) = (number(record, 16, 4), number(record, 12, 4));
    let locator = begin.checked_sub(20).and_then(|begin| tail.get(begin..));
    match locator {
        Some(locator) if locator.starts_with(b"PK\x06\x07") => {
            let record = number(locator, 8, 8);
            if record.checked_add(56).is_none_or(|end| end > length) {
                return Err(Fault::malformed("its zip64 record lies outside the file"));
            }
            let record = at(file, record, 56)?;
            if !record.starts_with(b"PK\x06\x06") {
                return Err(Fault::malformed("its zip64 record is damaged"));
            }
            Ok((number(&record, 48, 8), number(&record, 40, 8)))
        }
        _ => Ok((offset, size)),
    }
}

/// The little-endian number of `size` bytes at `offset`; bytes beyond the end count as zero.
fn number(bytes: &[u8], offset: usize, size: usize) -> u64 {
    let end = bytes.len().min(offset.saturating_add(size));
    bytes.get(offset..end).unwrap_or_default().iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_beyond_four_gigabytes_take_their_fields_from_the_zip64_extra() {
        let all = 0xFFFF_FFFF;
        let field = |numbers: &[u64]| {
            let mut extra = vec![0xCA, 0xFE, 2, 0, 7, 7, 1, 0, 8 * numbers.len() as u8, 0];
            extra.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            extra
        };
        assert_eq!(wide([5, 5, 9], &[]), [5, 5, 9]);
        assert_eq!(wide([5, 5, all], &field(&[1 << 33])), [5, 5, 1 << 33]);
        assert_eq!(wide([all, all, all], &field(&[1 << 32, 1 << 32, 1 << 40])), [1 << 32, 1 << 32, 1 << 40]);
    }

    #[test]
    fn a_zip64_end_record_leads_to_the_same_tensors() {
        use std::io::Write;
        let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny.pth");
        let narrow = std::fs::read(fixture).unwrap();
        let (content, end) = narrow.split_at(narrow.len() - END);
        assert!(end.starts_with(b"PK\x05\x06"));
        let directory = (number(end, 12, 4), number(end, 16, 4));

        // Record (56 bytes: size and offset of the directory last), locator, and an end record that defers to them.
        let mut bytes = content.to_vec();
        bytes.extend(b"PK\x06\x06");
        bytes.extend([0; 36]);
        bytes.extend([directory.0, directory.1].iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend(b"PK\x06\x07\0\0\0\0");
        bytes.extend((content.len() as u64).to_le_bytes());
        bytes.extend([1, 0, 0, 0]);
        bytes.extend(b"PK\x05\x06");
        bytes.extend([0xFF; 16]);
        bytes.extend([0, 0]);

        let places = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            let mut groups = list(&mut file, bytes.len() as u64).unwrap();
            let tensors = groups.remove(0).tensors;
            tensors.into_iter().map(|tensor| (tensor.name, tensor.shape, tensor.begin, tensor.end)).collect::<Vec<_>>()
        };
        assert_eq!(places(&bytes), places(&narrow));
        assert_eq!(places(&bytes).len(), 8);
    }
}
