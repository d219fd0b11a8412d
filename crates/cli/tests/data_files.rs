//! A file of data means the same to every command, however it is packed, marked and spaced.
#![cfg(feature = "train")]

mod program;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use program::{Run, checkpoint, run};
use serde_json::Value;
use tempfile::TempDir;

const TEXT: &str = "the cat sat on the mat\nthe dog ran to the cat\na dog sat\n";
const PAIRS: &str = "the cat\to gato\nthe dog\to cachorro\na cat\tum gato\n";
const DIALOGUES: &str = "{\"turns\": [\"Hi there\", \"Hello\", \"Bye\"]}\n{\"turns\": [\"Hello\", \"Hi\"]}\n";

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// The same text as other systems and programs write it, by a name of the same kind.
fn disguised(text: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    vec![
        (format!("marked.{ending}"), format!("\u{feff}{text}").into_bytes()),
        (format!("windows.{ending}"), windows.clone().into_bytes()),
        (format!("packed.{ending}.gz"), packed(text.as_bytes())),
        (format!("packed-and-not-called-so.{ending}"), packed(windows.as_bytes())),
        (format!("plain-and-called-packed.{ending}.gz"), text.as_bytes().to_vec()),
    ]
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
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    fn train(&self, kind: &str, data: &str, out: &Path, flags: &[&str]) -> Run {
        let _ = fs::remove_dir_all(out);
        let mut all = vec!["train", kind, "--data", data, "--out", out.to_str().expect("a plain path")];
        all.extend(flags);
        run(&all, "").exits(0)
    }

    /// The n-gram model of a file, as ARPA text, and what was said.
    fn ngram(&self, data: &str) -> (String, Run) {
        let arpa = self.path("model.arpa");
        let _ = fs::remove_file(&arpa);
        let shown = arpa.to_str().expect("a plain path");
        let run = self.train(
            "ngram",
            data,
            &self.path("n"),
            &["--order", "2", "--discount-fallback", "--arpa", shown],
        );
        (fs::read_to_string(arpa).expect("a model"), run)
    }

    /// The weights of a network trained on a file, and what was said.
    fn rnn(&self, data: &str) -> (Vec<u8>, Run) {
        let out = self.path("r");
        let flags =
            ["--hidden", "4", "--layers", "1", "--tokenizer", "words", "--epochs", "1", "--threads", "1"];
        let run = self.train("rnn", data, &out, &flags);
        (fs::read(out.join("model.safetensors")).expect("a model"), run)
    }

    /// The figures of a model on a file, the time left out, and what was said.
    fn eval(&self, model: &str, data: &str) -> (Value, Run) {
        // Only pairs are translated.
        let length: &[&str] = if data.contains(".tsv") { &["--max-new-tokens", "4"] } else { &[] };
        let run = run(&[&["eval", model, "--data", data, "--json"], length].concat(), "").exits(0);
        let mut figures = run.json_lines().remove(0);
        figures.as_object_mut().expect("an object").remove("seconds");
        (figures, run)
    }
}

#[test]
fn marks_line_ends_and_gzip_change_nothing_for_any_command() {
    let bench = Bench::new();
    for (text, ending, model) in [
        (TEXT, "txt", bench.path("n").to_str().expect("a plain path").to_owned()),
        (PAIRS, "tsv", checkpoint("marian")),
        (DIALOGUES, "jsonl", "transformer".to_owned()),
    ] {
        let plain = bench.file(&format!("plain.{ending}"), text);
        let (arpa, weights) = (bench.ngram(&plain).0, bench.rnn(&plain).0);
        let figures = bench.eval(&model, &plain).0;
        for (name, content) in disguised(text, ending) {
            let data = bench.file(&name, content);
            assert!(bench.rnn(&data).0 == weights, "rnn, {name}");
            assert_eq!(bench.eval(&model, &data).0, figures, "eval, {name}");
            assert_eq!(bench.ngram(&data).0, arpa, "ngram, {name}");
        }
    }
}

