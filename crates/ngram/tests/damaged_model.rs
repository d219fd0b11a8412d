//! What is no model is refused in a sentence, and damage within a model never ends in a panic.

use std::path::Path;

use papo_generate::{LanguageModel, Room};
use papo_ngram::{Error, Generator, Layout, Model, ModelWriter, State, WriteOptions, read_arpa_from};

fn file(options: WriteOptions) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.ngram");
    let mut writer = ModelWriter::new(&path, options).unwrap();
    read_arpa_from(include_str!("small.arpa").as_bytes(), Path::new("small.arpa"), &mut writer).unwrap();
    writer.finish().unwrap();
    std::fs::read(&path).unwrap()
}

fn files() -> [Vec<u8>; 3] {
    let hashed = WriteOptions { layout: Layout::Hashed, ..WriteOptions::default() };
    let quantised = WriteOptions { quantise: Some(3), ..WriteOptions::default() };
    [WriteOptions::default(), hashed, quantised].map(file)
}

fn sentence(bytes: &[u8]) -> String {
    let error = Model::open(bytes, Path::new("model.ngram")).unwrap_err();
    assert!(matches!(error, Error::Model { .. }));
    error.to_string()
}

/// Asks everything of a model, whatever it answers.
fn use_it(bytes: &[u8]) {
    let Ok(model) = Model::open(bytes, Path::new("model.ngram")) else { return };
    let (mut state, mut after) = (model.start_state(), State::default());
    for id in (0..12).chain([5, 4, 6, 4, 5, 6, 7, u32::MAX]) {
        let word = model.word(id).unwrap_or_default().into_owned();
        let _ = (model.id(&word), model.is_word(id), model.score(&state, id, &mut after));
        state = after;
    }
    let generator = Generator::new(model, 0);
    let mut logits = vec![0.0; generator.vocab_size()];
    let mut rows = generator.start(&[vec![4, 5]], Room { rows: 1, steps: 2 }).unwrap();
    for token in [1, 6] {
        generator.step(&mut rows, &[token], &mut logits).unwrap();
    }
}

#[test]
fn a_foreign_file_is_refused() {
    for foreign in [&b""[..], b"\\data\\\nngram 1=3\n", b"PK\x03\x04", &[0; 5000]] {
        assert!(sentence(foreign).contains("is no n-gram model of Papo"));
    }
}

#[test]
fn another_version_is_refused() {
    let mut bytes = file(WriteOptions::default());
    bytes[16] = 7;
    assert!(sentence(&bytes).contains("version 7 of the format, this program reads version 2"));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for bytes in files() {
        for length in (16..bytes.len()).step_by(5) {
            let sentence = sentence(&bytes[..length]);
            assert!(sentence.contains("cut off") || sentence.contains("version"), "{length}: {sentence}");
        }
        assert!(sentence(&[&bytes[..], b"more"].concat()).contains("instead of"));
    }
}

#[test]
fn every_changed_byte_of_the_header_is_noticed() {
    for bytes in files() {
        for at in 16..1024 {
            let mut changed = bytes.clone();
            changed[at] ^= 0x24;
            assert!(Model::open(changed, Path::new("m")).is_err(), "byte {at}");
        }
    }
}

#[test]
fn every_changed_byte_behind_the_header_is_found_by_verifying_and_never_panics() {
    for bytes in files() {
        for at in 1024..bytes.len() {
            for change in [0xff, 0x80, 0x01] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                use_it(&changed);
                let model = Model::open(&changed[..], Path::new("m")).unwrap();
                assert!(model.verify(Path::new("m")).is_err(), "byte {at}");
            }
        }
    }
}

/// The file with other bytes in its header, and the check sum that belongs to them.
fn lying(bytes: &[u8], at: usize, lie: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at..at + lie.len()].copy_from_slice(lie);
    changed[44..48].fill(0);
    let crc = crc32fast::hash(&changed[..1024]);
    changed[44..48].copy_from_slice(&crc.to_le_bytes());
    changed
}

#[test]
fn a_header_that_lies_with_a_right_check_sum_never_panics() {
    let mut opened = 0;
    for bytes in files() {
        for at in (20..40).chain(48..928) {
            for value in [0, 1, 3, 0x7f, 0xff] {
                let changed = lying(&bytes, at, &[value]);
                opened += usize::from(Model::open(&changed[..], Path::new("m")).is_ok());
                use_it(&changed);
            }
        }
    }
    assert!(opened > 100, "some lies are only about places within the file: {opened}");
}

#[test]
fn counts_and_places_beyond_all_measure_never_panic() {
    for bytes in files() {
        for at in (32..40).step_by(8).chain((48..112).step_by(8)).chain((128..920).step_by(8)) {
            for number in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 32) - 1, 1 << 32] {
                use_it(&lying(&bytes, at, &number.to_le_bytes()));
            }
        }
    }
}
