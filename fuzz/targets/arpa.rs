//! ARPA files, plain or packed: the input is the whole file. What is read is written in both layouts, which must hold every entry.
#![no_main]

use std::path::Path;

use papo_ngram::{Layout, Model, ModelWriter, State, WriteOptions, read_arpa_from};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    for layout in [Layout::Trie, Layout::Hashed] {
        let path = folder.path().join("model.ngram");
        let mut writer = ModelWriter::new(&path, WriteOptions { layout, ..WriteOptions::default() }).unwrap();
        if read_arpa_from(input, Path::new("model.arpa"), &mut writer).is_err() {
            return;
        }
        writer.finish().unwrap();
        let model = Model::open(std::fs::read(&path).unwrap(), &path).unwrap();
        model.verify(&path).unwrap();
        let (mut state, mut after) = (model.start_state(), State::default());
        for id in 0..model.vocab_size().min(50) as u32 {
            model.score(&state, id, &mut after);
            state = after;
        }
    }
});
