//! Measuring models: how surprised they are by a text, and how near their translations come to a person's.
//!
//! | figure | file | of |
//! | --- | --- | --- |
//! | perplexity, bits per character | `perplexity.rs` | any text, given what went before |
//! | BLEU, chrF | `bleu.rs`, `chrf.rs` | translations beside references |
//! | distinct-1, distinct-2 | `distinct.rs` | replies by themselves |

mod bleu;
mod bleu_words;
mod chrf;
mod distinct;
mod spaces;

pub use bleu::{Bleu, BleuOptions, Smoothing, corpus_bleu};
pub use bleu_words::BleuWords;
pub use chrf::{ChrfOptions, corpus_chrf};
pub use distinct::distinct;
