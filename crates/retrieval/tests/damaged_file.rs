//! What is no index is refused in a sentence, and damage within one never ends in a panic.

mod conversations;

use std::path::Path;

use conversations::{Dice, conversations, index, source};
use papo_checkpoint::Checkpoint;
use papo_generate::{LanguageModel, Room};
use papo_retrieval::{Error, Index, Retriever, Settings};

fn file() -> (Index, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let index = index(&conversations(&mut Dice::new(1), 12));
    index.save(&path).unwrap();
    (index, std::fs::read(&path).unwrap())
}

fn open(bytes: Vec<u8>) -> Result<Index, Error> {
    let path = Path::new("model.safetensors");
    Index::read(&Checkpoint::from_bytes(path, bytes)?, path)
}

/// Asks everything of a store, whatever it answers.
fn use_it(index: Index) {
    let retriever = Retriever::new(index, Settings::default()).unwrap();
    let asked = source(&[vec![4, 5], vec![6, 99]]);
    let _ = retriever.nearest(&asked, 3);
    let mut rows = retriever.start(&[asked], Room { rows: 1, steps: 4 }).unwrap();
    let mut logits = vec![0.0; retriever.vocab_size()];
    for token in [1, 5, 4, 2] {
        retriever.step(&mut rows, &[token], &mut logits).unwrap();
    }
}

/// A file of the same arrays, one of them changed.
fn with(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Result<Index, Error> {
    use papo_checkpoint::{NewTensor, write_safetensors};
    let (_, bytes) = file();
    let checkpoint = Checkpoint::from_bytes(Path::new("m"), bytes).unwrap();
    let names: Vec<String> = checkpoint.names().map(str::to_owned).collect();
    let mut arrays: Vec<_> = names
        .iter()
        .map(|name| {
            let tensor = checkpoint.get(name).unwrap().unwrap();
            (name, tensor.dtype, tensor.bytes.into_owned())
        })
        .collect();
    change(&mut arrays.iter_mut().find(|array| array.0 == name).unwrap().2);
    let shapes: Vec<[usize; 1]> =
        arrays.iter().map(|(_, dtype, bytes)| [bytes.len() / dtype.size()]).collect();
    let tensors: Vec<NewTensor<'_>> = arrays
        .iter()
        .zip(&shapes)
        .map(|((name, dtype, bytes), shape)| NewTensor { name, dtype: *dtype, shape, bytes })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    write_safetensors(&path, &tensors, &Default::default()).unwrap();
    Index::open(&path)
}

#[test]
fn an_index_comes_back_as_it_was() {
    let (index, bytes) = file();
    assert!(open(bytes).unwrap() == index);
}

#[test]
fn arrays_that_do_not_belong_together_are_refused_by_what_is_wrong() {
    let grow = |bytes: &mut Vec<u8>| bytes.push(0);
    let last = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() = 0xff;
    let zero = |bytes: &mut Vec<u8>| bytes.fill(0);
    let refused = |outcome: Result<Index, Error>, words: &str| {
        let sentence = outcome.unwrap_err().to_string();
        assert!(sentence.contains(words) && sentence.ends_with("papo train retrieval`"), "{sentence}");
    };
    refused(with("pieces.items", grow), "lengths of its pieces");
    refused(with("words.items", |bytes| bytes.reverse()), "words are not sorted");
    refused(with("postings.items", last), "names turn 255");
    refused(with("postings.items", zero), "turns of a word are not sorted");
    refused(with("turns.depth", last), "turns before it");
    refused(with("exchanges.turn", last), "names turn 255");
    refused(with("exchanges.turn", grow), "exchanges and replies");
    refused(with("replies.items", last), "has token 255");
    refused(with("replies.items", |bytes| bytes.reverse()), "replies are not sorted");
    refused(with("words.lengths", zero), "lengths of its words");
}

#[test]
fn another_file_of_safetensors_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    papo_checkpoint::write_safetensors(&path, &[], &Default::default()).unwrap();
    assert!(Index::open(&path).unwrap_err().to_string().contains("pieces.items is missing"));
    assert!(matches!(open(b"PK\x03\x04".to_vec()), Err(Error::File(_))));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let (_, bytes) = file();
    for length in 0..bytes.len() {
        assert!(open(bytes[..length].to_vec()).is_err(), "{length}");
    }
}

#[test]
fn no_changed_byte_ends_in_a_panic() {
    let (_, bytes) = file();
    let mut opened = 0;
    for at in 0..bytes.len() {
        for change in [0xff, 0x80, 0x01] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            if let Ok(index) = open(changed) {
                opened += 1;
                use_it(index);
            }
        }
    }
    assert!(opened > 100, "some changes only say something else: {opened}");
}
