//! A training that is interrupted and resumed ends with the same weights, to the bit, as one that never stopped.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use papo_lab::data::{DataFile, Examples, Fingerprint, Framing, HeldOut, Reading, Split};
use papo_lab::{
    AttentionKind, CellKind, Ending, Error, Horizon, Limits, ModelFolder, NetworkConfig, Observer,
    OptimizerSettings, Recipe, RecurrentConfig, Resume, SaveDtype, Schedule, Seq2SeqConfig, StepEntry,
    Summary, Task, Training, TransformerConfig, ValidationEntry, device, train,
};

/// Raises the interrupt after a number of steps.
struct Interrupter<'a> {
    interrupt: &'a AtomicBool,
    after: u64,
}

impl Observer for Interrupter<'_> {
    fn resumed(&mut self, _: u64, _: f64) {}
    fn stepped(&mut self, entry: &StepEntry, _: f64) {
        assert!(entry.loss.is_finite());
        if entry.step == self.after {
            self.interrupt.store(true, Ordering::SeqCst);
        }
    }
    fn validated(&mut self, _: &ValidationEntry) {}
}

/// Words are the numbers 4 to 15 in the vocabulary.
fn encode(text: &str) -> Result<Vec<u32>, String> {
    text.split_whitespace().map(|word| Ok(4 + word.len() as u32 % 12)).collect()
}

fn split(folder: &Path, name: &str, framing: Framing) -> (Split, Vec<DataFile>) {
    let path = folder.join(name);
    let words: Vec<String> = (0..399usize).map(|n| "x".repeat(1 + (n * n + n / 7) % 11)).collect();
    let lines: Vec<String> = words
        .chunks(7)
        .enumerate()
        .map(|(n, words)| match name {
            "data.tsv" => format!("{}\t{}", words[..1 + n % 6].join(" x "), words[n % 5..].join(" xx ")),
            _ => words.join(" "),
        })
        .collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let files = vec![DataFile::new(path)];
    (
        Examples::read(&files, Reading::default(), framing, HeldOut { share: 0.1, seed: 1 }, &encode)
            .unwrap(),
        files,
    )
}

fn recipe(network: NetworkConfig) -> Recipe {
    Recipe {
        network,
        task: Task { task: "text".into(), unit: None, context_turns: 1, context_tokens: 64 },
        tokenizer: "none".into(),
        begins_with: None,
        seed: 5,
        held_out: 0.1,
        batch_rows: Some(4),
        batch_tokens: None,
        columns: 6,
        target_tokens: 64,
        accumulate: 1,
        adam: OptimizerSettings { weight_decay: 0.01, clip: Some(0.5), ..OptimizerSettings::default() },
        learning_rate: 0.01,
        warm_up: 3,
        schedule: Schedule::Cosine { end: Horizon::Steps(24) },
        label_smoothing: 0.1,
        average: Some(0.9),
        validate_every: Some(8),
    }
}

struct Case {
    recipe: Recipe,
    split: Split,
    files: Vec<DataFile>,
}

impl Case {
    fn run(&self, out: &Path, steps: u64, interrupt_after: u64) -> Result<Summary, Error> {
        let interrupt = AtomicBool::new(false);
        let folder = ModelFolder::new(out, SaveDtype::F32);
        let training = Training {
            recipe: &self.recipe,
            limits: Limits { steps: Some(steps), ..Limits::default() },
            data: &self.split,
            fingerprint: Fingerprint::of(&self.files).unwrap(),
            begin_with: None,
            folder: &folder,
            resume: Resume::Yes,
            save_every: Duration::from_secs(1000),
            device: &device::cpu(),
            interrupt: &interrupt,
        };
        train(&training, &mut Interrupter { interrupt: &interrupt, after: interrupt_after })
    }
}

