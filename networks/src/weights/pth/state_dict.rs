//! A tensor as a pickle describes it: `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ..)` and its kin, also
//! of bytes: `_rebuild_qtensor(storage, offset, size, stride, (torch.per_channel_affine, scales, zero_points, axis), ..)`.

use std::collections::HashMap;

use super::super::element::Element;
use super::super::stored::{Kind, QUANTISED, StoredTensor, shown};
use super::object::{Id, Object, Pickle};

/// A view of a storage that is found elsewhere.
#[derive(Clone, Debug, PartialEq)]
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
        let size = match kind {
            Kind::Float(element) | Kind::Integer(element) | Kind::Quantised(element) => element.size(),
            _ => 1,
        };
        let begin = begin.saturating_add(offset.saturating_mul(size));
        StoredTensor { name, shape, kind, strides: Some(strides), begin, end, checksum: None, scales: None }
    }

    /// Something that is a tensor to PyTorch and has no plain storage.
    fn without_storage(name: &str, kind: Kind, shape: Vec<usize>) -> Self {
        let strides = vec![0; shape.len()];
        Self { name: name.into(), kind, shape, strides, offset: 0, storage: None }
    }
}

/// Calls within calls that a tensor is made by: a parameter of a class of its own has three.
const DEEPEST: u32 = 8;

/// The tensors that `value` rebuilds: one, or one of bytes with its scale and zero point, or weight and bias of a layer that
/// packs them together; none where it is something else, such as an epoch or `_metadata`.
pub(super) fn tensors(pickle: &Pickle<'_>, name: &str, value: Id) -> Vec<Result<Record, String>> {
    match (pickle.get(value), pickle.tuple(value)) {
        (Object::Made(made), _) => {
            let tensor = rebuilt(pickle, name, made.class, made.arguments, DEEPEST);
            let scales = quantizer(pickle, value, DEEPEST).map(|parameters| scales(pickle, name, parameters));
            match (tensor, scales) {
                (Some(tensor), Some(Some(scales))) => std::iter::once(tensor).chain(scales).collect(),
                // Its scales are told in a way that is not known.
                (Some(Ok(Record { shape, .. })), Some(None)) => {
                    vec![Ok(Record::without_storage(name, Kind::Other(QUANTISED.into()), shape))]
                }
                (tensor, _) => tensor.into_iter().collect(),
            }
        }
        (_, Some(&[weight, bias])) if name.ends_with("_packed_params") => {
            let part = |of: &str, value| match pickle.get(value) {
                Object::Made(_) => tensors(pickle, &format!("{name}.{of}"), value),
                _ => Vec::new(),
            };
            [part("weight", weight), part("bias", bias)].concat()
        }
        _ => Vec::new(),
    }
}

/// What a quantised tensor says of its scales.
fn quantizer<'a>(pickle: &'a Pickle<'_>, value: Id, levels: u32) -> Option<&'a [Id]> {
    let Object::Made(made) = pickle.get(value) else { return None };
    let levels = levels.checked_sub(1)?;
    match (pickle.class(made.class)?, pickle.tuple(made.arguments)?) {
        (("torch._utils", "_rebuild_qtensor"), [_, _, _, _, parameters, ..]) => {
            Some(pickle.tuple(*parameters).unwrap_or_default())
        }
        (("torch._utils", "_rebuild_qtensor"), _) => Some(&[]),
        (("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state"), [tensor, ..]) => {
            quantizer(pickle, *tensor, levels)
        }
        _ => None,
    }
}

/// Scale and zero point of a quantised tensor as tensors of their own; `None` where they are of another kind than one for
/// all, or one for each place along the first axis.
fn scales(pickle: &Pickle<'_>, name: &str, parameters: &[Id]) -> Option<Vec<Result<Record, String>>> {
    let (kind, parts) = parameters.split_first()?;
    let names = [format!("{name}_scale"), format!("{name}_zero_point")];
    match (pickle.class(*kind)?, parts) {
        (("torch", "per_tensor_affine"), &[scale, zero_point, ..]) => {
            let number = |id: Id| match *pickle.get(id) {
                Object::Float(value) => Some(value as f32),
                Object::Int(value) => Some(value as f32),
                _ => None,
            };
            let numbers = [number(scale)?, number(zero_point)?];
            let given = |(name, value): (String, f32)| Ok(Record::without_storage(&name, Kind::Given(value), vec![1]));
            Some(names.into_iter().zip(numbers).map(given).collect())
        }
        (("torch", "per_channel_affine"), &[scale, zero_point, axis, ..]) if pickle.number(axis) == Some(0) => {
            let tensor = |(name, id): (String, Id)| match pickle.get(id) {
                Object::Made(made) => rebuilt(pickle, &name, made.class, made.arguments, DEEPEST),
                _ => None,
            };
            names.into_iter().zip([scale, zero_point]).map(tensor).collect()
        }
        _ => None,
    }
}

