//! Finds the tensors in an unpickled object: `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ..)`.

use std::collections::HashMap;

use candle_core::pickle::Object;

use super::super::element::Element;
use super::super::stored::{Kind, StoredTensor, shown};

/// A tensor as the pickle describes it: a view of a storage that is found elsewhere.
#[derive(Debug, PartialEq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) shape: Vec<usize>,
    /// In elements.
    pub(super) strides: Vec<usize>,
    /// In elements, from the storage's start.
    pub(super) offset: u64,
    /// The storage's key; `None` for what is not a plain tensor.
    pub(super) storage: Option<String>,
}

impl Record {
    /// The tensor, where its storage lies between the bytes `begin` and `end` of the file.
    pub(super) fn between(self, begin: u64, end: u64) -> StoredTensor {
        let Self { name, kind, shape, strides, offset, .. } = self;
        let size = if let Kind::Float(element) = kind { element.size() } else { 1 };
        let begin = begin.saturating_add(offset.saturating_mul(size));
        StoredTensor { name, shape, kind, strides: Some(strides), begin, end, checksum: None }
    }
}

/// Keys under which training scripts put the `state_dict` in a checkpoint.
const WRAPPERS: [&str; 2] = ["state_dict", "model"];

/// The tensors of a `state_dict`, or of a checkpoint that holds one.
pub(super) fn records(object: &Object) -> Result<Vec<Record>, String> {
    let Object::Dict(entries) = object else {
        return Err("it holds a whole Python object; save `model.state_dict()` instead".into());
    };
    let records = named_tensors(entries)?;
    if !records.is_empty() {
        return Ok(records);
    }
    for wrapper in WRAPPERS {
        let inner = entries.iter().find(|(key, _)| matches!(key, Object::Unicode(key) if key == wrapper));
        if let Some((_, Object::Dict(entries))) = inner {
            let records = named_tensors(entries)?;
            if !records.is_empty() {
                return Ok(records);
            }
        }
    }
    Err("it holds no tensors by name, neither itself nor under `state_dict` or `model`".into())
}

fn named_tensors(entries: &[(Object, Object)]) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    for (key, value) in entries {
        if let Object::Unicode(name) = key
            && let Some(record) = record(name, value)
        {
            records.push(record.map_err(|reason| format!("tensor `{}`: {reason}", shown(name)))?);
        }
    }
    Ok(records)
}

/// The tensor that `value` rebuilds; `None` where it is something else, such as an epoch or `_metadata`.
fn record(name: &str, value: &Object) -> Option<Result<Record, String>> {
    let Object::Reduce { callable, args } = value else {
        return None;
    };
    let Object::Class { module_name, class_name } = callable.as_ref() else {
        return None;
    };
    let Object::Tuple(args) = args.as_ref() else {
        return None;
    };
    match (module_name.as_str(), class_name.as_str(), args.as_slice()) {
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor", args) => Some(plain(name, args)),
        ("torch._utils", "_rebuild_parameter", [tensor, ..]) => record(name, tensor),
        ("torch._tensor", "_rebuild_from_type_v2", [callable, _, args, ..]) => {
            record(name, &Object::Reduce { callable: Box::new(callable.clone()), args: Box::new(args.clone()) })
        }
        (module, class, _) if module.starts_with("torch") && class.starts_with("_rebuild") => Some(Ok(Record {
            name: name.into(),
            kind: Kind::Other(class.into()),
            shape: Vec::new(),
            strides: Vec::new(),
            offset: 0,
            storage: None,
        })),
        _ => None,
    }
}

fn plain(name: &str, args: &[Object]) -> Result<Record, String> {
    let [storage, offset, size, stride, ..] = args else {
        return Err("it lacks a size or a stride".into());
    };
    let (class, key) = storage_of(storage).ok_or("its storage is not one that `torch.save` writes")?;
    let (shape, strides) = (sizes(size)?, sizes(stride)?);
    if shape.len() != strides.len() {
        return Err(format!("{} sizes and {} strides", shape.len(), strides.len()));
    }
    let kind = match class {
        "HalfStorage" => Kind::Float(Element::F16),
        "BFloat16Storage" => Kind::Float(Element::BF16),
        "FloatStorage" => Kind::Float(Element::F32),
        "DoubleStorage" => Kind::Float(Element::F64),
        other => Kind::Other(other.trim_end_matches("Storage").into()),
    };
    let offset = integer(offset).ok_or("its offset is not a number")?;
    Ok(Record { name: name.into(), kind, shape, strides, offset, storage: Some(key.into()) })
}

/// Class and key of the storage that a persistent id names: `("storage", torch.FloatStorage, key, device, length, ..)`.
fn storage_of(object: &Object) -> Option<(&str, &str)> {
    let Object::PersistentLoad(id) = object else {
        return None;
    };
    let Object::Tuple(id) = id.as_ref() else { return None };
    match id.as_slice() {
        [Object::Unicode(tag), Object::Class { class_name, .. }, Object::Unicode(key), ..] if tag == "storage" => {
            Some((class_name, key))
        }
        _ => None,
    }
}

/// Every storage that `object` mentions: class by key. Recursion is bounded: the pickle guard limits the depth.
pub(super) fn storages<'a>(object: &'a Object, found: &mut HashMap<&'a str, &'a str>) {
    if let Some((class, key)) = storage_of(object) {
        found.insert(key, class);
        return;
    }
    match object {
        Object::Tuple(parts) | Object::List(parts) => parts.iter().for_each(|part| storages(part, found)),
        Object::Dict(entries) => entries.iter().for_each(|(key, value)| {
            storages(key, found);
            storages(value, found);
        }),
        Object::Reduce { callable, args } | Object::Build { callable, args } => {
            storages(callable, found);
            storages(args, found);
        }
        _ => {}
    }
}

fn sizes(object: &Object) -> Result<Vec<usize>, String> {
    let number = |part| integer(part).and_then(|number| usize::try_from(number).ok());
    match object {
        Object::Tuple(parts) => parts.iter().map(number).collect::<Option<_>>(),
        _ => None,
    }
    .ok_or_else(|| "its size or stride is not a list of numbers".into())
}

fn integer(object: &Object) -> Option<u64> {
    match *object {
        Object::Int(number) => u64::try_from(number).ok(),
        Object::Long(number) => u64::try_from(number).ok(),
        _ => None,
    }
}
