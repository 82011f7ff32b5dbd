//! Bounds that keep every derived number (shapes, mult-adds, bytes) far from overflow.

/// Shortest and longest side of the input image.
pub const INPUT: std::ops::RangeInclusive<u32> = 32..=2048;
/// Channels of a stage, of the stem and of the head.
pub const CHANNELS: std::ops::RangeInclusive<u32> = 1..=8192;
/// Units in a stage.
pub const REPEATS: std::ops::RangeInclusive<u32> = 1..=64;
/// Stages of a design.
pub const STAGES: std::ops::RangeInclusive<usize> = 1..=32;
/// Convolutions of the stem.
pub const STEM_CONVS: std::ops::RangeInclusive<usize> = 1..=4;
/// Classes told apart.
pub const CLASSES: std::ops::RangeInclusive<u32> = 1..=65_536;
/// Images in a batch.
pub const BATCH: std::ops::RangeInclusive<u32> = 1..=1024;
/// The width setting.
pub const WIDTH: std::ops::RangeInclusive<f64> = 0.25..=2.5;
/// The width setting of MobileNet V2, of which the paper's Table 8 has a 0.15x.
pub const MOBILENET_V2_WIDTH: std::ops::RangeInclusive<f64> = 0.1..=2.5;
/// Windows of units.
pub const KERNELS: [u32; 3] = [3, 5, 7];
/// Windows of the stem.
pub const STEM_KERNELS: [u32; 4] = [1, 3, 5, 7];
/// Groups of 1x1 convolutions.
pub const GROUPS: [u32; 5] = [1, 2, 3, 4, 8];
/// Groups of the convolution in the middle of a bottleneck.
pub const WINDOW_GROUPS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];
/// Share of the channels that passes a unit untouched.
pub const SPLIT: std::ops::RangeInclusive<f64> = 0.125..=0.875;
/// Reduction of squeeze-and-excitation.
pub const SE_REDUCTION: std::ops::RangeInclusive<u32> = 1..=64;
/// Expansion of inverted residuals and interleaved groups, bottleneck of the units that have one.
pub const EXPANSION: std::ops::RangeInclusive<u32> = 1..=16;
