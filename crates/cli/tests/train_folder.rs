//! What a training does to the folder that it is given: it takes only what is free, holds it alone, and leaves it whole.
#![cfg(feature = "train")]

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use program::{Run, papo, run};
use tempfile::TempDir;

const ARPA: &str = include_str!("../../ngram/tests/small.arpa");

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
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        fs::write(path, content).expect("a writable folder");
        self.text(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    fn lines(&self) -> String {
        let words = ["rain", "falls", "on", "plains", "and", "hills", "for", "days"];
        let line =
            |n: usize| (0..3 + n % 4).map(|k| words[(n * n + 3 * k) % 8]).collect::<Vec<_>>().join(" ");
        self.file("data.txt", &(0..80).map(|n| line(n) + "\n").collect::<String>())
    }

    fn gru(&self, data: &str, out: &str, flags: &[&str]) -> Run {
        let out = self.text(out);
        let small = ["--hidden", "8", "--layers", "1", "--tokenizer", "words", "--threads", "1"];
        run(&[&["train", "gru", "--data", data, "--out", &out], &small[..], flags].concat(), "")
    }

    fn ngram(&self, data: &str, out: &str, flags: &[&str]) -> Run {
        let out = self.text(out);
        run(
            &[
                &["train", "ngram", "--data", data, "--out", &out, "--order", "2", "--discount-fallback"],
                flags,
            ]
            .concat(),
            "",
        )
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_str().expect("a plain name").to_owned())
        .collect();
    names.sort();
    names
}

/// All files below a folder with their bytes.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for name in names(folder) {
        let path = folder.join(name);
        if path.is_dir() {
            all.extend(contents(&path))
        } else {
            all.push((path.clone(), fs::read(path).expect("a file")))
        }
    }
    all
}

#[test]
fn no_training_touches_a_folder_that_holds_something() {
    let bench = Bench::new();
    let data = bench.lines();
    let arpa = bench.file("small.arpa", ARPA);
    bench.gru(&data, "model", &["--max-steps", "2"]).exits(0);
    bench.file("t5/spiece.model", "pieces");
    bench.file("t5/config.json", "{}");
    bench.file("notes/notes.txt", "mine");
    for out in ["model", "t5", "notes"] {
        let before = contents(&bench.path(out));
        let place = bench.text(out);
        bench.ngram(&data, out, &[]).exits(1).complains(out);
        bench.gru(&data, out, &["--max-steps", "2"]).exits(1).complains(out);
        run(&["train", "ngram", "--from-arpa", &arpa, "--out", &place], "").exits(1).complains(out);
        if out != "model" {
            bench.gru(&data, out, &["--max-steps", "2", "--resume"]).exits(1).complains(out);
        }
        assert!(contents(&bench.path(out)) == before, "{out} has changed");
    }
    // Somebody's own folder is not replaced even by whoever says so.
    bench.ngram(&data, "notes", &["--overwrite"]).exits(1).complains("notes.txt");
    bench.ngram(&data, "data.txt", &[]).exits(1).complains("a file");
}

