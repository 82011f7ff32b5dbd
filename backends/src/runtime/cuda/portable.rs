//! PTX made beforehand from the very texts that NVRTC compiles elsewhere, for machines that have a driver and no compiler.
//! Fewer tiles, no constants, no units: the profile says that it was so.
//!
//! `ptx/make.sh` makes the file. A text that has changed since is not found, and a test says so.

use std::collections::HashMap;
use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

use super::kernels::peak::Peak;
use super::kernels::{Card, GpuKernel, ImageStrides, Source};
use crate::graph::{Activation, Coefficient, LocalNorm, Shape, Window};
use crate::runtime::Precision;
use crate::runtime::plan::{Elementwise, Epilogue, KernelSpec, Pooling, Step, Work};

/// Compute capability (times ten) that the PTX is for; later ones run it too.
pub const CAPABILITY: u32 = 75;
/// What begins each kernel in the file, before its key.
const MARK: &str = "//// ";

/// A megabyte of text that most machines never read, packed to a tenth.
static FILE: &[u8] = include_bytes!("ptx/portable.ptx.gz");

/// PTX for a source's [`Form::Generic`](super::kernels::Form::Generic) text, where it was made.
#[must_use]
pub fn ptx(source: &Source) -> Option<&'static str> {
    static PARTS: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    PARTS
        .get_or_init(|| text().split(MARK).filter_map(|part| part.split_once('\n')).collect())
        .get(source.key().as_str())
        .copied()
}

/// What is in the file; nothing of one that is damaged, which a test would notice.
fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut text = String::new();
        GzDecoder::new(FILE).read_to_string(&mut text).map_or_else(|_| String::new(), |_| text)
    })
}

/// A file of kernels with their keys.
#[must_use]
pub fn file(kernels: &[(String, String)]) -> String {
    kernels.iter().map(|(key, ptx)| format!("{MARK}{key}\n{ptx}\n")).collect()
}

/// Every source whose PTX is made beforehand.
#[must_use]
pub fn sources() -> Vec<Source> {
    let shape = |channels, pixels| Shape { batch: 2, channels, height: pixels, width: pixels };
    let window = Window::padded([3; 2], 1, [1; 2]);
    let one = Coefficient::new(1.0);
    let neighbours = LocalNorm { size: 5, alpha: one, beta: one, offset: one };
    let linear = (Work::Linear, shape(8, 1), shape(8, 1));
    // One of each kind; what differs otherwise is an argument.
    let works = [
        (Work::Conv { window: Window::padded([1; 2], 1, [0; 2]), groups: 1 }, shape(8, 8), shape(8, 8)),
        (Work::Conv { window, groups: 1 }, shape(8, 8), shape(8, 8)),
        (Work::Conv { window, groups: 8 }, shape(8, 8), shape(8, 8)),
        linear,
        (Work::Linear, Shape { batch: 1, ..shape(8, 1) }, Shape { batch: 1, ..shape(8, 1) }),
        (Work::Pool { pooling: Pooling::Max, window }, shape(8, 8), shape(8, 8)),
        (Work::GlobalMean, shape(8, 8), shape(8, 1)),
        (Work::LayerNorm { eps: Coefficient::new(1e-5) }, shape(8, 8), shape(8, 8)),
        (Work::LocalNorm(neighbours), shape(8, 8), shape(8, 8)),
        (Work::Elementwise(Elementwise::Add), shape(8, 8), shape(8, 8)),
    ];
    let mut known: HashMap<String, Source> =
        Peak::ALL.iter().map(|peak| peak.source(1)).map(|source| (source.key(), source)).collect();
    for precision in [Precision::F32, Precision::F16] {
        for (work, input, output) in works {
            let epilogue = Epilogue { residual: false, activation: Activation::None };
            let spec = KernelSpec { input, steps: vec![Step { work, output, epilogue }], precision };
            let plain = ImageStrides::plain(&spec);
            // Flattened operands, where they are read, have texts of their own.
            for strides in [plain, ImageStrides { input: plain.input + 1, ..plain }] {
                let Ok(kernel) = GpuKernel::of(&spec, &strides) else { continue };
                let sources =
                    kernel.portable(&Card::LEAST).into_iter().filter_map(|variant| kernel.source(variant).ok());
                known.extend(sources.map(|source| (source.key(), source)));
            }
        }
    }
    let mut all: Vec<(String, Source)> = known.into_iter().collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all.into_iter().map(|(_, source)| source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_every_kernel_as_it_is_now() {
        let missing: Vec<String> = sources().iter().filter(|source| ptx(source).is_none()).map(Source::key).collect();
        assert!(missing.is_empty(), "made from other texts: run ptx/make.sh; {missing:?}");
    }
}
