#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! The lineage of text-generating networks, trained on burn.
//!
//! A network is a burn module behind one trait, [`Network`]: a batch of token ids goes in, the loss comes out, and burn's automatic
//! differentiation does the rest. Each network has a file that opens with its paper and is written in the paper's letters; in
//! course order `rnn.rs`, `lstm.rs`, `gru.rs`, `seq2seq.rs` with `attention/`, `transformer.rs`. What they have in common
//! stands in `ops/`: every operation there exists twice, as plain tensor arithmetic for any device, and fused with a backward pass
//! written by hand over slices for the processor.
//!
//! Start reading at `network.rs`.

#![forbid(unsafe_code)]

#[cfg(test)]
mod agreement;
mod attention;
mod chance;
mod config;
pub mod data;
pub mod device;
mod error;
mod gru;
mod initial;
mod lstm;
mod network;
mod ops;
mod optimizer;
mod parameters;
mod recurrent;
mod report;
mod rnn;
mod schedule;
mod seq2seq;
mod training;
mod transformer;

pub use burn::tensor::Device;
pub use config::{AttentionKind, CellKind, NetworkConfig, RecurrentConfig, Seq2SeqConfig, TransformerConfig};
pub use error::Error;
pub use network::{AnyNetwork, Batch, Carried, Dropout, Grid, Loss, Mode, Network, Pass};
pub use ops::set_threads;
pub use optimizer::{Adam, AdamSettings, AdamState, GradientSum};
pub use parameters::{FindWeight, Weight, checksum, read_weights, weights};
pub use recurrent::RecurrentModel;
pub use report::report;
pub use schedule::{Horizon, Schedule};
pub use seq2seq::Seq2Seq;
pub use training::{
    Ending, Entry, Limits, Log, ModelFolder, Observer, OptimizerSettings, Recipe, Resume, SaveDtype,
    SourceUse, StepEntry, Summary, Task, Training, ValidationEntry, planned_steps, train,
};
pub use transformer::Transformer;
