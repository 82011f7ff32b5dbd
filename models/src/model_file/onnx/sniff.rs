//! What a file is that is no ONNX model, by its first bytes: people download pages in place of models, and give one
//! program's files to another.

/// What the file is and what to do instead; `None` where it may be an ONNX model.
pub(super) fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    let start = bytes.get(..bytes.len().min(LOOKED_AT)).unwrap_or_default();
    let text = start.trim_ascii_start();
    let has = |part: &[u8]| start.windows(part.len()).any(|window| window == part);
    let is_page = |mark: &[u8]| text.len() >= mark.len() && text[..mark.len()].eq_ignore_ascii_case(mark);
    Some(match start {
        [] => "it is empty",
        _ if start.starts_with(b"version https://git-lfs") => {
            "it is a pointer of Git LFS and not the model: `git lfs pull` in its repository fetches that"
        }
        _ if is_page(b"<!doctype html") || is_page(b"<html") => {
            "it is a web page and not the model: download the file itself (on GitHub: `Raw`)"
        }
        _ if start.starts_with(b"PK\x03\x04") && (has(b"constants.pkl") || has(b"/code/")) => {
            "it is a TorchScript archive: export the model with `torch.onnx.export` instead of `torch.jit.save`"
        }
        _ if start.starts_with(b"PK\x03\x04") && has(b"data.pkl") => {
            "it is a checkpoint of PyTorch, weights without a network: give it to --weights, with its design or network"
        }
        _ if start.starts_with(b"PK\x03\x04") && (has(b"config.json") || has(b"metadata.json")) => {
            "it is a Keras archive: convert it with tf2onnx"
        }
        _ if start.starts_with(b"PK\x03\x04") => "it is a zip archive: unpack it first",
        [0x80, 2..=5, ..] => {
            "it is a pickle of Python, such as PyTorch saves weights in: give it to --weights, with its design or network"
        }
        _ if start.starts_with(b"\x89HDF") => "it is an HDF5 file, such as Keras saves: convert it with tf2onnx",
        _ if start.starts_with(b"\x1f\x8b") => "it is compressed: unpack it with gunzip first",
        _ if start.get(4..8) == Some(b"TFL3") => "it is a TensorFlow Lite model: convert it with tf2onnx --tflite",
        _ if start.get(4..8) == Some(b"ORTM") => {
            "it is in ONNX Runtime's own format (.ort): take the ONNX model that it was made from"
        }
        _ if start.starts_with(b"GGUF") => "it is a GGUF file: language models are not read",
        [_, _, _, _, _, 0, 0, 0, b'{', ..] => {
            "it is a file of safetensors, weights without a network: give it to --weights, with its design or network"
        }
        _ if start.starts_with(b"7767517") => "it is the description of an ncnn model: take the ONNX model instead",
        _ if text.starts_with(b"<?xml") => {
            "it is an XML file, such as OpenVINO describes models in: take the ONNX model that it was made from"
        }
        _ if text.starts_with(b"{") => "it is a JSON text",
        _ => return None,
    })
}

/// Bytes that are looked at: names in an archive stand near its start.
const LOOKED_AT: usize = 1 << 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_something_else_is_called_by_its_name_with_what_to_do() {
        for (bytes, told) in [
            (&b""[..], "empty"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", "git lfs pull"),
            (b"\n <!DOCTYPE html>\n<html>", "web page"),
            (b"<HTML><head>", "web page"),
            (b"PK\x03\x04\x00\x00net/data.pkl..net/code/__torch__.py", "TorchScript"),
            (b"PK\x03\x04\x00\x00\x08\x08archive/data.pkl", "checkpoint of PyTorch"),
            (b"PK\x03\x04\x00\x00config.json", "Keras"),
            (b"PK\x03\x04\x00\x00model.onnx", "unpack"),
            (b"\x80\x02\x8a\nl\xfc", "pickle"),
            (b"\x89HDF\r\n\x1a\n", "HDF5"),
            (b"\x1f\x8b\x08", "gunzip"),
            (b"\x1c\x00\x00\x00TFL3\x14", "TensorFlow Lite"),
            (b"\x28\x00\x00\x00ORTM\x14", "ONNX Runtime"),
            (b"\x40\x00\x00\x00\x00\x00\x00\x00{\"w\":", "safetensors"),
            (b"7767517\n75 83\n", "ncnn"),
            (b"<?xml version=\"1.0\"?>", "OpenVINO"),
            (b"{\"a\": 1}", "JSON"),
        ] {
            let said = other_kind(bytes).unwrap_or_default();
            assert!(said.contains(told), "{told}: {said}");
        }
        assert_eq!(other_kind(&[8, 8, 18, 7, b'p', b'y', b't', b'o', b'r', b'c', b'h']), None);
    }
}
