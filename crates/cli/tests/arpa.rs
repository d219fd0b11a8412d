//! ARPA files as a user meets them: read whatever they are called, measured as KenLM measures, and written from any n-gram model.

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
