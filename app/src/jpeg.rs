//! JPEG pictures, from cameras, streams and files: one decoder, and one rule for what is refused.
//!
//! What a picture says of itself is weighed before anything is allocated for it, and one that ends early is refused
//! rather than filled up with grey.

use std::borrow::Cow;

use thiserror::Error;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

/// Start of image, end of image.
const SOI: [u8; 2] = [0xFF, 0xD8];
const EOI: [u8; 2] = [0xFF, 0xD9];
/// Start of a baseline frame, also in its extended form; of a progressive one.
const SOF_BASELINE: [u8; 2] = [0xC0, 0xC1];
const SOF_PROGRESSIVE: u8 = 0xC2;
/// Huffman tables, quantization tables, restart interval, start of the coded data, comment.
const DHT: u8 = 0xC4;
const DQT: u8 = 0xDB;
const DRI: u8 = 0xDD;
const SOS: u8 = 0xDA;
const COM: u8 = 0xFE;
/// An application segment that says "a frame of an AVI file", for which decoders use the standard Huffman tables.
const AVI1: [u8; 9] = [0xFF, 0xE0, 0x00, 0x07, b'A', b'V', b'I', b'1', 0x00];

/// What a picture may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels a side.
    pub side: u32,
    /// Most bytes that decoding may take: the picture itself and the coefficients that are kept meanwhile.
    pub memory: u64,
}

/// A decoded picture.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Three bytes a pixel, row by row.
    pub rgb: Vec<u8>,
    /// What the picture says of how it was taken, as an EXIF segment holds it.
    pub exif: Option<Vec<u8>>,
}

/// Bytes that are no usable JPEG picture.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JpegError {
    /// Something else.
    #[error("it does not begin as one")]
    NotJpeg,
    /// The rest is missing.
    #[error("it is cut off: its end is missing")]
    CutOff,
    /// More than the limits allow.
    #[error(
        "it is too large: {width}x{height} pixels take {} MiB to decode; at most {} pixels a side and {} MiB are",
        needed.div_ceil(1 << 20), limits.side, limits.memory >> 20
    )]
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Bytes that decoding would take.
        needed: u64,
        /// What was allowed.
        limits: Limits,
    },
    /// Not decodable.
    #[error("{0}")]
    Damaged(String),
}

/// Whether these bytes begin as a JPEG picture does.
#[must_use]
pub fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(&SOI)
}

/// The picture of a whole JPEG file.
///
/// # Errors
/// Where the bytes are no JPEG picture, are damaged or cut off, or the picture is larger than `limits` allow; then
/// nothing was allocated for it.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, JpegError> {
    if !begins(bytes) {
        return Err(JpegError::NotJpeg);
    }
    let outline = Outline::of(bytes);
    let is_whole = has_end(outline.coded.and_then(|coded| bytes.get(coded..)).unwrap_or(bytes));
    let bytes = with_huffman_tables(bytes, &outline);
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&*bytes), options);
    let damaged = |error: DecodeErrors| match is_whole {
        true => JpegError::Damaged(error.to_string()),
        false => JpegError::CutOff,
    };
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder.info().ok_or_else(|| JpegError::Damaged("it has no frame".into()))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let needed = needed(info.width, info.height, info.components, outline.keeps_coefficients());
    if width.max(height) > limits.side || needed > limits.memory {
        return Err(JpegError::TooLarge { width, height, needed, limits: *limits });
    }
    if !is_whole {
        return Err(JpegError::CutOff);
    }
    let rgb = decoder.decode().map_err(damaged)?;
    Ok(Decoded { width, height, rgb, exif: info.exif_data })
}

/// Bytes that decoding takes: three a pixel, and where the coefficients of all scans are kept two for each of every
/// component, whose blocks fill the largest unit there is (four by four blocks of eight by eight).
fn needed(width: u16, height: u16, components: u8, keeps_coefficients: bool) -> u64 {
    let padded = |side: u16| u64::from(side).next_multiple_of(32);
    let picture = 3 * u64::from(width) * u64::from(height);
    let coefficients = 2 * u64::from(components) * padded(width) * padded(height);
    picture + if keeps_coefficients { coefficients } else { 0 }
}

/// Whether the end of an image is among these bytes; what follows it (padding, another picture) does not matter.
fn has_end(bytes: &[u8]) -> bool {
    bytes.windows(2).rev().any(|pair| pair == EOI)
}

/// What the segments before a picture's coded data say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outline {
    /// Where the segment that starts the coded data is, if the segments lead there.
    coded: Option<usize>,
    has_huffman_tables: bool,
    /// Components of the frame, where it is a baseline one.
    baseline: Option<u8>,
    /// Components of the first scan.
    scanned: Option<u8>,
}

impl Outline {
    fn of(bytes: &[u8]) -> Self {
        let (mut outline, mut at) = (Self::default(), SOI.len());
        while let Some([0xFF, marker, high, low, rest @ ..]) = bytes.get(at..) {
            match *marker {
                0xFF => {
                    at += 1;
                    continue;
                }
                SOS => {
                    (outline.coded, outline.scanned) = (Some(at), rest.first().copied());
                    break;
                }
                DHT => outline.has_huffman_tables = true,
                marker if SOF_BASELINE.contains(&marker) => outline.baseline = rest.get(5).copied(),
                SOF_PROGRESSIVE | DQT | DRI | COM | 0xE0..=0xEF => {}
                // Nothing else belongs here.
                _ => break,
            }
            at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
        }
        outline
    }

    /// Whether the coefficients of the whole picture are kept: where it comes in several scans, and where that cannot be
    /// told.
    fn keeps_coefficients(&self) -> bool {
        self.scanned.is_none() || self.baseline != self.scanned
    }
}

/// Many cameras leave out the Huffman tables, which are always the standard's (ITU-T T.81, annex K.3); the decoder uses
/// those where the picture says that it is a frame of an AVI file.
fn with_huffman_tables<'a>(bytes: &'a [u8], outline: &Outline) -> Cow<'a, [u8]> {
    match outline.coded {
        Some(_) if !outline.has_huffman_tables => {
            [&SOI[..], &AVI1, bytes.get(SOI.len()..).unwrap_or_default()].concat().into()
        }
        _ => bytes.into(),
    }
}

#[cfg(test)]
mod tests;
