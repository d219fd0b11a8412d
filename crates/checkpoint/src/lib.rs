#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! Bytes on disk become named, shape-checked weights, and back.
//!
//! A [`Checkpoint`] is opened from a model folder in any of the layouts that the Hugging Face hub stores: safetensors or
//! `pytorch_model.bin` (today's zip and the format before PyTorch 1.6), each whole or in shards with an index. Files are
//! mapped, not read: opening costs milliseconds, and a contiguous [`Tensor`] borrows its bytes from the map.
//!
//! A checkpoint is a stranger's file. Every offset, length and shape is checked against the file when it is opened; the
//! pickle inside a `.bin` runs on a machine of our own that can only build plain data (`pickle.rs`), so that
//! loading never executes anything; and memory is never reserved because a file merely claims a size. What the
//! weights mean is the business of the crate above.
//!
//! How a file is written so that it appears whole or not at all stands in `replace.rs`, how a folder is held while a model is made
//! in it in `claim.rs`. Other formats that are mapped whole, such as `model.ngram`, take the map itself: [`MappedFile`].
//!
//! Start reading at `checkpoint.rs`; `safetensors.rs` and `torch.rs` are the two families of formats.

#![deny(unsafe_code)]

mod checkpoint;
mod claim;
mod dtype;
mod error;
mod index;
mod layout;
mod map;
mod other_formats;
mod pickle;
mod replace;
mod safetensors;
mod spool;
mod torch;
mod write;
mod zip;

pub use checkpoint::{Checkpoint, Tensor};
pub use claim::{Claim, Existing};
pub use dtype::Dtype;
pub use error::Error;
pub use index::Index;
pub use map::MappedFile;
pub use other_formats::other_weights;
pub use replace::{remove_partials, replace_file};
pub use spool::TensorSpool;
pub use write::{NewTensor, write_safetensors, write_sharded};
