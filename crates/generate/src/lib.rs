#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! Decoding: from a model's logits to sequences of tokens, exactly as `transformers` does it.
//!
//! Anything that can say which token comes next is a [`LanguageModel`]; text, files and tensors are unknown
//! here. Start reading at `model.rs` (the interface), then `generate.rs` (the entry), `plan.rs` (options become
//! decisions), `decode.rs` (greedy and sampling) and `beam.rs`.

#![forbid(unsafe_code)]

mod beam;
mod chance;
mod config;
mod decode;
mod error;
mod generate;
mod hooks;
mod largest;
mod model;
mod plan;
mod processors;
mod propose;
mod stop;
mod topk;

pub use config::{EarlyStopping, GenerationConfig, OptionInfo, OptionKind, Origin};
pub use error::Error;
pub use generate::{Finish, Generated, Sequence, generate, generate_with};
pub use hooks::{Hooks, StepEvent, TokenEvent};
pub use largest::largest;
pub use model::{LanguageModel, ModelError, Padding, Room, TokenId};
pub use processors::process_scores;
