//! Devices and classifiers whose backend remembers between processes what it has tuned.

use shufflescope_engine::classify::ClassifierOptions;
use shufflescope_engine::device::{Device, DeviceError, DeviceId};
use shufflescope_engine::runtime::RunOptions;

use crate::cache_folder;

/// As [`Device::open`], remembering in the user's cache folder.
///
/// # Errors
/// As [`Device::open`].
pub(crate) fn open_device(id: &DeviceId) -> Result<Device, DeviceError> {
    let device = Device::open(id)?;
    Ok(match cache_folder() {
        Some(folder) => device.remembering(folder),
        None => device,
    })
}

/// As [`ClassifierOptions::new`], remembering in the user's cache folder.
pub(crate) fn classifier_options(run: RunOptions) -> ClassifierOptions {
    ClassifierOptions { memory_folder: cache_folder(), ..ClassifierOptions::new(run) }
}
