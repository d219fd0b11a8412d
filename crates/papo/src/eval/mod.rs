//! Measuring models: how surprised they are by a text, and how near their translations come to a person's.
//!
//! | figure | file | of |
//! | --- | --- | --- |
//! | perplexity, bits per character | `likelihood.rs` | any text, given what went before |
//! | BLEU, chrF | `bleu.rs`, `chrf.rs` | translations beside references |
//! | distinct-1, distinct-2 | `distinct.rs` | replies by themselves |
//!
//! `data.rs` reads files, `samples.rs` makes of their lines what a model reads and has to guess, `evaluation.rs` runs the whole.

mod bleu;
mod bleu_words;
mod chrf;
mod data;
mod distinct;
mod evaluation;
mod likelihood;
mod samples;
mod spaces;

pub use bleu::{Bleu, BleuOptions, Smoothing, corpus_bleu};
pub use bleu_words::BleuWords;
pub use chrf::{ChrfOptions, corpus_chrf};
pub use data::{DataKind, Item, Items};
pub use distinct::distinct;
pub use evaluation::{Evaluation, EvaluationOptions, EvaluationStep, Translations, evaluate};
pub use likelihood::{Likelihood, Sample, likelihood};
pub use samples::Sampler;
