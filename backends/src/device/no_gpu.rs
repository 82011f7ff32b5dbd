//! Why there is no graphics card to run on, and how to get one.

use thiserror::Error;

/// Why there is no GPU of the kind asked for.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NoGpu {
    /// Neither Vulkan nor anything else of the kind is installed.
    #[error("{}", no_driver())]
    NoDriver,
    /// There are drivers, but no card that they serve.
    #[error("no graphics card with a driver was found; {}{}", remedy(), software(*.has_software))]
    NoHardware {
        /// Whether the processor plays one.
        has_software: bool,
    },
    /// Nothing plays a GPU.
    #[error("nothing plays a GPU in software here: {}", software_remedy())]
    NoSoftware,
}

fn no_driver() -> String {
    let what = if cfg!(target_os = "macos") {
        "Metal found nothing"
    } else if cfg!(windows) {
        "neither Vulkan nor Direct3D 12 is there"
    } else {
        "there is no Vulkan loader (libvulkan.so.1)"
    };
    format!("{what}; {}", remedy())
}

const fn remedy() -> &'static str {
    if cfg!(target_os = "macos") {
        "this needs a Mac with Metal; use `--device cpu`"
    } else if cfg!(windows) {
        "install the current driver of the card's maker, or use `--device cpu`"
    } else {
        "install the card's driver (Debian, Ubuntu: `apt install libvulkan1 mesa-vulkan-drivers`; NVIDIA's own driver \
         needs `libvulkan1` too), or use `--device cpu`"
    }
}

const fn software_remedy() -> &'static str {
    if cfg!(target_os = "macos") {
        "macOS has no such driver; use `--device gpu` or `--device cpu`"
    } else if cfg!(windows) {
        "WARP is a part of Windows from 10 on; use `--device cpu`"
    } else {
        "install lavapipe (Debian, Ubuntu: `apt install mesa-vulkan-drivers`), or use `--device cpu`"
    }
}

const fn software(is_there: bool) -> &'static str {
    if is_there { "; `--device gpu:software` is there, for tests: the processor plays a GPU" } else { "" }
}
