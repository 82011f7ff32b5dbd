//! What an edited design is called, and what is said of it.

use std::sync::LazyLock;

use shufflescope_engine::design::{Design, Edit, Fingerprint};
use shufflescope_engine::zoo;

/// Ends the name of a design that was a preset before it was edited.
const EDITED: &str = " (edited)";

/// A preset keeps its name only while it is that preset; a name of one's own stays.
pub(super) fn name_after(before: &str, edited: &Design) -> String {
    static PRESETS: LazyLock<Vec<(Fingerprint, &str)>> = LazyLock::new(|| {
        let preset = |preset: &'static zoo::Preset| (preset.design.fingerprint(), preset.design.name.as_str());
        zoo::presets().iter().map(preset).collect()
    });
    let base = without_width(before.strip_suffix(EDITED).unwrap_or(before));
    let of_a_preset = zoo::find(before).is_some()
        || before.ends_with(EDITED) && PRESETS.iter().any(|(_, name)| without_width(name) == base);
    if !of_a_preset || edited.name != before {
        return edited.name.clone();
    }
    let print = edited.fingerprint();
    // Two presets may be the same network; the one nearest to what it was before goes first.
    let same = PRESETS.iter().filter(|(preset, _)| *preset == print).map(|(_, name)| *name);
    match same.min_by_key(|name| (*name != before, without_width(name) != base, name.len())) {
        Some(name) => name.to_owned(),
        None => format!("{base}{EDITED}"),
    }
}

/// `shufflenet-v2-paper` of `shufflenet-v2-x1.0-paper`: the width is a setting of its own.
fn without_width(name: &str) -> String {
    let is_width = |part: &&str| part.strip_prefix('x').is_some_and(|width| width.parse::<f64>().is_ok());
    let parts: Vec<&str> = name.split('-').filter(|part| !is_width(part)).collect();
    parts.join("-")
}

/// Says which channels an edit moved that asked for something else.
pub(super) fn moved_channels(edit: &Edit, before: &Design, after: &Design) -> Option<String> {
    let Edit::All(edits) = edit else { return None };
    if !edits.contains(&Edit::Fit) {
        return None;
    }
    let pairs = before.stages.iter().zip(&after.stages).map(|(before, after)| (before.channels, after.channels));
    let moved: Vec<String> =
        pairs.filter(|(before, after)| before != after).map(|(before, after)| format!("{before} to {after}")).collect();
    (!moved.is_empty()).then(|| format!("Channels moved so that they divide: {}.", moved.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::design::BlockEdit;

    fn named(from: &str, edit: Edit) -> String {
        name_after(from, &Design { name: from.into(), ..zoo::preset("shufflenet-v2-x1.0").unwrap().apply(&edit) })
    }

    #[test]
    fn a_preset_keeps_its_name_only_while_it_is_that_preset() {
        assert_eq!(named("shufflenet-v2-x1.0", Edit::Width(1.5)), "shufflenet-v2-x1.5");
        assert_eq!(named("shufflenet-v2-x1.0", Edit::Width(1.37)), "shufflenet-v2 (edited)");
        assert_eq!(named("shufflenet-v2 (edited)", Edit::Width(2.0)), "shufflenet-v2-x2.0");
        assert_eq!(named("shufflenet-v2-x1.0", Edit::Blocks(BlockEdit::Kernel(5))), "shufflenet-v2 (edited)");
    }

    #[test]
    fn a_name_of_ones_own_stays() {
        assert_eq!(named("mine", Edit::Width(1.5)), "mine");
        assert_eq!(named("mine (edited)", Edit::Width(1.5)), "mine (edited)");
    }
}
