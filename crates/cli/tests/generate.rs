//! `papo generate`: JSON Lines in, JSON Lines out, token for token what the reference gives.

mod program;

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use program::{checkpoint, golden_cases, papo, run};
use serde_json::{Value, json};

/// Asks the program for every golden case of a checkpoint and compares tokens and scores.
fn check(name: &str, batch_size: &str) {
    let cases = golden_cases(name);
    let mut input = String::new();
    for case in &cases {
        let line = json!({
            "id": case["name"], "input_ids": case["input_ids"], "generation_config": case["generation_config"],
        });
        input += &format!("{line}\n");
    }
    let folder = checkpoint(name);
    let answers = run(&["generate", &folder, "--batch-size", batch_size, "--dtype", "f32"], input)
        .exits(0)
        .json_lines();
    assert_eq!(answers.len(), cases.len());
    for (case, answer) in cases.iter().zip(&answers) {
        assert_eq!(answer["id"], case["name"]);
        assert_eq!(answer["sequences"], case["sequences"], "{name}: {}", case["name"]);
        let new_tokens: usize =
            case["sequences"].as_array().unwrap().iter().map(|row| row.as_array().unwrap().len() - 1).sum();
        assert_eq!(answer["new_tokens"], new_tokens);
        match case["scores"].as_array() {
            None => assert_eq!(answer["scores"], Value::Null),
            Some(scores) => {
                for (ours, theirs) in answer["scores"].as_array().unwrap().iter().zip(scores) {
                    let (ours, theirs) = (ours.as_f64().unwrap(), theirs.as_f64().unwrap());
                    assert!(
                        (ours - theirs).abs() < 1e-4 * theirs.abs().max(1.0),
                        "{name}: {}: {ours} {theirs}",
                        case["name"]
                    );
                }
            }
        }
    }
}

#[test]
fn bart_answers_as_the_reference() {
    check("bart-bare", "1");
}

#[test]
fn blenderbot_answers_as_the_reference() {
    check("blenderbot-bin", "1");
}

#[test]
fn t5_answers_as_the_reference() {
    check("t5-flan", "1");
}

#[test]
fn marian_answers_as_the_reference() {
    check("marian", "1");
}

#[test]
fn answers_do_not_depend_on_the_grouping() {
    check("bart-bare", "64");
    check("t5-flan", "3");
    let folder = checkpoint("blenderbot-bin");
    let input: String = (0..20)
        .map(|n| {
            let sample = if n % 3 == 0 { json!({"do_sample": true, "seed": 7}) } else { json!({}) };
            format!("{}\n", json!({"id": n, "text": "Hi ".repeat(n), "generation_config": sample}))
        })
        .collect();
    let arguments =
        |size| ["generate", &folder, "--num-beams", "2", "--max-new-tokens", "24", "--batch-size", size];
    let singly = run(&arguments("1"), &input).exits(0).stdout;
    assert_eq!(singly, run(&arguments("7"), &input).exits(0).stdout);
    assert_eq!(singly, run(&arguments("20"), &input).exits(0).stdout);
}

#[test]
fn a_bad_line_is_answered_by_an_error_and_the_rest_go_on() {
    let folder = checkpoint("t5-flan");
    let input = b"{\"id\":1,\"text\":\"one\"}\n\
        {\"id\":2,\"text\":3}\n\
        not json\n\
        \xff\xfe\n\
        \n\
        {\"id\":5,\"input_ids\":[999999]}\n\
        {\"id\":6,\"text\":\"a\",\"generation_config\":{\"num_beams\":2,\"num_return_sequences\":9}}\n\
        {\"id\":7,\"text\":\"a\",\"generation_config\":{\"penalty_alpha\":0.6}}\n\
        {\"id\":8,\"text\":\"a\",\"generation_config\":{\"num_beans\":2}}\n\
        {\"id\":9,\"text\":\"one\"}";
    for size in ["1", "16"] {
        let answers = run(&["generate", &folder, "--batch-size", size, "--max-new-tokens", "5"], input)
            .exits(1)
            .json_lines();
        let ids: Vec<_> = answers.iter().map(|answer| answer["id"].to_string()).collect();
        assert_eq!(ids, ["1", "2", "null", "null", "5", "6", "7", "8", "9"]);
        for answer in &answers[1..8] {
            assert!(answer["error"].as_str().is_some_and(|error| !error.is_empty()), "{answer}");
            assert!(answer.get("sequences").is_none());
        }
        assert!(answers[4]["error"].as_str().unwrap().contains("999999"));
        assert!(answers[6]["error"].as_str().unwrap().contains("penalty_alpha"));
        assert!(answers[7]["error"].as_str().unwrap().contains("num_beans"));
        assert_eq!(answers[0]["sequences"], answers[8]["sequences"]);
    }
}

#[test]
fn an_answer_has_the_fields_of_the_contract() {
    let folder = checkpoint("blenderbot-bin");
    let line = json!({"id": {"any": ["json"]}, "texts": ["Hi", ""], "generation_config": {"num_return_sequences": 2}});
    let answers =
        run(&["generate", &folder, "--num-beams", "3", "--max-new-tokens", "6"], format!("{line}\n"));
    let answer = &answers.exits(0).json_lines()[0];
    let mut fields: Vec<_> = answer.as_object().unwrap().keys().cloned().collect();
    fields.sort();
    assert_eq!(fields, ["id", "new_tokens", "scores", "sequences", "texts"]);
    assert_eq!(answer["id"], json!({"any": ["json"]}));
    for field in ["sequences", "texts", "scores"] {
        assert_eq!(answer[field].as_array().unwrap().len(), 4, "{field}");
    }
    assert!(
        answer["sequences"].as_array().unwrap().iter().all(|row| row[0] == 1),
        "the decoder start token is kept"
    );
}

