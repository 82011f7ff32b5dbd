//! PyTorch's `torch.save` files: an object graph in pickle form, and the tensors' bytes beside it.
//!
//! - [`pickle`] reads the object graph without calling anything in it, into the list of [`object`];
//! - [`found`] finds the dicts of tensors in it, [`state_dict`] knows how one tensor is described;
//! - [`archive`] is the zip container since PyTorch 1.6, [`legacy`] the plain stream before it (in which torchvision
//!   still publishes ShuffleNet V2 0.5x and 1.0x and MobileNet V2).

mod archive;
mod found;
mod legacy;
mod object;
mod pickle;
mod state_dict;

pub(super) use archive::list as list_archive;
pub(super) use legacy::list as list_stream;
