//! Stores of replies: the input is the whole file. One that is taken answers whatever it is asked.
#![no_main]

use std::path::Path;

use papo_checkpoint::Checkpoint;
use papo_generate::{LanguageModel, Room};
use papo_retrieval::{Index, Retriever, Settings};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let path = Path::new("model.safetensors");
    let Ok(checkpoint) = Checkpoint::from_bytes(path, input.to_vec()) else { return };
    let Ok(index) = Index::read(&checkpoint, path) else { return };
    let retriever = Retriever::new(index, Settings::default()).unwrap();
    let source: Vec<u32> = (0..retriever.vocab_size().min(50) as u32).collect();
    let _ = retriever.nearest(&source, 3);
    let mut rows = retriever.start(&[source], Room { rows: 1, steps: 4 }).unwrap();
    let mut logits = vec![0.0; retriever.vocab_size()];
    for token in [1, 4, 2, 5] {
        retriever.step(&mut rows, &[token], &mut logits).unwrap();
    }
});
