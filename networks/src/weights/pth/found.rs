//! Finds the dicts of tensors in what `torch.save` was given: the `state_dict` itself, or one under any key of a
//! checkpoint, however deep. Where there is none, says what there is.

use std::collections::{HashSet, VecDeque};

use super::super::stored::{Fault, shown};
use super::object::{Id, Object, Pickle};
use super::state_dict::{Record, tensors};

/// A dict of tensors.
#[derive(Debug)]
pub(super) struct Found {
    /// The keys that lead to it, with points between them: `callbacks.EMA.state_dict`; empty for the outermost.
    pub(super) place: String,
    pub(super) records: Vec<Record>,
}

/// Keys that are followed one after the other, dicts that are looked at, and how many of them may hold tensors.
const DEEPEST: usize = 8;
const MOST_LOOKED_AT: usize = 10_000;
const MOST_FOUND: usize = 64;

/// Tensors in all of them, and bytes of a name: a tensor or a name can be in a dict as often as it is recalled.
const MOST_TENSORS: usize = 100_000;
const LONGEST_NAME: usize = 512;

/// Parts of a list that are looked at: `torch.save([model.state_dict(), epoch], ..)`.
const MOST_PARTS: usize = 8;

/// Every dict of tensors, the outermost first.
pub(super) fn found(pickle: &Pickle<'_>) -> Result<Vec<Found>, Fault> {
    let mut all = Vec::new();
    let mut waiting = VecDeque::from([(pickle.root, String::new(), 0)]);
    let mut seen = HashSet::from([pickle.root]);
    let (mut looked_at, mut count) = (0, 0);
    while let Some((id, place, depth)) = waiting.pop_front() {
        looked_at += 1;
        if looked_at > MOST_LOOKED_AT || all.len() >= MOST_FOUND {
            break;
        }
        let records = records(pickle, id, &mut count)?;
        if records.iter().any(|record| record.shape.len() > 1 || record.name.contains('.')) {
            all.push(Found { place: place.clone(), records });
        }
        if depth == DEEPEST {
            continue;
        }
        for (key, value) in children(pickle, id) {
            if waiting.len() < MOST_LOOKED_AT && seen.insert(value) {
                let place = if place.is_empty() { key } else { format!("{place}.{key}") };
                waiting.push_back((value, place, depth + 1));
            }
        }
    }
    if all.is_empty() { Err(Fault::Foreign(instead(pickle))) } else { Ok(all) }
}

/// The tensors in one dict; `all` counts those of every dict.
fn records(pickle: &Pickle<'_>, id: Id, all: &mut usize) -> Result<Vec<Record>, Fault> {
    let mut records = Vec::new();
    for (key, value) in pickle.entries(id) {
        let Some(name) = pickle.text(*key) else { continue };
        for record in tensors(pickle, name, *value) {
            let named = |reason| Fault::malformed(format!("tensor `{}`: {reason}", shown(name)));
            records.push(record.map_err(named)?);
            *all += 1;
            if *all > MOST_TENSORS || name.len() > LONGEST_NAME {
                return Err(Fault::malformed(format!(
                    "it has more than {MOST_TENSORS} tensors or names of more than {LONGEST_NAME} bytes, unlike any \
                     network's"
                )));
            }
        }
    }
    Ok(records)
}

/// What may hold tensors inside a dict or a list, by key; what belongs to the optimiser is not the network's.
fn children(pickle: &Pickle<'_>, id: Id) -> Vec<(String, Id)> {
    if let Object::List(parts) | Object::Tuple(parts) = pickle.get(id) {
        return parts.iter().take(MOST_PARTS).enumerate().map(|(index, &part)| (format!("[{index}]"), part)).collect();
    }
    let holds = |value: Id| {
        let is_list = matches!(pickle.get(value), Object::List(_) | Object::Tuple(_));
        is_list || !pickle.entries(value).is_empty()
    };
    let entries = pickle.entries(id).iter().filter_map(|&(key, value)| Some((pickle.text(key)?, value)));
    let theirs = entries.filter(|&(key, value)| holds(value) && !is_of_the_training(key));
    theirs.take(MOST_LOOKED_AT).map(|(key, value)| (shown(key), value)).collect()
}

/// Keys of what a training needs to go on.
fn is_of_the_training(key: &str) -> bool {
    const STARTS: [&str; 6] = ["optim", "lr_sched", "scheduler", "scaler", "grad_scaler", "amp_scaler"];
    STARTS.iter().any(|start| key.to_ascii_lowercase().starts_with(start))
}

/// What a file without weights is, and what to save instead.
fn instead(pickle: &Pickle<'_>) -> String {
    const SAVE: &str = "save `model.state_dict()` instead";
    if let Some(class) = whole_object(pickle, pickle.root) {
        return format!(
            "it holds a whole Python object (`{}`), which only its own code can read; {SAVE}",
            shown(&class)
        );
    }
    let entries = pickle.entries(pickle.root);
    let keys: Vec<&str> = entries.iter().filter_map(|(key, _)| pickle.text(*key)).collect();
    if keys.is_empty() {
        return format!("it holds no tensors by name; {SAVE}");
    }
    let module = entries.iter().find_map(|(key, value)| Some((pickle.text(*key)?, whole_object(pickle, *value)?)));
    if let Some((key, class)) = module {
        let (key, class) = (shown(key), shown(&class));
        return format!(
            "it holds a whole Python object (`{class}`) under `{key}`, which only its own code can read; save \
             `model.state_dict()` under that key instead"
        );
    }
    let what = if keys.iter().any(|key| is_of_the_training(key)) {
        "it is a training checkpoint without the network's weights"
    } else {
        "it holds no tensors by name"
    };
    format!("{what}, only {}; {SAVE}", listed(&keys))
}

/// The first few keys.
fn listed(keys: &[&str]) -> String {
    const LISTED: usize = 6;
    let names: Vec<String> = keys.iter().take(LISTED).map(|key| format!("`{}`", shown(key))).collect();
    match keys.len().saturating_sub(LISTED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// The class of an instance that may be a network: one with attributes, which is not how arguments are kept.
fn whole_object(pickle: &Pickle<'_>, id: Id) -> Option<String> {
    let Object::Made(made) = pickle.get(id) else { return None };
    let class = pickle.class_name(id)?.into_owned();
    let attributes = pickle.entries(made.state?);
    let is_module = |key: &str| attributes.iter().any(|(name, _)| pickle.text(*name) == Some(key));
    (id == pickle.root || is_module("_modules") || is_module("_parameters")).then_some(class)
}
