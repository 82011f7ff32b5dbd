//! Pictures from files: PNG, JPEG, BMP and WebP, whatever the file is called.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use image::codecs::png::PngEncoder;
use image::error::ImageError;
use image::metadata::Orientation;
use image::{
    ColorType, DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits, RgbImage,
};
use shufflescope_engine::classify::{Picture, PictureError};
use shufflescope_engine::files::open_regular;
use thiserror::Error;

use crate::jpeg::{self, JpegError};

/// How the names of such files end, in lower case; what a file holds decides how it is read.
pub const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "bmp", "webp"];

/// Longest side of a picture, and most bytes that the file may have and decoding may take: a small file can claim to be a
/// huge picture.
const MAX_SIDE: u32 = 16_384;
const MAX_BYTES: u64 = 512 << 20;

/// A file that is no usable picture.
#[derive(Debug, Error)]
pub enum ImageFileError {
    /// The file cannot be read.
    #[error("cannot read the picture `{}`: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Nothing that is decoded here.
    #[error("`{}` is no picture of a kind that is read: PNG, JPEG, BMP and WebP are", .path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// A picture that is damaged or cut off.
    #[error("the picture `{}` is damaged: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        reason: String,
    },
    /// More pixels than a picture may have.
    #[error("the picture `{}` is too large: at most {MAX_SIDE} pixels a side and {} MiB to decode them are read; save a \
        smaller copy of it", .path.display(), MAX_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A decoded picture that cannot be used.
    #[error("the picture `{}`: {source}", .path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PictureError,
    },
}

/// Reads a picture as 8-bit RGB, upright as its EXIF orientation says (Pillow, and so torchvision's examples, leave that
/// to the caller). Transparency is ignored.
///
/// # Errors
/// Where the file cannot be read, is no picture, is damaged or too large; memory is bounded whatever the file claims.
pub fn read_picture(path: &Path) -> Result<Picture, ImageFileError> {
    let read = |source| ImageFileError::Read { path: path.into(), source };
    let (file, bytes) = open_regular(path).map_err(read)?;
    if bytes.0 > MAX_BYTES {
        return Err(ImageFileError::TooLarge { path: path.into() });
    }
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(read)?;
    let (mut image, orientation) = match reader.format() {
        None => return Err(ImageFileError::Unknown { path: path.into() }),
        Some(ImageFormat::Jpeg) => read_jpeg(path, reader.into_inner())?,
        Some(format) => read_other(reader, format).map_err(|error| failure(path, error))?,
    };
    image.apply_orientation(orientation);
    let rgb = image.into_rgb8();
    let (width, height) = rgb.dimensions();
    Picture::new(width, height, rgb.into_raw()).map_err(|source| ImageFileError::Picture { path: path.into(), source })
}

/// A JPEG picture, and how it is to be turned.
fn read_jpeg(path: &Path, file: BufReader<File>) -> Result<(DynamicImage, Orientation), ImageFileError> {
    let mut bytes = Vec::new();
    // A file may grow while it is read.
    file.take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|source| ImageFileError::Read { path: path.into(), source })?;
    let limits = jpeg::Limits { side: MAX_SIDE, memory: MAX_BYTES };
    let decoded = jpeg::decode(&bytes, &limits).map_err(|error| match error {
        JpegError::TooLarge { .. } => ImageFileError::TooLarge { path: path.into() },
        other => ImageFileError::Damaged { path: path.into(), reason: other.to_string() },
    })?;
    // Damaged EXIF data is no reason to refuse the picture.
    let orientation = decoded.exif.as_deref().and_then(Orientation::from_exif_chunk);
    let image = RgbImage::from_raw(decoded.width, decoded.height, decoded.rgb).ok_or_else(|| {
        ImageFileError::Damaged { path: path.into(), reason: "it has fewer pixels than it says".into() }
    })?;
    Ok((image.into(), orientation.unwrap_or(Orientation::NoTransforms)))
}

/// A picture of another kind, and how it is to be turned.
fn read_other(
    mut reader: ImageReader<BufReader<File>>,
    format: ImageFormat,
) -> Result<(DynamicImage, Orientation), ImageError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    // Also refuses sides that are too long.
    decoder.set_limits(limits.clone())?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    // The picture as it is stored; the planes that WebP is made of; the picture as RGB.
    limits.reserve(decoder.total_bytes())?;
    limits.reserve(if format == ImageFormat::WebP { 4 * pixels } else { 0 })?;
    limits.reserve(if decoder.color_type() == ColorType::Rgb8 { 0 } else { 3 * pixels })?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    // Turning makes a copy.
    limits.reserve(if orientation == Orientation::NoTransforms { 0 } else { decoder.total_bytes() })?;
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

