//! What is wrong with the operands of a step. Kernels read and write through raw pointers where the operands say, so that
//! every constructor checks that they agree before there is a step.

use thiserror::Error;

use super::map::Map;
use crate::graph::Window;

/// Why operands do not make a step.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// They contradict one another: a mistake of whoever planned them.
    #[error("{0}: this is a bug of ShuffleScope")]
    Mismatch(String),
    /// A size beyond what can be addressed.
    #[error("{0} would take more memory than can be addressed: lower batch, input or window")]
    TooLarge(&'static str),
}

/// # Errors
/// What is said, where `holds` does not.
pub(super) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Unfit> {
    if holds { Ok(()) } else { Err(Unfit::Mismatch(what())) }
}

/// # Errors
/// Where two figures that must be equal are not.
pub(super) fn ensure_equal<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), Unfit> {
    ensure(found == expected, || format!("{what}: {found:?}, not {expected:?}"))
}

/// # Errors
/// Where the map has no pixels, no images, or a part of one.
pub(super) fn ensure_whole(what: &str, map: &Map) -> Result<(), Unfit> {
    let whole = map.channels > 0 && !map.rows.is_empty() && map.rows.len().is_multiple_of(map.channels);
    ensure(whole && !map.size.contains(&0), || {
        let Map { rows, channels, size } = map;
        format!("{what}: {} rows of {size:?} pixels are no images of {channels} channels", rows.len())
    })
}

/// # Errors
/// Where the map is not one of so many whole images, channels and pixels.
pub(super) fn ensure_shape(what: &str, map: &Map, shape: (usize, usize, [usize; 2])) -> Result<(), Unfit> {
    ensure_whole(what, map)?;
    ensure_equal(what, (map.batch(), map.channels, map.size), shape)
}

/// # Errors
/// Where a window over a map of `input` does not give one of `output`.
pub(super) fn ensure_window(window: &Window, input: [usize; 2], output: [usize; 2]) -> Result<(), Unfit> {
    let fits = [0, 1].map(|axis| input[axis] > 0 && window.output_length(axis, input[axis]) == Some(output[axis]));
    ensure(fits == [true; 2], || format!("{window:?} over {input:?} pixels does not give {output:?}"))
}

/// # Errors
/// Where the product of `factors` is no size.
pub(super) fn product(what: &'static str, factors: &[usize]) -> Result<usize, Unfit> {
    factors.iter().try_fold(1_usize, |product, &factor| product.checked_mul(factor)).ok_or(Unfit::TooLarge(what))
}

/// # Errors
/// Where the sum of `parts` is no size.
pub(super) fn sum(what: &'static str, parts: &[usize]) -> Result<usize, Unfit> {
    parts.iter().try_fold(0_usize, |sum, &part| sum.checked_add(part)).ok_or(Unfit::TooLarge(what))
}

/// `0, pitch, 2 * pitch, ...`: where `count` rows start.
///
/// # Errors
/// Where the end of the last is beyond 32 bits, or has no room for a few cache lines behind it.
pub(super) fn offsets(what: &'static str, count: usize, pitch: usize) -> Result<Vec<u32>, Unfit> {
    let end = sum(what, &[product(what, &[count, pitch])?, 64])?;
    u32::try_from(end).map_err(|_| Unfit::TooLarge(what))?;
    Ok((0..count).map(|row| (row * pitch) as u32).collect())
}