#[test]
fn options_of_a_line_go_before_those_of_the_command_line() {
    let folder = checkpoint("t5-flan");
    let input = "{\"text\":\"a\"}\n{\"text\":\"a\",\"generation_config\":{\"max_new_tokens\":2,\"min_new_tokens\":2}}\n";
    let arguments = ["generate", &folder, "--max-new-tokens", "5", "--min-new-tokens", "5"];
    let answers = run(&arguments, input).exits(0).json_lines();
    assert_eq!((&answers[0]["new_tokens"], &answers[1]["new_tokens"]), (&json!(5), &json!(2)));
}

#[test]
fn the_same_seed_draws_the_same_answer() {
    let folder = checkpoint("t5-flan");
    let ask = |seed| {
        run(
            &["generate", &folder, "--do-sample", "--max-new-tokens", "12", "--seed", seed],
            "{\"text\":\"a\"}",
        )
        .exits(0)
        .stdout
    };
    assert_eq!(ask("1"), ask("1"));
    assert_ne!(ask("1"), ask("2"));
}

#[test]
fn a_line_is_answered_before_the_next_one_is_sent() {
    let folder = checkpoint("t5-flan");
    let mut child = papo()
        .args(["generate", &folder, "--batch-size", "8", "--max-new-tokens", "3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for id in 0..3 {
        writeln!(stdin, "{{\"id\":{id},\"text\":\"a\"}}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("{{\"id\":{id},")), "{answer}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_leaves_early_is_no_accident() {
    let folder = checkpoint("t5-flan");
    let mut child = papo()
        .args(["generate", &folder, "--max-new-tokens", "3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for _ in 0..50 {
            if stdin.write_all(b"{\"text\":\"a\"}\n").is_err() {
                break;
            }
        }
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let folder = checkpoint("t5-flan");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut child = papo()
        .args(["generate", &folder, "--max-new-tokens", "3"])
        .stdin(Stdio::piped())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(b"{\"text\":\"a\"}\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output"));
}

#[test]
fn a_huge_text_is_answered_or_refused_but_never_a_crash() {
    let huge = "word ".repeat(20_000);
    for name in ["bart-bare", "blenderbot-bin"] {
        let input = format!("{}\n{}\n", json!({"id": 1, "text": huge}), json!({"id": 2, "text": "Hi"}));
        let run = run(&["generate", &checkpoint(name), "--max-new-tokens", "2"], input);
        let answers = run.json_lines();
        assert_eq!((&answers[0]["id"], &answers[1]["id"]), (&json!(1), &json!(2)));
        assert!(answers[1]["sequences"].is_array());
    }
}

#[test]
fn a_long_text_keeps_its_end_and_the_user_is_told() {
    let folder = checkpoint("blenderbot-bin");
    let line = |text: &str| format!("{}\n", json!({ "text": text }));
    // More than 128 tokens, of which the beginning cannot matter.
    let tail = "one two three four five ".repeat(60);
    let run_on = |head: &str| run(&["generate", &folder], line(&format!("{head}{tail}"))).exits(0);
    let (first, second) = (run_on("first words "), run_on("other beginning "));
    assert_eq!(first.json_lines()[0]["sequences"], second.json_lines()[0]["sequences"]);
    assert!(first.stderr.contains("it sees only the end"), "{}", first.stderr);
    let truncated = &first.json_lines()[0]["truncated"];
    assert_eq!(truncated["kept"], "end");
    assert!(truncated["dropped"].as_u64().unwrap() > 100, "{truncated}");
    // Of several texts each has its own; one that fits has nothing to say, and a line of such has no field.
    let several = run(
        &["generate", &folder],
        format!("{}\n{}\n", json!({"texts": ["Hi", tail]}), json!({"texts": ["Hi", "there"]})),
    );
    let answers = several.exits(0).json_lines();
    assert_eq!(
        (&answers[0]["truncated"][0], &answers[0]["truncated"][1]["kept"]),
        (&Value::Null, &json!("end"))
    );
    assert!(answers[1].get("truncated").is_none());
}

#[test]
fn a_folder_without_a_tokenizer_answers_ids_and_refuses_text() {
    let whole = checkpoint("t5-flan");
    let bare = tempfile::tempdir().unwrap();
    for file in ["config.json", "generation_config.json", "model.safetensors"] {
        std::fs::copy(std::path::Path::new(&whole).join(file), bare.path().join(file)).unwrap();
    }
    let ids = "{\"input_ids\": [5, 6, 1]}\n";
    let answers = run(&["generate", bare.path().to_str().unwrap()], format!("{ids}{{\"text\": \"a\"}}\n"))
        .exits(1)
        .json_lines();
    let with_tokenizer = run(&["generate", &whole], ids).exits(0).json_lines();
    assert_eq!(answers[0]["sequences"], with_tokenizer[0]["sequences"]);
    assert_eq!(answers[0]["texts"], Value::Null);
    assert!(answers[1]["error"].as_str().unwrap().contains("no tokenizer"), "{}", answers[1]);
}
