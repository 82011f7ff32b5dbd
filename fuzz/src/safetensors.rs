//! Weights as safetensors.

pub fn run(bytes: &[u8]) {
    super::weights::run(bytes, ".safetensors");
}
