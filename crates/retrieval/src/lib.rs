#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! [`IndexBuilder`] takes conversations in, [`Index`] is what is kept of them, [`Retriever`] looks replies up in it and is a `LanguageModel`
//! like any network. Start with `index.rs`, which draws what is stored; `scores.rs` has the formula of nearness, `retriever.rs` that of a token's probability.

#![forbid(unsafe_code)]

mod builder;
mod error;
mod file;
mod index;
mod lists;
mod retriever;
mod scores;
mod words;

use papo_generate::TokenId;

pub use builder::IndexBuilder;
pub use error::Error;
pub use index::Index;
pub use retriever::{Neighbour, Retriever, Rows, Settings};

// The special tokens of every model that Papo trains.
/// The token of the first step, `<s>`, which nobody says.
pub const START: TokenId = 1;
/// The token that ends a turn, `</s>`.
pub const END: TokenId = 2;
/// The token that nobody reads or says, `<pad>`.
pub const PAD: TokenId = 3;
