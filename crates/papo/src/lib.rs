//! Run and understand text-generating networks on your own machine.
//!
//! The names follow the Python course that this library grew from: an [`AutoTokenizer`] turns text into ids and back, an
//! [`AutoModelForSeq2SeqLM`] answers ids with ids. A [`ChatModel`] is both together, a [`Conversation`] talks with it, and
//! [`compare`] lays several models side by side.
//!
//! Read `tokenizer/mod.rs` for text and ids, `model_ref.rs` for what a model can be called, `pretrained_model.rs` and `network.rs` for loading,
//! `conversation.rs` for talking.

#![forbid(unsafe_code)]

mod auto_model;
pub mod built_in;
mod chat_model;
pub mod compare;
mod conversation;
mod description;
mod error;
pub mod eval;
mod fetching;
pub mod files;
pub mod hub;
pub mod model_ref;
mod network;
mod ngram_file;
mod pretrained_model;
pub mod quantized;
mod settings;
mod source;
mod threads;
mod tokenizer;

pub use auto_model::{AutoModelForCausalLM, AutoModelForSeq2SeqLM, LoadOptions, Progress};
pub use chat_model::{ChatModel, Fitted};
pub use compare::Comparison;
pub use conversation::{Conversation, Memory, REPLY_TOKENS, Reply, Speaker, Turn};
pub use description::{Description, NgramShape, Shape};
pub use error::Error;
pub use model_ref::ModelRef;
pub use network::{Kind, Network, NetworkState};
pub use ngram_file::{NgramFile, list_ngrams, ngram_config, ngram_generation_config};
pub use papo_checkpoint::{Claim, Existing, replace_file};
pub use papo_generate::{
    EarlyStopping, Error as GenerateError, Finish, Generated, GenerationConfig, Hooks, LanguageModel,
    OptionInfo, OptionKind, Origin, Room, Sequence, StepEvent, TokenEvent, TokenId, generate,
};
pub use papo_models::{
    Architecture, Cell, RecurrentAttention, RecurrentSpec, Seq2SeqSpec, Spec, StackShape, WeightDtype,
};
pub use pretrained_model::{PretrainedModel, Task, Training};
pub use source::Reading;
pub use tokenizer::{
    AutoTokenizer, DecodeStream, Framing, LetterCase, LossyNote, SPECIALS, SpecialTokens, Tokenizer,
    TokenizerClass, TokenizerKind, TokenizerTraining, TrainedTokenizer,
};
