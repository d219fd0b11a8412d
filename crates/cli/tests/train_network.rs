//! `papo train` for networks as a user meets it: what it makes, what it says about bad input, and how it goes on after a kill.
#![cfg(feature = "train")]

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use program::{Run, papo, run};
use serde_json::Value;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench { folder: TempDir::new().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).expect("a writable folder");
        self.text(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    /// Trains a tiny network into the folder `out`.
    fn train(&self, kind: &str, data: &str, out: &str, flags: &[&str]) -> Run {
        let out = self.text(out);
        run(&arguments(kind, data, &out, flags), "")
    }
}

fn arguments<'a>(kind: &'a str, data: &'a str, out: &'a str, flags: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["train", kind, "--data", data, "--out", out, "--threads", "1"];
    arguments.extend(match kind {
        "transformer" => ["--d-model", "8", "--heads", "2", "--layers", "1", "--batch-size", "4"].as_slice(),
        "seq2seq" => ["--hidden", "8", "--embedding", "8", "--batch-size", "4"].as_slice(),
        _ => ["--hidden", "8", "--layers", "1", "--batch-size", "4", "--unroll", "8"].as_slice(),
    });
    arguments.extend(flags);
    arguments
}

/// Lines of two to six words.
fn lines(count: usize) -> Vec<String> {
    let words = ["the", "rain", "in", "spain", "stays", "mainly", "plain", "hurricanes"];
    let line =
        |n: usize| (0..2 + n % 5).map(|k| words[(n * n + 3 * k + n / 5) % 8]).collect::<Vec<_>>().join(" ");
    (0..count).map(line).collect()
}

fn dialogues(count: usize) -> String {
    let lines = lines(3 * count);
    lines.chunks(3).map(|turns| format!("{}\n", serde_json::json!({ "turns": turns }))).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("the file is there")).expect("it is JSON")
}

#[test]
fn every_kind_makes_a_model_that_answers() {
    let bench = Bench::new();
    let data = bench.file("data.jsonl", dialogues(20));
    for (kind, model_type) in [
        ("rnn", "papo_rnn"),
        ("lstm", "papo_lstm"),
        ("gru", "papo_gru"),
        ("seq2seq", "papo_seq2seq"),
        ("transformer", "marian"),
    ] {
        let page = bench.text(&format!("{kind}.html"));
        let flags = ["--tokenizer", "words", "--max-steps", "3", "--report", &page];
        bench.train(kind, &data, kind, &flags).exits(0).complains("validation loss");
        let config = json(&bench.path(kind).join("config.json"));
        assert_eq!(
            (config["model_type"].as_str(), config["papo"]["task"].as_str()),
            (Some(model_type), Some("dialogue"))
        );
        assert!(fs::read_to_string(&page).unwrap().contains("<svg"), "{kind}");
        let log = fs::read_to_string(bench.path(kind).join("training/log.jsonl")).unwrap();
        assert!(log.lines().any(|line| line.contains("validation_loss")), "{log}");
        let answer =
            run(&["generate", &bench.text(kind), "--max-new-tokens", "3"], "{\"text\": \"the rain\"}\n");
        assert_eq!(answer.exits(0).json_lines()[0]["sequences"].as_array().map(Vec::len), Some(1), "{kind}");
    }
}

/// Runs the program, waits for the file that says that there is something to lose, and kills it a moment later.
fn begin_and_kill(arguments: &[&str], state: &Path) {
    let mut child = papo().args(arguments).stderr(Stdio::null()).spawn().expect("the binary starts");
    let begun = Instant::now();
    while !state.exists() && begun.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(60));
    let _ = child.kill();
    child.wait().expect("it ends");
}

#[test]
fn a_killed_training_leaves_a_good_state_and_goes_on_to_the_same_weights() {
    let bench = Bench::new();
    let data = bench.file("data.txt", lines(120).join("\n"));
    let flags =
        ["--tokenizer", "chars", "--epochs", "3", "--save-every", "0s", "--validate-every", "20", "--resume"];
    bench.train("gru", &data, "whole", &flags).exits(0);
    let out = bench.text("killed");
    let state = bench.path("killed").join("training/state.safetensors");
    for _ in 0..3 {
        begin_and_kill(&arguments("gru", &data, &out, &flags), &state);
    }
    bench.train("gru", &data, "killed", &flags).exits(0);
    let model = |name: &str| fs::read(bench.path(name).join("model.safetensors")).expect("a model");
    assert!(model("whole") == model("killed"), "the weights differ");
}

