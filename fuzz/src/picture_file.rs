//! A picture in a file: PNG, JPEG, BMP or WebP.

use shufflescope::image_file::{read_picture, write_png};

/// Pixels up to which a picture is written again.
const SMALL: usize = 1 << 16;

pub fn run(bytes: &[u8]) {
    let file = super::file(bytes, ".png");
    let Ok(picture) = read_picture(file.path()) else { return };
    assert_eq!(picture.rgb().len(), picture.width() as usize * picture.height() as usize * 3);
    if picture.rgb().len() <= 3 * SMALL {
        write_png(file.path(), &picture).expect("a picture can be written");
        assert_eq!(read_picture(file.path()).expect("and read"), picture);
    }
}
