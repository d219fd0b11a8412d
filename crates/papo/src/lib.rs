//! Run and understand text-generating networks on your own machine.
//!
//! The names follow the Python course that this library grew from: an [`AutoTokenizer`] turns text into ids and back.
//!
//! Read `tokenizer/mod.rs` for text and ids, `model_ref.rs` for what a model can be called.

#![forbid(unsafe_code)]

pub mod built_in;
mod error;
pub mod files;
pub mod model_ref;
mod tokenizer;

pub use error::Error;
pub use model_ref::ModelRef;
pub use papo_generate::TokenId;
pub use tokenizer::{AutoTokenizer, DecodeStream, LossyNote, SpecialTokens, Tokenizer, TokenizerClass};
