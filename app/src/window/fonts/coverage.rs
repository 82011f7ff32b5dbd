//! Which characters a font has, from its table `cmap` alone: most fonts are many times as large.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Most faces of a collection that are looked at.
const MOST_FACES: u32 = 64;

/// A longer table is no sound one.
const MOST_BYTES: u32 = 8 << 20;

/// The face of this font file that has the character, the first one of a collection.
#[must_use]
pub fn face_with(font: &Path, wanted: char) -> Option<u32> {
    let mut file = File::open(font).ok().filter(|file| file.metadata().is_ok_and(|about| about.is_file()))?;
    let starts = faces(&mut file).ok()?;
    let mut seen = None;
    (0..).zip(starts).find_map(|(index, start)| {
        let at = cmap_of(&mut file, start).ok()??;
        if seen == Some(at) {
            // Faces of a collection often share it.
            return None;
        }
        seen = Some(at);
        let cmap = bytes_at(&mut file, at.0, at.1).ok()?;
        has(&cmap, wanted).then_some(index)
    })
}

/// Where the faces begin.
fn faces(file: &mut File) -> io::Result<Vec<u32>> {
    let head = bytes_at(file, 0, 12)?;
    if !head.starts_with(b"ttcf") {
        return Ok(vec![0]);
    }
    let count = u32_at(&head, 8).unwrap_or(0).min(MOST_FACES);
    let starts = bytes_at(file, 12, count * 4)?;
    Ok((0..count as usize).filter_map(|index| u32_at(&starts, index * 4)).collect())
}

/// Where the table of characters stands in a face that is drawn with outlines.
fn cmap_of(file: &mut File, start: u32) -> io::Result<Option<(u32, u32)>> {
    let head = bytes_at(file, start, 12)?;
    let count = u32::from(u16_at(&head, 4).unwrap_or(0));
    let tables = bytes_at(file, start.saturating_add(12), count * 16)?;
    let is_outline = |table: &[u8]| [b"glyf", b"CFF ", b"CFF2"].iter().any(|tag| table.starts_with(*tag));
    let has_outlines = tables.chunks_exact(16).any(is_outline);
    let cmap = tables.chunks_exact(16).find(|table| table.starts_with(b"cmap")).filter(|_| has_outlines);
    let place = |table: &[u8]| Some((u32_at(table, 8)?, u32_at(table, 12)?));
    Ok(cmap.and_then(place).filter(|(_, length)| *length <= MOST_BYTES))
}

fn bytes_at(file: &mut File, at: u32, length: u32) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at.into()))?;
    let mut bytes = vec![0; length as usize];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Whether a table of characters has this one.
fn has(cmap: &[u8], wanted: char) -> bool {
    let count = usize::from(u16_at(cmap, 2).unwrap_or(0));
    let glyph = |record: usize| {
        let (platform, encoding) = (u16_at(cmap, record)?, u16_at(cmap, record + 2)?);
        let is_unicode = platform == 0 || platform == 3 && matches!(encoding, 1 | 10);
        let table = cmap.get(u32_at(cmap, record + 4)? as usize..).filter(|_| is_unicode)?;
        match u16_at(table, 0)? {
            4 => in_segments(table, wanted.into()),
            12 => in_groups(table, wanted.into()),
            // What maps everything to the same picture is of no use: format 13.
            _ => None,
        }
    };
    (0..count).any(|index| glyph(4 + index * 8).is_some_and(|glyph| glyph != 0))
}

/// Format 4: segments of 16 bits.
fn in_segments(table: &[u8], wanted: u32) -> Option<u32> {
    let wanted = u16::try_from(wanted).ok()?;
    let twice = usize::from(u16_at(table, 6)?) & !1;
    let ends = table.get(14..14 + twice)?;
    let segment = ends.chunks_exact(2).position(|end| u16_at(end, 0).is_some_and(|end| end >= wanted))? * 2;
    let start = u16_at(table, 16 + twice + segment)?;
    let inside = usize::from(wanted.checked_sub(start)?);
    let delta = u16_at(table, 16 + 2 * twice + segment)?;
    let place = 16 + 3 * twice + segment;
    let glyph = match usize::from(u16_at(table, place)?) {
        0 => wanted.wrapping_add(delta),
        offset => match u16_at(table, place + offset + 2 * inside)? {
            0 => 0,
            glyph => glyph.wrapping_add(delta),
        },
    };
    Some(glyph.into())
}

/// Format 12: groups of 32 bits, sorted.
fn in_groups(table: &[u8], wanted: u32) -> Option<u32> {
    let count = u32_at(table, 12)? as usize;
    let groups = table.get(16..)?.chunks_exact(12).take(count);
    for group in groups {
        let (start, end, first) = (u32_at(group, 0)?, u32_at(group, 4)?, u32_at(group, 8)?);
        if wanted < start {
            return None;
        }
        if wanted <= end {
            return first.checked_add(wanted - start);
        }
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with one subtable.
    fn cmap(encoding: u16, subtable: &[u8]) -> Vec<u8> {
        let mut table = vec![0, 0, 0, 1, 0, 3];
        table.extend(encoding.to_be_bytes());
        table.extend(12_u32.to_be_bytes());
        table.extend(subtable);
        table
    }

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn characters_are_found_in_segments_and_groups_and_nowhere_else() {
        // Segments: A to C with a delta, U+4E00 by way of the list of glyphs, and the end.
        let list =
            words(&[4, 42, 0, 6, 0, 0, 0, 0x43, 0x4e01, 0xffff, 0, 0x41, 0x4e00, 0xffff, 0xffc0, 0, 1, 0, 4, 0, 7, 0]);
        let table = cmap(1, &list);
        for (wanted, is_there) in [('A', true), ('C', true), ('D', false), ('\u{4e00}', true), ('\u{4e01}', false)] {
            assert_eq!(has(&table, wanted), is_there, "{wanted}");
        }
        let mut groups = words(&[12, 0]);
        for number in [0_u32, 0, 2, 0x41, 0x42, 5, 0x1_f600, 0x1_f601, 9] {
            groups.extend(number.to_be_bytes());
        }
        let table = cmap(10, &groups);
        for (wanted, is_there) in [('A', true), ('C', false), ('\u{1f601}', true), ('\u{1f602}', false)] {
            assert_eq!(has(&table, wanted), is_there, "{wanted}");
        }
    }

    #[test]
    fn damaged_tables_have_nothing() {
        let list = words(&[4, 42, 0, 6, 0, 0, 0, 0x43]);
        for cut in 0..list.len() {
            assert!(!has(&cmap(1, &list[..cut]), 'A'));
        }
        let folder = tempfile::tempdir().unwrap();
        let font = folder.path().join("a.ttc");
        for damage in [&b""[..], b"ttcf\0\0\0\0\xff\xff\xff\xff", &[0xff; 64]] {
            std::fs::write(&font, damage).unwrap();
            assert_eq!(face_with(&font, 'A'), None);
        }
    }
}
