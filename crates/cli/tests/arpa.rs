//! ARPA files as a user meets them: read whatever they are called, measured as KenLM measures, and written from any n-gram model.
#![allow(clippy::approx_constant)] // numbers as the file has them

mod program;

use std::fs;

use program::run;
use tempfile::TempDir;

const ARPA: &str = include_str!("../../ngram/tests/small.arpa");

fn file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).expect("a writable folder");
    path.to_str().expect("a plain path").to_owned()
}

#[test]
fn a_file_is_a_model_whatever_it_is_called() {
    let folder = TempDir::new().expect("a folder");
    let text = file(&folder, "text.txt", "a b\nx c\n");
    let mut figures = Vec::new();
    for name in ["small.arpa", "small.lm", "small", "small.gz"] {
        let model = file(&folder, name, format!("Made by a tool.\n\n{ARPA}").replace("<unk>", "<UNK>"));
        let found = run(&["eval", &model, "--data", &text, "--json"], "").exits(0);
        figures.push(found.json_lines()[0]["log_prob_base10"].as_f64().expect("a number"));
    }
    // KenLM's query: log10 p of "a b" and "x c" with their ends.
    for figure in figures {
        assert!((figure - -4.338_962).abs() < 1e-4, "{figure}");
    }
}

#[test]
fn what_is_no_arpa_file_is_called_by_its_name() {
    let folder = TempDir::new().expect("a folder");
    for (name, content, words) in [
        ("a.arpa.bz2", &b"BZh91AY&SY"[..], "bunzip2"),
        ("b.binlm", b"mmap lm http://kheafield.com/code format version 5\n", "KenLM"),
        ("c.bin", b"mmap lm http://kheafield.com/code format version 5\n", "KenLM"),
        ("d.lm", b"iARPA\n", "compile-lm"),
        ("config.json", b"{}", "folder"),
    ] {
        let path = file(&folder, name, content);
        run(&["eval", &path, "--data", &path], "").exits(1).complains(words);
    }
    run(&["next", "absent.arpa.gz", "a"], "").exits(1).complains("no such file");
}

#[test]
fn next_shows_the_models_own_probabilities_as_kenlm_has_them() {
    let folder = TempDir::new().expect("a folder");
    let model = file(&folder, "small.arpa", ARPA);
    let shown = run(&["next", &model, "a b", "--top", "20", "--json"], "").exits(0);
    let next = shown.json_lines()[0]["next"].as_array().expect("a list").clone();
    // KenLM's BaseScore after <s> a b.
    let expected = [
        ("c", -0.154902),
        ("a", -1.017033),
        ("b", -1.113943),
        ("d", -1.238882),
        ("</s>", -1.30103),
        ("<unk>", -1.716004),
    ];
    assert_eq!(next.len(), expected.len());
    for (found, (token, log10_p)) in next.iter().zip(expected) {
        let probability = found["probability"].as_f64().expect("a number");
        assert_eq!(found["token"], token);
        assert!((probability.log10() - log10_p).abs() < 1e-5, "{token} {probability}");
    }
}

#[test]
fn any_ngram_model_is_written_as_an_arpa_file_that_reads_back_alike() {
    let folder = TempDir::new().expect("a folder");
    let (model, text) = (file(&folder, "small.arpa", ARPA), file(&folder, "text.txt", "a b c d\nx c\n"));
    let place = |name: &str| folder.path().join(name).to_str().expect("a plain path").to_owned();
    let measured = |model: &str| {
        run(&["eval", model, "--data", &text, "--json"], "").exits(0).json_lines()[0]["log_prob_base10"]
            .as_f64()
            .expect("a number")
    };
    for (name, flags) in
        [("trie", &[][..]), ("hashed", &["--layout", "hashed"]), ("few", &["--quantize", "3"])]
    {
        let (out, arpa) = (place(name), place(&format!("{name}.arpa")));
        run(&[&["train", "ngram", "--from-arpa", &model, "--out", &out], flags].concat(), "").exits(0);
        run(&["show", &out, "--arpa", &arpa], "").exits(0);
        assert_eq!(measured(&arpa), measured(&out), "{name}");
        run(&["show", &out, "--arpa", &arpa], "").exits(1).complains("--overwrite");
        run(&["show", &out, "--arpa", &arpa, "--overwrite"], "").exits(0);
        let printed = run(&["show", &out, "--arpa", "-"], "").exits(0).stdout;
        assert_eq!(printed, fs::read_to_string(arpa).expect("the file"));
    }
    let network = program::checkpoint("lineage-gru");
    run(&["show", &network, "--arpa", &place("no.arpa")], "").exits(1).complains("n-gram");
    assert!(!folder.path().join("no.arpa").exists());
    run(&["show", &model, "--arpa", &place("absent/no.arpa")], "").exits(1).complains("cannot write");
    run(&["show", &model, "--overwrite"], "").exits(2).complains("--arpa");
}

#[test]
fn scores_are_those_of_kenlm_word_by_word() {
    let folder = TempDir::new().expect("a folder");
    let (model, text) = (file(&folder, "small.arpa", ARPA), file(&folder, "text.txt", "a b c\nx d\n\n"));
    // KenLM's full_scores: log10 p, the order that answered, whether the word is unknown.
    let expected = [
        (1, "a", -0.30103, 2, false),
        (1, "b", -0.221849, 3, false),
        (1, "c", -0.154902, 3, false),
        (1, "</s>", -0.314996, 2, false),
        (2, "x", -1.564271, 1, true),
        (2, "d", -0.853872, 1, false),
        (2, "</s>", -0.823909, 1, false),
        (3, "</s>", -1.08715, 1, false),
    ];
    let lines = run(&["eval", &model, "--data", &text, "--scores", "--json"], "").exits(0).json_lines();
    let (totals, words) = lines.split_last().expect("totals");
    assert_eq!(words.len(), expected.len());
    for (found, (text, token, log10_p, order, oov)) in words.iter().zip(expected) {
        assert_eq!((&found["text"], &found["token"]), (&text.into(), &token.into()));
        assert_eq!((&found["order"], &found["oov"]), (&order.into(), &oov.into()), "{token}");
        assert!((found["log_prob_base10"].as_f64().expect("a number") - log10_p).abs() < 1e-5, "{token}");
    }
    let sum: f64 = expected.iter().map(|word| word.2).sum();
    assert!((totals["log_prob_base10"].as_f64().expect("a number") - sum).abs() < 1e-4);
    assert_eq!((&totals["oov"], &totals["tokens"]), (&1.into(), &expected.len().into()));
    let table = run(&["eval", &model, "--data", &text, "--scores"], "").exits(0).stdout;
    assert!(
        table.contains("text 2") && table.contains("1-gram  x  unknown") && table.contains("perplexity"),
        "{table}"
    );
    run(&["eval", "gru", "--data", &text, "--scores"], "").exits(1).complains("n-gram");
    run(&["eval", &model, "--data", &text, "--num-beams", "2"], "").exits(2).complains("--num-beams");
    run(&["eval", &model, "--data", &text, "--lowercase"], "").exits(2).complains("--lowercase");
}
