use super::*;

/// 16x16, red left and blue right, baseline with the standard Huffman tables.
const RED_AND_BLUE: &[u8] = include_bytes!("../../tests/support/camera/red_and_blue.jpg");
/// The same, progressive, at 4:2:0; made with Pillow.
const PROGRESSIVE: &[u8] = include_bytes!("../../tests/support/camera/progressive.jpg");

const LIMITS: Limits = Limits { side: 8192, memory: 256 << 20 };

fn decoded(bytes: &[u8]) -> Result<Decoded, JpegError> {
    decode(bytes, &LIMITS)
}

/// The same file with another size in its frame.
fn resized(bytes: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let frame = bytes.windows(2).position(|pair| matches!(pair, [0xFF, 0xC0..=0xC2])).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

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
fn a_jpeg_picture_has_its_colours_whatever_its_form() {
    for bytes in [RED_AND_BLUE, PROGRESSIVE] {
        let picture = decoded(bytes).unwrap();
        assert_eq!((picture.width, picture.height, picture.exif), (16, 16, None));
        let pixel = |x: usize| &picture.rgb[(16 * 8 + x) * 3..][..3];
        assert!(matches!(pixel(3), [200..=255, 0..60, 0..60]), "{:?}", pixel(3));
        assert!(matches!(pixel(12), [0..60, 0..60, 200..=255]), "{:?}", pixel(12));
    }
}

#[test]
fn a_frame_without_huffman_tables_uses_the_standard_ones() {
    let bare = without_huffman_tables(RED_AND_BLUE);
    assert!(bare.len() + 400 < RED_AND_BLUE.len(), "the fixture has tables of its own");
    assert_eq!(decoded(&bare).unwrap(), decoded(RED_AND_BLUE).unwrap());
    for cut in 0..bare.len() - 1 {
        assert_eq!(decoded(&bare[..cut]).unwrap_err() == JpegError::NotJpeg, cut < 2, "cut at {cut}");
    }
}

#[test]
fn padding_after_the_end_is_ignored() {
    let padded = [RED_AND_BLUE, &[0; 512]].concat();
    assert_eq!(decoded(&padded).unwrap(), decoded(RED_AND_BLUE).unwrap());
}

#[test]
fn a_picture_is_cut_off_although_the_preview_within_it_has_an_end() {
    // An application segment with a whole small picture, as photographs have it.
    let length = (RED_AND_BLUE.len() as u16 + 2).to_be_bytes();
    let segment = [&[0xFF, 0xE1], &length[..], RED_AND_BLUE].concat();
    let photograph = [&SOI[..], &segment, &RED_AND_BLUE[2..]].concat();
    assert_eq!(decoded(&photograph).unwrap().rgb, decoded(RED_AND_BLUE).unwrap().rgb);
    for left_out in [2, 10, 40] {
        assert_eq!(decoded(&photograph[..photograph.len() - left_out]), Err(JpegError::CutOff), "{left_out}");
    }
}

#[test]
fn a_huge_picture_is_refused_before_anything_is_allocated_for_it() {
    for bytes in [RED_AND_BLUE, PROGRESSIVE] {
        let huge = resized(bytes, 65_500, 65_500);
        for limits in [LIMITS, Limits { side: 65_535, memory: 8 << 30 }] {
            let result = decode(&huge, &limits);
            assert!(matches!(result, Err(JpegError::TooLarge { width: 65_500, .. })), "{result:?}");
        }
        let said = decoded(&huge).unwrap_err().to_string();
        assert!(said.contains("65500x65500") && said.contains("8192 pixels a side and 256 MiB"), "{said}");
    }
}

#[test]
fn the_coefficients_of_a_progressive_picture_count() {
    let limits = |memory| Limits { side: 8192, memory };
    // 16x16: 3 bytes a pixel, and 2 for each of 3 components of 32x32.
    let (picture, coefficients) = (3 * 16 * 16, 2 * 3 * 32 * 32);
    assert!(decode(PROGRESSIVE, &limits(picture + coefficients)).is_ok());
    let refused = decode(PROGRESSIVE, &limits(picture + coefficients - 1)).unwrap_err();
    assert!(matches!(refused, JpegError::TooLarge { needed, .. } if needed == picture + coefficients), "{refused}");
    assert!(decode(RED_AND_BLUE, &limits(picture)).is_ok(), "a baseline picture keeps one row of blocks");
    assert!(decode(RED_AND_BLUE, &limits(picture - 1)).is_err());
    // The largest that a camera may have, in one form and the other.
    assert!(needed(8192, 8192, 3, false) <= LIMITS.memory && needed(8192, 8192, 3, true) > LIMITS.memory);
}

#[test]
fn a_picture_whose_segments_tell_nothing_counts_as_one_that_keeps_its_coefficients() {
    assert!(!Outline::of(RED_AND_BLUE).keeps_coefficients());
    assert!(Outline::of(PROGRESSIVE).keeps_coefficients());
    // A byte between two segments, which decoders skip.
    let disorderly = [&RED_AND_BLUE[..2], &[0x00], &RED_AND_BLUE[2..]].concat();
    assert!(Outline::of(&disorderly).keeps_coefficients());
    // A baseline picture whose components come one scan after the other keeps them too.
    let mut scans = RED_AND_BLUE.to_vec();
    let scan = Outline::of(&scans).coded.unwrap();
    scans[scan + 4] = 1;
    assert!(Outline::of(&scans).keeps_coefficients());
}

#[test]
fn damaged_pictures_are_errors_and_never_a_panic() {
    for whole in [RED_AND_BLUE, PROGRESSIVE] {
        for cut in 0..whole.len() - 1 {
            assert!(decoded(&whole[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..whole.len() {
            for flipped in [0x00, 0x55, 0xFF] {
                let mut bytes = whole.to_vec();
                bytes[at] = flipped;
                let _ = decoded(&bytes);
            }
        }
    }
    assert_eq!(decoded(b"GIF89a"), Err(JpegError::NotJpeg));
}
