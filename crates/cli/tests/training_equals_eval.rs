//! `papo eval` of the validation file is the training's own figure: for each unit of text, for pairs and dialogues, for each tokenizer and
//! each kind of network.
#![cfg(feature = "train")]

mod program;

use std::path::PathBuf;

use program::run;
use tempfile::TempDir;

const TOKENIZERS: [&str; 4] = ["words", "chars", "bpe:300", "unigram:300"];

struct Bench {
    folder: TempDir,
}

/// What a training learns from and measures by.
struct Data {
    train: &'static str,
    valid: &'static str,
    flags: &'static [&'static str],
}

const STREAM: Data = Data { train: "train.txt", valid: "valid.txt", flags: &["--unit", "stream"] };
const LINE: Data = Data { train: "train.txt", valid: "valid.txt", flags: &["--unit", "line"] };
const PAIRS: Data = Data { train: "train.tsv", valid: "valid.tsv", flags: &[] };
// Few tokens and turns of context, so that something is cut.
const DIALOGUES: Data = Data {
    train: "train.jsonl",
    valid: "valid.jsonl",
    flags: &["--context-turns", "2", "--context-tokens", "12"],
};

impl Bench {
    fn new() -> Bench {
        let bench = Bench { folder: TempDir::new().expect("a folder") };
        for (name, sentences) in [("train", 0..60), ("valid", 60..90)] {
            let lines: Vec<String> = sentences.map(sentence).collect();
            let text: String = lines.iter().map(|line| format!("  {line}\n\n")).collect();
            let pairs: String =
                lines.iter().map(|line| format!("{line}\t{}\tother\n", reversed(line))).collect();
            let mut dialogues: String = lines
                .chunks(5)
                .map(|turns| format!("{}\n", serde_json::json!({ "turns": turns, "targets": [1, 4] })))
                .collect();
            dialogues.push_str("{\"turns\": [\"the dog\"]}\n{\"turns\": [\"the dog\", \" \", \"a cat \"]}\n");
            for (ending, content) in [("txt", text), ("tsv", pairs), ("jsonl", dialogues)] {
                std::fs::write(bench.path(&format!("{name}.{ending}")), content).expect("a writable folder");
            }
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    /// Trains a tiny network and compares its own figure with that of `papo eval`, in nats a token.
    fn check(&self, kind: &str, data: &Data, tokenizer: &str) {
        let name = format!("{kind}-{}-{}", data.train, tokenizer.replace(':', "-"));
        let (train, valid, out) = (self.text(data.train), self.text(data.valid), self.text(&name));
        let _ = std::fs::remove_dir_all(&out);
        let mut all = vec!["train", kind, "--data", &train, "--valid", &valid, "--out", &out];
        all.extend(["--tokenizer", tokenizer, "--epochs", "2", "--threads", "1", "--learning-rate", "0.01"]);
        all.extend(data.flags);
        all.extend(match kind {
            "transformer" => ["--d-model", "8", "--heads", "2", "--layers", "1", "--warm-up", "0"].as_slice(),
            "seq2seq" => ["--hidden", "8", "--embedding", "8", "--batch-size", "8"].as_slice(),
            _ => ["--hidden", "8", "--layers", "2", "--batch-size", "8", "--unroll", "8"].as_slice(),
        });
        if matches!(kind, "transformer" | "seq2seq") {
            all.extend(["--target-tokens", "9"]);
        }
        let trained = run(&all, "").exits(0);
        let (_, loss) = trained.stderr.split_once("best validation loss ").expect("a loss");
        let loss: f64 = loss.split(' ').next().expect("a number").parse().expect("a number");
        let few: &[&str] = if valid.ends_with(".tsv") { &["--max-new-tokens", "2"] } else { &[] };
        let eval = [&["eval", &out, "--data", &valid, "--json"], few].concat();
        let figures = run(&eval, "").exits(0).json_lines().remove(0);
        let found = figures["nats_per_token"].as_f64().expect("a number");
        assert!((found - loss).abs() < 2e-3, "{name} {:?}: {loss} in training, {found} by eval", data.flags);
    }
}

/// Some words, a few of them rare.
fn sentence(number: usize) -> String {
    let words = ["the", "rain", "in", "spain", "stays", "mainly", "plain", "hurricanes", "hardly", "happen"];
    let count = 2 + number * 7 % 6;
    let chosen: Vec<&str> =
        (0..count).map(|place| words[(number * 3 + place * (1 + number % 4)) % 10]).collect();
    format!("{} {}", chosen.join(" "), number / 9)
}

fn reversed(line: &str) -> String {
    line.split(' ').rev().collect::<Vec<_>>().join(" ")
}

#[test]
fn models_of_running_text_are_asked_for_running_text() {
    let bench = Bench::new();
    TOKENIZERS.iter().for_each(|tokenizer| bench.check("gru", &STREAM, tokenizer));
    ["rnn", "lstm"].iter().for_each(|kind| bench.check(kind, &STREAM, "chars"));
}

#[test]
fn models_of_lines_are_asked_for_lines() {
    let bench = Bench::new();
    TOKENIZERS.iter().for_each(|tokenizer| bench.check("lstm", &LINE, tokenizer));
    ["rnn", "gru"].iter().for_each(|kind| bench.check(kind, &LINE, "chars"));
}

#[test]
fn models_of_pairs_are_asked_for_what_they_learnt_of_pairs() {
    let bench = Bench::new();
    TOKENIZERS.iter().for_each(|tokenizer| bench.check("seq2seq", &PAIRS, tokenizer));
    ["rnn", "lstm", "gru", "transformer"].iter().for_each(|kind| bench.check(kind, &PAIRS, "words"));
}

#[test]
fn models_of_dialogues_are_asked_for_what_they_learnt_of_dialogues() {
    let bench = Bench::new();
    TOKENIZERS.iter().for_each(|tokenizer| bench.check("transformer", &DIALOGUES, tokenizer));
    ["rnn", "lstm", "gru", "seq2seq"].iter().for_each(|kind| bench.check(kind, &DIALOGUES, "bpe:300"));
}

#[test]
fn several_files_of_running_text_are_one_text_and_a_limit_counts_lines() {
    let bench = Bench::new();
    bench.check("gru", &STREAM, "chars");
    let model = bench.text("gru-train.txt-chars");
    let figures = |arguments: &[&str]| {
        let mut all = vec!["eval", &model, "--json", "--data"];
        all.extend(arguments);
        run(&all, "").exits(0).json_lines().remove(0)
    };
    std::fs::write(bench.path("short.txt"), "the rain\nin spain").expect("a writable folder");
    let short = bench.text("short.txt");
    let one = figures(&[&short]);
    assert_eq!((&one["tokens"], &one["characters"], &one["words"]), (&17.into(), &17.into(), &4.into()));
    assert_eq!((&one["unit"], &one["texts"]), (&"stream".into(), &1.into()));
    let two = figures(&[&short, &short]);
    assert_eq!(two["tokens"], 35, "the second file's start is guessed, as in training");
    assert_eq!(figures(&[&short, "--limit", "1"])["tokens"], 9, "its line feed included");
    let lines = figures(&[&short, "--unit", "line"]);
    assert_eq!((&lines["tokens"], &lines["unit"], &lines["texts"]), (&18.into(), &"line".into(), &2.into()));
}
