//! Both layouts against the back-off recursion over plain maps, on a small model made by hand.
//!
//! The model is not closed: `b c d` is a trigram without the bigram `c d`, as pruning by other tools leaves them.
#![allow(clippy::approx_constant)] // numbers as the file has them

use std::collections::HashMap;
use std::path::Path;

use papo_generate::{GenerationConfig, LanguageModel, Room, generate};
use papo_ngram::{
    Entry, EntrySink, Error, Generator, Layout, Model, ModelWriter, State, Vocabulary, WriteOptions,
    read_arpa_from,
};

const ARPA: &str = include_str!("small.arpa");

/// log₁₀ p and back-off weight of each n-gram; the naive model.
#[derive(Default)]
struct Maps {
    words: Vec<String>,
    entries: HashMap<Vec<u32>, (f32, f32)>,
    order: usize,
}

impl EntrySink for Maps {
    fn begin(&mut self, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Error> {
        self.words = vocabulary.words().map(str::to_owned).collect();
        self.order = counts.len();
        Ok(())
    }
    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        self.entries.insert(entry.words.to_vec(), (entry.log10_probability, entry.log10_backoff));
        Ok(())
    }
    fn end_order(&mut self, _: usize) -> Result<(), Error> {
        Ok(())
    }
}

impl Maps {
    fn read() -> Self {
        let mut maps = Self::default();
        read_arpa_from(ARPA.as_bytes(), Path::new("small.arpa"), &mut maps).unwrap();
        maps
    }

    /// log₁₀ p(word | history) and the length of the n-gram that gave it.
    fn score(&self, history: &[u32], word: u32) -> (f32, usize) {
        let word = if self.entries.contains_key(&vec![word]) { word } else { 0 };
        let history = &history[history.len().saturating_sub(self.order - 1)..];
        let ngram = [history, &[word]].concat();
        match self.entries.get(&ngram) {
            Some(&(log10_p, _)) => (log10_p, ngram.len()),
            None => {
                let (shorter, matched) = self.score(&history[1..], word);
                (shorter + self.entries.get(history).map_or(0.0, |&(_, backoff)| backoff), matched)
            }
        }
    }
}

fn model(options: WriteOptions) -> Model<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.ngram");
    let mut writer = ModelWriter::new(&path, options).unwrap();
    read_arpa_from(ARPA.as_bytes(), Path::new("small.arpa"), &mut writer).unwrap();
    writer.finish().unwrap();
    let model = Model::open(std::fs::read(&path).unwrap(), &path).unwrap();
    model.verify(&path).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    model
}

fn both() -> [Model<Vec<u8>>; 2] {
    [Layout::Trie, Layout::Hashed].map(|layout| model(WriteOptions { layout, ..WriteOptions::default() }))
}

/// Each sequence of four of the model's ids, unknown ones and `<pad>` among them.
fn histories(words: u32) -> impl Iterator<Item = [u32; 4]> {
    let ids = words + 1;
    (0..ids.pow(4)).map(move |n| [n % ids, n / ids % ids, n / ids.pow(2) % ids, n / ids.pow(3)])
}

#[test]
fn every_history_and_word_scores_as_the_recursion_says() {
    let maps = Maps::read();
    for model in both() {
        let words = model.vocab_size() as u32;
        assert_eq!(words as usize, maps.words.len());
        for history in histories(words) {
            let (mut state, mut after) = (model.empty_state(), State::default());
            for end in 0..history.len() {
                let score = model.score(&state, history[end], &mut after);
                // An unknown word in the history is `<unk>`, which may be a context of its own.
                let known = |&id: &u32| if model.is_word(id) { id } else { 0 };
                let before: Vec<u32> = history[..end].iter().map(known).collect();
                let (log10_p, matched) = maps.score(&before, history[end]);
                assert!(
                    (score.log10_probability - log10_p).abs() < 1e-6,
                    "{history:?} {end}: {score:?} {log10_p}"
                );
                assert_eq!(score.matched, matched, "{history:?} {end}");
                state = after;
            }
        }
    }
}

