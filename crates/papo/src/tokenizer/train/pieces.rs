//! Vocabularies of pieces: byte pairs and unigram, by the trainers of the `tokenizers` crate.
//!
//! Both work on words spelled in bytes with their counts. The unigram trainer breaks ties by the order of a hash table and
//! adds floats in an order that depends on the threads; [`settle`] and a single thread make its result the same every time.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tokenizers::AddedToken;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::models::unigram::{Unigram, UnigramTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::SPECIALS;
use crate::Error;

/// Words longer than this, in bytes, teach a vocabulary nothing and would take the unigram trainer minutes.
const LONGEST_WORD: usize = 1000;

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::TokenizerTraining {
        reason: format!("{error}; ask for a vocabulary of another size or for another kind of tokenizer"),
    }
}

fn specials() -> Vec<AddedToken> {
    SPECIALS.iter().map(|content| AddedToken::from(*content, true)).collect()
}

/// The model of `tokenizer.json` for byte pairs, with at most `size` tokens.
pub(super) fn byte_pairs(counts: &BTreeMap<String, u64>, size: usize) -> Result<Value, Error> {
    let trainer = BpeTrainer::builder()
        .vocab_size(size)
        .min_frequency(2)
        .special_tokens(specials())
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect::<HashSet<char>>())
        .show_progress(false)
        .build();
    let mut model = BPE::default();
    let words = counts.iter().filter(|(word, _)| word.chars().count() <= LONGEST_WORD);
    trainer
        .do_train(&words.map(|(word, count)| (word.as_str().into(), *count)).collect(), &mut model)
        .map_err(wrong)?;
    serde_json::to_value(&model).map_err(wrong)
}

/// The model of `tokenizer.json` for unigram pieces, with at most `size` tokens.
pub(super) fn unigram(counts: BTreeMap<String, u64>, size: usize) -> Result<Value, Error> {
    let trainer = UnigramTrainer::builder()
        .vocab_size(size as u32)
        .special_tokens(specials())
        .unk_token(Some(SPECIALS[0].to_owned()))
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .show_progress(false)
        .build()
        .map_err(wrong)?;
    let mut model = Unigram::default();
    let words = counts.into_iter().filter(|(word, _)| word.chars().count() <= LONGEST_WORD);
    let words = words.map(|(word, count)| (word, u32::try_from(count).unwrap_or(u32::MAX))).collect();
    on_one_thread(|| trainer.do_train(words, &mut model)).map_err(wrong)?;
    Ok(json!({
        "type": "Unigram",
        "unk_id": 0,
        "vocab": settle(model.iter().cloned().collect()),
        "byte_fallback": false,
    }))
}

/// Runs `train` without the crate's threads. Whether it uses them is one switch for the whole process, so trainings wait for each other: one that ended would
/// turn them on for another that has not.
fn on_one_thread<T>(train: impl FnOnce() -> T) -> T {
    static SWITCH: Mutex<()> = Mutex::new(());
    let _alone = SWITCH.lock().unwrap_or_else(PoisonError::into_inner);
    let before = tokenizers::parallelism::get_parallelism();
    tokenizers::parallelism::set_parallelism(false);
    let trained = train();
    tokenizers::parallelism::set_parallelism(before);
    trained
}

/// Pieces in an order of their own: specials, then by falling score, then by the alphabet.
///
/// Bytes that the training dropped come back with the lowest score plus a ten-thousandth for each before them, in the
/// order of a hash table; here they all get the lowest score itself.
fn settle(pieces: Vec<(String, f64)>) -> Vec<(String, f64)> {
    const RETURNED: f64 = 256.0 * 0.0001;
    let lowest = pieces.iter().skip(SPECIALS.len()).map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
    let mut rest: Vec<(String, f64)> = pieces
        .into_iter()
        .filter(|(piece, _)| !SPECIALS.contains(&piece.as_str()))
        .map(|(piece, score)| {
            let byte = piece.chars().count() == 1;
            (piece, if byte && score <= lowest + RETURNED { lowest } else { score })
        })
        .collect();
    rest.sort_by(|(one, high), (other, low)| low.total_cmp(high).then_with(|| one.cmp(other)));
    SPECIALS.iter().map(|content| (content.to_string(), 0.0)).chain(rest).collect()
}
