//! A JPEG picture as cameras and streams send them.

use shufflescope::camera::RawImage;

pub fn run(bytes: &[u8]) {
    let image = RawImage::jpeg(bytes.to_vec());
    let Ok(picture) = image.decode() else { return };
    assert_eq!(picture.rgb().len(), picture.width() as usize * picture.height() as usize * 3);
    assert!(image.decode().is_ok_and(|again| again == picture), "the same bytes are the same picture");
}
