//! Recurrent networks: a state that is carried from token to token instead of a look back at all of them.
//!
//! The three cells, each in its paper's letters, are `elman.rs`, `lstm.rs` and `gru.rs`; `layer.rs` puts weights around them and
//! runs them over whole sources. [`RecurrentLm`] stacks them to a causal language model; [`RecurrentSeq2Seq`] is an encoder
//! that reads in both directions and a decoder that looks back in one of the ways of `attention.rs`. What `papo train` writes
//! (`arch/recurrent.rs` reads its words) is laid out and named as `torch.nn.RNN`, `LSTM` and `GRU` have it.

mod attention;
mod decoder;
mod elman;
mod encoder;
mod gru;
mod language_model;
mod layer;
mod load;
mod lstm;
mod seq2seq;
mod spec;
mod time_major;

pub use decoder::Seq2SeqState;
pub use language_model::{RecurrentLm, RecurrentState};
pub use seq2seq::RecurrentSeq2Seq;
pub use spec::{Cell, RecurrentAttention, RecurrentSpec, Seq2SeqSpec};
