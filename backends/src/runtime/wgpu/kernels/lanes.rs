//! Sums that several threads share: each adds up its part, then they are added in a tree.

use super::Refusal;
use super::text::Text;
use super::variant::{Limits, Variant};

/// Threads for a sum and for a workgroup.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lanes {
    pub lanes: u32,
    pub threads: u32,
}

impl Lanes {
    /// The first guess is enough lanes for `values` a sum, about four each, but not more than `most`.
    pub fn variants(values: u32, most: u32, limits: &Limits) -> Vec<Variant> {
        let best = values.div_ceil(4).next_power_of_two().clamp(1, most);
        let mut variants: Vec<Variant> = Vec::new();
        for (lanes, threads) in [(best, 256), (best, 128), (2 * best, 256), (best / 2, 128), (best / 2, 256)] {
            let variant = Variant::Lanes { lanes, threads };
            if lanes > 0 && lanes <= threads && threads <= limits.invocations && !variants.contains(&variant) {
                variants.push(variant);
            }
        }
        if variants.is_empty() {
            variants.push(Variant::Lanes { lanes: 1, threads: limits.invocations.clamp(1, 64) });
        }
        variants
    }

    pub fn of(variant: Variant, kernel: &'static str) -> Result<Self, Refusal> {
        match variant {
            Variant::Lanes { lanes, threads }
                if lanes.is_power_of_two() && (1..=1024).contains(&threads) && threads.is_multiple_of(lanes) =>
            {
                Ok(Self { lanes, threads })
            }
            _ => Err(variant.refused(kernel)),
        }
    }

    /// Sums in a workgroup.
    pub const fn sums(self) -> u32 {
        self.threads / self.lanes
    }

    /// Declares workgroup memory for `sums` sums of each thread.
    pub fn declare(self, text: &mut Text, sums: u32) {
        text.line(format!("var<workgroup> parts: array<f32, {}>;", sums * self.threads));
    }

    /// Adds up `s0`, `s1`, … of the threads with one sum; afterwards it is in [`whole`](Self::whole) for all of them.
    pub fn add(self, text: &mut Text, sums: u32) {
        self.join(text, sums, |a, b| format!("{a} + {b}"));
    }

    /// As [`add`](Self::add), with what `of` makes of two.
    pub fn join(self, text: &mut Text, sums: u32, of: impl Fn(&str, &str) -> String) {
        let place = |at: u32, step: u32| format!("parts[local + {}u]", at * self.threads + step);
        for at in 0..sums {
            text.line(format!("{} = s{at};", place(at, 0)));
        }
        text.line("workgroupBarrier();");
        let mut step = self.lanes / 2;
        while step > 0 {
            text.open(format!("if (lane < {step}u)"));
            for at in 0..sums {
                let (to, from) = (place(at, 0), place(at, step));
                text.line(format!("{to} = {};", of(&to, &from)));
            }
            text.close();
            text.line("workgroupBarrier();");
            step /= 2;
        }
    }

    /// The sum, for the thread whose `lane` is 0.
    pub fn whole(self, at: u32) -> String {
        format!("parts[local + {}u]", at * self.threads)
    }
}
