//! Decoding: from a model's logits to sequences of tokens, exactly as `transformers` does it.
//!
//! Anything that can say which token comes next is a [`LanguageModel`]; text, files and tensors are unknown
//! here. Start reading at `model.rs` (the interface), then `decode.rs` (greedy and sampling) and `beam.rs`.

mod model;

pub use model::{LanguageModel, ModelError, Room, TokenId};