#[test]
fn overwrite_replaces_the_model_as_a_whole() {
    let bench = Bench::new();
    let data = bench.lines();
    bench.file("model/config.json", "{}");
    for stale in ["spiece.model", "special_tokens_map.json", "pytorch_model.bin", "vocab.txt"] {
        bench.file(&format!("model/{stale}"), "of another model");
    }
    bench.file("model/README.md", "mine");
    let before = contents(&bench.path("model"));
    // A training that fails leaves the old model.
    bench.file("empty.txt", "");
    bench.ngram(&bench.text("empty.txt"), "model", &["--overwrite"]).exits(1);
    assert!(contents(&bench.path("model")) == before);
    bench.gru(&data, "model", &["--max-steps", "2", "--overwrite"]).exits(0);
    let files = [
        "README.md",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "training",
    ];
    assert_eq!(names(&bench.path("model")), files);
    bench.ngram(&data, "model", &["--overwrite"]).exits(0);
    let files = [
        "README.md",
        "config.json",
        "generation_config.json",
        "model.ngram",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    assert_eq!(names(&bench.path("model")), files);
    assert_eq!(names(bench.folder.path()), ["data.txt", "empty.txt", "model"]);
}

#[test]
fn a_refusal_or_an_early_failure_leaves_no_folder() {
    let bench = Bench::new();
    let (data, empty) = (bench.lines(), bench.file("empty.txt", ""));
    for data in [&empty, &bench.text("absent.txt")] {
        bench.ngram(data, "a/b/model", &[]).exits(1);
        bench.gru(data, "a/b/model", &["--max-steps", "2"]).exits(1);
    }
    bench
        .gru(&data, "a/b/model", &["--report", &bench.text("absent/page.html")])
        .exits(1)
        .complains("cannot write");
    bench
        .ngram(&data, "a/b/model", &["--arpa", &bench.text("absent/m.arpa")])
        .exits(1)
        .complains("cannot write");
    bench.gru(&data, "a/b/model", &["--valid", &empty]).exits(1).complains("--valid");
    assert_eq!(names(bench.folder.path()), ["data.txt", "empty.txt"]);
}

#[test]
fn files_beside_the_model_are_never_overwritten_silently() {
    let bench = Bench::new();
    let data = bench.lines();
    let (page, arpa) = (bench.file("page.html", "mine"), bench.file("m.arpa", "mine"));
    bench.gru(&data, "gru", &["--max-steps", "2", "--report", &page]).exits(1).complains("--overwrite");
    bench.ngram(&data, "ngram", &["--arpa", &arpa]).exits(1).complains("--overwrite");
    assert_eq!((fs::read(&page).unwrap(), fs::read(&arpa).unwrap()), (b"mine".to_vec(), b"mine".to_vec()));
    assert!(!bench.path("gru").exists() && !bench.path("ngram").exists());
    bench.ngram(&data, "ngram", &["--arpa", &arpa, "--overwrite"]).exits(0);
    assert!(fs::read_to_string(&arpa).unwrap().starts_with("\\data\\"));
    // They may lie in the folder that is being made.
    bench.ngram(&data, "inside", &["--arpa", &bench.text("inside/m.arpa.gz")]).exits(0);
    assert!(names(&bench.path("inside")).contains(&"m.arpa.gz".to_owned()));
    // The report of a training that goes on takes the place of its earlier one, and of nothing else.
    let own = bench.text("own.html");
    bench.gru(&data, "gru", &["--max-steps", "2", "--report", &own, "--schedule", "constant"]).exits(0);
    bench
        .gru(&data, "gru", &["--max-steps", "3", "--report", &page, "--schedule", "constant", "--resume"])
        .exits(1);
    bench
        .gru(&data, "gru", &["--max-steps", "3", "--report", &own, "--schedule", "constant", "--resume"])
        .exits(0);
}

#[test]
fn two_trainings_cannot_hold_one_folder() {
    let bench = Bench::new();
    let data = bench.lines();
    let out = bench.text("model");
    let mut first = papo()
        .args([
            "train",
            "gru",
            "--data",
            &data,
            "--out",
            &out,
            "--hidden",
            "8",
            "--tokenizer",
            "words",
            "--max-time",
            "60s",
            "--save-every",
            "0s",
        ])
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let state = bench.path("model/training/state.safetensors");
    for _ in 0..2000 {
        if state.exists() {
            break;
        }
        sleep(Duration::from_millis(10));
    }
    for flags in [&["--max-steps", "1", "--resume"][..], &["--max-steps", "1", "--overwrite"]] {
        bench.gru(&data, "model", flags).exits(1).complains("another training");
    }
    bench.ngram(&data, "model", &["--overwrite"]).exits(1).complains("another training");
    first.kill().expect("it runs");
    first.wait().expect("it ends");
    // The lock ends with the program.
    bench.ngram(&data, "model", &["--overwrite"]).exits(0);
    assert_eq!(names(bench.folder.path()), ["data.txt", "model"]);
    assert!(!names(&bench.path("model")).iter().any(|name| name.starts_with('.')));
}

#[test]
fn a_training_that_is_to_replace_a_model_is_interrupted_and_goes_on_beside_it() {
    let bench = Bench::new();
    let data = bench.lines();
    bench.ngram(&data, "model", &[]).exits(0);
    let before = contents(&bench.path("model"));
    let out = bench.text("model");
    let arguments = [
        "train",
        "gru",
        "--data",
        &data,
        "--out",
        &out,
        "--hidden",
        "8",
        "--layers",
        "1",
        "--tokenizer",
        "words",
        "--threads",
        "1",
        "--max-steps",
        "60",
        "--schedule",
        "constant",
        "--save-every",
        "0s",
        "--validate-every",
        "10",
        "--overwrite",
    ];
    let mut child = papo().args(arguments).stderr(Stdio::null()).spawn().expect("the binary starts");
    let state = bench.path(".model.papo-new/training/state.safetensors");
    for _ in 0..2000 {
        if state.exists() {
            break;
        }
        sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    child.wait().expect("it ends");
    if state.exists() {
        let now: Vec<_> = contents(&bench.path("model"))
            .into_iter()
            .filter(|(path, _)| !path.ends_with(".papo-lock"))
            .collect();
        assert!(now == before, "the old model is whole");
    }
    run(&[&arguments[..], &["--resume"]].concat(), "").exits(0);
    assert!(names(&bench.path("model")).contains(&"model.safetensors".to_owned()));
    assert!(!names(&bench.path("model")).contains(&"model.ngram".to_owned()));
    assert_eq!(names(bench.folder.path()), ["data.txt", "model"]);
}

#[test]
fn a_finished_model_is_trained_further_with_its_tokenizer_and_can_be_resumed() {
    let bench = Bench::new();
    let data = bench.lines();
    bench.gru(&data, "first", &["--max-steps", "5"]).exits(0);
    let first = bench.text("first");
    let further = |out: &str, flags: &[&str]| {
        let out = bench.text(out);
        let all = [
            "train",
            "gru",
            "--init-from",
            &first,
            "--data",
            &data,
            "--out",
            &out,
            "--threads",
            "1",
            "--schedule",
            "constant",
        ];
        run(&[&all[..], flags].concat(), "")
    };
    let page = bench.text("page.html");
    further("second", &["--max-steps", "4", "--report", &page])
        .exits(0)
        .complains("beginning with the weights");
    assert!(fs::read_to_string(&page).unwrap().contains("begins with"));
    let file = |model: &str, name: &str| fs::read(bench.path(model).join(name)).expect("a file");
    assert!(file("first", "tokenizer.json") == file("second", "tokenizer.json"));
    // Stopped after two steps and gone on with, it ends with the same weights.
    further("third", &["--max-steps", "2"]).exits(0);
    further("third", &["--max-steps", "4", "--resume"]).exits(0).complains("going on after step 2");
    assert!(file("second", "model.safetensors") == file("third", "model.safetensors"));
    // It does begin where the other ended: one step at a rate of next to nothing changes next to nothing.
    further("same", &["--max-steps", "1", "--learning-rate", "1e-30"]).exits(0);
    assert!(file("first", "model.safetensors") == file("same", "model.safetensors"));
    // What is built in can be trained further, too.
    let gru = bench.text("gru");
    run(
        &[
            "train",
            "gru",
            "--init-from",
            "gru",
            "--data",
            &data,
            "--out",
            &gru,
            "--max-steps",
            "1",
            "--threads",
            "1",
        ],
        "",
    )
    .exits(0);
    // With as many tokens as it has positions.
    let (talk, pairs) =
        (bench.text("talk"), bench.file("pairs.tsv", &"hi\thello\nbye\tgoodbye\n".repeat(20)));
    let arguments = [
        "train",
        "transformer",
        "--init-from",
        "transformer",
        "--data",
        &pairs,
        "--out",
        &talk,
        "--max-steps",
        "1",
    ];
    run(&arguments, "").exits(0).complains("128 positions");
    for (flags, code, words) in [
        (&["--hidden", "16"][..], 2, "--hidden 16"),
        (&["--tokenizer", "words"], 2, "--tokenizer"),
        (&["--lowercase"], 2, "--lowercase"),
    ] {
        further("no", flags).exits(code).complains(words);
    }
    further("agreed", &["--hidden", "8", "--layers", "1", "--max-steps", "1"]).exits(0);
    let out = bench.text("no");
    run(&["train", "lstm", "--init-from", &first, "--data", &data, "--out", &out], "")
        .exits(1)
        .complains("papo train gru");
    assert!(!bench.path("no").exists());
}

#[test]
fn a_training_that_ends_inside_its_warm_up_is_told() {
    let bench = Bench::new();
    let data = bench.lines();
    bench
        .gru(&data, "told", &["--max-steps", "5", "--warm-up", "100"])
        .exits(0)
        .complains("5.00 % of --learning-rate");
    bench
        .gru(&data, "time", &["--max-time", "1s", "--warm-up", "100000"])
        .exits(0)
        .complains("has ended inside its warm-up");
    let quiet = bench.gru(&data, "quiet", &["--max-steps", "5", "--warm-up", "2"]).exits(0);
    assert!(!quiet.stderr.contains("warm-up"), "{}", quiet.stderr);
    let pairs = bench.file("pairs.tsv", &"rain falls\tplains and hills\n".repeat(60));
    let out = bench.text("transformer");
    let short = run(
        &[
            "train",
            "transformer",
            "--data",
            &pairs,
            "--out",
            &out,
            "--d-model",
            "8",
            "--heads",
            "2",
            "--layers",
            "1",
            "--tokenizer",
            "words",
            "--epochs",
            "3",
            "--batch-tokens",
            "64",
        ],
        "",
    );
    assert!(!short.exits(0).stderr.contains("warm-up"), "the default is a tenth of the training");
}

#[test]
fn flags_without_an_effect_and_counts_of_zero_are_a_wrong_usage() {
    let bench = Bench::new();
    let out = bench.text("out");
    let cases: [&[&str]; 24] = [
        &["ngram", "--from-arpa", "a.arpa", "--order", "3"],
        &["ngram", "--from-arpa", "a.arpa", "--arpa", "b.arpa"],
        &["ngram", "--from-arpa", "a.arpa", "--prune", "0", "1"],
        &["ngram", "--from-arpa", "a.arpa", "--skip-symbols"],
        &["ngram", "--from-arpa", "a.arpa", "--tokenizer", "words"],
        &["ngram", "--from-arpa", "a.arpa", "--discount-fallback"],
        &["gru", "--data", "a.txt", "--target-tokens", "9"],
        &["gru", "--data", "a.jsonl", "--task", "dialogue", "--unit", "line"],
        &["seq2seq", "--data", "a.tsv", "--unit", "line"],
        &["transformer", "--data", "a.tsv", "--unroll", "9"],
        &["gru", "--data", "a.txt", "--min-count", "2"],
        &["gru", "--data", "a.txt", "--tokenizer", "folder", "--lowercase"],
        &["gru", "--data", "a.txt", "--valid", "b.txt", "--hold-out", "0.1"],
        &["gru", "--data", "a.txt", "--hidden", "0"],
        &["gru", "--data", "a.txt", "--layers", "-1"],
        &["gru", "--data", "a.txt", "--epochs", "0"],
        &["gru", "--data", "a.txt", "--max-steps", "0"],
        &["gru", "--data", "a.txt", "--max-time", "0s"],
        &["gru", "--data", "a.txt", "--patience", "0"],
        &["gru", "--data", "a.txt", "--batch-size", "0"],
        &["gru", "--data", "a.txt", "--unroll", "0"],
        &["gru", "--data", "a.txt", "--accumulate", "-2"],
        &["gru", "--data", "a.jsonl", "--context-turns", "0"],
        &["transformer", "--data", "a.tsv", "--heads", "0"],
    ];
    for case in cases {
        let told = run(&[&["train"], case, &["--out", &out]].concat(), "");
        assert_eq!(told.code, 2, "{case:?}: {}", told.stderr);
        let flag = case.iter().rev().find(|word| word.starts_with("--")).expect("a flag");
        assert!(told.stderr.contains(flag), "{case:?}: {}", told.stderr);
    }
    assert!(!bench.path("out").exists());
}

#[test]
fn an_arpa_file_may_come_from_standard_input() {
    let bench = Bench::new();
    let out = bench.text("model");
    run(&["train", "ngram", "--from-arpa", "-", "--out", &out], ARPA.replace("<unk>", "<UNK>")).exits(0);
    let without = ARPA.replace("-1.30103\t<unk>\t-0.0299632\n", "").replace("ngram 1=7", "ngram 1=6");
    let without = without.replace("-0.5228787\t<unk> a\t0\n", "").replace("ngram 2=7", "ngram 2=6");
    let again = bench.text("again");
    run(&["train", "ngram", "--from-arpa", "-", "--out", &again], without).exits(0).complains("no <unk>");
}
