//! From a picture to class names: what a network sees of it, what it makes of that, and how the classes are called.

mod classifier;
pub mod demo;
mod labels;
mod picture;
mod preprocessing;
mod preprocessor;
mod ranking;
mod smoothing;

pub use classifier::{Classification, Classifier, ClassifierId, ClassifierOptions, ClassifyError, StageTimes};
pub use labels::{Labels, LabelsError};
pub use picture::{Picture, PictureError};
pub use preprocessing::{
    ChannelOrder, CropMode, Interpolation, Normalization, Preprocessing, PreprocessingOptions, ResizeSideError,
};
pub use preprocessor::{Preprocessor, ResizeError};
pub use ranking::{Ranked, largest, softmax};
pub use smoothing::Smoothing;
