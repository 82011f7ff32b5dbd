//! What a file is, by its first bytes: names and endings are whatever people like.

use super::stored::Fault;

/// Bytes from the start that tell everything known here; a tar archive says what it is at 257.
pub(super) const TELLING: u64 = 512;

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Safetensors,
    /// PyTorch's zip archive.
    Archive,
    /// PyTorch's stream of pickles before 1.6.
    Stream,
}

/// Files that are often in the place of weights: how they start, what they are and what to do.
const OTHERS: [(&[u8], &str); 15] = [
    (
        b"version https://git-lfs",
        "it is the pointer that Git LFS leaves in the file's place; `git lfs pull` fetches the file",
    ),
    (b"\x1f\x8b", PACKED),
    (b"BZh", PACKED),
    (b"\xfd7zXZ\0", PACKED),
    (b"\x28\xb5\x2f\xfd", PACKED),
    (b"7z\xbc\xaf\x27\x1c", PACKED),
    (b"Rar!", PACKED),
    (
        b"\x89HDF\r\n\x1a\n",
        "it is an HDF5 file, as Keras writes weights; export the model as ONNX (`tf2onnx`) and give that \
                            as the network",
    ),
    (b"GGUF", "it is a GGUF file of a language model"),
    (b"\x93NUMPY", "it is a NumPy array; save all arrays by PyTorch's names with `safetensors.numpy.save_file`"),
    (b"\x89PNG", PICTURE),
    (b"\xff\xd8\xff", PICTURE),
    (b"GIF8", PICTURE),
    (b"RIFF", PICTURE),
    (b"%PDF", "it is a PDF document"),
];

const PACKED: &str = "it is a compressed archive; unpack it first";
const PICTURE: &str = "it is a picture";
const ONNX: &str = "it is an ONNX model, a network with weights of its own; give it as the network";

/// What stands where text was found.
const PAGE: &str = "it is a web page and not the file behind it; download it by the link that gives the file itself";
const INDEX: &str =
    "it is the index of a model in several files; join them with `safetensors` or `torch.save` into one";
const JSON: &str = "it is JSON text";
const FOREIGN: &str =
    "it does not start like a file of `torch.save` or safetensors, which are read whatever they are called";

/// How the weights in a file of `length` bytes are stored that starts like this. `is_safetensors` is what its name says:
/// a file that is cut off in its first bytes says nothing itself.
pub(super) fn container(start: &[u8], length: u64, is_safetensors: bool) -> Result<Container, Fault> {
    let word = |at: usize, word: &[u8]| start.get(at..).is_some_and(|rest| rest.starts_with(word));
    if start.is_empty() {
        return Err(Fault::foreign("it is empty; copy or download it again"));
    }
    let header = start.first_chunk::<8>().map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes));
    if word(8, b"{") && header <= length.max(super::safetensors::LONGEST_HEADER) {
        return Ok(Container::Safetensors);
    }
    if word(0, b"PK\x03\x04") {
        return Ok(Container::Archive);
    }
    if matches!(start, [0x80, 2..=5, ..]) {
        return Ok(Container::Stream);
    }
    if let Some((_, what)) = OTHERS.iter().find(|(beginning, _)| word(0, beginning)) {
        return Err(Fault::foreign(*what));
    }
    if matches!(start, [8, 1..=20, 0x12 | 0x1a | 0x22 | 0x2a | 0x32 | 0x3a | 0x42, ..]) {
        return Err(Fault::foreign(ONNX));
    }
    if word(257, b"ustar") {
        return Err(Fault::foreign("it is a tar archive; unpack it first"));
    }
    if word(4, b"TFL3") {
        return Err(Fault::foreign("it is a TensorFlow Lite model; export the network as ONNX and give that"));
    }
    if let Some(what) = text(start) {
        return Err(Fault::foreign(what));
    }
    if is_safetensors { Ok(Container::Safetensors) } else { Err(Fault::foreign(FOREIGN)) }
}

/// What a text is.
fn text(start: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(start).to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if ["<!doctype", "<html", "<?xml", "<head"].iter().any(|tag| text.starts_with(tag)) {
        return Some(PAGE);
    }
    if !text.starts_with(['{', '[']) || text.contains('\0') {
        return None;
    }
    Some(if text.contains("\"weight_map\"") || text.contains("total_size") { INDEX } else { JSON })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(start: &[u8]) -> String {
        match container(start, 1 << 20, false) {
            Err(Fault::Foreign(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn weights_are_known_by_their_first_bytes() {
        let known = |start: &[u8]| container(start, 1 << 20, false).unwrap();
        assert_eq!(known(b"PK\x03\x04\0\0"), Container::Archive);
        assert_eq!(known(b"\x80\x02\x8a\x0a"), Container::Stream);
        assert_eq!(known(b"\x80\x05\x95\x0d"), Container::Stream);
        assert_eq!(known(b"\x80\x03\0\0\0\0\0\0{\"__"), Container::Safetensors);
        assert_eq!(known(b"\x1f\x8b\0\0\0\0\0\0{\"__"), Container::Safetensors);
        assert_eq!(container(b"\x10\0", 2, true).unwrap(), Container::Safetensors);
    }

    #[test]
    fn what_is_in_the_place_of_weights_is_named_with_the_remedy() {
        let mut tar = vec![b'a'; 300];
        tar[257..262].copy_from_slice(b"ustar");
        for (start, said) in [
            (&b""[..], "it is empty"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "`git lfs pull`"),
            (b"\n\n<!DOCTYPE html><html>", "web page"),
            (b"\xef\xbb\xbf<HTML>", "web page"),
            (b"<?xml version='1.0'?><Error>", "web page"),
            (b"\x1f\x8b\x08", "unpack it first"),
            (&tar, "tar archive"),
            (b"\x89HDF\r\n\x1a\n", "Keras"),
            (b"\x08\x08\x12\x07pytorch", "ONNX model"),
            (b"\x1c\0\0\0TFL3", "TensorFlow Lite"),
            (b"{\"metadata\": {\"total_size\": 3}, \"weight_map\": {}}", "index of a model in several files"),
            (b"{\"epochs\": 3}", "JSON"),
            (b"\x89PNG\r\n", "picture"),
            (b"whatever it may be", "torch.save"),
        ] {
            assert!(told(start).contains(said), "{start:?}: {}", told(start));
        }
    }
}
