//! The vector instruction sets of the processor the program runs on, detected at run time.

macro_rules! detected {
    ($detect:ident: $($name:tt),+ $(,)?) => {
        [$(($name, std::arch::$detect!($name))),+].into_iter().filter(|(_, found)| *found).map(|(name, _)| name.to_owned()).collect()
    };
}

/// Names of the sets that matter to dense arithmetic, in rising order; empty where this architecture is not known.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
pub(super) fn instruction_sets() -> Vec<String> {
    detected!(is_x86_feature_detected: "sse4.2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512vnni", "avxvnni")
}

/// Names of the sets that matter to dense arithmetic, in rising order; empty where this architecture is not known.
#[cfg(target_arch = "aarch64")]
pub(super) fn instruction_sets() -> Vec<String> {
    detected!(is_aarch64_feature_detected: "neon", "fp16", "dotprod", "i8mm", "bf16", "sve", "sve2")
}

/// Names of the sets that matter to dense arithmetic, in rising order; empty where this architecture is not known.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn instruction_sets() -> Vec<String> {
    Vec::new()
}
