//! From a camera's pixel format to 8-bit RGB.

use std::fmt;

use shufflescope_engine::classify::{Picture, PictureError};
use thiserror::Error;

use crate::jpeg::{self, JpegError, Limits};

/// What one JPEG picture of a camera may have: more than any camera's, and 256 MiB to decode it.
const LIMITS: Limits = Limits { side: 8192, memory: 256 << 20 };

/// How a frame's bytes are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Two pixels in four bytes: Y0 U Y1 V. BT.601, limited range, as cameras give it.
    Yuyv,
    /// A plane of Y, then one of U V pairs at half the width and height. BT.601, limited range.
    Nv12,
    /// Three bytes per pixel.
    Rgb24,
    /// One JPEG picture per frame.
    Mjpeg,
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yuyv => "YUYV",
            Self::Nv12 => "NV12",
            Self::Rgb24 => "RGB24",
            Self::Mjpeg => "MJPEG",
        })
    }
}

/// A frame in a camera's own format.
#[derive(Clone, PartialEq, Eq)]
pub struct RawImage {
    /// How `bytes` are meant.
    pub format: PixelFormat,
    /// Pixels across; a JPEG picture says its own.
    pub width: u32,
    /// Pixels down; a JPEG picture says its own.
    pub height: u32,
    /// Bytes from one row to the next, 0 where rows follow each other directly.
    pub stride: usize,
    /// At least what the format and size need; more is ignored.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for RawImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawImage({} {}x{}, {} bytes)", self.format, self.width, self.height, self.bytes.len())
    }
}

/// Bytes that are not a frame of their format.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PixelError {
    /// A size no picture has.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The frame ends early.
    #[error("a {format} frame of {width}x{height} has too few bytes: {given}")]
    Short {
        /// The frame's format.
        format: PixelFormat,
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Bytes there were.
        given: usize,
    },
    /// Not a JPEG picture, a damaged one or one too large.
    #[error("a JPEG picture cannot be read: {0}")]
    Jpeg(#[from] JpegError),
}

impl RawImage {
    /// One JPEG picture, which says its own size.
    #[must_use]
    pub const fn jpeg(bytes: Vec<u8>) -> Self {
        Self { format: PixelFormat::Mjpeg, width: 0, height: 0, stride: 0, bytes }
    }

    /// The picture: 8-bit RGB.
    ///
    /// # Errors
    /// Where there are too few bytes for the size, or the JPEG picture is damaged.
    pub fn decode(&self) -> Result<Picture, PixelError> {
        if self.format == PixelFormat::Mjpeg {
            let jpeg = jpeg::decode(&self.bytes, &LIMITS)?;
            return Ok(Picture::new(jpeg.width, jpeg.height, jpeg.rgb)?);
        }
        // Refuses sizes out of range before anything is allocated for them.
        if let Err(error @ PictureError::Size { .. }) = Picture::new(self.width, self.height, vec![]) {
            return Err(error.into());
        }
        let rgb = match self.format {
            PixelFormat::Yuyv => self.yuyv(),
            PixelFormat::Nv12 => self.nv12(),
            PixelFormat::Rgb24 => self.rgb24(),
            PixelFormat::Mjpeg => None,
        };
        let (format, width, height) = (self.format, self.width, self.height);
        let rgb = rgb.ok_or(PixelError::Short { format, width, height, given: self.bytes.len() })?;
        Ok(Picture::new(width, height, rgb)?)
    }

    /// `rows` rows of `length` bytes from byte `start` on; `None` where there are fewer.
    fn rows(&self, start: usize, rows: usize, length: usize) -> Option<impl Iterator<Item = &[u8]>> {
        let stride = if self.stride == 0 { length } else { self.stride };
        let needed = stride.checked_mul(rows.checked_sub(1)?)?.checked_add(length)?;
        let bytes = self.bytes.get(start..start.checked_add(needed)?)?;
        (stride >= length).then(|| bytes.chunks(stride).filter_map(move |row| row.get(..length)))
    }

    fn empty(&self) -> Vec<u8> {
        Vec::with_capacity(self.width as usize * self.height as usize * 3)
    }

    fn rgb24(&self) -> Option<Vec<u8>> {
        let mut rgb = self.empty();
        self.rows(0, self.height as usize, self.width as usize * 3)?.for_each(|row| rgb.extend_from_slice(row));
        Some(rgb)
    }

