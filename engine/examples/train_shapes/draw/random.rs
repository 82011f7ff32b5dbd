//! The one source of chance: a picture is a function of its seed.

/// Steele, Lea and Flood's splitmix64.
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`, scrambled once so that neighbouring seeds share nothing.
    pub fn new(seed: u64) -> Self {
        let mut random = Self(seed);
        random.0 = random.bits();
        random
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        scramble(self.0)
    }

    /// From 0 up to, not including, 1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// From `low` to `high`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// From `-bound` to `bound`.
    pub fn either(&mut self, bound: f32) -> f32 {
        self.range(-bound, bound)
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// An integer from `low` to `high`, both included.
    pub fn count(&mut self, low: usize, high: usize) -> usize {
        low + (self.bits() % (high - low + 1) as u64) as usize
    }

    /// One of `choices`.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.count(0, choices.len() - 1)]
    }

    /// Four numbers of mean 0 and deviation 1, bell-shaped enough for noise: each the sum of two uniform ones.
    pub fn four(&mut self) -> [f32; 4] {
        let bytes = self.bits().to_le_bytes();
        std::array::from_fn(|i| (f32::from(bytes[2 * i]) + f32::from(bytes[2 * i + 1]) - 255.0) * (1.0 / 104.5))
    }
}

/// A finaliser that spreads every bit of `z` over all of the result.
fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Smooth noise of a plane: random values at whole coordinates, blended between; from -1 to 1.
#[derive(Clone, Copy)]
pub struct Noise(u32);

impl Noise {
    /// A field of its own.
    pub fn new(random: &mut Random) -> Self {
        Self(random.bits() as u32)
    }

    /// The field at a point, whose coordinates are from -1000 up.
    pub fn at(self, x: f32, y: f32) -> f32 {
        let (column, row) = ((x + 1000.0) as i32 - 1000, (y + 1000.0) as i32 - 1000);
        let (fx, fy) = (ease(x - column as f32), ease(y - row as f32));
        let corner = |dx: i32, dy: i32| self.lattice(column + dx, row + dy);
        let top = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * fx;
        let bottom = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * fx;
        top + (bottom - top) * fy
    }

    /// Unrelated values at whole coordinates, from -1 to 1.
    fn lattice(self, column: i32, row: i32) -> f32 {
        let mut h = self.0 ^ (column as u32).wrapping_mul(0x9E37_79B1) ^ (row as u32).wrapping_mul(0x85EB_CA77);
        h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
        h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
        (h ^ (h >> 15)) as f32 / 2_147_483_648.0 - 1.0
    }
}

fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}
