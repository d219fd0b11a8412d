//! What estimation does with little memory, several threads, and input that makes no sense.

mod entry_map;

use std::fmt::Write;
use std::path::PathBuf;

use entry_map::{EntryMap, estimated};
use papo_ngram::{Corpus, Error, Settings, Vocabulary, estimate};

/// A text that is long enough to overflow the smallest buffers several times.
fn long_text() -> String {
    let mut state = 1_u64;
    let mut text = String::new();
    for sentence in 0..30_000 {
        for _ in 0..12 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let uniform = (state >> 11) as f64 / (1_u64 << 53) as f64;
            let word = (3000_f64.powf(uniform)) as u32;
            let _ = write!(text, "w{word} ");
        }
        let _ = writeln!(text, "s{}", sentence % 100);
    }
    text
}

fn refused(text: &str, settings: &Settings) -> String {
    estimated(text, settings).err().expect("a refusal").to_string()
}

#[test]
fn memory_and_threads_change_no_bit_of_the_model() {
    let text = long_text();
    let settings =
        Settings { prune: vec![0, 0, 1], discount_fallback: Some([0.5, 1.0, 1.5]), ..Settings::new(5) };
    let whole = estimated(&text, &settings).expect("an estimate");
    for (memory, threads) in [(30 << 20, 1), (30 << 20, 3), (1 << 30, 2)] {
        let found = estimated(&text, &Settings { memory, threads, ..settings.clone() }).expect("an estimate");
        found.assert_close(&whole, 0.0);
    }
}

#[test]
fn too_little_memory_is_refused_with_the_least_that_will_do() {
    let message = refused("a b\n", &Settings { memory: 1000, ..Settings::new(2) });
    assert!(message.contains("1000 bytes") && message.contains("--memory 29M"), "{message}");
}

#[test]
fn a_text_without_words_is_refused() {
    for text in ["", "\n\n \t\n"] {
        let message = refused(text, &Settings::new(2));
        assert!(message.contains("no words"), "{message}");
    }
}

#[test]
fn a_text_of_one_word_has_no_discounts_of_its_own_but_a_model_with_others() {
    let message = refused("olá\n", &Settings::new(2));
    assert!(message.contains("1-grams") && message.contains("--discount-fallback"), "{message}");
    let settings = Settings { discount_fallback: Some([0.5, 1.0, 1.5]), ..Settings::new(2) };
    let model = estimated("olá\n", &settings).expect("an estimate");
    assert_eq!(model.counts, [4, 2]);
}

#[test]
fn an_order_larger_than_any_sentence_is_refused_with_the_largest_that_will_do() {
    let settings = Settings { discount_fallback: Some([0.5, 1.0, 1.5]), ..Settings::new(6) };
    let message = refused("a b\nc d e\n", &settings);
    assert!(message.contains("order 6") && message.contains("5 words"), "{message}");
    assert!(estimated("a b\nc d e\n", &Settings { order: 5, ..settings }).is_ok());
}

#[test]
fn orders_outside_of_1_to_8_are_refused() {
    for order in [0, 9] {
        let message = refused("a b\n", &Settings::new(order));
        assert!(message.contains(&format!("order {order}")) && message.contains("1 to 8"), "{message}");
    }
}

#[test]
fn thresholds_that_make_no_sense_are_refused() {
    for (prune, word) in
        [(vec![1], "single words"), (vec![0, 2, 1], "after 2"), (vec![0, 0, 1, 1], "4 thresholds")]
    {
        let message = refused("a b c\n", &Settings { prune, ..Settings::new(3) });
        assert!(message.contains("--prune") && message.contains(word), "{message}");
    }
}

#[test]
fn a_token_that_is_not_in_the_vocabulary_is_refused() {
    let mut corpus = Corpus::new(&std::env::temp_dir()).expect("a corpus");
    corpus.push(7).expect("a token");
    corpus.end_sentence().expect("a sentence");
    let result = estimate(
        &mut corpus,
        &Vocabulary::new(),
        &Settings::new(1),
        &mut |_| Ok(()),
        &mut EntryMap::default(),
    );
    assert!(matches!(result, Err(Error::UnknownId { id: 7, words: 3 })));
}

#[test]
fn a_folder_for_temporary_files_that_is_not_there_is_named() {
    let message =
        refused("a b\n", &Settings { temporary: PathBuf::from("no/such/folder"), ..Settings::new(2) });
    assert!(message.contains("no/such/folder") && message.contains("--temporary"), "{message}");
}

#[test]
fn whoever_watches_may_stop_it() {
    let mut corpus = Corpus::new(&std::env::temp_dir()).expect("a corpus");
    corpus.push(2).expect("a token");
    corpus.end_sentence().expect("a sentence");
    let mut stop = |_| Err(Error::Interrupted);
    let result =
        estimate(&mut corpus, &Vocabulary::new(), &Settings::new(1), &mut stop, &mut EntryMap::default());
    assert!(matches!(result, Err(Error::Interrupted)));
}
