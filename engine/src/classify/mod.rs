//! From a picture to class names: what a network classifies.

mod picture;

pub use picture::{Picture, PictureError};
