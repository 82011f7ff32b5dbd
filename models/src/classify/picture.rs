//! A picture in memory, wherever it came from.

use std::fmt;

use thiserror::Error;

/// Largest side of a picture: a bound on what a file or camera can make us allocate.
const MAX_SIDE: u32 = 16_384;

/// 8-bit RGB, rows from the top, three bytes per pixel, no padding between rows.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

/// Bytes that are not a picture of the size given.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PictureError {
    /// Empty, or too large to be meant.
    #[error("a picture of {width}x{height} pixels cannot be used: each side must be from 1 to {MAX_SIDE} pixels")]
    Size {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// Too few or too many bytes.
    #[error("a picture of {width}x{height} RGB pixels has {expected} bytes, {given} were given")]
    Length {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Three per pixel.
        expected: usize,
        /// What there was.
        given: usize,
    },
}

impl Picture {
    /// A picture of these bytes.
    ///
    /// # Errors
    /// Where the size is out of range or the bytes do not fill it exactly.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, PictureError> {
        if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
            return Err(PictureError::Size { width, height });
        }
        let expected = width as usize * height as usize * 3;
        if rgb.len() != expected {
            return Err(PictureError::Length { width, height, expected, given: rgb.len() });
        }
        Ok(Self { width, height, rgb })
    }

    /// Pixels across.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// `3 * width * height` bytes.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture").field("width", &self.width).field("height", &self.height).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_do_not_fill_the_size_are_refused() {
        assert!(Picture::new(2, 3, vec![0; 18]).is_ok());
        assert_eq!(
            Picture::new(2, 3, vec![0; 17]),
            Err(PictureError::Length { width: 2, height: 3, expected: 18, given: 17 })
        );
        assert_eq!(Picture::new(0, 3, vec![]), Err(PictureError::Size { width: 0, height: 3 }));
        assert_eq!(Picture::new(20_000, 1, vec![0; 60_000]), Err(PictureError::Size { width: 20_000, height: 1 }));
    }
}
