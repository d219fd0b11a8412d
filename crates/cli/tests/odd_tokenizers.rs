//! Tokenizers that are odd, broken or missing, as a user of the commands meets them.

mod program;
use program::{checkpoint, run};
use serde_json::json;

/// Files with their new texts; none takes a file away.
type Changes<'a> = &'a [(&'a str, Option<&'a str>)];

/// A copy of a tiny checkpoint with some files put in the place of its own, or taken away.
fn changed(name: &str, files: Changes<'_>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(checkpoint(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    for (file, text) in files {
        let path = folder.path().join(file);
        match text {
            Some(text) => std::fs::write(path, text).unwrap(),
            None => std::fs::remove_file(path).unwrap(),
        }
    }
    folder
}

/// A T5 with a token that its own normalizer strips to nothing: the tokenizers library panics where a text has two spaces.
fn panicking() -> tempfile::TempDir {
    changed(
        "t5-flan",
        &[
            ("tokenizer.json", None),
            ("added_tokens.json", Some(r#"{"\n": 400}"#)),
            ("tokenizer_config.json", Some(r#"{"tokenizer_class": "T5Tokenizer"}"#)),
        ],
    )
}

#[test]
fn a_line_that_makes_the_tokenizers_library_panic_has_its_error_and_the_rest_go_on() {
    let folder = panicking();
    let path = folder.path().to_str().unwrap();
    let ran = run(&["tokenize", path, "--json"], "a b\na  b\na\n").exits(1);
    let lines = ran.json_lines();
    assert!(lines[0]["ids"].is_array() && lines[2]["ids"].is_array());
    assert!(lines[1]["error"].as_str().unwrap().contains("\"normalized\" to false"), "{}", lines[1]);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    let text =
        "{\"text\": \"a b\", \"id\": 1}\n{\"text\": \"a  b\", \"id\": 2}\n{\"texts\": [\"a\"], \"id\": 3}\n";
    let ran = run(&["generate", path], text).exits(1);
    let answers = ran.json_lines();
    assert_eq!(answers.iter().map(|line| &line["id"]).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(
        answers[0]["texts"].is_array() && answers[1]["error"].is_string() && answers[2]["texts"].is_array()
    );
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    let ran = run(&["chat", path, "--max-new-tokens", "2"], "a b\na  b\na\n").exits(1);
    assert!(
        ran.stdout.contains("Goodbye") && !ran.stderr.contains("panicked"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    run(&["tokenize", path, "a  b"], "").exits(1).complains("could not encode the text");
}

#[test]
fn a_tokenizer_that_cannot_be_built_never_stops_the_network() {
    let ids = "{\"input_ids\": [5, 6, 1], \"generation_config\": {\"max_new_tokens\": 3}}\n";
    let right = run(&["generate", &checkpoint("t5-flan")], ids).exits(0).json_lines();
    let cases: [(Changes<'_>, &str); 4] = [
        (&[("tokenizer.json", None), ("spiece.model", None)], "has no tokenizer"),
        (&[("tokenizer.json", Some("{}")), ("spiece.model", None)], "not a tokenizer that can be read"),
        (
            &[
                ("tokenizer.json", None),
                ("tokenizer_config.json", Some(r#"{"tokenizer_class": "MecabTokenizer"}"#)),
            ],
            "MecabTokenizer",
        ),
        (
            &[
                ("tokenizer.json", None),
                ("tokenizer_config.json", Some(r#"{"tokenizer_class": "PreTrainedTokenizerFast"}"#)),
            ],
            "tokenizer.json",
        ),
    ];
    for (files, why) in cases {
        let folder = changed("t5-flan", files);
        let path = folder.path().to_str().unwrap();
        let ran = run(&["generate", path], ids).exits(0).complains(why).complains("input_ids only");
        let answer = &ran.json_lines()[0];
        assert_eq!((&answer["sequences"], &answer["texts"]), (&right[0]["sequences"], &json!(null)), "{why}");
        let refused = run(&["generate", path], "{\"text\": \"a\"}\n").exits(1).json_lines();
        assert!(refused[0]["error"].as_str().unwrap().contains(why), "{}", refused[0]);
        run(&["tokenize", path, "a"], "").exits(1).complains(why);
    }
}

#[test]
fn a_network_that_is_not_known_is_told_before_its_tokenizer() {
    let folder = changed(
        "t5-flan",
        &[
            ("config.json", Some(r#"{"model_type": "prophetnet"}"#)),
            ("tokenizer.json", None),
            ("tokenizer_config.json", Some(r#"{"tokenizer_class": "ProphetNetTokenizer"}"#)),
        ],
    );
    let path = folder.path().to_str().unwrap();
    run(&["chat", path], "a\n").exits(1).complains("prophetnet");
    run(&["generate", path], "").exits(1).complains("prophetnet");
}

#[test]
fn a_text_that_spells_the_padding_token_is_read_and_ids_of_it_are_masked() {
    for name in ["t5-flan", "bart-full", "marian"] {
        let folder = checkpoint(name);
        let ids =
            run(&["tokenize", &folder, "a <pad> b", "--json"], "").exits(0).json_lines()[0]["ids"].clone();
        let config = json!({ "max_new_tokens": 12, "num_beams": 1 });
        let lines = format!(
            "{}\n{}\n{}\n",
            json!({ "text": "a <pad> b", "generation_config": config }),
            json!({ "input_ids": ids, "generation_config": config }),
            json!({ "texts": ["a <pad> b", "a"], "generation_config": config }),
        );
        let answers = run(&["generate", &folder, "--batch-size", "8"], lines).exits(0).json_lines();
        assert_ne!(answers[0]["sequences"], answers[1]["sequences"], "{name}");
        assert_eq!(answers[0]["sequences"][0], answers[2]["sequences"][0], "{name}");
    }
}

#[test]
fn people_see_what_a_token_spells_beside_how_it_is_written() {
    let shown = run(&["tokenize", &checkpoint("bart-full"), "A \u{e9}\u{1f600}"], "").exits(0).stdout;
    let columns: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(columns.iter().all(|line| line.len() == 3), "{shown}");
    assert!(columns.iter().any(|line| line[1].contains('␣') && line[2].contains('Ġ')), "{shown}");
    assert!(columns.iter().any(|line| line[1].contains("<0xF0>")), "{shown}");
    let next = run(&["next", &checkpoint("t5-flan"), "a b"], "").exits(0);
    assert!(
        next.stderr.contains("at the beginning of the reply") && !next.stderr.contains("<pad>"),
        "{}",
        next.stderr
    );
    assert!(next.stdout.lines().all(|line| line.contains('%')), "{}", next.stdout);
}

#[test]
fn what_a_tokenizer_loses_is_told_once_and_truly() {
    let folder = checkpoint("t5-flan");
    let ran = run(&["tokenize", &folder, "--json"], "a \u{3a9}\nb \u{3a9}\n").exits(0);
    assert_eq!(ran.stderr.matches("has no token for \u{3a9}").count(), 1, "{}", ran.stderr);
    // Tokens that exist are not lost, though none of their characters is a piece.
    let ran = run(&["tokenize", &folder, "a <extra_id_0> <pad> b", "--json"], "").exits(0);
    assert_eq!(ran.stderr, "", "{}", ran.stderr);
}
