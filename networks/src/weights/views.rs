//! The networks that a file's tensors can be read as: every group of them, with what wrappers put in front of its names
//! left on or taken off.
//!
//! `DataParallel`, `torch.compile`, Lightning and averages of the weights each put a word in front of every name
//! (`module.`, `_orig_mod.`, `model.`, `ema_model.`). Which of them belong to a network only that network's own names say,
//! so all are kept and the best is chosen when there is a network to compare with.

use std::collections::BTreeMap;

use super::stored::{Group, StoredTensor, shown};

/// One way to read a file's tensors.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Index of the group.
    pub(super) group: usize,
    /// Bytes of each name that are taken off.
    pub(super) cut: usize,
    /// Which tensors of the group, by index.
    pub(super) members: Vec<usize>,
    /// Where they are, for people and to be chosen by: `state_dict_ema`, `callbacks.EMA.module`.
    pub(super) key: String,
    /// Whether they are a moving average of the training's.
    pub(super) is_averaged: bool,
}

/// Parts of a name that only wrappers have, wherever they are in it.
const NEVER_NAMES: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

/// Words that are followed where only some of the names begin with them. Others are where most do.
const WRAPPERS: [&str; 19] = [
    "module",
    "model",
    "net",
    "network",
    "backbone",
    "encoder",
    "classifier_model",
    "state_dict",
    "model_state_dict",
    "model_state",
    "ema",
    "model_ema",
    "ema_model",
    "state_dict_ema",
    "averaged_model",
    "swa_model",
    "student",
    "teacher",
    "generator",
];

/// Keys that a network's weights have, the likeliest first; none where they are the file.
const USUAL: [&str; 8] = ["", "state_dict", "model_state_dict", "model", "net", "network", "weights", "params"];

/// Prefixes taken off one after the other, and views of one group.
const DEEPEST: usize = 4;
const MOST: usize = 16;

/// Takes parts out of the names that no network has.
pub(super) fn clean(groups: &mut Vec<Group>) {
    for group in &mut *groups {
        for tensor in &mut group.tensors {
            if NEVER_NAMES.iter().any(|part| tensor.name.contains(part)) {
                tensor.name = without(&tensor.name, |part| NEVER_NAMES.contains(&part));
            }
        }
    }
    // The ImageNet example's AlexNet and VGG are parallel in a part only: `features.module.0.weight`.
    let inside = |tensor: &StoredTensor| tensor.name.contains(".module.");
    let also: Vec<Group> = groups.iter().filter(|group| group.tensors.iter().any(inside)).cloned().collect();
    groups.extend(also.into_iter().map(|mut group| {
        group.tensors.iter_mut().for_each(|tensor| tensor.name = without(&tensor.name, |part| part == "module"));
        group
    }));
}

fn without(name: &str, is_left_out: impl Fn(&str) -> bool) -> String {
    name.split('.').filter(|part| !is_left_out(part)).collect::<Vec<_>>().join(".")
}

/// Every view of the groups, those to be preferred first: averages, as timm takes them, then by how usual the key is.
pub(super) fn views(groups: &[Group]) -> Vec<View> {
    let mut all = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let whole = View {
            group: index,
            cut: 0,
            members: (0..group.tensors.len()).collect(),
            key: group.place.clone(),
            is_averaged: is_averaged(&group.place),
        };
        let mut of_group = vec![whole];
        let mut begin = 0;
        for _ in 0..DEEPEST {
            let end = of_group.len();
            for at in begin..end {
                let inner = of_group.get(at).map(|view| unwrapped(view, group)).unwrap_or_default();
                of_group.extend(inner);
                of_group.truncate(MOST);
            }
            begin = end;
        }
        all.extend(of_group);
    }
    let usual = |view: &View| {
        let place = groups.get(view.group).map_or("", |group| group.place.as_str());
        let first = place.split('.').next().unwrap_or_default();
        USUAL.iter().position(|key| *key == first).unwrap_or(USUAL.len())
    };
    // The sort is stable: within a place the names as they are come first.
    all.sort_by_key(|view| (!view.is_averaged, usual(view)));
    all
}

/// The views inside a view: names that begin with the same word, without it.
fn unwrapped(view: &View, group: &Group) -> Vec<View> {
    let mut by_word: BTreeMap<&str, usize> = BTreeMap::new();
    let mut named = 0;
    for name in view.members.iter().filter_map(|&member| name_of(view, group, member)) {
        if is_counter(name) {
            continue;
        }
        named += 1;
        // What has one point is a layer, and its parameter.
        if let Some((word, rest)) = name.split_once('.')
            && rest.contains('.')
        {
            *by_word.entry(word).or_default() += 1;
        }
    }
    let is_wrapper = |word: &str, count: usize| count == named || WRAPPERS.contains(&word) || 2 * count > named;
    let words = by_word.into_iter().filter(|(word, count)| is_wrapper(word, *count)).map(|(word, _)| word);
    words
        .map(|word| {
            let prefix = format!("{word}.");
            let is_inside =
                |member: &usize| name_of(view, group, *member).is_some_and(|name| name.starts_with(&prefix));
            let word = shown(word);
            View {
                group: view.group,
                cut: view.cut + prefix.len(),
                members: view.members.iter().copied().filter(is_inside).collect(),
                // `torch.optim.swa_utils` counts beside the module what it has averaged.
                is_averaged: view.is_averaged
                    || is_averaged(&word)
                    || (word == "module" && counts_averages(view, group)),
                key: if view.key.is_empty() { word } else { format!("{}.{word}", view.key) },
            }
        })
        .collect()
}