    fn yuyv(&self) -> Option<Vec<u8>> {
        let width = self.width as usize;
        let mut rgb = self.empty();
        for row in self.rows(0, self.height as usize, width.div_ceil(2) * 4)? {
            let end = rgb.len() + width * 3;
            for pair in row.as_chunks::<4>().0 {
                let [y0, u, y1, v] = *pair;
                let chroma = Chroma::new(u, v);
                rgb.extend_from_slice(&chroma.rgb(y0));
                rgb.extend_from_slice(&chroma.rgb(y1));
            }
            // Of an odd width the last pair has a pixel too many.
            rgb.truncate(end);
        }
        Some(rgb)
    }

    fn nv12(&self) -> Option<Vec<u8>> {
        let (width, height) = (self.width as usize, self.height as usize);
        let stride = if self.stride == 0 { width } else { self.stride };
        let chroma_rows = self.rows(stride.checked_mul(height)?, height.div_ceil(2), width.div_ceil(2) * 2)?;
        let mut rgb = self.empty();
        let rows: Vec<&[u8]> = self.rows(0, height, width)?.collect();
        for (rows, chroma_row) in rows.chunks(2).zip(chroma_rows) {
            for row in rows {
                for (luma, pair) in row.chunks(2).zip(chroma_row.as_chunks::<2>().0) {
                    let chroma = Chroma::new(pair[0], pair[1]);
                    luma.iter().for_each(|&y| rgb.extend_from_slice(&chroma.rgb(y)));
                }
            }
        }
        Some(rgb)
    }
}

/// What U and V add to red, green and blue, in 2^-20.
///
/// ITU-R BT.601 with luma from 16 to 235 and chroma from 16 to 240: `R = 255/219 (Y-16) + 255/112 * 0.701 (V-128)`,
/// `B = 255/219 (Y-16) + 255/112 * 0.886 (U-128)`, and green from `Y = 0.299 R + 0.587 G + 0.114 B`.
#[derive(Clone, Copy)]
struct Chroma([i32; 3]);

impl Chroma {
    const ONE: f64 = (1 << 20) as f64;
    const LUMA: i32 = (255.0 / 219.0 * Self::ONE) as i32;
    const RED: i32 = (255.0 / 112.0 * 0.701 * Self::ONE) as i32;
    const BLUE: i32 = (255.0 / 112.0 * 0.886 * Self::ONE) as i32;
    const GREEN_U: i32 = (255.0 / 112.0 * 0.886 * 0.114 / 0.587 * Self::ONE) as i32;
    const GREEN_V: i32 = (255.0 / 112.0 * 0.701 * 0.299 / 0.587 * Self::ONE) as i32;

    fn new(u: u8, v: u8) -> Self {
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        Self([Self::RED * v, -Self::GREEN_U * u - Self::GREEN_V * v, Self::BLUE * u])
    }