#[test]
fn pairs_with_further_columns_have_further_references_which_no_training_learns() {
    let bench = Bench::new();
    let plain = bench.file("plain.tsv", PAIRS);
    let columns = bench.file(
        "columns.tsv",
        " the cat \t o gato\ta gata\nthe dog\to cachorro\t\t\na cat\tum gato\tuma gata\to gato\n",
    );
    let ((arpa, quiet), (other, told)) = (bench.ngram(&plain), bench.ngram(&columns));
    assert_eq!(arpa, other);
    assert!(!quiet.stderr.contains("columns"), "{}", quiet.stderr);
    told.complains("2 pairs have further columns");
    let ((weights, _), (other, told)) = (bench.rnn(&plain), bench.rnn(&columns));
    assert!(weights == other);
    told.complains("2 pairs have further columns");
    let model = checkpoint("marian");
    let ((one, _), (several, told)) = (bench.eval(&model, &plain), bench.eval(&model, &columns));
    assert_eq!(one["perplexity"], several["perplexity"], "the likelihood is that of the first reference");
    told.complains("2 pairs have further columns");
}

#[test]
fn turns_are_trimmed_and_empty_ones_dropped_for_every_command() {
    let bench = Bench::new();
    let plain = bench.file("plain.jsonl", DIALOGUES);
    let loose = bench.file(
        "loose.jsonl",
        "{\"turns\": [\" Hi there\\n\", \"\", \"Hello \", \"\\t\", \"Bye\"]}\n\n{\"turns\": [\" \"]}\n\
         {\"id\": 7, \"turns\": [\"Hello\", \"Hi\"]}\n",
    );
    assert_eq!(bench.ngram(&plain).0, bench.ngram(&loose).0);
    assert!(bench.rnn(&plain).0 == bench.rnn(&loose).0);
    assert_eq!(bench.eval("transformer", &plain).0, bench.eval("transformer", &loose).0);
}

#[test]
fn files_that_are_no_data_are_named_as_what_they_are_by_every_command() {
    let bench = Bench::new();
    let out = bench.path("out");
    let out = out.to_str().expect("a plain path");
    for (name, content, words) in [
        ("wide.txt", &b"\xff\xfeh\0i\0\n\0"[..], "UTF-16"),
        ("text.bz2", b"BZh91AY&SY\0\0\0\0\0\0", "bzip2"),
        ("text.txt", b"\xfd7zXZ\0\0\0", "xz"),
        ("text.zip", b"PK\x03\x04\x14\0\0\0", "zip archive"),
        ("table.csv", b"a,b\n", "comma-separated"),
        ("list.json", b"[\n  {\"turns\": [\"Hi\", \"Hello\"]}\n]\n", "jq -c '.[]'"),
        ("one.json", b"{\n  \"turns\": [\"Hi\", \"Hello\"]\n}\n", "jq -c ."),
    ] {
        let data = bench.file(name, content);
        run(&["train", "ngram", "--data", &data, "--out", out], "").exits(1).complains(words);
        run(&["train", "gru", "--data", &data, "--out", out], "").exits(1).complains(words);
        let model = if name.ends_with("json") { "transformer" } else { "ngram" };
        run(&["eval", model, "--data", &data], "").exits(1).complains(words);
    }
}

#[test]
fn a_byte_order_mark_is_no_text_on_standard_input_either() {
    let model = checkpoint("marian");
    for command in ["tokenize", "compare", "generate"] {
        let arguments: Vec<&str> = match command {
            "generate" => vec![command, &model],
            _ => vec![command, &model, "--json"],
        };
        let line = if command == "generate" { "{\"text\": \"a b\"}\n" } else { "a b\n" };
        let plain = run(&arguments, line).exits(0);
        let marked = run(&arguments, format!("\u{feff}{line}")).exits(0);
        let ids = |run: &Run| {
            let mut line = run.json_lines().remove(0);
            strip_times(&mut line);
            line
        };
        assert_eq!(ids(&plain), ids(&marked), "{command}");
    }
    let run = run(&["chat", &model], "\u{feff}bye\n").exits(0);
    assert_eq!(run.stdout, "You: bye\nChatbot: Goodbye!\n");
}

/// Removes what differs from run to run.
fn strip_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                !name.contains("second") && !name.contains("_ms") && !name.contains("per_s")
            });
            fields.values_mut().for_each(strip_times);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_times),
        _ => {}
    }
}
