//! A network camera's stream: a line with its content type, whether it is chunked, then the body.

use shufflescope::camera::parts_of_stream;

pub fn run(bytes: &[u8]) {
    let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else { return };
    let (content_type, rest) = bytes.split_at(end);
    let [_, chunked, piece, body @ ..] = rest else { return };
    let content_type = String::from_utf8_lossy(content_type);
    let parts = |piece| parts_of_stream(&content_type, chunked & 1 == 1, body, piece);
    let Some(whole) = parts(body.len().max(1)) else { return };
    assert!(whole.iter().flatten().map(Vec::len).sum::<usize>() <= body.len());
    let cut = parts(usize::from(*piece).max(1));
    // How the network cuts the stream does not matter. Headers that never end are given up at some byte or other.
    if body.len() < 8 << 10 {
        assert_eq!(cut, Some(whole));
    }
}
