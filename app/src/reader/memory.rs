//! How much memory a reader may take.

use shufflescope_engine::units::Bytes;

/// What every reader may take: the program itself, its threads, and a small file's content.
const LEAST: Bytes = Bytes(2 << 30);

/// Times a file's size that its content may take in memory: bytes, messages, parameters and weights.
const TIMES: u64 = 8;

/// Limits the memory of this process to what a file of that size may take; too much ends it.
///
/// On Linux that is the address space. macOS has the limit and does not enforce it, and Windows has none that a process
/// sets itself: there, the decoders' own bounds and the time limit are what protects.
pub(super) fn limit(file: Bytes) {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        let wanted = LEAST.0.saturating_add(file.0.saturating_mul(TIMES));
        // Limits are only ever lowered; where that is refused, the bounds of the decoders remain.
        if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_AS) {
            let wanted = soft.min(wanted);
            let _ = setrlimit(Resource::RLIMIT_AS, wanted, hard);
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    let _ = (file, LEAST, TIMES);
}
