//! Names in any script, with a font that is made here: what the system has decides nothing.

use std::path::Path;

use egui::{FontId, MissingGlyphPolicy};
use shufflescope::window::{Command, FontFolders, Setup};
use shufflescope_engine::design::Edit;

use super::{give, quiet};
use crate::support::Window;

/// A font that draws each of these characters as a square.
fn font(characters: &str) -> Vec<u8> {
    let mut sorted: Vec<u32> = characters.chars().map(u32::from).collect();
    sorted.sort_unstable();
    let mut cmap = words(&[0, 1, 3, 10, 0, 12, 12, 0]);
    let length = 16 + 12 * sorted.len() as u32;
    cmap.extend([length, 0, sorted.len() as u32].into_iter().flat_map(u32::to_be_bytes));
    cmap.extend(sorted.iter().flat_map(|&character| [character, character, 1]).flat_map(u32::to_be_bytes));
    // One contour of four points on the curve, by 16-bit steps.
    let mut glyf = words(&[1, 100, 0, 900, 800, 3, 0]);
    glyf.extend([1; 4]);
    glyf.extend(words(&[100, 800, 0, (-800_i16) as u16, 0, 0, 800, 0]));
    let head =
        words(&[1, 0, 1, 0, 0, 0, 0x5f0f, 0x3cf5, 0, 1000, 0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 900, 800, 0, 8, 2, 0, 0]);
    let mut hhea = vec![1, 0, 800, (-200_i16) as u16, 0, 1000];
    hhea.extend([0; 11]);
    hhea.push(2);
    let mut maxp = vec![1, 0, 2, 4, 1];
    maxp.extend([0; 11]);
    let loca = words(&[0, 0, glyf.len() as u16 / 2]);
    let tables = [
        (b"cmap", cmap),
        (b"glyf", glyf),
        (b"head", head),
        (b"hhea", words(&hhea)),
        (b"hmtx", words(&[1000, 0, 1000, 100])),
        (b"loca", loca),
        (b"maxp", words(&maxp)),
    ];
    let mut font = words(&[1, 0, tables.len() as u16, 64, 2, 48]);
    let mut at = font.len() + 16 * tables.len();
    let mut body = Vec::new();
    for (tag, table) in tables {
        font.extend(tag);
        font.extend([0, at as u32, table.len() as u32].into_iter().flat_map(u32::to_be_bytes));
        body.extend(&table);
        body.resize(body.len().next_multiple_of(4), 0);
        at += table.len().next_multiple_of(4);
    }
    font.extend(body);
    font
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn with_fonts(folder: &Path) -> Window {
    Window::with_boxes(Setup { font_folders: FontFolders(vec![folder.into()]), ..quiet(None) })
}

fn has(window: &Window, character: char) -> bool {
    window.harness.ctx.fonts_mut(|fonts| fonts.has_glyph(&FontId::proportional(13.5), character))
}

#[test]
fn a_name_in_any_script_is_drawn_with_a_font_of_the_system() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("NotoSansCJK-Regular.ttf"), font("网络")).unwrap();
    std::fs::write(folder.path().join("NotoSansHebrew-Regular.ttf"), font("שלום")).unwrap();
    std::fs::write(folder.path().join("broken.ttf"), [0xff; 100]).unwrap();
    let mut window = with_fonts(folder.path());
    assert!(!has(&window, '网'));
    let ctx = window.harness.ctx.clone();
    for (name, character) in [("网络", '络'), ("שלום שם", 'ש')] {
        give(&mut window, Command::Edit(Edit::Rename(name.into())));
        let all = ctx.clone();
        window.wait("the font", |_| all.fonts_mut(|fonts| fonts.has_glyph(&FontId::proportional(13.5), character)));
        window.step();
        assert!(window.says(name), "the accessible name is as it was written");
    }
    give(&mut window, Command::Edit(Edit::Rename("网络".into())));
    // Nothing that is painted is a box any more, or this would panic.
    ctx.set_missing_glyph_policy(MissingGlyphPolicy::Panic);
    window.step();
    assert!(has(&window, '网') && has(&window, 'ם'));
}

#[test]
fn a_character_that_no_font_has_stays_a_box_and_is_looked_for_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.otf"), font("网")).unwrap();
    let mut window = with_fonts(folder.path());
    give(&mut window, Command::Edit(Edit::Rename("한网".into())));
    let ctx = window.harness.ctx.clone();
    window.wait("the font", |_| ctx.fonts_mut(|fonts| fonts.has_glyph(&FontId::proportional(13.5), '网')));
    window.step();
    assert!(!has(&window, '한'));
    assert_eq!(window.app().document().name(), "한网");
}
