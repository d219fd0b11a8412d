//! Measuring models: how surprised they are by a text, and how near their translations come to a person's.
//!
//! | figure | file | of |
//! | --- | --- | --- |
//! | perplexity, bits per character | `likelihood.rs` | any text, given what went before |
//! | BLEU, chrF | `bleu.rs`, `chrf.rs` | translations beside references |
//! | distinct-1, distinct-2 | `distinct.rs` | replies by themselves |
//! | agreement, divergence | `agreement.rs` | two networks on the same text |
//!
//! Crate `papo-data` reads files, `samples.rs` makes of their lines what a model reads and has to guess, `forced.rs` leads it through, `stream.rs` does so with running text, `evaluation.rs` runs the whole.

mod agreement;
mod bleu;
mod bleu_words;
mod chrf;
mod distinct;
mod evaluation;
mod forced;
mod likelihood;
mod samples;
mod spaces;
mod stream;
mod word_scores;

pub use agreement::{Agreement, agreement};
pub use bleu::{Bleu, BleuOptions, Smoothing, corpus_bleu};
pub use bleu_words::BleuWords;
pub use chrf::{ChrfOptions, corpus_chrf};
pub use distinct::distinct;
pub use evaluation::{Evaluation, EvaluationOptions, EvaluationStep, Translations, evaluate, evaluate_words};
pub use likelihood::{Likelihood, Sample, likelihood};
pub use samples::Sampler;
pub use word_scores::{EachWord, WordScore};
