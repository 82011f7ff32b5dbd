//! A picture in a file: PNG, JPEG, BMP or WebP.

use shufflescope::image_file::{png, read_picture};

/// Pixels up to which a picture is written again.
const SMALL: usize = 1 << 16;

pub fn run(bytes: &[u8]) {
    let file = super::file(bytes, ".png");
    let Ok(picture) = read_picture(file.path()) else { return };
    assert_eq!(picture.rgb().len(), picture.width() as usize * picture.height() as usize * 3);
    if picture.rgb().len() <= 3 * SMALL {
        let written = png(&picture).expect("a picture can be written");
        std::fs::write(file.path(), written).expect("a temporary file can be written");
        assert_eq!(read_picture(file.path()).expect("and read"), picture);
    }
}
