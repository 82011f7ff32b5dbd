//! Things of which some belong together.

/// Things of one class point to one of them (a union-find).
pub(in crate::runtime) struct Classes(Vec<usize>);

impl Classes {
    /// So many things, each in a class of its own.
    pub fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    /// One of the class of a thing, the same for all of them.
    pub fn of(&mut self, thing: usize) -> usize {
        let mut at = thing;
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    /// Makes one class of two.
    pub fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b)] = a.min(b);
    }
}