/// What KenLM's `BaseScore` gives for `<unk>`, `</s>`, `a`, `b`, `c` and `d` after `<s>` and these words.
const AFTER: [(&[&str], [f32; 6]); 5] = [
    (&[], [-1.564271, -1.08715, -0.30103, -0.69897, -0.962211, -1.08715]),
    (&["a"], [-1.60206, -1.124939, -0.90309, -0.221849, -1.0, -1.124939]),
    (&["a", "b"], [-1.716004, -1.30103, -1.017033, -1.113943, -0.154902, -1.238882]),
    (&["b", "c"], [-1.721536, -0.314996, -1.022566, -1.119476, -1.119476, -0.60206]),
    (&["x"], [-1.330993, -0.853872, -0.522879, -0.728933, -0.728933, -0.853872]),
];

#[test]
fn the_probabilities_of_all_next_words_are_those_of_kenlm() {
    for model in both() {
        let ids: Vec<u32> =
            ["<unk>", "</s>", "a", "b", "c", "d"].iter().map(|word| model.id(word).unwrap()).collect();
        let generator = Generator::new(model, 20);
        for (words, expected) in AFTER {
            let tokens: Vec<u32> = words.iter().map(|word| generator.model().id(word).unwrap_or(0)).collect();
            let found = generator.log10_probabilities(&tokens);
            assert_eq!(found.len(), 20);
            for (&id, expected) in ids.iter().zip(expected) {
                assert!((found[id as usize] - expected).abs() < 2e-6, "{words:?} {id}");
            }
            let others = (0..20).filter(|id| !ids.contains(id));
            assert!(others.map(|id| found[id as usize]).all(|log10_p| log10_p == f32::NEG_INFINITY));
        }
    }
}

#[test]
fn states_forget_what_the_model_cannot_tell_apart() {
    for model in both() {
        let id = |word: &str| model.id(word).unwrap();
        let after = |words: &[&str]| {
            let (mut state, mut next) = (model.empty_state(), State::default());
            for word in words {
                model.score(&state, id(word), &mut next);
                state = next;
            }
            state
        };
        assert_eq!(after(&["a", "b"]).length(), 2);
        assert_eq!(after(&["d", "b"]).length(), 1);
        assert_eq!(after(&["d", "b"]), after(&["c", "b"]));
        assert_eq!(after(&["b", "d"]).length(), 0);
        assert_eq!(after(&["a", "</s>"]), model.empty_state());
    }
}

#[test]
fn words_and_ids_are_found_from_each_other() {
    for model in both() {
        for id in 0..model.vocab_size() as u32 {
            let word = model.word(id).unwrap();
            assert_eq!(model.id(&word), model.is_word(id).then_some(id), "{word}");
        }
        assert_eq!((model.id("<unk>"), model.id("<s>"), model.id("</s>")), (Some(0), Some(1), Some(2)));
        assert_eq!((model.word(3).as_deref(), model.id("<pad>")), (Some("<pad>"), None));
        assert_eq!((model.id("nowhere"), model.word(1000)), (None, None));
        assert_eq!(model.counts(), [7, 7, 3]);
    }
}

#[test]
fn logits_are_the_scores_of_all_words_and_their_probabilities_add_up() {
    for model in both() {
        let width = 12;
        let generator = Generator::new(model.clone(), width);
        for history in histories(model.vocab_size() as u32).step_by(7) {
            let sources = [history[..2].to_vec(), history.to_vec(), Vec::new()];
            let room = Room { rows: 3, steps: 4 };
            let mut rows = generator.start(&sources, room).unwrap();
            let mut logits = vec![0.0; 3 * width];
            // The first token stands for the source and is not read, whatever it is.
            generator.step(&mut rows, &[history[0], 1, 1], &mut logits).unwrap();
            generator.select(&mut rows, &[1, 0, 2]);
            generator.step(&mut rows, &[4, 5, 6], &mut logits).unwrap();
            let texts =
                [[sources[1].as_slice(), &[4]].concat(), [sources[0].as_slice(), &[5]].concat(), vec![6]];
            for (text, logits) in texts.iter().zip(logits.chunks(width)) {
                let (mut state, mut after) = (model.start_state(), State::default());
                for &token in text {
                    model.score(&state, token, &mut after);
                    state = after;
                }
                for (word, &logit) in logits.iter().enumerate() {
                    let is_generated = word >= 2 && model.is_word(word as u32);
                    assert_eq!(is_generated, logit.is_finite(), "{word}");
                    if is_generated {
                        let log10_p = model.score(&state, word as u32, &mut after).log10_probability;
                        assert!((logit - log10_p * std::f32::consts::LN_10).abs() < 1e-5, "{text:?} {word}");
                    }
                }
                // What is missing to 1 is what the model gives to `<unk>`; the file's `<s>` has no probability.
                let unknown = model.score(&state, 0, &mut after).log10_probability;
                let sum: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
                assert!((sum + 10_f64.powf(unknown.into()) - 1.0).abs() < 1e-5, "{text:?}: {sum}");
            }
        }
    }
}

