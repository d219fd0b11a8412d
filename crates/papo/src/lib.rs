#![doc = include_str!("../README.md")]
//!
//! # Where things are
//!
//! At the top stand the names of the Python course that this library grew from and what a conversation needs; the rest is grouped: [`tokenizer`]
//! (text and ids), [`generate`] (options, answers, hooks), [`network`] (networks of all kinds and their shapes), [`conversation`], [`compare`], [`eval`],
//! [`hub`] (downloads and their cache), [`files`], [`description`], [`quantized`] and [`built_in`].
//!
//! Read `tokenizer/mod.rs` for text and ids, `model_ref.rs` for what a model can be called, `pretrained_model.rs` and `network.rs` for loading,
//! `conversation.rs` for talking.

#![forbid(unsafe_code)]

mod auto_model;
pub mod built_in;
mod chat_model;
pub mod compare;
pub mod conversation;
pub mod description;
mod diagnosis;
mod error;
pub mod eval;
mod fetching;
pub mod files;
pub mod hub;
mod model_ref;
pub mod network;
mod ngram_file;
mod pretrained_model;
pub mod quantized;
mod reply_stream;
mod retrieval_file;
mod saved;
mod settings;
mod source;
mod threads;
pub mod tokenizer;
mod training;

/// Decoding: options, what a generation gives, and the hooks that watch, stop or steer it.
pub mod generate {
    pub use papo_generate::{
        EarlyStopping, Error, Finish, Generated, GenerationConfig, Hooks, LanguageModel, ModelError,
        OptionInfo, OptionKind, Origin, Padding, Room, Sequence, StepEvent, TokenEvent, TokenId, generate,
        generate_with,
    };
}

pub use auto_model::{AutoModelForCausalLM, AutoModelForSeq2SeqLM, LoadOptions, Progress};
pub use chat_model::ChatModel;
pub use conversation::{Conversation, Memory, Reply, Speaker, Turn};
pub use error::Error;
pub use fetching::pull;
pub use generate::{GenerationConfig, Hooks, TokenId};
pub use model_ref::{ALIASES, ModelRef};
pub use papo_models::WeightDtype;
pub use pretrained_model::PretrainedModel;
pub use tokenizer::{AutoTokenizer, SpecialTokens, Tokenizer};

/// The instruction sets that this machine can compute with, slowest first: what the variable `PAPO_KERNELS` may be.
pub fn kernel_names() -> Vec<&'static str> {
    papo_kernels::Kernels::available().into_iter().map(papo_kernels::Kernels::name).collect()
}
