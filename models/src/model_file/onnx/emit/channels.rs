//! Views whose channels are turned or cut, as layers: channel shuffles and slices.

use super::view::{CHANNELS, Factor, View, extent};
use crate::graph::{Op, Shape};

/// The layers that bring a view's channels together, one after the other, and the view of what they make.
///
/// `None` where the channels lie as they are, or in no way that a shuffle makes: in several axes, beside pixels.
pub(super) fn layers(view: &View, shape: Shape) -> Option<(Vec<Op>, View)> {
    let has_channels = |axis: &&Vec<Factor>| axis.iter().any(|factor| factor.of == CHANNELS);
    let mut axes = (0..view.axes.len()).filter(|&at| view.axes.get(at).as_ref().is_some_and(has_channels));
    let (axis, none) = (axes.next(), axes.next());
    let factors = axis.and_then(|axis| view.axes.get(axis)).map_or(&[][..], Vec::as_slice);
    if none.is_some() || factors.iter().any(|factor| factor.of != CHANNELS) {
        return None;
    }
    let total = shape.channels;
    let start = view.start[CHANNELS];
    if start == 0 && (factors == [Factor::whole(CHANNELS, total)] || total == 1) {
        return None;
    }
    let kept = extent(factors);
    // `e1` channels side by side, `e2` times, `period` apart; a period is whole where there is only one.
    let ops = match *factors {
        [] => vec![Op::Slice { start, channels: 1 }],
        [Factor { stride: 1, extent, .. }] => vec![Op::Slice { start, channels: extent }],
        [Factor { stride: period, extent: e2, .. }] => turned(total, start, (1, period, e2))?,
        [Factor { stride: 1, extent: e1, .. }, Factor { stride: period, extent: e2, .. }] => {
            turned(total, start, (e1, period, e2))?
        }
        _ => return None,
    };
    let mut view = view.clone();
    view.start[CHANNELS] = 0;
    if let Some(axis) = axis.and_then(|axis| view.axes.get_mut(axis)) {
        *axis = vec![Factor::whole(CHANNELS, kept)];
    }
    Some((ops, view))
}

/// `[e1, e2]` channels of `[e2, period]`: a block of them, shuffled, and a part of that.
fn turned(total: usize, start: usize, (e1, period, e2): (usize, usize, usize)) -> Option<Vec<Op>> {
    let block = period.checked_mul(e2)?;
    let first = start / period * period;
    let offset = start - first;
    if e1 + offset > period || first + block > total {
        return None;
    }
    let mut ops = Vec::new();
    if block < total {
        ops.push(Op::Slice { start: first, channels: block });
    }
    ops.push(Op::ChannelShuffle { groups: e2 });
    if e1 < period {
        ops.push(Op::Slice { start: offset * e2, channels: e1 * e2 });
    }
    Some(ops)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape::new(1, 8, 4, 4);

    fn made(view: &View) -> Option<Vec<Op>> {
        layers(view, SHAPE).map(|(ops, view)| {
            assert!(view.axes.iter().flatten().any(|factor| *factor == Factor::whole(CHANNELS, extent_of(&ops))));
            ops
        })
    }

    fn extent_of(ops: &[Op]) -> usize {
        match ops.last() {
            Some(Op::Slice { channels, .. }) => *channels,
            _ => SHAPE.channels,
        }
    }

    #[test]
    fn every_published_form_of_a_channel_shuffle_is_one() {
        let map = View::of_map(SHAPE);
        let shuffle = Op::ChannelShuffle { groups: 2 };
        assert_eq!(made(&map), None);
        for apart in [&[1, 2, 4, 4, 4][..], &[1, 2, 4, 16], &[2, 4, 16]] {
            let axis = apart.len() - if apart.len() == 5 { 4 } else { 3 };
            let mut order: Vec<usize> = (0..apart.len()).collect();
            order.swap(axis, axis + 1);
            let shuffled = map.reshape(apart).unwrap().transpose(&order).unwrap().reshape(&[1, 8, 4, 4]).unwrap();
            assert_eq!(made(&shuffled), Some(vec![shuffle]), "{apart:?}");
        }
        // The authors' own: three axes, the halves apart.
        let halves =
            map.reshape(&[4, 2, 16]).unwrap().transpose(&[1, 0, 2]).unwrap().reshape(&[2, 1, 4, 4, 4]).unwrap();
        assert_eq!(made(&halves), None, "in two axes");
        let right = halves.slice(0, (1, 1, 1)).unwrap().reshape(&[1, 4, 4, 4]).unwrap();
        let groups = Op::ChannelShuffle { groups: 4 };
        assert_eq!(made(&right), Some(vec![groups, Op::Slice { start: 4, channels: 4 }]));
        // Every second channel, by a slice.
        let even = map.slice(1, (0, 2, 4)).unwrap();
        assert_eq!(made(&even), Some(vec![groups, Op::Slice { start: 0, channels: 4 }]));
        // Channels that come last.
        let last = map.transpose(&[0, 2, 3, 1]).unwrap().reshape(&[1, 4, 4, 2, 4]).unwrap();
        let last = last.transpose(&[0, 1, 2, 4, 3]).unwrap().reshape(&[1, 4, 4, 8]).unwrap();
        assert_eq!(made(&last), Some(vec![shuffle]));
    }

    #[test]
    fn parts_are_slices_and_what_is_no_even_part_is_nothing() {
        let map = View::of_map(SHAPE);
        assert_eq!(made(&map.slice(1, (3, 1, 5)).unwrap()), Some(vec![Op::Slice { start: 3, channels: 5 }]));
        let block = map.slice(1, (1, 2, 3)).unwrap();
        let expected = [
            Op::Slice { start: 0, channels: 6 },
            Op::ChannelShuffle { groups: 3 },
            Op::Slice { start: 3, channels: 3 },
        ];
        assert_eq!(made(&block), Some(expected.to_vec()));
        assert_eq!(made(&map.slice(1, (1, 3, 3)).unwrap()), None, "0, 3, 6 of nine, of which there are eight");
        let eight = map.reshape(&[1, 2, 2, 2, 16]).unwrap().transpose(&[0, 3, 2, 1, 4]).unwrap();
        assert_eq!(made(&eight.reshape(&[1, 8, 16]).unwrap()), None, "three parts");
    }
}