/// What calling `function` gives, where that is a tensor.
fn rebuilt(
    pickle: &Pickle<'_>,
    name: &str,
    function: Id,
    arguments: Id,
    levels: u32,
) -> Option<Result<Record, String>> {
    let (module, function) = pickle.class(function)?;
    let arguments = pickle.tuple(arguments)?;
    let levels = levels.checked_sub(1)?;
    match (module, function, arguments) {
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor", arguments) => Some(plain(pickle, name, arguments)),
        ("torch._utils", "_rebuild_tensor_v3", arguments) => Some(typed(pickle, name, arguments)),
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state", [tensor, ..]) => {
            let Object::Made(made) = pickle.get(*tensor) else { return None };
            rebuilt(pickle, name, made.class, made.arguments, levels)
        }
        ("torch._tensor", "_rebuild_from_type_v2", [function, _, arguments, ..]) => {
            rebuilt(pickle, name, *function, *arguments, levels)
        }
        ("torch._utils", "_rebuild_qtensor", arguments) => {
            let element = match storage_of(pickle, arguments) {
                Some(("QInt8Storage", _)) => Some(Element::I8),
                Some(("QUInt8Storage", _)) => Some(Element::U8),
                _ => None,
            };
            let unknown = || {
                let shape = arguments.get(2).and_then(|&size| sizes(pickle, size)).unwrap_or_default();
                Record::without_storage(name, Kind::Other(QUANTISED.into()), shape)
            };
            Some(Ok(element
                .and_then(|element| view(pickle, name, arguments, Kind::Quantised(element)).ok())
                .unwrap_or_else(unknown)))
        }
        (module, function, _) if module.starts_with("torch") && function.starts_with("_rebuild") => {
            Some(Ok(Record::without_storage(name, Kind::Other(shown(function)), Vec::new())))
        }
        _ => None,
    }
}

fn plain(pickle: &Pickle<'_>, name: &str, arguments: &[Id]) -> Result<Record, String> {
    let (class, _) = storage_of(pickle, arguments).ok_or(FOREIGN_STORAGE)?;
    let kind = match class {
        "HalfStorage" => Kind::Float(Element::F16),
        "BFloat16Storage" => Kind::Float(Element::BF16),
        "FloatStorage" => Kind::Float(Element::F32),
        "DoubleStorage" => Kind::Float(Element::F64),
        "CharStorage" => Kind::Integer(Element::I8),
        "ByteStorage" => Kind::Integer(Element::U8),
        "IntStorage" => Kind::Integer(Element::I32),
        "LongStorage" => Kind::Integer(Element::I64),
        other => Kind::Other(shown(other.trim_end_matches("Storage"))),
    };
    view(pickle, name, arguments, kind)
}

/// Since PyTorch 2.1, for what has no storage class: the type comes after the hooks.
fn typed(pickle: &Pickle<'_>, name: &str, arguments: &[Id]) -> Result<Record, String> {
    let class = arguments.get(6).and_then(|&class| pickle.class(class));
    let kind = match class.map(|(_, class)| class).unwrap_or_default() {
        "float16" => Kind::Float(Element::F16),
        "bfloat16" => Kind::Float(Element::BF16),
        "float32" => Kind::Float(Element::F32),
        "float64" => Kind::Float(Element::F64),
        other => Kind::Other(shown(other)),
    };
    view(pickle, name, arguments, kind)
}

const FOREIGN_STORAGE: &str = "its storage is not one that `torch.save` writes";

fn view(pickle: &Pickle<'_>, name: &str, arguments: &[Id], kind: Kind) -> Result<Record, String> {
    let [_, offset, size, stride, ..] = arguments else {
        return Err("it lacks a size or a stride".into());
    };
    let (_, key) = storage_of(pickle, arguments).ok_or(FOREIGN_STORAGE)?;
    let (Some(shape), Some(strides)) = (sizes(pickle, *size), sizes(pickle, *stride)) else {
        return Err("its size or stride is not a list of numbers".into());
    };
    if shape.len() != strides.len() {
        return Err(format!("{} sizes and {} strides", shape.len(), strides.len()));
    }
    let offset = pickle.number(*offset).ok_or("its offset is not a number")?;
    Ok(Record { name: name.into(), kind, shape, strides, offset, storage: Some(key.into()) })
}

/// Bytes of a storage's key, which is a number.
const LONGEST_KEY: usize = 100;

/// Class and key of the storage that is the first argument.
fn storage_of<'a>(pickle: &Pickle<'a>, arguments: &[Id]) -> Option<(&'a str, &'a str)> {
    match pickle.get(*arguments.first()?) {
        Object::Beside(id) => named_storage(pickle, *id),
        _ => None,
    }
}

/// Class and key in a persistent id: `("storage", torch.FloatStorage, key, device, length, ..)`. The sixth part, which
/// PyTorch wrote before 0.4, is a view of another storage where it is not `None`.
fn named_storage<'a>(pickle: &Pickle<'a>, id: Id) -> Option<(&'a str, &'a str)> {
    match pickle.tuple(id)? {
        [tag, class, key, rest @ ..] if pickle.text(*tag) == Some("storage") => match rest {
            [_, _, view, ..] if *pickle.get(*view) != Object::Nothing => None,
            _ => {
                let key = pickle.text(*key).filter(|key| key.len() <= LONGEST_KEY)?;
                Some((pickle.class(*class)?.1, key))
            }
        },
        _ => None,
    }
}

/// Every storage that the pickle mentions: class by key.
pub(super) fn storages<'a>(pickle: &Pickle<'a>) -> HashMap<&'a str, &'a str> {
    let mentioned = pickle.objects.iter().filter_map(|object| match object {
        Object::Beside(id) => named_storage(pickle, *id),
        _ => None,
    });
    mentioned.map(|(class, key)| (key, class)).collect()
}

fn sizes(pickle: &Pickle<'_>, id: Id) -> Option<Vec<usize>> {
    let parts = match pickle.get(id) {
        Object::Tuple(parts) => parts,
        // `torch.Size` of a tuple, as some versions write it.
        Object::Made(made) => match pickle.tuple(made.arguments)? {
            [size] => pickle.tuple(*size)?,
            _ => return None,
        },
        _ => return None,
    };
    // Real tensors have a handful of axes; a tuple that many tensors share may have a million parts.
    (parts.len() <= 16).then_some(())?;
    parts.iter().map(|&part| usize::try_from(pickle.number(part)?).ok()).collect()
}
