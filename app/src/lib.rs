//! ShuffleScope: design ShuffleNet-style networks and see at once what they cost, on paper and on your device.
//!
//! Three faces of one program: the `window`, the [`cli`], and the [`worker`] process that measures for both. Pictures
//! come from an [`image_file`], trained weights from the [`weights_store`]. Without the feature `window` the program is
//! headless: nothing of egui is built.

pub mod camera;
pub mod cli;
mod folders;
pub mod image_file;
pub mod weights_store;
#[cfg(feature = "window")]
pub mod window;
pub mod worker;

pub use folders::data_folder;

/// An error with its causes, outermost first; causes that an outer message already tells are left out.
#[must_use]
pub fn explain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told {
        told if told.is_empty() => cause,
        told if told.contains(cause.trim()) => told,
        told => format!("{told}: {cause}"),
    })
}
