//! `papo tokenize`: what a model reads, from an argument or a line at a time.

mod program;
use program::{checkpoint, run};
use serde_json::{Value, json};

#[test]
fn a_text_becomes_ids_and_tokens_with_the_special_ones() {
    let folder = checkpoint("bart-bare");
    let line = &run(&["tokenize", &folder, "Hi", "--json"], "").exits(0).json_lines()[0];
    let ids = line["ids"].as_array().unwrap();
    assert_eq!((&ids[0], ids.last().unwrap()), (&json!(0), &json!(2)));
    assert_eq!(
        (&line["tokens"][0], line["tokens"].as_array().unwrap().last().unwrap()),
        (&json!("<s>"), &json!("</s>"))
    );
    assert_eq!(ids.len(), line["tokens"].as_array().unwrap().len());
    assert_eq!(line.as_object().unwrap().len(), 2);
}

#[test]
fn each_line_of_standard_input_is_answered_empty_ones_too() {
    for name in ["blenderbot-bin", "t5-flan", "marian"] {
        let folder = checkpoint(name);
        let lines = run(&["tokenize", &folder, "--json"], "Hi\n\n Hi\nolá \u{1f600}").exits(0).json_lines();
        assert_eq!(lines.len(), 4, "{name}");
        let empty = run(&["tokenize", &folder, "", "--json"], "").exits(0).json_lines();
        assert_eq!(lines[1], empty[0], "{name}");
        let argument = run(&["tokenize", &folder, "olá \u{1f600}", "--json"], "").exits(0).json_lines();
        assert_eq!(lines[3], argument[0], "{name}");
    }
}

#[test]
fn more_tokens_than_the_model_reads_are_told() {
    let folder = checkpoint("bart-bare");
    let long = run(&["tokenize", &folder, &"word ".repeat(5_000), "--json"], "").exits(0);
    let line = long.json_lines().remove(0);
    let dropped = line["truncated"]["dropped"].as_u64().unwrap() as usize;
    let room = line["ids"].as_array().unwrap().len() - dropped;
    assert!(room < 2_000 && line["truncated"]["kept"] == "end", "{room}");
    assert!(long.stderr.contains(&dropped.to_string()), "{}", long.stderr);
    // What is read by `generate` is as long as was said here.
    let asked = run(
        &["generate", &folder, "--max-new-tokens", "2"],
        serde_json::json!({"text": "word ".repeat(5_000)}).to_string(),
    );
    assert_eq!(asked.exits(0).json_lines()[0]["truncated"], line["truncated"]);
}

#[test]
fn no_input_is_no_output() {
    assert_eq!(run(&["next", &checkpoint("t5-flan"), "--json"], "").exits(0).stdout, "");
    assert_eq!(run(&["tokenize", &checkpoint("t5-flan"), "-", "--json"], "").exits(0).stdout, "");
    assert_eq!(run(&["tokenize", &checkpoint("t5-flan"), "--json"], "").exits(0).stdout, "");
}

#[test]
fn a_folder_without_weights_will_do() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json"] {
        std::fs::copy(format!("{}/{file}", checkpoint("t5-flan")), folder.path().join(file)).unwrap();
    }
    let bare = run(&["tokenize", folder.path().to_str().unwrap(), "a b", "--json"], "").exits(0).json_lines();
    assert_eq!(bare, run(&["tokenize", &checkpoint("t5-flan"), "a b", "--json"], "").exits(0).json_lines());
}

#[test]
fn people_see_a_token_a_line() {
    let shown = run(&["tokenize", &checkpoint("bart-bare"), "Hi"], "").exits(0).stdout;
    assert!(shown.lines().next().unwrap().ends_with("<s>"), "{shown}");
}

#[test]
fn a_line_that_is_no_utf8_is_told_and_the_rest_go_on() {
    let lines = run(&["tokenize", &checkpoint("t5-flan"), "--json"], b"a\n\xff\nb\n").exits(1).json_lines();
    assert_eq!(lines.len(), 3);
    assert!(lines[1]["error"].as_str().unwrap().contains("line 2"));
    assert!(matches!(lines[2]["ids"], Value::Array(_)));
}

#[test]
fn a_folder_without_a_tokenizer_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(format!("{}/config.json", checkpoint("t5-flan")), folder.path().join("config.json"))
        .unwrap();
    run(&["tokenize", folder.path().to_str().unwrap(), "a"], "").exits(1).complains("spiece.model");
}
