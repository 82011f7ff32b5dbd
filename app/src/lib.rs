//! ShuffleScope: design ShuffleNet-style networks and see at once what they cost, on paper and on your device.
//!
//! Three faces of one program: the `window`, the [`cli`], and the [`worker`] process that measures for both. Pictures
//! come from a [`camera`] or an [`image_file`], trained weights from the [`weights_store`]. Without the feature `window`
//! the program is headless: nothing of egui is built.

pub mod address;
pub mod camera;
pub mod cli;
pub mod export;
mod folders;
pub mod image_file;
pub mod jpeg;
mod kernel_times;
mod last_words;
mod later;
mod open_device;
pub mod reader;
pub mod target;
pub mod teach;
pub mod weights_store;
#[cfg(feature = "window")]
pub mod window;
pub mod worker;

pub use folders::{cache_folder, data_folder};
use shufflescope_engine::runtime::DeviceFault;

/// An error with its causes, outermost first; causes that an outer message already tells are left out.
#[must_use]
pub fn explain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told {
        told if told.is_empty() => cause,
        told if told.contains(cause.trim()) => told,
        told => format!("{told}: {cause}"),
    })
}

/// Whether a device failed in a way that only a fresh process recovers from.
pub(crate) fn ends_process(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<DeviceFault>()).any(DeviceFault::ends_process)
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".into())
}
