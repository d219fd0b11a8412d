//! `papo train retrieval` as a user meets it: what it makes, how it answers, and what it says about input that makes no sense.

mod program;

use std::fs;
use std::path::PathBuf;

use program::{Run, run};
use serde_json::Value;
use tempfile::TempDir;

const TALK: &str = r#"{"turns": ["Hi there!", "Hello! How are you?", "Fine, thanks.", "Glad to hear it."]}
{"turns": ["What's your name?", "My name is Papo."]}
{"turns": ["It is raining here", "Then stay in and read a book.", "which book?", "One that you know by heart."]}
{"turns": ["você gosta de café?", "Não bebo nada, mas gosto da conversa."]}
"#;

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

    fn file(&self, name: &str, content: &str) -> String {
        fs::write(self.path(name), content).expect("a writable folder");
        self.text(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    /// Stores a file in the folder `model`.
    fn train(&self, data: &str, flags: &[&str]) -> Run {
        let out = self.text("model");
        let mut arguments = vec!["train", "retrieval", "--data", data, "--out", &out];
        arguments.extend(flags);
        run(&arguments, "")
    }

    /// A model of the talk above, with pieces of words as tokens.
    fn talk() -> (Bench, String) {
        let bench = Bench::new();
        let data = bench.file("talk.jsonl", TALK);
        bench.train(&data, &["--tokenizer", "bpe:400"]).exits(0).complains("8 replies to 8 turns");
        let model = bench.text("model");
        (bench, model)
    }

    fn json(&self, name: &str) -> Value {
        let bytes = fs::read(self.path("model").join(name)).expect("the file is there");
        serde_json::from_slice(&bytes).expect("it is JSON")
    }
}

/// What the program prints as JSON.
fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).expect("JSON on standard output")
}

#[test]
fn dialogues_become_a_model_that_answers_with_their_replies() {
    let (bench, model) = Bench::talk();
    let mut names: Vec<String> = fs::read_dir(bench.path("model"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"))
        .collect();
    names.sort();
    let files = [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    assert_eq!(names, files);
    let config = bench.json("config.json");
    assert_eq!((&config["model_type"], &config["replies"]), (&"papo_retrieval".into(), &8.into()));
    assert_eq!((&config["papo"]["task"], &config["papo"]["context_turns"]), (&"dialogue".into(), &4.into()));
    let chat =
        run(&["chat", &model], "hi\nfine thx\nwhats your name\nvoce gosta de cafe\nbye\n").exits(0).stdout;
    for reply in [
        "Hello! How are you?",
        "Glad to hear it.",
        "My name is Papo.",
        "Não bebo nada, mas gosto da conversa.",
    ] {
        assert!(chat.contains(reply), "{chat}");
    }
}

#[test]
fn every_command_takes_it() {
    let (bench, model) = Bench::talk();
    let next = json(&run(&["next", &model, "It rains: raining!", "--json"], "").exits(0));
    assert!(next["next"][0]["probability"].as_f64().expect("a number") > 0.9, "{next}");
    let beams = ["generate", &model, "--num-beams", "2", "--num-return-sequences", "2"];
    let answers = json(&run(&beams, "{\"text\": \"your name\"}\n").exits(0));
    assert_eq!(answers["texts"][0], "My name is Papo.");
    assert_ne!(answers["texts"][1], answers["texts"][0]);
    let shown = json(&run(&["show", &model, "--json"], "").exits(0));
    assert_eq!((&shown["replies"], &shown["turns"]), (&8.into(), &8.into()));
    let table = run(&["show", &model], "").exits(0).stdout;
    assert!(table.contains("8 to 8 turns"), "{table}");
    let data = bench.text("talk.jsonl");
    let figures = json(&run(&["eval", &model, "--data", &data, "--json"], "").exits(0));
    let perplexity = figures["perplexity"].as_f64().expect("a number");
    assert!(perplexity > 1.0 && perplexity < 1.5, "what was stored is known by heart: {perplexity}");
    let compared = run(&["compare", &model, "--prompt", "fine, thanks"], "").exits(0);
    assert!(compared.stdout.contains("Glad to hear it."), "{}", compared.stdout);
    run(&["bench", &model, "--runs", "1", "--new-tokens", "8"], "").exits(0);
}

#[test]
fn what_makes_no_sense_for_it_is_refused() {
    let (bench, model) = Bench::talk();
    let out = bench.text("rounded");
    run(&["quantize", &model, "--dtype", "int8", "--out", &out], "")
        .exits(1)
        .complains("no matrices to round");
    run(&["chat", &model, "--dtype", "int8"], "").exits(2).complains("has no weights");
    let text = bench.file("text.txt", "one\n");
    run(&["eval", &model, "--data", &text], "").exits(1).complains("it answers a source");
    run(&["show", &model, "--arpa", "-"], "").exits(1).complains("no n-gram model");
    let begun = bench.file("short.jsonl", "{\"turns\": [\"Hi!\"]}\n");
    bench.train(&begun, &["--overwrite"]).exits(1).complains("at least two turns");
    bench.train(&text, &["--overwrite"]).exits(2).complains("plain text").complains("--format");
    bench.train(&bench.text("talk.jsonl"), &[]).exits(1).complains("--overwrite");
    let chat = run(&["chat", &model], "hi\n").exits(0).stdout;
    assert!(chat.contains("Hello! How are you?"), "{chat}");
}

#[test]
fn the_same_data_gives_the_same_files() {
    let bench = Bench::new();
    let data = bench.file("talk.jsonl", TALK);
    let mut models = Vec::new();
    for _ in 0..2 {
        bench.train(&data, &["--overwrite"]).exits(0);
        let files = ["config.json", "model.safetensors", "tokenizer.json"];
        models.push(files.map(|file| fs::read(bench.path("model").join(file)).expect("a file")));
    }
    assert!(models[0] == models[1]);
}

#[test]
fn pairs_are_answered_one_by_one() {
    let bench = Bench::new();
    let data = bench.file("pairs.tsv", "um cachorro\ta dog\tone dog\num gato preto\ta black cat\n");
    bench.train(&data, &["--tokenizer", "words"]).exits(0);
    assert_eq!(bench.json("config.json")["papo"]["task"], "pairs");
    let model = bench.text("model");
    let figures = json(&run(&["eval", &model, "--data", &data, "--json"], "").exits(0));
    assert_eq!(figures["chrf"].as_f64().map(f64::round), Some(100.0), "{figures}");
}

#[test]
fn damaged_files_are_refused_in_a_sentence() {
    let (bench, model) = Bench::talk();
    let path = bench.path("model").join("model.safetensors");
    let bytes = fs::read(&path).expect("the file");
    fs::write(&path, &bytes[..bytes.len() - 9]).expect("a writable file");
    run(&["chat", &model], "hi\n").exits(1).complains("model.safetensors");
    fs::write(&path, &bytes).expect("a writable file");
    let config = bench.path("model").join("config.json");
    let text = fs::read_to_string(&config)
        .expect("the file")
        .replace("\"temperature\": 0.02", "\"temperature\": -1");
    fs::write(&config, text).expect("a writable file");
    run(&["chat", &model], "hi\n").exits(1).complains("temperature is -1").complains("0.0001");
}
