//! Which of a camera's formats and sizes to use.

use super::super::{PixelFormat, Resolution};

/// The format and size nearest to what is wanted; among equals the format that is cheapest to get at that size.
pub(super) fn nearest(
    offered: impl IntoIterator<Item = (PixelFormat, Resolution)>,
    wanted: Resolution,
) -> Option<(PixelFormat, Resolution)> {
    offered.into_iter().min_by_key(|&(format, size)| (size.distance(wanted), cost(format, size)))
}

/// Up to 640x480 every USB camera has the bandwidth for plain pixels at full rate; above that only JPEG gets through.
fn cost(format: PixelFormat, size: Resolution) -> usize {
    use PixelFormat::{Mjpeg, Nv12, Rgb24, Yuyv};
    let small = u64::from(size.width) * u64::from(size.height) <= 640 * 480;
    let order = if small { [Rgb24, Nv12, Yuyv, Mjpeg] } else { [Mjpeg, Nv12, Yuyv, Rgb24] };
    order.iter().position(|&known| known == format).unwrap_or(order.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn size(width: u32, height: u32) -> Resolution {
        Resolution { width, height }
    }

    #[test]
    fn the_nearest_size_wins_and_then_the_format_that_gets_through() {
        use PixelFormat::{Mjpeg, Yuyv};
        let sizes = [size(320, 240), size(640, 480), size(1280, 720)];
        let offered = || [Mjpeg, Yuyv].into_iter().flat_map(move |format| sizes.map(|size| (format, size)));
        assert_eq!(nearest(offered(), size(640, 480)), Some((Yuyv, size(640, 480))));
        assert_eq!(nearest(offered(), size(1920, 1080)), Some((Mjpeg, size(1280, 720))));
        assert_eq!(nearest(offered(), size(300, 300)), Some((Yuyv, size(320, 240))));
        assert_eq!(nearest([], size(640, 480)), None);
    }
}
