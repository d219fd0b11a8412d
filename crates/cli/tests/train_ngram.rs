//! `papo train ngram` as a user meets it: what it makes, and what it says about input that makes no sense.

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{Run, run};
use serde_json::Value;
use tempfile::TempDir;

/// Sentences in which the counts of counts fall as in natural text, for orders up to three.
fn text() -> String {
    let mut state = 5_u64;
    let mut text = String::new();
    for _ in 0..400 {
        for _ in 0..9 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let uniform = (state >> 11) as f64 / (1_u64 << 53) as f64;
            text.push_str(&format!("w{} ", 400_f64.powf(uniform) as u32));
        }
        text.push('\n');
    }
    text
}

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

    /// Trains on a file into the folder `model`, in the place of what an earlier training has left there.
    fn train(&self, data: &str, flags: &[&str]) -> Run {
        let _ = fs::remove_dir_all(self.path("model"));
        let out = self.text("model");
        let mut arguments = vec!["train", "ngram", "--data", data, "--out", &out];
        arguments.extend(flags);
        run(&arguments, "")
    }

    fn json(&self, name: &str) -> Value {
        let bytes = fs::read(self.path("model").join(name)).expect("the file is there");
        serde_json::from_slice(&bytes).expect("it is JSON")
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_str().expect("a plain name").to_owned())
        .collect();
    names.sort();
    names
}

const FILES: [&str; 5] =
    ["config.json", "generation_config.json", "model.ngram", "tokenizer.json", "tokenizer_config.json"];

#[test]
fn a_text_becomes_a_model_folder_and_an_arpa_file() {
    let bench = Bench::new();
    let data = bench.file("text.txt", text());
    let arpa = bench.text("model.arpa");
    let run = bench.train(&data, &["--order", "3", "--arpa", &arpa, "--memory", "64M"]).exits(0);
    assert_eq!(run.stdout, "");
    assert_eq!(names(&bench.path("model")), FILES);
    assert_eq!(names(bench.folder.path()), ["model", "model.arpa", "text.txt"]);
    let config = bench.json("config.json");
    assert_eq!((&config["model_type"], &config["order"]), (&"papo_ngram".into(), &3.into()));
    assert_eq!(config["papo"]["task"], "text");
    let lines = fs::read_to_string(arpa).expect("an ARPA file");
    assert!(lines.starts_with("\\data\\\nngram 1=") && lines.ends_with("\n\\end\\\n"));
    assert!(!lines.contains("<pad>"), "no word of the text");
    let vocabulary = bench.json("tokenizer.json")["model"]["vocab"].clone();
    assert_eq!(vocabulary["<pad>"], 3);
    assert_eq!(
        vocabulary.as_object().expect("a map").len() as u64,
        config["vocab_size"].as_u64().expect("a size")
    );
}

#[test]
fn the_same_data_gives_the_same_files() {
    let bench = Bench::new();
    let data = bench.file("text.txt", text());
    let mut models = Vec::new();
    for threads in ["1", "2"] {
        bench.train(&data, &["--order", "3", "--threads", threads]).exits(0);
        models.push(FILES.map(|file| fs::read(bench.path("model").join(file)).expect("a file")));
    }
    assert!(models[0] == models[1]);
}

#[test]
fn dialogues_become_sentences_with_an_end_after_each_turn() {
    let bench = Bench::new();
    let data =
        bench.file("talk.jsonl", "{\"turns\": [\"hi you\", \"hello\"]}\n\n{\"turns\": [\"bye\", \"bye\"]}\n");
    let arpa = bench.text("model.arpa");
    bench.train(&data, &["--order", "3", "--arpa", &arpa, "--discount-fallback"]).exits(0);
    let lines = fs::read_to_string(arpa).expect("an ARPA file");
    assert!(lines.contains("\tyou </s> hello\n") && lines.contains("\t<s> bye </s>\n"), "{lines}");
    assert_eq!(bench.json("config.json")["papo"]["task"], "dialogue");
    assert_eq!(bench.json("tokenizer.json")["post_processor"]["type"], "TemplateProcessing");
}

