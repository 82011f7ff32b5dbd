//! Text with words that are read from the right, ordered for what lays text out from the left: every word is shaped
//! and turned by the shaper, but its neighbours stand in the order in which they are written.
//!
//! Words of such a script that follow each other, with blanks and signs between them, change places; everything else
//! stays. That is legible and short of the Unicode algorithm: brackets are not mirrored, and levels are not nested.

use std::borrow::Cow;

/// The text in the order in which it is to be laid out from the left.
#[must_use]
pub fn reading_order(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_from_the_right) {
        return Cow::Borrowed(text);
    }
    let parts = parts(text);
    let mut ordered = String::with_capacity(text.len());
    let mut rest = parts.as_slice();
    while let Some((first, behind)) = rest.split_first() {
        if first.kind != Kind::FromTheRight {
            ordered.push_str(first.text);
            rest = behind;
            continue;
        }
        let ends = rest.iter().position(|part| part.kind == Kind::FromTheLeft).unwrap_or(rest.len());
        let (run, others) = rest.split_at(ends);
        // Blanks and signs behind the last word belong to what follows.
        let length = run.iter().rposition(|part| part.kind == Kind::FromTheRight).map_or(1, |last| last + 1);
        let (run, signs) = run.split_at(length.min(run.len()));
        run.iter().rev().chain(signs).for_each(|part| ordered.push_str(part.text));
        rest = others;
    }
    Cow::Owned(ordered)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    FromTheLeft,
    FromTheRight,
    /// Blanks, signs and digits: they go with their neighbours.
    Between,
}

#[derive(Debug)]
struct Part<'a> {
    text: &'a str,
    kind: Kind,
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    let mut start = 0;
    let mut before = None;
    for (at, character) in text.char_indices() {
        let kind = kind(character);
        if let Some(other) = before.filter(|other| *other != kind) {
            parts.extend(text.get(start..at).map(|text| Part { text, kind: other }));
            start = at;
        }
        before = Some(kind);
    }
    parts.extend(before.zip(text.get(start..)).map(|(kind, text)| Part { text, kind }));
    parts
}

fn kind(character: char) -> Kind {
    if is_from_the_right(character) {
        Kind::FromTheRight
    } else if character.is_alphabetic() {
        Kind::FromTheLeft
    } else {
        Kind::Between
    }
}

/// Whether a character belongs to a script that is written from the right.
const fn is_from_the_right(character: char) -> bool {
    matches!(
        character,
        '\u{590}'..='\u{8ff}'
            | '\u{fb1d}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefe}'
            | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_the_right_change_places_and_others_stay() {
        for (written, laid_out) in [
            ("mine.toml", "mine.toml"),
            ("名前", "名前"),
            ("שלום", "שלום"),
            ("שלום עולם", "עולם שלום"),
            ("מסמך שלי.toml", "שלי מסמך.toml"),
            ("Saved to שבכה קלה 2.toml now", "Saved to קלה שבכה 2.toml now"),
            ("الشبكة 3 الأولى x", "الأولى 3 الشبكة x"),
            ("a ש", "a ש"),
        ] {
            assert_eq!(reading_order(written), laid_out, "{written}");
        }
        assert!(matches!(reading_order("plain"), Cow::Borrowed(_)));
    }
}
