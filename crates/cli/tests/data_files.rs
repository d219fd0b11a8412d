//! A file of data means the same to every command, however it is packed, marked and spaced.
#![cfg(feature = "train")]

mod program;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use program::{Run, checkpoint, run, run_with};
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
        let run = self.train("ngram", data, &self.path("n"), &["--order", "2", "--arpa", shown]);
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

/// Runs the binary without remarks.
#[cfg(unix)]
fn run_quietly(arguments: &[&str], input: &str) -> Run {
    run_with(|_| (), &[&["--quiet"], arguments].concat(), input)
}

#[cfg(unix)]
#[test]
fn pipes_are_read_once_and_standard_input_is_called_by_a_dash() {
    let bench = Bench::new();
    let plain = bench.file("plain.txt", TEXT);
    let (arpa, weights) = (bench.ngram(&plain).0, bench.rnn(&plain).0);
    let (model, out) = (bench.path("n"), bench.path("piped"));
    let (model, out) = (model.to_str().expect("a plain path"), out.to_str().expect("a plain path"));
    let network =
        ["--hidden", "4", "--layers", "1", "--tokenizer", "words", "--epochs", "1", "--threads", "1"];
    let written = bench.path("piped.arpa");
    let shown = written.to_str().expect("a plain path");
    for name in ["-", "/dev/stdin"] {
        let _ = fs::remove_dir_all(out);
        let _ = fs::remove_file(&written);
        let ngram = ["train", "ngram", "--data", name, "--out", out, "--order", "2", "--arpa", shown];
        run_quietly(&ngram, TEXT).exits(0);
        assert_eq!(fs::read_to_string(&written).expect("a model"), arpa, "{name}");
        let _ = fs::remove_dir_all(out);
        run_quietly(&[&["train", "rnn", "--data", name, "--out", out], &network[..]].concat(), TEXT).exits(0);
        assert!(fs::read(bench.path("piped/model.safetensors")).expect("a model") == weights, "{name}");
        let mut figures = run_quietly(&["eval", model, "--data", name, "--json"], TEXT).exits(0).json_lines();
        let found = figures.remove(0);
        assert_eq!(found["tokens"], bench.eval(model, &plain).0["tokens"]);
    }
    let _ = fs::remove_dir_all(out);
    let two = ["train", "rnn", "--data", "-", "--valid", "-", "--out", out];
    run(&two, TEXT).exits(2).complains("named more than once");
    let dialogue = ["train", "rnn", "--data", "-", "--format", "dialogue", "--out", out];
    run(&[&dialogue[..], &network[..]].concat(), DIALOGUES).exits(0);
    let config = fs::read_to_string(bench.path("piped/config.json")).expect("a model");
    assert!(config.contains("\"dialogue\""), "{config}");
}

#[cfg(unix)]
#[test]
fn a_fifo_is_opened_once_and_leaves_no_file_behind() {
    let bench = Bench::new();
    let plain = bench.file("plain.txt", TEXT);
    let weights = bench.rnn(&plain).0;
    let fifo = bench.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let scratch = TempDir::new().expect("a folder");
    let name = fifo.to_str().expect("a plain path");
    let out = bench.path("f");
    let out = out.to_str().expect("a plain path");
    for arguments in [
        vec![
            "train",
            "rnn",
            "--data",
            name,
            "--out",
            out,
            "--hidden",
            "4",
            "--layers",
            "1",
            "--tokenizer",
            "words",
            "--epochs",
            "1",
            "--threads",
            "1",
        ],
        vec!["train", "ngram", "--data", name, "--out", out, "--order", "2", "--tokenizer", "chars"],
        vec!["eval", "ngram", "--data", name],
    ] {
        let _ = fs::remove_dir_all(out);
        let writer = {
            let fifo = fifo.clone();
            std::thread::spawn(move || fs::write(fifo, TEXT).expect("a reader"))
        };
        let in_scratch = |command: &mut std::process::Command| {
            command.env("TMPDIR", scratch.path());
        };
        run_with(in_scratch, &arguments, "").exits(0);
        writer.join().expect("the writer ends");
        if arguments[1] == "rnn" {
            assert!(fs::read(bench.path("f/model.safetensors")).expect("a model") == weights);
        }
    }
    assert_eq!(fs::read_dir(scratch.path()).expect("a folder").count(), 0);
}

#[test]
fn a_folder_or_a_pattern_stands_for_its_files() {
    let bench = Bench::new();
    fs::create_dir(bench.path("texts")).expect("a writable folder");
    let (first, second) = TEXT.split_at(TEXT.find("the dog").expect("it is there"));
    bench.file("texts/1.txt", first);
    bench.file("texts/2.txt", second);
    bench.file("texts/cover.png", b"\x89PNG\0");
    let (arpa, _) = bench.ngram(&bench.file("whole.txt", TEXT));
    let texts = bench.path("texts");
    let texts = texts.to_str().expect("a plain path");
    for name in [texts.to_owned(), format!("{texts}/*.txt")] {
        assert_eq!(bench.ngram(&name).0, arpa, "{name}");
        bench.rnn(&name);
        bench.eval(bench.path("n").to_str().expect("a plain path"), &name);
    }
    let out = bench.path("out");
    let out = out.to_str().expect("a plain path");
    run(&["train", "rnn", "--data", "nowhere/*.txt", "--out", out], "")
        .exits(1)
        .complains("no file has a name");
}