#[test]
fn pairs_want_a_tab() {
    let bench = Bench::new();
    let data = bench.file("pairs.tsv", "um\tone\ndois two\n");
    bench.train(&data, &["--discount-fallback"]).exits(1).complains("pairs.tsv, line 2").complains("tab");
    assert!(!bench.path("model").join("config.json").exists());
}

#[test]
fn pieces_and_characters_are_units_too() {
    let bench = Bench::new();
    let data = bench.file("text.txt", text());
    for tokenizer in ["chars", "bpe:300", "words:50"] {
        let flags = ["--order", "4", "--tokenizer", tokenizer, "--discount-fallback"];
        bench.train(&data, &flags).exits(0);
        let size = bench.json("config.json")["vocab_size"].as_u64().expect("a size");
        let vocabulary = bench.json("tokenizer.json")["model"]["vocab"].as_object().expect("a map").len();
        assert_eq!(size, vocabulary as u64, "{tokenizer}");
    }
    assert_eq!(bench.json("config.json")["vocab_size"], 50);
}

#[test]
fn data_that_is_no_text_is_refused_with_file_and_line() {
    let bench = Bench::new();
    for (name, content, words) in [
        ("binary.txt", &b"one\n\x00\x01\n"[..], "zero byte"),
        ("latin.txt", b"one\nn\xe3o\n", "UTF-8"),
        ("marked.txt", b"one\ntwo </s> three\n", "--skip-symbols"),
        ("broken.jsonl", b"{\"turns\": [\"a\"]}\n{\"turn\": 1}\n", "turns"),
    ] {
        let data = bench.file(name, content);
        bench.train(&data, &["--order", "2"]).exits(1).complains(&format!("{name}, line 2")).complains(words);
    }
    let data = bench.file("marked.txt", "one\ntwo </s> three\n");
    bench.train(&data, &["--order", "2", "--skip-symbols", "--discount-fallback"]).exits(0);
}

#[test]
fn data_with_nothing_to_count_is_refused() {
    let bench = Bench::new();
    let data = bench.file("empty.txt", "");
    bench.train(&data, &[]).exits(1).complains("no words");
    bench.train(&bench.text("absent.txt"), &[]).exits(1).complains("absent.txt");
    let data = bench.file("one.txt", "olá\n");
    bench.train(&data, &["--order", "2", "--strict"]).exits(1).complains("--discount-fallback");
    bench.train(&data, &["--order", "5", "--strict"]).exits(1).complains("order 5");
}

#[test]
fn wrong_usage_is_told_before_any_file_is_read() {
    let bench = Bench::new();
    for (flags, words) in [
        (&["--order", "9"][..], "1..=8"),
        (&["--prune", "1"], "--prune"),
        (&["--prune", "0", "3", "2"], "--prune"),
        (&["--prune", "0", "x"], "--prune"),
        (&["--memory", "much"], "512M"),
        (&["--memory", "0"], "512M"),
        (&["--order", "-1"], "--order"),
        (&["--quantize", "8", "--layout", "hashed"], "hashed"),
        (&["--tokenizer", "bpe"], "bpe:8000"),
        (&["--discount-fallback", "1", "2"], "--discount-fallback"),
    ] {
        bench.train("absent.txt", flags).exits(2).complains(words);
    }
    bench.train("a.txt", &["--task", "poem"]).exits(2).complains("poem");
    let out = bench.text("model");
    run(&["train", "ngram", "--data", "a.txt", "b.jsonl", "--out", &out], "").exits(2).complains("--task");
}

#[test]
fn too_little_memory_is_refused() {
    let bench = Bench::new();
    let data = bench.file("text.txt", text());
    bench.train(&data, &["--memory", "1M"]).exits(1).complains("--memory");
    assert!(!bench.path("model").join("config.json").exists());
}
