//! From adjusted counts to discounted probabilities, one context after the other.
//!
//! ```text
//! u(w | h) = (a(h w) − D(a(h w))) / Σ_x a(h x)                         for the n-grams that are kept
//! γ(h)     = (Σ_{x kept} D(a(h x)) + Σ_{x pruned} a(h x)) / Σ_x a(h x)  what is left for the lower order
//! ```
//!
//! In context order, the n-grams of a context stand together. γ(h) is the back-off weight of h, and h comes in suffix order,
//! as the n-grams one word shorter do. The n-grams themselves go on to be sorted back into suffix order.

use super::adjust::PRUNED;
use super::discount::Discounts;
use super::packed::{Packing, Record};
use super::sorter::{Merge, Sorter};
use super::spool::SpoolWriter;
use crate::Error;

/// Reads the n-grams of an order in context order; gives those that are kept with u and γ, and the contexts with γ.
pub fn normalise<const R: usize>(
    mut counts: Merge<'_, R>,
    packing: Packing,
    order: usize,
    discounts: &Discounts,
    grams: &mut Sorter<R>,
    backoffs: &mut SpoolWriter<R>,
) -> Result<(), Error> {
    let mut group: Vec<Record<R>> = Vec::new();
    let mut waiting = counts.next()?;
    while let Some(first) = waiting {
        let context = packing.without_last(&first);
        let (mut total, mut left_over) = (0, 0.0);
        group.clear();
        while let Some(record) = waiting {
            if packing.without_last(&record)[..R - 1] != context[..R - 1] {
                break;
            }
            let adjusted = record[R - 1] & !PRUNED;
            total += adjusted;
            if record[R - 1] & PRUNED == 0 {
                left_over += discounts.of(adjusted);
                group.push(record);
            } else {
                left_over += adjusted as f64;
            }
            waiting = counts.next()?;
        }
        // A context that lost all its n-grams backs off with a weight of 1, and may be gone itself.
        if group.is_empty() {
            continue;
        }
        let gamma = left_over / total as f64;
        for record in &group {
            let adjusted = record[R - 1];
            let probability = (adjusted as f64 - discounts.of(adjusted)) / total as f64;
            let mut gram = packing.by_suffix(record, order);
            gram[R - 1] = pair(probability as f32, gamma as f32);
            grams.push(gram)?;
        }
        let mut backoff = context;
        backoff[R - 1] = pair(0.0, gamma as f32);
        backoffs.push(&backoff)?;
    }
    Ok(())
}

/// Two numbers as a payload.
#[inline]
pub fn pair(first: f32, second: f32) -> u64 {
    u64::from(first.to_bits()) << 32 | u64::from(second.to_bits())
}

/// What [`pair`] made one of.
#[inline]
pub fn unpaired(payload: u64) -> (f32, f32) {
    (f32::from_bits((payload >> 32) as u32), f32::from_bits(payload as u32))
}
