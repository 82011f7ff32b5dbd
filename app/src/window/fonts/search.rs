//! Which of the system's fonts to take for a character: of those that have it, a plain one that is made for its script.

use std::path::{Path, PathBuf};

use eframe::egui;
use egui::{FontData, FontFamily, FontInsert, FontPriority, InsertFontFamily};
use shufflescope_engine::files::read_regular;
use shufflescope_engine::units::Bytes;

use super::coverage::face_with;

/// Larger files are not loaded.
const MOST_BYTES: Bytes = Bytes(96 << 20);

/// Words in the names of fonts that show what nobody wants to read, or as few as possible, with what they cost.
const WORSE: [(&str, i32); 17] = [
    ("emoji", 40),
    ("symbol", 40),
    ("dings", 40),
    ("lastresort", 90),
    ("blank", 90),
    ("italic", 8),
    ("oblique", 8),
    ("bold", 4),
    ("black", 4),
    ("heavy", 4),
    ("thin", 4),
    ("extralight", 4),
    ("medium", 1),
    ("condensed", 3),
    ("mono", 3),
    ("serif", 3),
    ("looped", 2),
];

/// Words in the names of fonts to read, with what they are worth.
const BETTER: [(&str, i32); 4] = [("regular", 2), ("sans", 1), ("noto", 1), ("ui", 1)];

/// Scripts by the ranges of their characters, and words in the names of fonts that are made for them.
const SCRIPTS: [(u32, u32, &[&str]); 9] = [
    (0x0590, 0x05ff, &["hebrew", "arial", "david", "segoeui"]),
    (0x0600, 0x08ff, &["arab", "naskh", "geeza", "segoeui", "dejavu"]),
    (0x0900, 0x097f, &["devanagari", "nirmala", "kohinoor", "mangal", "lohit"]),
    (0x0e00, 0x0e7f, &["thai", "leelaw", "thonburi", "tlwg", "garuda"]),
    (0x1100, 0x11ff, HANGUL),
    (0x3040, 0x30ff, &["cjk", "jp", "hiragino", "yugoth", "meiryo", "gothic", "ipag", "fallback"]),
    (0x3130, 0x318f, HANGUL),
    (0x3400, 0x9fff, &["cjk", "pingfang", "msyh", "heiti", "hei", "simsun", "wqy", "hiragino", "fallback"]),
    (0xac00, 0xd7af, HANGUL),
];

const HANGUL: &[&str] = &["cjk", "kr", "malgun", "nanum", "sdgothic", "fallback"];

/// The best font that has this character.
pub fn font_with(wanted: char, fonts: &[PathBuf]) -> Option<FontInsert> {
    let mut ranked: Vec<_> = fonts.iter().map(|font| (cost(font, wanted), font)).collect();
    ranked.sort();
    ranked.into_iter().find_map(|(_, font)| load(font, face_with(font, wanted)?))
}

/// How little a font's name speaks for it.
fn cost(font: &Path, wanted: char) -> i32 {
    let name = font.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let sum = |words: &[(&str, i32)]| -> i32 {
        words.iter().filter(|(word, _)| name.contains(word)).map(|(_, points)| points).sum()
    };
    let script = SCRIPTS.iter().find(|(first, last, _)| (*first..=*last).contains(&u32::from(wanted)));
    let is_made_for_it = script.is_some_and(|(_, _, words)| words.iter().any(|word| name.contains(word)));
    sum(&WORSE) - sum(&BETTER) - if is_made_for_it { 6 } else { 0 }
}

/// A font behind all others of both families.
fn load(font: &Path, face: u32) -> Option<FontInsert> {
    let bytes = read_regular(font, MOST_BYTES).ok()?;
    let data = FontData { index: face, ..FontData::from_owned(bytes) };
    let last = |family| InsertFontFamily { family, priority: FontPriority::Lowest };
    let families = vec![last(FontFamily::Proportional), last(FontFamily::Monospace)];
    Some(FontInsert::new(&format!("{} {face}", font.display()), data, families))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(wanted: char, names: &[&'static str]) -> &'static str {
        names.iter().copied().min_by_key(|name| (cost(Path::new(name), wanted), *name)).unwrap()
    }

    #[test]
    fn a_plain_font_of_the_script_goes_first() {
        let fonts = [
            "NotoColorEmoji.ttf",
            "NotoSansCJK-Bold.ttc",
            "NotoSansCJK-Regular.ttc",
            "NotoSerifCJK-Regular.ttc",
            "NotoSansArabic-Regular.ttf",
            "NotoNaskhArabic-Regular.ttf",
            "NotoSansDevanagari-Regular.ttf",
            "DejaVuSans-Oblique.ttf",
        ];
        assert_eq!(first('网', &fonts), "NotoSansCJK-Regular.ttc");
        assert_eq!(first('한', &fonts), "NotoSansCJK-Regular.ttc");
        assert_eq!(first('ع', &fonts), "NotoSansArabic-Regular.ttf");
        assert_eq!(first('न', &fonts), "NotoSansDevanagari-Regular.ttf");
        assert_eq!(first('网', &["arial.ttf", "msyh.ttc", "seguiemj.ttf"]), "msyh.ttc");
        assert_eq!(first('网', &["LastResort.otf", "PingFang.ttc", "Zapfino.ttf"]), "PingFang.ttc");
    }
}
