//! What the paper's tables hold beside one another: a block and the rates measured with it.

/// A rate as printed.
#[derive(Clone, Debug, PartialEq)]
pub struct PaperRate {
    /// Batches per second on a GTX 1080Ti, or images per second on one thread of a Snapdragon 810.
    pub rate: f64,
    /// The channels it was measured with.
    pub channels: String,
}

/// A line of one table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line<Block> {
    /// As printed: `1:2`, `4-fragment-series`.
    pub label: String,
    /// What is stacked.
    pub block: Block,
    /// On the paper's GPU, at this scale and with the GPU's channels.
    pub paper_gpu: PaperRate,
    /// On the paper's ARM processor, at this scale and with that processor's channels.
    pub paper_arm: PaperRate,
}
