//! From discounted probabilities to the model's own, and out with the entries.
//!
//! ```text
//! p(wₙ | w₁…wₙ₋₁) = u(wₙ | w₁…wₙ₋₁) + γ(w₁…wₙ₋₁) p(wₙ | w₂…wₙ₋₁)
//! ```
//!
//! In suffix order, the n-grams that end in w₂…wₙ stand together, in the order of the (n−1)-grams w₂…wₙ themselves: two files
//! read side by side are enough.

use super::normalise::{pair, unpaired};
use super::packed::{Packing, Record, same};
use super::sorter::Merge;
use super::spool::SpoolReader;
use crate::{Entry, EntrySink, Error, MAX_ORDER};

/// Gives each n-gram, in suffix order, with its probability as first half of the payload.
///
/// `grams` have u and γ, `lower` are the finished n-grams one word shorter.
pub fn interpolate<const R: usize>(
    mut grams: Merge<'_, R>,
    mut lower: SpoolReader<'_, R>,
    packing: Packing,
    mut give: impl FnMut(Record<R>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut shorter = lower.next()?.unwrap_or([0; R]);
    while let Some(mut gram) = grams.next()? {
        let suffix = packing.without_last(&gram);
        while !same(&shorter, &suffix) {
            shorter = lower.next()?.expect("pruning by true counts keeps the suffix of whatever it keeps");
        }
        let (probability, gamma) = unpaired(gram[R - 1]);
        gram[R - 1] = pair(probability + gamma * unpaired(shorter[R - 1]).0, 0.0);
        give(gram)?;
    }
    Ok(())
}

/// Sends the finished n-grams of an order to the sink, each with the weight of the context that it is.
pub fn emit<const R: usize>(
    mut grams: SpoolReader<'_, R>,
    mut backoffs: SpoolReader<'_, R>,
    packing: Packing,
    order: usize,
    sink: &mut impl EntrySink,
) -> Result<(), Error> {
    let mut weight = backoffs.next()?;
    while let Some(gram) = grams.next()? {
        let backoff = match weight {
            Some(record) if same(&record, &gram) => {
                weight = backoffs.next()?;
                unpaired(record[R - 1]).1
            }
            _ => 1.0,
        };
        send(&gram, backoff, packing, order, sink)?;
    }
    debug_assert!(weight.is_none(), "every context is an n-gram");
    sink.end_order(order)
}

/// Sends one n-gram to the sink.
#[inline]
pub fn send<const R: usize>(
    gram: &Record<R>,
    backoff: f32,
    packing: Packing,
    order: usize,
    sink: &mut impl EntrySink,
) -> Result<(), Error> {
    let mut words = [0; MAX_ORDER];
    for (position, word) in words[..order].iter_mut().enumerate() {
        *word = packing.word(gram, position);
    }
    sink.entry(&Entry {
        words: &words[..order],
        log10_probability: unpaired(gram[R - 1]).0.log10(),
        log10_backoff: backoff.log10(),
    })
}
