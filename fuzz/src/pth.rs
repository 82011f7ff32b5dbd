//! Weights as PyTorch's `torch.save` writes them.

pub fn run(bytes: &[u8]) {
    super::weights::run(bytes, ".pth");
}
