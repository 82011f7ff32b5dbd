//! Two networks' stages side by side.

/// Positions of stages that stand together: those of equal name, in the first network's order as far as both agree.
/// Every stage of both is there once.
#[must_use]
pub fn aligned<S: AsRef<str>>(first: &[S], second: &[S]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut pairs = Vec::with_capacity(first.len().max(second.len()));
    let mut next = 0;
    for (at, name) in first.iter().enumerate() {
        let name = name.as_ref();
        match second.iter().skip(next).position(|other| other.as_ref() == name).map(|found| next + found) {
            Some(found) => {
                pairs.extend((next..found).map(|only| (None, Some(only))));
                pairs.push((Some(at), Some(found)));
                next = found + 1;
            }
            None => pairs.push((Some(at), None)),
        }
    }
    pairs.extend((next..second.len()).map(|only| (None, Some(only))));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_of_equal_name_stand_together_and_none_is_lost() {
        let now = ["stem", "stage2", "stage3", "head"];
        let longer = ["stem", "stage2", "stage3", "stage4", "head"];
        let both = |index| (Some(index), Some(index));
        let expected = [both(0), both(1), both(2), (None, Some(3)), (Some(3), Some(4))];
        assert_eq!(aligned(&now, &longer), expected);
        let turned: Vec<_> = expected.iter().map(|&(a, b)| (b, a)).collect();
        assert_eq!(aligned(&longer, &now), turned);
    }

    #[test]
    fn networks_of_other_names_stand_one_behind_the_other() {
        assert_eq!(aligned(&["a"], &["b", "c"]), [(Some(0), None), (None, Some(0)), (None, Some(1))]);
    }
}