#[test]
fn words_that_look_special_have_one_rule_for_every_kind_and_tokenizer() {
    let bench = Bench::new();
    let inside = bench.file("inside.txt", "the price is <s>10</s> 8 now\n".repeat(20));
    let whole = bench.file("whole.txt", format!("{TEXT}one </s> two\n"));
    let unknown = bench.file("unknown.txt", "a <unk> b\n".repeat(20));
    let out = bench.path("out");
    let shown = out.to_str().expect("a plain path");
    for tokenizer in ["words", "chars", "bpe:300", "unigram:300"] {
        for kind in ["ngram", "rnn"] {
            let mut flags = vec!["--tokenizer", tokenizer];
            flags.extend(match kind {
                "ngram" => ["--order", "2"].as_slice(),
                _ => ["--hidden", "4", "--layers", "1", "--epochs", "1", "--threads", "1"].as_slice(),
            });
            let all = |data| [&["train", kind, "--data", data, "--out", shown], &flags[..]].concat();
            let _ = fs::remove_dir_all(&out);
            let trained = run(&all(&inside), "").exits(0);
            assert!(!trained.stderr.contains("unknown"), "{kind} {tokenizer}: {}", trained.stderr);
            let ids = |text: &str| -> Vec<u64> {
                let line = run(&["tokenize", shown, text, "--json"], "").exits(0).json_lines().remove(0);
                line["ids"].as_array().expect("ids").iter().map(|id| id.as_u64().expect("an id")).collect()
            };
            assert!(ids("is <s>10</s> 8").iter().all(|&id| id > 3), "{kind} {tokenizer}: letters");
            assert!(ids("is </s> 8").contains(&2), "{kind} {tokenizer}: the token");
            let _ = fs::remove_dir_all(&out);
            run(&all(&whole), "").exits(1).complains("line 4: the word </s>").complains("--skip-symbols");
            let _ = fs::remove_dir_all(&out);
            let skipped = run(&[&all(&whole)[..], &["--skip-symbols"]].concat(), "").exits(0);
            skipped.complains("1 word that is spelled like a special token");
            let _ = fs::remove_dir_all(&out);
            run(&all(&unknown), "").exits(0).complains("20 words <unk>");
        }
    }
}

/// Prose as Project Gutenberg has it: lines that were cut at a width.
fn book() -> String {
    let words =
        ["the", "lamp", "went", "slowly", "over", "dark", "water", "and", "nobody", "heard", "it", "again"];
    let mut text = String::new();
    for paragraph in 0..6 {
        let mut column = 0;
        for place in 0..60 {
            let mut word = words[(place * 5 + paragraph * 3 + place / 7) % 12].to_owned();
            if place % 20 == 0 {
                word = format!("{}{}", word[..1].to_uppercase(), &word[1..]);
            }
            if place % 20 == 19 {
                word.push('.');
            }
            if column > 0 && column + 1 + word.len() > 60 {
                text.push('\n');
                column = 0;
            } else if column > 0 {
                text.push(' ');
                column += 1;
            }
            column += word.len();
            text.push_str(&word);
        }
        text.push_str("\n\n");
    }
    text
}

#[test]
fn a_book_is_read_by_sentences_for_every_command() {
    let bench = Bench::new();
    // As an n-gram counts them where they stay: empty lines are sentences without words.
    let cut = book().lines().count();
    let book = bench.file("book.txt", book());
    let out = bench.path("n");
    let shown = out.to_str().expect("a plain path");
    let told = "the lines were cut at about";
    bench.train("ngram", &book, &out, &["--order", "2"]).complains(told).complains("18 sentences");
    assert_eq!(bench.eval(shown, &book).0["texts"], 18);
    bench
        .train("ngram", &book, &out, &["--order", "2", "--paragraphs", "keep"])
        .complains(&format!("{cut} sentences"));
    let network =
        ["--hidden", "4", "--layers", "1", "--tokenizer", "words", "--epochs", "1", "--threads", "1"];
    let lines = [&network[..], &["--unit", "line", "--hold-out", "0"]].concat();
    let run = bench.train("rnn", &book, &bench.path("r"), &lines);
    // 360 words and 18 ends.
    run.complains(told).complains("378 tokens to learn");
    let stream = bench.train("rnn", &book, &bench.path("r"), &network);
    assert!(!stream.stderr.contains(told), "a stream stays as it is: {}", stream.stderr);
}

#[test]
fn a_small_text_makes_a_smaller_model_unless_that_is_to_be_an_error() {
    let bench = Bench::new();
    let small = bench.file("small.txt", "bom dia\n");
    let out = bench.path("n");
    let told = bench.train("ngram", &small, &out, &["--order", "5"]);
    told.complains("the order is 4").complains("(--strict refuses such texts");
    let shown = out.to_str().expect("a plain path");
    let strict = ["train", "ngram", "--data", &small, "--out", shown, "--strict", "--order"];
    let _ = fs::remove_dir_all(&out);
    run(&[&strict[..], &["2"]].concat(), "").exits(1).complains("--discount-fallback");
    run(&[&strict[..], &["5"]].concat(), "").exits(1).complains("order 5");
}
