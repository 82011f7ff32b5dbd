//! A frame made small enough to be handed on and shown.

use std::sync::Arc;

use shufflescope_engine::classify::Picture;

/// The picture, or where one of its sides is longer than `longest` pixels, every square of so many pixels averaged.
pub(crate) fn scaled_down(picture: &Arc<Picture>, longest: u32) -> Arc<Picture> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let longest = longest.max(1) as usize;
    let step = width.div_ceil(longest).max(height.div_ceil(longest)).max(1);
    if step == 1 {
        return Arc::clone(picture);
    }
    let (across, down) = (width.div_ceil(step), height.div_ceil(step));
    let mut rgb = Vec::with_capacity(3 * across * down);
    let mut sums = vec![[0_u32; 4]; across];
    for rows in picture.rgb().chunks(3 * width * step) {
        sums.fill([0; 4]);
        for row in rows.chunks_exact(3 * width) {
            for (pixels, [red, green, blue, count]) in row.chunks(3 * step).zip(&mut sums) {
                for pixel in pixels.chunks_exact(3) {
                    *red += u32::from(pixel[0]);
                    *green += u32::from(pixel[1]);
                    *blue += u32::from(pixel[2]);
                    *count += 1;
                }
            }
        }
        let mean = |[red, green, blue, count]: &[u32; 4]| [red, green, blue].map(|sum| (sum / count.max(&1)) as u8);
        rgb.extend(sums.iter().flat_map(mean));
    }
    Picture::new(across as u32, down as u32, rgb).map_or_else(|_| Arc::clone(picture), Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_longer_than_a_preview_is_averaged_and_keeps_its_shape() {
        for (width, height, expected) in [(640, 480, (640, 480)), (1280, 720, (640, 360)), (1300, 3, (434, 1))] {
            let rgb = (0..width * height).flat_map(|i| [(i % width % 2) as u8 * 200, 7, 9]).collect();
            let picture = Arc::new(Picture::new(width, height, rgb).unwrap());
            let small = scaled_down(&picture, 640);
            assert_eq!((small.width(), small.height()), expected);
            let red = if expected.0 == width { 0 } else { 200 / 2 };
            assert!(small.rgb()[0].abs_diff(red) <= 34, "{}", small.rgb()[0]);
            assert_eq!(small.rgb()[1..3], [7, 9]);
        }
    }

    #[test]
    fn the_largest_picture_there_is_becomes_a_preview() {
        let picture = Arc::new(Picture::new(16_384, 1, vec![255; 3 * 16_384]).unwrap());
        let small = scaled_down(&picture, 640);
        assert_eq!((small.width(), small.height(), small.rgb()[0]), (631, 1, 255));
    }
}
