//! From a picture to class names: what a network classifies.

pub mod demo;
mod picture;

pub use picture::{Picture, PictureError};
