//! Pictures from files: PNG, JPEG, BMP and WebP, whatever the file is called.

use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use image::codecs::png::PngEncoder;
use image::error::ImageError;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageReader, Limits};
use shufflescope_engine::classify::{Picture, PictureError};
use shufflescope_engine::files::open_regular;
use thiserror::Error;

/// How the names of such files end, in lower case; what a file holds decides how it is read.
pub const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "bmp", "webp"];

/// Longest side of a picture, and most bytes that decoding may take: a small file can claim to be a huge picture.
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
    #[error("the picture `{}` is too large: at most {MAX_SIDE} pixels a side and {} MiB are read", .path.display(),
        MAX_BYTES >> 20)]
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
    let (file, _) = open_regular(path).map_err(read)?;
    let mut reader = ImageReader::new(BufReader::new(file));
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits.clone());
    let reader = reader.with_guessed_format().map_err(read)?;
    if reader.format().is_none() {
        return Err(ImageFileError::Unknown { path: path.into() });
    }
    let fail = |error| failure(path, error);
    let mut decoder = reader.into_decoder().map_err(fail)?;
    limits.check_dimensions(decoder.dimensions().0, decoder.dimensions().1).map_err(fail)?;
    limits.reserve(decoder.total_bytes()).map_err(fail)?;
    // Damaged EXIF data is no reason to refuse the picture.
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).map_err(fail)?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    let rgb = image.into_rgb8();
    let (width, height) = rgb.dimensions();
    Picture::new(width, height, rgb.into_raw()).map_err(|source| ImageFileError::Picture { path: path.into(), source })
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
