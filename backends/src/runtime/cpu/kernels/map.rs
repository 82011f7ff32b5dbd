//! Where a feature map lies: a list of rows, so that slices, concatenations and shuffles are new lists and nothing more.

/// A feature map in an arena: each channel of each image is a row of `height * width` floats somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Where the rows start, in floats: image by image, channel by channel.
    pub rows: Vec<u32>,
    /// Channels per image.
    pub channels: usize,
    /// `[height, width]`.
    pub size: [usize; 2],
}

impl Map {
    /// Pixels per row; more than fit any arena where they cannot be counted.
    #[must_use]
    pub fn pixels(&self) -> usize {
        self.size[0].saturating_mul(self.size[1])
    }

    /// Images.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.rows.len() / self.channels.max(1)
    }

    /// Rows of one image.
    pub(super) fn image(&self, image: usize) -> &[u32] {
        &self.rows[image * self.channels..][..self.channels]
    }

    /// Floats from the first to past the last that any row may touch; what cannot be counted ends behind any arena.
    pub(super) fn extents(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let room = row_room(self.pixels());
        self.rows.iter().map(move |&row| row as usize..(row as usize).saturating_add(room))
    }
}

/// Floats that a row of `pixels` takes: whole cache lines, so that a vector may be read at its end, but single values
/// lie densely.
#[must_use]
pub const fn row_room(pixels: usize) -> usize {
    match (pixels, pixels.checked_next_multiple_of(16)) {
        (1, _) => 1,
        (_, Some(room)) => room,
        (_, None) => usize::MAX,
    }
}

/// Where the first of `total` things lies that part `part` of `parts` about equal ones has.
pub(super) const fn share(total: usize, part: usize, parts: usize) -> usize {
    // Things lie in an arena of less than 2^32 floats, so that this fits 64 bits, but on a small machine not its own.
    (total as u64 * part as u64 / parts as u64) as usize
}

/// Cuts `count` things into items of work: as few as keep `threads` busy to the end, none smaller than `least`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    count: usize,
    items: usize,
}

impl Split {
    pub fn new(count: usize, work_each: f64, threads: usize) -> Self {
        /// Multiply-adds (or as slow things) below which handing out work costs more than it balances: about 2 us.
        const LEAST: f64 = 100e3;
        /// Items per thread: enough for others to help where the system puts one aside.
        const PER_THREAD: usize = 8;
        let threads = threads.max(1);
        let worth = ((count as f64 * work_each / LEAST) as usize).max(1);
        let most = if threads == 1 { 1 } else { threads.saturating_mul(PER_THREAD).min(count) };
        let items = worth.min(most).max(1);
        // Two threads and three items: one thread idles a third of the time.
        let items = items.checked_next_multiple_of(threads).unwrap_or(count).min(count);
        Self { count, items: if threads == 1 { 1 } else { items } }
    }

    pub fn items(&self) -> usize {
        self.items
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// The things in `item`; sizes differ by at most one.
    pub fn range(&self, item: usize) -> std::ops::Range<usize> {
        share(self.count, item, self.items)..share(self.count, item + 1, self.items)
    }
}
