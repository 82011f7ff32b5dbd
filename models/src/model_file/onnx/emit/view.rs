//! Where the values of a model's tensor lie in a layer's map.
//!
//! Files reshape, turn and cut what a layer made before another layer takes it: to shuffle channels, to have channels
//! last, to flatten. None of that computes anything. So a tensor is a view of a map: each of its axes runs over parts of the
//! map's axes, and what a chain of such nodes does is seen at its end.

use crate::graph::Shape;

/// Axes of a map.
pub(super) const BATCH: usize = 0;
pub(super) const CHANNELS: usize = 1;
pub(super) const HEIGHT: usize = 2;
pub(super) const WIDTH: usize = 3;

/// `extent` places along an axis of the map, `stride` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Factor {
    /// The map's axis.
    pub of: usize,
    pub stride: usize,
    pub extent: usize,
}

impl Factor {
    /// The whole axis of this length.
    pub(super) const fn whole(of: usize, extent: usize) -> Self {
        Self { of, stride: 1, extent }
    }
}

/// A tensor as a view of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// What each axis runs over, the slowest first; nothing for an axis of length 1.
    pub axes: Vec<Vec<Factor>>,
    /// Where it starts along each of the map's axes.
    pub start: [usize; 4],
}

impl View {
    /// A whole map as `[n, c, h, w]`.
    pub(super) fn of_map(shape: Shape) -> Self {
        let lengths = <[usize; 4]>::from(shape);
        let axis = |of: usize| if lengths[of] > 1 { vec![Factor::whole(of, lengths[of])] } else { vec![] };
        Self { axes: (0..4).map(axis).collect(), start: [0; 4] }
    }