/// A limit on the size of files is what a full disk looks like to one program: a write that gets no further.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing_and_the_training_goes_on_to_the_same_weights() {
    let bench = Bench::new();
    let data = bench.file("data.txt", lines(120).join("\n"));
    let flags =
        ["--tokenizer", "chars", "--epochs", "3", "--save-every", "0s", "--validate-every", "20", "--resume"];
    bench.train("gru", &data, "whole", &flags).exits(0);
    let out = bench.text("full");
    let folder = bench.path("full");
    let state = folder.join("training/state.safetensors");
    let arguments = arguments("gru", &data, &out, &flags);
    begin_and_kill(&arguments, &state);
    let saved = fs::read(&state).expect("a state");
    let full = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_papo")])
        .args(&arguments)
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(1), "{said}");
    assert!(said.contains(&out), "the sentence names the file: {said}");
    assert!(fs::read(&state).expect("a state") == saved, "the state of before is whole");
    // Neither the beginning of a file that the kill may have left, nor one of the full disk.
    let files = fs::read_dir(folder.join("training")).expect("a folder");
    let names: BTreeSet<_> = files.map(|file| file.expect("a file").file_name()).collect();
    assert_eq!(
        names,
        ["log.jsonl", "state.safetensors"].map(Into::into).into(),
        "something half-written is left"
    );
    bench.train("gru", &data, "full", &flags).exits(0);
    let model = |name: &str| fs::read(bench.path(name).join("model.safetensors")).expect("a model");
    assert!(model("whole") == model("full"), "the weights differ");
}

#[test]
fn going_on_wants_the_same_data_and_the_same_recipe() {
    let bench = Bench::new();
    let data = bench.file("data.txt", lines(40).join("\n"));
    let flags = ["--tokenizer", "chars", "--max-steps", "2", "--schedule", "constant"];
    bench.train("rnn", &data, "out", &flags).exits(0);
    bench.train("rnn", &data, "out", &flags).exits(1).complains("--resume");
    let resumed = |more: &[&str]| {
        let flags: Vec<&str> = flags.iter().chain(["--resume"].iter()).chain(more).copied().collect();
        bench.train("rnn", &data, "out", &flags)
    };
    resumed(&["--learning-rate", "0.5"]).exits(1).complains("--learning-rate was 0.002 and is 0.5");
    resumed(&[]).exits(0).complains("going on after step 2");
    bench.file("data.txt", "other text");
    resumed(&[]).exits(1).complains("data.txt changed");
}

#[test]
fn bad_data_is_refused_by_file_and_line() {
    let bench = Bench::new();
    let cases: [(&str, &str, &[u8], &str); 8] = [
        ("lstm", "empty.txt", b"", "no text"),
        ("lstm", "blank.txt", b"\n  \n\n", "no text"),
        ("lstm", "binary.txt", b"text\nELF\0\0\x01", "line 2"),
        ("lstm", "latin.txt", b"text\ncaf\xe9 com leite", "line 2: byte 4"),
        ("transformer", "pairs.tsv", b"one\tuno\ntwo dos\n", "line 2: there is no tab"),
        ("transformer", "dialogues.jsonl", b"{\"turns\": [\"a\", \"b\"]}\n{\"text\": \"a\"}\n", "line 2"),
        ("seq2seq", "text.txt", b"running text\n", "pairs"),
        ("gru", "missing.jsonl.gz", b"\x1f\x8b\x08", "missing.jsonl.gz"),
    ];
    for (kind, name, content, words) in cases {
        let data = bench.file(name, content);
        bench
            .train(kind, &data, "refused", &["--tokenizer", "words", "--max-steps", "1"])
            .exits(1)
            .complains(words);
    }
    let nothing = bench.text("nothing.txt");
    bench.train("lstm", &nothing, "refused", &[]).exits(1).complains("nothing.txt");
}

#[test]
fn one_word_and_a_million_characters_are_data_too() {
    let bench = Bench::new();
    let word = bench.file("word.txt", "word");
    bench
        .train("lstm", &word, "word", &["--tokenizer", "chars", "--hold-out", "0", "--max-steps", "2"])
        .exits(0)
        .complains("nothing is held out");
    let long: String = "abcdefgh ".chars().cycle().take(1_000_000).collect();
    let text = bench.file("long.txt", &long);
    bench
        .train("rnn", &text, "long", &["--tokenizer", "bpe:300", "--max-steps", "2", "--hold-out", "0.001"])
        .exits(0);
    let pair = bench.file("long.tsv", format!("a b\tc d\n{long}\tx\n"));
    bench
        .train("seq2seq", &pair, "pair", &["--tokenizer", "bpe:300", "--max-steps", "2", "--hold-out", "0"])
        .exits(0)
        .complains("too long");
}

#[test]
fn flags_that_make_no_sense_are_a_wrong_usage() {
    let bench = Bench::new();
    let data = bench.file("data.txt", "some text");
    for (kind, flags, words) in [
        ("lstm", ["--tokenizer", "bpe"], "bpe:8000"),
        ("lstm", ["--max-time", "5"], "20m"),
        ("lstm", ["--dropout", "1"], "0.1"),
        ("transformer", ["--max-positions", "16"], "--context-tokens"),
    ] {
        bench.train(kind, &data, "out", &flags).exits(2).complains(words);
    }
    let odd = bench.train("transformer", &data, "out", &["--task", "pairs"]);
    odd.exits(1).complains("running text");
}