#[test]
fn generation_continues_the_source() {
    for model in both() {
        let source = vec![model.id("a").unwrap(), model.id("b").unwrap()];
        let config = GenerationConfig {
            bos_token_id: Some(1),
            eos_token_id: Some(vec![2]),
            max_new_tokens: Some(8),
            ..GenerationConfig::default()
        };
        let generator = Generator::new(model.clone(), 0);
        let generated = generate(&generator, &[source], &config).unwrap();
        let words: Vec<_> = generated.sequences[0].tokens.iter().map(|&id| model.word(id).unwrap()).collect();
        assert_eq!(words, ["<s>", "c", "</s>"]);
    }
}

#[test]
fn quantised_models_are_near_and_few_values_stay_exact() {
    let maps = Maps::read();
    let exact = model(WriteOptions { quantise: Some(8), ..WriteOptions::default() });
    let coarse = model(WriteOptions { quantise: Some(1), ..WriteOptions::default() });
    assert_eq!((exact.quantised(), coarse.quantised()), (Some(8), Some(1)));
    for history in histories(exact.vocab_size() as u32).step_by(5) {
        let states = [&exact, &coarse].map(|model| {
            let (mut state, mut after) = (model.empty_state(), State::default());
            for &word in &history[1..3] {
                model.score(&state, word, &mut after);
                state = after;
            }
            state
        });
        let known: Vec<u32> =
            history[1..3].iter().map(|&id| if exact.is_word(id) { id } else { 0 }).collect();
        let (log10_p, matched) = maps.score(&known, history[3]);
        let mut after = State::default();
        let [near, far] = [
            exact.score(&states[0], history[3], &mut after),
            coarse.score(&states[1], history[3], &mut after),
        ];
        assert!((near.log10_probability - log10_p).abs() < 1e-5, "{history:?}");
        assert!((far.log10_probability - log10_p).abs() < 1.0, "{history:?}");
        assert_eq!((near.matched, far.matched), (matched, matched));
    }
}

#[test]
fn a_hashed_model_is_not_quantised_and_bits_have_limits() {
    let hashed = WriteOptions { layout: Layout::Hashed, quantise: Some(8), ..WriteOptions::default() };
    assert!(matches!(ModelWriter::new(Path::new("x"), hashed), Err(Error::QuantiseHashed)));
    for bits in [0, 17] {
        let options = WriteOptions { quantise: Some(bits), ..WriteOptions::default() };
        assert!(matches!(ModelWriter::new(Path::new("x"), options), Err(Error::QuantiseBits { .. })));
    }
}

#[test]
fn a_model_of_single_words_needs_no_context() {
    let text = "\\data\\\nngram 1=4\n\n\\1-grams:\n-1\t<unk>\n-99\t<s>\n-0.3\t</s>\n-0.4\ta\n\n\\end\\\n";
    for layout in [Layout::Trie, Layout::Hashed] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.ngram");
        let mut writer = ModelWriter::new(&path, WriteOptions { layout, ..WriteOptions::default() }).unwrap();
        read_arpa_from(text.as_bytes(), Path::new("x"), &mut writer).unwrap();
        writer.finish().unwrap();
        let model = Model::open(std::fs::read(&path).unwrap(), &path).unwrap();
        let (mut after, start) = (State::default(), model.start_state());
        assert_eq!(start.length(), 0);
        let score = model.score(&start, model.id("a").unwrap(), &mut after);
        assert_eq!((score.log10_probability, score.matched), (-0.4, 1));
    }
}
