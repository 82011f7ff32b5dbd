//! A frame in one of a camera's formats: format, width, height and padding in the first bytes, pixels after them.

use shufflescope::camera::{PixelFormat, RawImage};

pub fn run(bytes: &[u8]) {
    let [format, width_low, width_high, height_low, height_high, padding, pixels @ ..] = bytes else { return };
    let formats = [PixelFormat::Yuyv, PixelFormat::Nv12, PixelFormat::Rgb24, PixelFormat::Mjpeg];
    let format = formats[usize::from(*format) % formats.len()];
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]));
    let (width, height) = (side(*width_low, *width_high), side(*height_low, *height_high));
    let across = match format {
        PixelFormat::Yuyv => width.div_ceil(2) * 4,
        PixelFormat::Nv12 => width.div_ceil(2) * 2,
        _ => width * 3,
    };
    // 0 where rows follow each other; else so many bytes more than a row has, or fewer.
    let stride = if *padding == 0 { 0 } else { (across as usize + usize::from(*padding)).saturating_sub(8) };
    let image = RawImage { format, width, height, stride, bytes: pixels.to_vec() };
    let Ok(picture) = image.decode() else { return };
    assert_eq!(picture.rgb().len(), picture.width() as usize * picture.height() as usize * 3);
    if format != PixelFormat::Mjpeg {
        assert_eq!((picture.width(), picture.height()), (width, height));
        // What follows the frame is not looked at.
        let longer = RawImage { bytes: [pixels, &[0xA5; 64]].concat(), ..image };
        assert!(longer.decode().is_ok_and(|longer| longer == picture));
    }
}