/// What the view calls a member of its group.
fn name_of<'a>(view: &View, group: &'a Group, member: usize) -> Option<&'a str> {
    group.tensors.get(member)?.name.get(view.cut..)
}

fn counts_averages(view: &View, group: &Group) -> bool {
    view.members.iter().any(|&member| name_of(view, group, member) == Some("n_averaged"))
}

/// Whether a key says that a moving average is under it.
fn is_averaged(key: &str) -> bool {
    let words = ["ema", "swa", "averaged", "shadow"];
    key.to_ascii_lowercase().split(['.', '_', '-']).any(|word| words.contains(&word))
}

/// What layers and tools count beside the weights: steps of batch norm, averages, what `thop` measured.
pub(super) fn is_counter(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    matches!(last, "num_batches_tracked" | "n_averaged" | "total_ops" | "total_params")
}

#[cfg(test)]
mod tests {
    use super::super::element::Element;
    use super::super::stored::Kind;
    use super::*;

    fn group(place: &str, names: &[&str]) -> Group {
        let tensor = |name: &&str| StoredTensor {
            name: (*name).into(),
            shape: vec![1],
            kind: Kind::Float(Element::F32),
            strides: None,
            begin: 0,
            end: 4,
            checksum: None,
            scales: None,
        };
        Group { place: place.into(), tensors: names.iter().map(tensor).collect() }
    }

    /// Key and names of every view.
    fn read(groups: &mut Vec<Group>) -> Vec<(String, Vec<String>)> {
        clean(groups);
        let names = |view: &View| {
            let tensors = &groups[view.group].tensors;
            view.members.iter().map(|&member| tensors[member].name[view.cut..].to_owned()).collect()
        };
        views(groups).iter().map(|view| (view.key.clone(), names(view))).collect()
    }

    #[test]
    fn several_wrappers_are_taken_off_one_after_the_other() {
        let mut groups = vec![group("", &["module._orig_mod.model.a.weight", "module._orig_mod.model.b.0.weight"])];
        let all = read(&mut groups);
        assert_eq!(all[0].1[0], "module.model.a.weight");
        assert_eq!(all[1], ("module".into(), vec!["model.a.weight".into(), "model.b.0.weight".into()]));
        assert_eq!(all[2], ("module.model".into(), vec!["a.weight".into(), "b.0.weight".into()]));
    }

    #[test]
    fn a_wrapper_is_found_beside_other_tensors() {
        let mut groups = vec![group("", &["criterion.weight", "model.a.weight", "model.b.weight", "metric.c.total"])];
        let all = read(&mut groups);
        assert!(all.contains(&("model".into(), vec!["a.weight".into(), "b.weight".into()])), "{all:?}");
        let mut groups = vec![group("", &["features.module.0.weight", "classifier.weight"])];
        let all = read(&mut groups);
        assert!(
            all.contains(&(String::new(), vec!["features.0.weight".into(), "classifier.weight".into()])),
            "{all:?}"
        );
    }

    #[test]
    fn averages_come_first_then_the_usual_keys() {
        let names = ["a.b.weight", "c.d.weight"];
        let averaged = ["n_averaged", "module.a.b.weight", "module.c.d.weight"];
        let mut groups = vec![
            group("extra", &names),
            group("state_dict", &names),
            group("model_ema", &averaged),
            group("swag.thing", &names),
        ];
        clean(&mut groups);
        let all = views(&groups);
        let keys: Vec<&str> = all.iter().map(|view| view.key.as_str()).collect();
        assert_eq!(keys[..3], ["model_ema", "model_ema.module", "state_dict"], "{keys:?}");
        assert!(all[1].is_averaged && !all[2].is_averaged && !is_averaged("swag.thing") && !is_averaged("schema"));
        let mut groups = vec![group("model", &averaged)];
        clean(&mut groups);
        assert!(views(&groups).iter().any(|view| view.key == "model.module" && view.is_averaged));
    }

    #[test]
    fn a_file_of_any_names_has_few_views() {
        let deep = format!("{}weight", "module.".repeat(60));
        let names: Vec<String> = (0..300).map(|i| format!("w{i}.x.{deep}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).chain([deep.as_str()]).collect();
        let mut groups = vec![group("", &names)];
        clean(&mut groups);
        assert!(views(&groups).len() <= 2 * MOST);
    }
}