/// A picture as the bytes of a PNG file.
///
/// # Errors
/// What the encoder says.
pub fn png(picture: &Picture) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(picture.rgb(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn failure(path: &Path, error: ImageError) -> ImageFileError {
    let path = path.to_owned();
    match error {
        ImageError::Limits(_) => ImageFileError::TooLarge { path },
        ImageError::Unsupported(_) => ImageFileError::Unknown { path },
        ImageError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            ImageFileError::Damaged { path, reason: "it ends too early".into() }
        }
        ImageError::IoError(source) => ImageFileError::Read { path, source },
        other => ImageFileError::Damaged { path, reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, RgbImage};

    use super::*;

    /// A file of these bytes, and the folder that keeps it.
    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let picture = RgbImage::from_fn(6, 4, |x, y| image::Rgb([x as u8 * 40, y as u8 * 60, 128]));
        let mut bytes = io::Cursor::new(vec![]);
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn complaint(bytes: &[u8]) -> String {
        let (_folder, path) = file("picture.png", bytes);
        let said = read_picture(&path).unwrap_err().to_string();
        assert!(said.contains("picture.png"), "{said}");
        said
    }

    #[test]
    fn every_format_is_read_by_what_the_file_holds_and_not_by_its_name() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::WebP] {
            let (_folder, path) = file("picture.txt", &encoded(format));
            let picture = read_picture(&path).unwrap();
            assert_eq!((picture.width(), picture.height()), (6, 4), "{format:?}");
        }
    }

    #[test]
    fn a_picture_on_its_side_is_put_upright() {
        let jpeg = encoded(ImageFormat::Jpeg);
        // An EXIF segment with one entry: orientation (0x0112), a short, 6: turn it clockwise.
        let exif =
            [&b"\xFF\xE1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01"[..], b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"]
                .concat();
        let (_folder, path) = file("turned.jpg", &[&jpeg[..2], &exif, &jpeg[2..]].concat());
        let picture = read_picture(&path).unwrap();
        assert_eq!((picture.width(), picture.height()), (4, 6));
    }

    #[test]
    fn transparency_is_ignored() {
        let clear = image::RgbaImage::from_pixel(2, 2, image::Rgba([10, 20, 30, 0]));
        let mut bytes = io::Cursor::new(vec![]);
        clear.write_to(&mut bytes, ImageFormat::Png).unwrap();
        let (_folder, path) = file("clear.png", &bytes.into_inner());
        assert_eq!(read_picture(&path).unwrap().rgb(), [10, 20, 30].repeat(4));
    }

    #[test]
    fn what_is_no_picture_is_refused_with_the_kinds_that_are_read() {
        for bytes in [&b""[..], b"GIF89a and so on", b"hello", &[0; 100]] {
            assert!(complaint(bytes).contains("PNG, JPEG, BMP and WebP"));
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(read_picture(folder.path()).unwrap_err().to_string().contains("not a regular file"));
        assert!(matches!(read_picture(&folder.path().join("none.png")), Err(ImageFileError::Read { .. })));
    }

    #[test]
    fn a_jpeg_that_ends_early_is_refused_and_so_is_one_that_claims_to_be_huge() {
        let jpeg = encoded(ImageFormat::Jpeg);
        for length in 2..jpeg.len() {
            let said = complaint(&jpeg[..length]);
            assert!(said.contains("cut off") || said.contains("PNG, JPEG, BMP and WebP"), "{length}: {said}");
        }
        let mut huge = include_bytes!("../tests/support/camera/progressive.jpg").to_vec();
        let frame = huge.windows(2).position(|pair| pair == [0xFF, 0xC2]).unwrap();
        // Sides that are allowed, at a size whose pixels are too and whose coefficients are not; and the largest.
        for side in [12_000_u16, 65_500] {
            huge[frame + 5..frame + 7].copy_from_slice(&side.to_be_bytes());
            huge[frame + 7..frame + 9].copy_from_slice(&side.to_be_bytes());
            assert!(complaint(&huge).contains("too large"), "{side}");
        }
    }

    #[test]
    fn a_png_that_unpacks_to_more_than_a_picture_is_refused() {
        // 16000 x 16000 pixels of 16 bits and four channels; 7500 x 7500 of them fit as they are, and not with the copy
        // in eight bits and three channels. The data need not come.
        for side in [16_000_u32, 7_500] {
            let mut png = encoded(ImageFormat::Png);
            png[16..20].copy_from_slice(&side.to_be_bytes());
            png[20..24].copy_from_slice(&side.to_be_bytes());
            (png[24], png[25]) = (16, 6);
            let checked = crc32(&png[12..29]);
            png[29..33].copy_from_slice(&checked.to_be_bytes());
            assert!(complaint(&png).contains("too large"), "{side}");
        }
    }

    /// The checksum of a PNG's chunk (its annex D).
    fn crc32(bytes: &[u8]) -> u32 {
        let step = |crc: u32, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
        !bytes.iter().fold(!0_u32, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
    }

    #[test]
    fn a_picture_cut_off_anywhere_is_refused_or_read_but_never_a_panic() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::WebP] {
            let whole = encoded(format);
            for length in 0..whole.len() {
                let (_folder, path) = file("cut", &whole[..length]);
                if let Ok(picture) = read_picture(&path) {
                    assert_eq!((picture.width(), picture.height()), (6, 4), "{format:?} at {length}");
                }
            }
            let (_folder, path) = file("cut", &whole[..whole.len() / 4]);
            assert!(read_picture(&path).is_err(), "{format:?}");
        }
    }

    #[test]
    fn a_small_file_that_claims_to_be_huge_is_refused() {
        // A BMP header of 60000 x 60000 pixels; the same of 16000 x 16000, which the sides allow but memory does not.
        for side in [60_000_u32, 16_000] {
            let mut bmp = encoded(ImageFormat::Bmp);
            bmp[18..22].copy_from_slice(&side.to_le_bytes());
            bmp[22..26].copy_from_slice(&side.to_le_bytes());
            assert!(complaint(&bmp).contains("too large"), "{side}");
        }
    }
}
