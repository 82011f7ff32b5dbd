//! JPEG pictures, as cameras and streams send them.

use std::borrow::Cow;

use shufflescope_engine::classify::Picture;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::pixels::PixelError;

/// Largest side of a picture from a camera or file, which bounds what one picture can make us allocate (192 MiB).
pub(super) const MAX_SIDE: usize = 8192;

/// Start of image, end of image.
const SOI: [u8; 2] = [0xFF, 0xD8];
const EOI: [u8; 2] = [0xFF, 0xD9];
/// Huffman tables, start of the coded data.
const DHT: u8 = 0xC4;
const SOS: u8 = 0xDA;
/// An application segment that says "a frame of an AVI file", for which decoders use the standard Huffman tables.
const AVI1: [u8; 9] = [0xFF, 0xE0, 0x00, 0x07, b'A', b'V', b'I', b'1', 0x00];

/// Whether these bytes begin as a JPEG picture does.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(&SOI)
}

/// The picture of a whole JPEG file; one that is cut off is refused rather than filled up with grey.
///
/// # Errors
/// Where the bytes are no JPEG picture, are damaged, or the picture is larger than 8192 pixels on a side.
pub(super) fn decode(bytes: &[u8]) -> Result<Picture, PixelError> {
    let wrong = |reason: &str| PixelError::Jpeg(reason.to_owned());
    if !begins(bytes) {
        return Err(wrong("it does not begin as one"));
    }
    if !bytes.windows(2).rev().any(|pair| pair == EOI) {
        return Err(wrong("it is cut off"));
    }
    let bytes = with_huffman_tables(bytes);
    let options = DecoderOptions::default()
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&*bytes), options);
    let rgb = decoder.decode().map_err(|error| PixelError::Jpeg(error.to_string()))?;
    let (width, height) = decoder.info().map_or((0, 0), |info| (info.width, info.height));
    Ok(Picture::new(width.into(), height.into(), rgb)?)
}

/// Many cameras leave out the Huffman tables, which are always the standard's (ITU-T T.81, annex K.3); the decoder uses
/// those where the picture says that it is a frame of an AVI file.
fn with_huffman_tables(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xFF, marker, high, low, ..] = *rest {
        match marker {
            DHT => return bytes.into(),
            SOS => return [&SOI[..], &AVI1, bytes.get(2..).unwrap_or_default()].concat().into(),
            0xFF => rest = rest.get(1..).unwrap_or_default(),
            _ => rest = rest.get(2 + usize::from(u16::from_be_bytes([high, low]))..).unwrap_or_default(),
        }
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 16x16, red left and blue right, baseline with the standard Huffman tables.
    const RED_AND_BLUE: &[u8] = include_bytes!("../../tests/support/camera/red_and_blue.jpg");

    fn without_huffman_tables(bytes: &[u8]) -> Vec<u8> {
        let (mut kept, mut at) = (SOI.to_vec(), 2);
        loop {
            let length = 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
            match bytes[at + 1] {
                DHT => {}
                SOS => return [&kept, &bytes[at..]].concat(),
                _ => kept.extend_from_slice(&bytes[at..at + length]),
            }
            at += length;
        }
    }

    #[test]
    fn a_jpeg_picture_has_its_colours() {
        let picture = decode(RED_AND_BLUE).unwrap();
        assert_eq!((picture.width(), picture.height()), (16, 16));
        let pixel = |x: usize| &picture.rgb()[(16 * 8 + x) * 3..][..3];
        assert!(matches!(pixel(3), [200..=255, 0..60, 0..60]), "{:?}", pixel(3));
        assert!(matches!(pixel(12), [0..60, 0..60, 200..=255]), "{:?}", pixel(12));
    }

    #[test]
    fn a_frame_without_huffman_tables_uses_the_standard_ones() {
        let bare = without_huffman_tables(RED_AND_BLUE);
        assert!(bare.len() + 400 < RED_AND_BLUE.len(), "the fixture has tables of its own");
        assert_eq!(decode(&bare).unwrap(), decode(RED_AND_BLUE).unwrap());
    }

    #[test]
    fn padding_after_the_end_is_ignored() {
        let padded = [RED_AND_BLUE, &[0; 512]].concat();
        assert_eq!(decode(&padded).unwrap(), decode(RED_AND_BLUE).unwrap());
    }

    #[test]
    fn damaged_pictures_are_errors_and_never_a_panic() {
        for cut in 0..RED_AND_BLUE.len() - 1 {
            assert!(decode(&RED_AND_BLUE[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..RED_AND_BLUE.len() {
            for flipped in [0x00, 0x55, 0xFF] {
                let mut bytes = RED_AND_BLUE.to_vec();
                bytes[at] = flipped;
                let _ = decode(&bytes);
            }
        }
        assert!(decode(b"GIF89a").is_err());
    }
}