/// Every tensor of the state but the counters, which hold the time, by name.
fn tensors(out: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for file in ["model.safetensors", "training/state.safetensors"] {
        let checkpoint = papo_checkpoint::Checkpoint::open_file(&out.join(file)).unwrap();
        for name in checkpoint.names().filter(|name| *name != "notes") {
            found.push((format!("{file}: {name}"), checkpoint.get(name).unwrap().unwrap().bytes.to_vec()));
        }
    }
    found.sort();
    found
}

fn check(case: &Case) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    const STEPS: u64 = 24;
    assert_eq!(case.run(&whole, STEPS, u64::MAX).unwrap().ending, Ending::Done);
    for stop in [1, 8, 13] {
        let summary = case.run(&parts, STEPS, stop).unwrap();
        assert_eq!((summary.ending, summary.steps), (Ending::Interrupted, stop));
    }
    assert_eq!(case.run(&parts, STEPS, u64::MAX).unwrap().ending, Ending::Done);
    let (whole, parts) = (tensors(&whole), tensors(&parts));
    assert!(whole.len() > 10 && whole.len() == parts.len());
    for ((name, one), (other, two)) in whole.iter().zip(&parts) {
        assert_eq!(name, other);
        assert!(one == two, "{name} differs");
    }
}

#[test]
fn a_language_model_with_carried_state_resumes_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let (split, files) = split(folder.path(), "data.txt", Framing::Stream);
    let config = RecurrentConfig { dropout: 0.3, ..RecurrentConfig::new(16, 6, 8, 2) };
    check(&Case { recipe: recipe(NetworkConfig::Lstm(config)), split, files });
}

#[test]
fn an_encoder_decoder_with_dropout_and_accumulation_resumes_to_the_bit() {
    let framing = Framing::Pairs { context_turns: 1, context_tokens: 64, target_tokens: 64 };
    let folder = tempfile::tempdir().unwrap();
    let config = Seq2SeqConfig {
        dropout: 0.3,
        ..Seq2SeqConfig::new(CellKind::Gru, AttentionKind::Bahdanau, 16, 6, 8, 1)
    };
    let transformer = TransformerConfig { dropout: 0.3, ..TransformerConfig::new(16, 8, 2, 12, 1) };
    for network in [NetworkConfig::Seq2Seq(config), NetworkConfig::Transformer(transformer)] {
        let (split, files) = split(folder.path(), "data.tsv", framing);
        let recipe = Recipe { accumulate: 3, ..recipe(network) };
        check(&Case { recipe, split, files });
    }
}

#[test]
fn other_data_or_another_recipe_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (split, files) = split(folder.path(), "data.txt", Framing::Stream);
    let mut case =
        Case { recipe: recipe(NetworkConfig::Gru(RecurrentConfig::new(16, 6, 8, 1))), split, files };
    case.run(&out, 2, u64::MAX).unwrap();
    case.recipe.learning_rate = 0.02;
    let error = case.run(&out, 4, u64::MAX).unwrap_err().to_string();
    assert!(error.contains("--learning-rate was 0.01 and is 0.02"), "{error}");
    case.recipe.learning_rate = 0.01;
    std::fs::write(case.files[0].path(), "x xx\n").unwrap();
    let error = case.run(&out, 4, u64::MAX).unwrap_err().to_string();
    assert!(error.contains("data.txt changed"), "{error}");
}

#[test]
fn nothing_to_learn_from_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.txt");
    std::fs::write(&path, "").unwrap();
    let files = vec![DataFile::new(path)];
    let held_out = HeldOut { share: 0.0, seed: 1 };
    let split = Examples::read(&files, Reading::default(), Framing::Rows, held_out, &encode).unwrap();
    let case = Case { recipe: recipe(NetworkConfig::Rnn(RecurrentConfig::new(16, 6, 8, 1))), split, files };
    let error = case.run(&folder.path().join("out"), 2, u64::MAX).unwrap_err();
    assert!(matches!(error, Error::NoExamples { .. }), "{error}");
}
