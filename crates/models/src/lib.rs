#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! Networks on CPU kernels, forward only: BART, Blenderbot, T5 and Marian as one network over axes, and the recurrent networks that
//! Papo trains itself.
//!
//! A family of transformer checkpoints is a point in [`Spec`]: which norm, where it stands, how positions are told, and so
//! on. The words of a family's `config.json` and the names of its weights stay in its adapter under `arch/`;
//! nothing above an adapter knows a family's name, and nothing below it a field of Hugging Face. Start reading
//! at `model.rs` ([`EncoderDecoder`]), then `encoder.rs` and `decoder.rs`, which draw the layers as the papers
//! do; `spec.rs` lists the axes, `taps.rs` names every intermediate.
//!
//! The recurrent networks stand under `recurrent/`: [`RecurrentLm`] (Elman, LSTM, GRU), which goes on with a text, and
//! [`RecurrentSeq2Seq`], which answers one, with the attention of Bahdanau or Luong or without. [`read_architecture`] tells by a configuration
//! which of the three networks it describes.

#![forbid(unsafe_code)]

mod arch;
mod attention;
mod count;
mod decoder;
mod embeddings;
mod encoder;
mod error;
mod feed_forward;
mod head;
mod linear;
mod load;
mod model;
mod norm;
mod positions;
mod recurrent;
mod relative_bias;
mod sources;
mod spec;
mod state;
mod taps;
mod tensors;
mod weights;

pub use arch::{Architecture, Family, families, read_architecture, read_config};
pub use count::count_parameters;
pub use error::Error;
pub use model::{EncoderDecoder, LoadOptions};
pub use recurrent::{
    Cell, RecurrentAttention, RecurrentLm, RecurrentSeq2Seq, RecurrentSpec, RecurrentState, Seq2SeqSpec,
    Seq2SeqState,
};
pub use spec::{
    AttentionScale, EmbeddingNorm, FeedForward, Head, HeadBias, LinearBias, Norm, Placement, Positions,
    Scale, Spec, StackShape,
};
pub use state::State;
pub use taps::{Place, Recorder, Side, Stack, TapName};
pub use tensors::{LoadedTensor, Progress, WeightDtype, scales_name};
