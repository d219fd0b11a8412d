//! Mapped n-gram models: the input is the whole file, with the check sum of its header put right. Asking anything of it must end.
#![no_main]

use std::path::Path;

use papo_generate::{LanguageModel, Room};
use papo_ngram::{Generator, Model, State};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut file = input.to_vec();
    if let Some(header) = file.get_mut(..1024) {
        header[44..48].fill(0);
        let sum = crc32fast::hash(header);
        header[44..48].copy_from_slice(&sum.to_le_bytes());
    }
    let Ok(model) = Model::open(file, Path::new("model.ngram")) else { return };
    let _ = model.verify(Path::new("model.ngram"));
    let (mut state, mut after) = (model.start_state(), State::default());
    for id in 0..model.vocab_size().min(50) as u32 {
        let word = model.word(id).unwrap_or_default().into_owned();
        let _ = (model.id(&word), model.score(&state, id, &mut after));
        state = after;
    }
    let generator = Generator::new(model, 0);
    let mut rows = generator.start(&[vec![4, 5]], Room { rows: 1, steps: 2 }).unwrap();
    let mut logits = vec![0.0; generator.vocab_size()];
    for token in [1, 6] {
        generator.step(&mut rows, &[token], &mut logits).unwrap();
    }
});
