//! Which of a file's tensors are a network's: chosen among the ways to read the file, compared by name, shape and kind.

use std::collections::HashMap;

use super::ExpectedTensor;
use super::element::Element;
use super::error::{self, Misfit, Mismatch};
use super::quantisation::is_scale;
use super::stored::{Group, Kind, StoredTensor, shown};
use super::views::{View, is_counter};

/// The view that is the network's: the first that fits entirely, else the one of which most tensors fit.
pub(super) fn best<'a>(views: &'a [View], groups: &[Group], expected: &[ExpectedTensor]) -> Option<&'a View> {
    let wanted = by_name(expected);
    let mut best: Option<((usize, usize), &View)> = None;
    for view in views {
        let matching = matching_of(view, groups, &wanted);
        if matching == wanted.len() && extras(view, groups, &wanted).next().is_none() {
            return Some(view);
        }
        // Of those that fit equally badly the largest is likeliest meant; of equal ones the first.
        let rank = (matching, view.members.len());
        if best.is_none_or(|(before, _)| rank > before) {
            best = Some((rank, view));
        }
    }
    best.map(|(_, view)| view)
}

/// Every view that fits entirely.
pub(super) fn complete<'a>(
    views: &'a [View],
    groups: &'a [Group],
    expected: &'a [ExpectedTensor],
) -> impl Iterator<Item = &'a View> {
    let wanted = by_name(expected);
    views.iter().filter(move |view| {
        matching_of(view, groups, &wanted) == wanted.len() && extras(view, groups, &wanted).next().is_none()
    })
}

/// How many tensors of the view the network has with the same shape.
pub(super) fn matching(view: &View, groups: &[Group], expected: &[ExpectedTensor]) -> usize {
    matching_of(view, groups, &by_name(expected))
}

type Wanted<'a> = HashMap<&'a str, &'a [usize]>;

fn by_name(expected: &[ExpectedTensor]) -> Wanted<'_> {
    expected.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice())).collect()
}

/// The view's tensors with their names in it.
pub(super) fn named<'a>(view: &'a View, groups: &'a [Group]) -> impl Iterator<Item = (&'a str, &'a StoredTensor)> {
    let tensors = groups.get(view.group).map_or(&[][..], |group| &group.tensors);
    let tensors = view.members.iter().filter_map(|&member| tensors.get(member));
    tensors.filter_map(|tensor| Some((tensor.name.get(view.cut..)?, tensor)))
}

fn matching_of(view: &View, groups: &[Group], wanted: &Wanted<'_>) -> usize {
    let fits = |(name, tensor): &(&str, &StoredTensor)| {
        tensor.kind.is_parameter() && wanted.get(name).is_some_and(|shape| *shape == tensor.shape)
    };
    named(view, groups).filter(fits).count()
}

/// Tensors that the network does not know, but for what is beside the weights in any network.
fn extras<'a>(
    view: &'a View,
    groups: &'a [Group],
    wanted: &'a Wanted<'a>,
) -> impl Iterator<Item = (&'a str, &'a StoredTensor)> {
    named(view, groups).filter(|(name, _)| !wanted.contains_key(name) && !is_beside(name))
}

/// What may be beside the weights of any network.
fn is_beside(name: &str) -> bool {
    is_counter(name) || is_auxiliary(name) || is_scale(name)
}

/// Second classifiers of GoogLeNet and Inception, which only their training uses, and statistics of narrower widths, which the
/// whole network does not.
fn is_auxiliary(name: &str) -> bool {
    ["aux1.", "aux2.", "AuxLogits.", "slim."].iter().any(|start| name.starts_with(start))
}

/// Every expected tensor with the stored one that has its name, shape and a floating-point format.
pub(super) fn pair(
    view: &View,
    groups: &[Group],
    expected: Vec<ExpectedTensor>,
) -> Result<Vec<(ExpectedTensor, StoredTensor)>, Mismatch> {
    let mut mismatch = Mismatch::default();
    for (name, tensor) in extras(view, groups, &by_name(&expected)) {
        mismatch.extra.push(Misfit { name: shown(name), expected: String::new(), found: found(tensor) });
    }
    let by_name: HashMap<&str, &StoredTensor> = named(view, groups).collect();
    let mut pairs = Vec::with_capacity(expected.len());
    for wanted in expected {
        match by_name.get(wanted.name.as_str()) {
            None => mismatch.missing.push(Misfit::missing(wanted.name, &wanted.shape)),
            Some(tensor) if !tensor.kind.is_parameter() => mismatch.not_float.push(Misfit {
                expected: format!("floats {}", error::shape(&wanted.shape)),
                found: found(tensor),
                name: wanted.name,
            }),
            Some(tensor) if tensor.shape != wanted.shape => mismatch.misshaped.push(Misfit {
                expected: error::shape(&wanted.shape),
                found: found(tensor),
                name: wanted.name,
            }),
            Some(tensor) => pairs.push((wanted, (*tensor).clone())),
        }
    }
    if mismatch.is_empty() { Ok(pairs) } else { Err(mismatch) }
}

/// What a stored tensor is, for people: `[10, 64]`, `I64 []`.
fn found(tensor: &StoredTensor) -> String {
    let shape = shown(&error::shape(&tensor.shape));
    match &tensor.kind {
        Kind::Float(_) | Kind::Given(_) => shape,
        Kind::Quantised(_) => format!("quantised {shape}"),
        Kind::Integer(element) => format!("{} {shape}", integer(*element)),
        Kind::Other(kind) => format!("{} {shape}", shown(kind)),
    }
}

/// What PyTorch calls integers.
const fn integer(element: Element) -> &'static str {
    match element {
        Element::I8 => "Char",
        Element::U8 => "Byte",
        Element::I32 => "Int",
        _ => "Long",
    }
}
