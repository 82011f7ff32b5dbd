//! Another map that is added to a convolution's bytes, once a tile of them is written: at the same time it would take registers
//! from the tile's sums, which then go to memory in every step.

use super::tile::{Finish, Finisher};
use super::words::Words;

/// How bytes of a convolution and those of another map are added.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    /// What steps of both are, in steps of the sum.
    pub of: [f32; 2],
    /// The bytes for zero of both.
    pub zeros: [u8; 2],
}

/// [`Sum`] in registers.
#[derive(Clone, Copy)]
struct Adder<W> {
    zeros: [W; 2],
    of: [W; 2],
}

impl<W: Words> Adder<W> {
    /// # Safety
    /// As [`Words`].
    #[inline(always)]
    unsafe fn new(Sum { of, zeros }: Sum) -> Self {
        // SAFETY: handed on.
        unsafe { Self { zeros: zeros.map(|zero| W::splat(zero.into())), of: of.map(|of| W::splat(of.to_bits())) } }
    }

    /// What each byte of two registers of words adds up to, in steps of the sum.
    ///
    /// # Safety
    /// As [`Words`].
    #[inline(always)]
    unsafe fn add(&self, words: W, others: W) -> [W; 4] {
        let mut sums = [words; 4];
        for (at, sum) in sums.iter_mut().enumerate() {
            // SAFETY: handed on.
            *sum = unsafe {
                let other = others.byte_less(at, self.zeros[1]);
                words.byte_less(at, self.zeros[0]).added(self.of[0], other, self.of[1])
            };
        }
        sums
    }
}

/// What is added where.
#[derive(Clone, Copy, Debug)]
pub(super) struct SumArgs {
    /// A row of a convolution's words, which becomes that of the sum.
    pub to: *mut u32,
    /// The other map's.
    pub from: *const u32,
    /// Pixels.
    pub count: usize,
    pub sum: Sum,
    pub finish: Finish,
}

/// # Safety
/// As [`Words`]. `to` is valid for reads and writes of `count` words, `from` for reads in other memory.
#[inline(always)]
pub(super) unsafe fn add<W: Words>(&SumArgs { to, from, count, sum, finish }: &SumArgs) {
    // SAFETY: as the caller promises; behind whole registers only the words that are left are read and written.
    unsafe {
        let (finisher, adder) = (Finisher::<W>::new(finish), Adder::<W>::new(sum));
        let whole = count / W::LANES * W::LANES;
        for at in (0..whole).step_by(W::LANES) {
            let (to, from) = (to.add(at), from.add(at));
            finisher.bytes(adder.add(W::load(to), W::load(from))).turned().store(to);
        }
        let left = count - whole;
        if left > 0 {
            let first = |words: *const u32| W::load_first(words.add(whole), left, W::splat(0));
            let words = finisher.bytes(adder.add(first(to), first(from))).turned();
            words.store_partial(to.add(whole), left);
        }
    }
}