    fn rgb(self, y: u8) -> [u8; 3] {
        let luma = Self::LUMA * (i32::from(y) - 16) + (1 << 19);
        self.0.map(|chroma| ((luma + chroma) >> 20).clamp(0, 255) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(format: PixelFormat, width: u32, height: u32, stride: usize, bytes: &[u8]) -> RawImage {
        RawImage { format, width, height, stride, bytes: bytes.to_vec() }
    }

    /// Eight colours at full amplitude as BT.601 codes them (Y, U, V): the bars of a test card, ITU-R BT.801.
    const BARS: [([u8; 3], [u8; 3]); 8] = [
        ([235, 128, 128], [255, 255, 255]),
        ([210, 16, 146], [255, 255, 0]),
        ([170, 166, 16], [0, 255, 255]),
        ([145, 54, 34], [0, 255, 0]),
        ([106, 202, 222], [255, 0, 255]),
        ([81, 90, 240], [255, 0, 0]),
        ([41, 240, 110], [0, 0, 255]),
        ([16, 128, 128], [0, 0, 0]),
    ];

    #[test]
    fn the_bars_of_a_test_card_come_out_as_their_colours() {
        for ([y, u, v], expected) in BARS {
            let yuyv = image(PixelFormat::Yuyv, 2, 1, 0, &[y, u, y, v]).decode().unwrap();
            let nv12 = image(PixelFormat::Nv12, 2, 2, 0, &[y, y, y, y, u, v]).decode().unwrap();
            for got in yuyv.rgb().chunks(3).chain(nv12.rgb().chunks(3)) {
                // The codes are whole numbers, so a colour is met to within two of 255.
                assert!(got.iter().zip(expected).all(|(&got, want)| got.abs_diff(want) <= 2), "{got:?} {expected:?}");
            }
        }
        let exact = |y, u, v| Chroma::new(u, v).rgb(y);
        assert_eq!(exact(16, 128, 128), [0, 0, 0]);
        assert_eq!(exact(235, 128, 128), [255, 255, 255]);
        assert_eq!(exact(126, 128, 128), [128, 128, 128]);
        assert_eq!([exact(0, 128, 128), exact(255, 128, 128)], [[0; 3], [255; 3]], "out of range is clamped");
    }

    #[test]
    fn whole_number_arithmetic_rounds_as_the_formula_does() {
        for y in (0..=255_u8).step_by(5) {
            for u in (0..=255_u8).step_by(5) {
                for v in (0..=255_u8).step_by(5) {
                    let (luma, cb, cr) = (
                        255.0 / 219.0 * (f64::from(y) - 16.0),
                        255.0 / 224.0 * (f64::from(u) - 128.0),
                        255.0 / 224.0 * (f64::from(v) - 128.0),
                    );
                    let (red, blue) = (luma + 1.402 * cr, luma + 1.772 * cb);
                    let green = (luma - 0.299 * red - 0.114 * blue) / 0.587;
                    // In exact arithmetic `luma` is the grey of the colour, so green follows from red and blue.
                    for (got, want) in Chroma::new(u, v).rgb(y).into_iter().zip([red, green, blue]) {
                        let off = (f64::from(got) - want.clamp(0.0, 255.0)).abs();
                        assert!(off <= 0.501, "{y} {u} {v}: {got} for {want}");
                    }
                }
            }
        }
    }

    #[test]
    fn padded_rows_and_odd_sizes_keep_their_pixels() {
        // 3x2 with grey levels 16 and 235 alternating, rows padded to 12 bytes.
        let row = [16, 128, 235, 128, 16, 128, 99, 128, 1, 2, 3, 4];
        let yuyv = image(PixelFormat::Yuyv, 3, 2, 12, &[row, row].concat()).decode().unwrap();
        assert_eq!(yuyv.rgb(), [[0; 3], [255; 3], [0; 3]].repeat(2).concat());
        // 3x3: four chroma pairs, rows padded to 4 bytes; the last pads may be missing.
        let luma = [16, 235, 16, 9, 235, 16, 235, 9, 16, 16, 235, 9];
        let nv12 = image(PixelFormat::Nv12, 3, 3, 4, &[&luma[..], &[128; 8]].concat()).decode().unwrap();
        let levels: Vec<u8> = nv12.rgb().chunks(3).map(|pixel| pixel[1]).collect();
        assert_eq!(levels, [0, 255, 0, 255, 0, 255, 0, 0, 255]);
        let rgb = image(PixelFormat::Rgb24, 1, 2, 4, &[1, 2, 3, 0, 4, 5, 6]).decode().unwrap();
        assert_eq!(rgb.rgb(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn short_frames_and_impossible_sizes_are_errors() {
        for (format, full) in [(PixelFormat::Yuyv, 32), (PixelFormat::Nv12, 24), (PixelFormat::Rgb24, 48)] {
            assert!(image(format, 4, 4, 0, &vec![0; full]).decode().is_ok(), "{format}");
            let error = image(format, 4, 4, 0, &vec![0; full - 1]).decode().unwrap_err();
            assert_eq!(error, PixelError::Short { format, width: 4, height: 4, given: full - 1 });
            assert!(image(format, 4, 4, 2, &[0; 99]).decode().is_err(), "a stride below the row's length");
            assert!(image(format, 4, 4, usize::MAX / 2, &[0; 99]).decode().is_err());
            assert!(matches!(image(format, 0, 4, 0, &[]).decode(), Err(PixelError::Picture(_))));
            assert!(matches!(image(format, u32::MAX, u32::MAX, 0, &[]).decode(), Err(PixelError::Picture(_))));
        }
    }
}