    /// Length of every axis.
    pub(super) fn dims(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| extent(axis)).collect()
    }

    /// The same values in the same order with other lengths of axes; `None` where axes would run over parts that do not
    /// divide.
    pub(super) fn reshape(&self, dims: &[usize]) -> Option<Self> {
        let mut left = merged(self.axes.iter().flatten().copied());
        left.reverse();
        let mut axes = Vec::with_capacity(dims.len());
        for &length in dims {
            let (mut axis, mut have) = (Vec::new(), 1);
            while have < length {
                let factor = left.pop()?;
                let need = length.checked_div(have).filter(|need| need * have == length)?;
                let (taken, rest) =
                    if factor.extent <= need { (factor.extent, 1) } else { (need, factor.extent / need) };
                if taken * rest != factor.extent || need % taken != 0 {
                    return None;
                }
                axis.push(Factor { stride: factor.stride * rest, extent: taken, ..factor });
                if rest > 1 {
                    left.push(Factor { extent: rest, ..factor });
                }
                have *= taken;
            }
            axes.push(merged(axis.into_iter()));
        }
        left.is_empty().then_some(Self { axes, start: self.start })
    }

    /// The axes in another order.
    pub(super) fn transpose(&self, order: &[usize]) -> Option<Self> {
        let axes: Option<Vec<_>> = order.iter().map(|&axis| self.axes.get(axis).cloned()).collect();
        Some(Self { axes: axes?, start: self.start })
    }

    /// `length` places of an axis, `step` apart from `start` on; `None` where they cross parts of it.
    pub(super) fn slice(&self, axis: usize, (start, step, length): (usize, usize, usize)) -> Option<Self> {
        let mut view = self.clone();
        let factors = view.axes.get_mut(axis)?;
        let total = extent(factors);
        let last = length.checked_sub(1)?.checked_mul(step)?.checked_add(start)?;
        if last >= total {
            return None;
        }
        // The digits of the first and last place in the axis's parts.
        let digits = |place: usize| {
            let mut inner = total;
            let mut left = place;
            factors.iter().map(move |factor| {
                inner /= factor.extent;
                let digit = left / inner;
                left %= inner;
                digit
            })
        };
        let (first, end): (Vec<usize>, Vec<usize>) = (digits(start).collect(), digits(last).collect());
        let differ: Vec<usize> = (0..factors.len()).filter(|&at| first[at] != end[at]).collect();
        let mut kept = Vec::new();
        for (at, factor) in factors.iter().enumerate() {
            let inner: usize = factors[at + 1..].iter().map(|factor| factor.extent).product();
            let is_before = differ.first().is_none_or(|&first| at < first);
            if is_before {
                view.start[factor.of] += factor.stride * first[at];
                continue;
            }
            // The first part that differs is cut; those behind it stay whole.
            if Some(&at) != differ.first() {
                kept.push(*factor);
                continue;
            }
            let whole_inner = step == 1 && start % inner == 0 && length % inner == 0;
            if inner > 1 && !whole_inner {
                return None;
            }
            view.start[factor.of] += factor.stride * first[at];
            kept.push(Factor { stride: factor.stride * step, extent: length / inner, ..*factor });
        }
        *factors = merged(kept.into_iter());
        Some(view)
    }

    /// These places of an axis, where they are evenly spaced, or evenly spaced runs of evenly spaced places.
    pub(super) fn pick(&self, axis: usize, places: &[usize]) -> Option<Self> {
        let &first = places.first()?;
        let step = |at: usize| places.get(at)?.checked_sub(first).filter(|&step| step > 0);
        if places.len() == 1 {
            return self.slice(axis, (first, 1, 1));
        }
        let total = extent(self.axes.get(axis)?);
        // How long the first run of evenly spaced places is.
        let inner = step(1)?;
        let run = (1..places.len()).take_while(|&at| places[at] == first + at * inner).count() + 1;
        if run == places.len() {
            return self.slice(axis, (first, inner, run));
        }
        let (runs, outer) = (places.len() / run, step(run)?);
        let fits = |(at, &place): (usize, &usize)| place == first + (at / run) * outer + (at % run) * inner;
        if runs * run != places.len() || !places.iter().enumerate().all(fits) || inner % outer != 0 {
            return None;
        }
        // `[run, inner / outer]` of them, turned and cut.
        let period = inner / outer;
        if first != 0 || outer != 1 || run * period != total || runs > period {
            return None;
        }
        let mut split = self.dims();
        split.splice(axis..=axis, [run, period]);
        let mut order: Vec<usize> = (0..split.len()).collect();
        order.swap(axis, axis + 1);
        let turned = self.reshape(&split)?.transpose(&order)?.slice(axis, (0, 1, runs))?;
        let mut dims = self.dims();
        *dims.get_mut(axis)? = places.len();
        turned.reshape(&dims)
    }

    /// The view without what it runs over along some of the map's axes.
    pub(super) fn without(&self, gone: &[usize]) -> Vec<Vec<Factor>> {
        let kept = |axis: &Vec<Factor>| axis.iter().filter(|factor| !gone.contains(&factor.of)).copied().collect();
        self.axes.iter().map(kept).collect()
    }

    /// Whether it has all values of the map in the map's order.
    pub(super) fn is_in_order(&self, shape: Shape) -> bool {
        let whole = Self::of_map(shape);
        self.start == [0; 4] && self.axes.iter().flatten().eq(whole.axes.iter().flatten())
    }

    /// Whether an axis runs over all channels and nothing else.
    pub(super) fn is_channels(&self, axis: usize, shape: Shape) -> bool {
        let whole = Factor::whole(CHANNELS, shape.channels);
        match self.axes.get(axis) {
            Some(factors) if shape.channels == 1 => factors.is_empty(),
            Some(factors) => *factors == [whole] && self.start[CHANNELS] == 0,
            None => false,
        }
    }
}

/// How many places the factors have together.
pub(super) fn extent(factors: &[Factor]) -> usize {
    factors.iter().map(|factor| factor.extent).product()
}

