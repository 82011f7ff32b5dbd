//! What each fuzzer does with its bytes, and what has to hold afterwards. `targets/` gives these functions to
//! libFuzzer; `app/tests/corpus.rs` runs every file of `corpus/` through the same ones, without a fuzzer.

pub mod camera_pixels;
pub mod design_toml;
pub mod jpeg;
pub mod labels;
pub mod mjpeg_multipart;
pub mod onnx;
pub mod picture_file;
pub mod profile_json;
pub mod pth;
pub mod safetensors;
mod sound;
mod weights;
pub mod worker_lines;

pub use weights::tiny;

/// A target's name, which is that of its folder in `corpus/`, and what it does with its bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 11] = [
    ("camera_pixels", camera_pixels::run),
    ("design_toml", design_toml::run),
    ("jpeg", jpeg::run),
    ("labels", labels::run),
    ("mjpeg_multipart", mjpeg_multipart::run),
    ("onnx", onnx::run),
    ("picture_file", picture_file::run),
    ("profile_json", profile_json::run),
    ("pth", pth::run),
    ("safetensors", safetensors::run),
    ("worker_lines", worker_lines::run),
];

/// A file of these bytes, gone when it is dropped; readers that go by a name's ending see `ending`.
fn file(bytes: &[u8], ending: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().prefix("fuzz").suffix(ending).tempfile().expect("a temporary file can be made");
    std::fs::write(file.path(), bytes).expect("a temporary file can be written");
    file
}
