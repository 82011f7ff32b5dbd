//! PyTorch's `torch.save` files: an object graph in pickle form, and the tensors' bytes beside it.
//!
//! - [`pickle`] lets Candle's pickle reader at the object graph after checking what it would do with it;
//! - [`state_dict`] finds the tensors in that graph;
//! - [`archive`] is the zip container since PyTorch 1.6, [`legacy`] the plain stream before it (in which torchvision
//!   still publishes ShuffleNet V2 0.5x and 1.0x and MobileNet V2).

mod archive;
mod legacy;
mod pickle;
mod state_dict;

use std::fs::File;
use std::io::{Read, Seek};

use super::stored::{Fault, StoredTensor};

/// The tensors of a file, none of them read yet.
pub(super) fn list(file: &mut File, length: u64) -> Result<Vec<StoredTensor>, Fault> {
    let mut start = [0; legacy::MAGIC.len()];
    file.read_exact(&mut start)?;
    file.rewind()?;
    if &start == legacy::MAGIC {
        legacy::list(file, length)
    } else if start.starts_with(b"PK\x03\x04") {
        archive::list(file, length)
    } else {
        Err(Fault::malformed("it does not start like a file written by `torch.save`"))
    }
}