/// The factors with those together that go on where the one before ends.
fn merged(factors: impl Iterator<Item = Factor>) -> Vec<Factor> {
    let mut all: Vec<Factor> = Vec::new();
    for factor in factors.filter(|factor| factor.extent > 1) {
        match all.last_mut() {
            Some(last) if last.of == factor.of && last.stride == factor.stride * factor.extent => {
                (last.stride, last.extent) = (factor.stride, last.extent * factor.extent);
            }
            _ => all.push(factor),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape::new(2, 12, 4, 5);

    /// The place in the map of every value of a view, in order.
    fn places(view: &View, shape: Shape) -> Vec<usize> {
        let [_, c, h, w] = <[usize; 4]>::from(shape);
        let steps = [c * h * w, h * w, w, 1];
        let start = (0..4).map(|of| view.start[of] * steps[of]).sum();
        view.axes.iter().flatten().fold(vec![start], |places, factor| {
            let step = factor.stride * steps[factor.of];
            places.iter().flat_map(|place| (0..factor.extent).map(move |index| place + index * step)).collect()
        })
    }

    /// The same by moving numbers about.
    fn moved(values: &[usize], dims: &[usize], order: &[usize]) -> Vec<usize> {
        let turned: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
        let count: usize = turned.iter().product();
        let step = |axis: usize| dims[axis + 1..].iter().product::<usize>();
        (0..count)
            .map(|mut place| {
                let mut from = 0;
                for (&axis, &length) in order.iter().zip(&turned).rev() {
                    from += place % length * step(axis);
                    place /= length;
                }
                values[from]
            })
            .collect()
    }

    #[test]
    fn a_view_has_the_values_that_the_moves_give() {
        let map = View::of_map(SHAPE);
        let all: Vec<usize> = (0..480).collect();
        assert_eq!(places(&map, SHAPE), all);
        for (dims, order) in [
            (vec![2, 3, 4, 4, 5], vec![0, 2, 1, 3, 4]),
            (vec![2, 12, 4, 5], vec![0, 2, 3, 1]),
            (vec![8, 3, 20], vec![1, 0, 2]),
            (vec![2, 3, 4, 20], vec![0, 2, 1, 3]),
            (vec![2, 12, 2, 2, 5], vec![0, 1, 3, 2, 4]),
            (vec![480], vec![0]),
        ] {
            let view = map.reshape(&dims).unwrap();
            assert_eq!(view.dims(), dims);
            let turned = view.transpose(&order).unwrap();
            assert_eq!(places(&turned, SHAPE), moved(&all, &dims, &order), "{dims:?} {order:?}");
        }
        assert!(map.reshape(&[2, 9, 4, 5]).is_none() && map.reshape(&[7, 480]).is_none());
        let nhwc = map.transpose(&[0, 2, 3, 1]).unwrap();
        assert!(nhwc.is_channels(3, SHAPE) && !nhwc.is_channels(1, SHAPE) && !nhwc.is_in_order(SHAPE));
        assert_eq!(nhwc.transpose(&[0, 3, 1, 2]).unwrap(), map);
        assert_eq!(nhwc.without(&[HEIGHT, WIDTH]).concat(), [Factor::whole(BATCH, 2), Factor::whole(CHANNELS, 12)]);
    }

    #[test]
    fn parts_of_an_axis_are_cut_where_they_lie_evenly() {
        let map = View::of_map(Shape::new(1, 12, 1, 1));
        let places = |view: Option<View>| view.map(|view| places(&view, Shape::new(1, 12, 1, 1)));
        assert_eq!(places(map.slice(1, (3, 2, 4))), Some(vec![3, 5, 7, 9]));
        assert_eq!(places(map.slice(1, (11, 1, 1))), Some(vec![11]));
        assert_eq!(places(map.slice(1, (11, 1, 2))), None);
        // Shuffled in three groups, then cut.
        let shuffled = map.reshape(&[3, 4]).unwrap().transpose(&[1, 0]).unwrap().reshape(&[1, 12, 1, 1]).unwrap();
        assert_eq!(places(shuffled.slice(1, (0, 1, 6))), Some(vec![0, 4, 8, 1, 5, 9]));
        assert_eq!(places(shuffled.slice(1, (4, 1, 1))), Some(vec![5]));
        assert_eq!(places(shuffled.slice(1, (3, 1, 2))), Some(vec![1, 5]));
        assert_eq!(places(shuffled.slice(1, (1, 1, 3))), None);
        let picked = |places: &[usize]| map.pick(1, places);
        assert_eq!(picked(&[0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]), Some(shuffled));
        assert_eq!(places(picked(&[0, 4, 8, 1, 5, 9])), Some(vec![0, 4, 8, 1, 5, 9]));
        assert_eq!(places(picked(&[1, 3, 5])), Some(vec![1, 3, 5]));
        assert_eq!(picked(&[3, 1, 5]), None);
        assert_eq!(picked(&[0, 1, 5, 4]), None);
    }
}
