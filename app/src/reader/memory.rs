//! How much memory a reader may take.

use shufflescope_engine::units::Bytes;

/// What every reader may take: the program itself, its threads, and a small file's content.
const LEAST: Bytes = Bytes(2 << 30);

/// Times a file's size that its content may take in memory: bytes, messages, parameters and weights.
const TIMES: u64 = 8;

/// Limits the memory of this process to what a file of that size may take; too much ends it.
///
/// On Linux and the BSDs that is the address space. macOS takes the limit and does not enforce it, and Windows has none
/// for a process itself: there, the decoders' own bounds and the time limit are what protects.
pub(super) fn limit(file: Bytes) {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        let wanted = LEAST.0.saturating_add(file.0.saturating_mul(TIMES));
        // Limits are only ever lowered; where that is refused, the bounds of the decoders remain.
        if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_AS) {
            let wanted = soft.min(wanted);
            let _ = setrlimit(Resource::RLIMIT_AS, wanted, hard);
        }
    }
    #[cfg(not(unix))]
    let _ = (file, LEAST, TIMES);
}
