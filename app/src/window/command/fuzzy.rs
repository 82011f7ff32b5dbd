//! Finds what a person means by a few letters of it.

/// How well `typed` fits `name`, the higher the better; `None` where a letter of it is missing. Its words may stand in any
/// order; letters of a word follow each other in the name, at best without a gap and from the beginning of a word.
#[must_use]
pub fn rank(typed: &str, name: &str) -> Option<i32> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let words = typed.split_whitespace().map(|word| fit(word, &name));
    words.sum::<Option<i32>>().map(|points| points * 64 - i32::try_from(name.len().min(63)).unwrap_or(63))
}

/// The best of all places where a word can begin.
fn fit(word: &str, name: &[char]) -> Option<i32> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let starts = (0..name.len()).filter(|&at| name.get(at) == word.first());
    starts.filter_map(|start| fit_from(&word, name, start)).max()
}

fn fit_from(word: &[char], name: &[char], start: usize) -> Option<i32> {
    let mut points = 0;
    let mut at = start;
    for (index, letter) in word.iter().enumerate() {
        let found = at + name.get(at..)?.iter().position(|other| other == letter)?;
        let begins_word = found == 0 || name.get(found - 1).is_some_and(|before| !before.is_alphanumeric());
        let follows = index > 0 && found == at;
        points += 1 + 3 * i32::from(follows) + 4 * i32::from(begins_word);
        at = found + 1;
    }
    Some(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best<'a>(typed: &str, names: &[&'a str]) -> Option<&'a str> {
        let ranked = names.iter().filter_map(|name| Some((rank(typed, name)?, *name)));
        ranked.max_by_key(|(points, _)| *points).map(|(_, name)| name)
    }

    #[test]
    fn a_few_letters_find_the_command_that_is_meant() {
        let names = ["Save", "Save as", "Show Advice view", "Show Lab tab", "Export trace (Perfetto)", "Larger text"];
        for (typed, meant) in [
            ("save", "Save"),
            ("sa as", "Save as"),
            ("lab", "Show Lab tab"),
            ("tab lab", "Show Lab tab"),
            ("perf", "Export trace (Perfetto)"),
            ("LT", "Larger text"),
            ("adv", "Show Advice view"),
        ] {
            assert_eq!(best(typed, &names), Some(meant), "{typed}");
        }
    }

    #[test]
    fn a_letter_that_is_missing_rules_a_name_out_and_nothing_typed_fits_all() {
        assert_eq!(rank("savex", "Save"), None);
        assert_eq!(rank("evas", "Save"), None);
        assert!(rank("", "Save") > rank("", "Save as"), "the shorter one goes first");
        assert!(rank("é", "Café").is_some() && rank("名", "Open 名前").is_some());
    }
}
