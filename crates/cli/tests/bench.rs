//! `papo bench` and `papo next`: figures for programs and for people.

mod program;
use program::{checkpoint, run};
use serde_json::Value;

fn bench(name: &str, arguments: &[&str]) -> Value {
    let folder = checkpoint(name);
    let words = ["bench", &folder, "--json", "--runs", "3", "--threads", "2", "--dtype", "f32"];
    let mut lines = run(&[&words, arguments].concat(), "").exits(0).json_lines();
    assert_eq!(lines.len(), 1, "one JSON object");
    lines.remove(0)
}

#[test]
fn the_figures_of_the_contract_are_there() {
    let figures =
        bench("bart-bare", &["--input-tokens", "20", "--new-tokens", "16", "--batch", "2", "--beams", "1"]);
    for name in ["tokens_per_s", "first_token_ms", "encode_ms", "load_ms", "weight_bytes_per_step"] {
        assert!(figures[name].as_f64().is_some_and(|figure| figure > 0.0), "{name}: {figures}");
    }
    if cfg!(target_os = "linux") {
        assert!(figures["peak_rss_bytes"].as_u64().unwrap() > 1 << 20);
    }
    assert_eq!(figures["runs"].as_array().unwrap().len(), 3);
    assert_eq!((&figures["new_tokens"], &figures["batch"]), (&16.into(), &2.into()));
}

#[test]
fn the_top_figures_are_medians_over_the_runs() {
    let figures = bench("t5-flan", &["--new-tokens", "8"]);
    for name in ["tokens_per_s", "first_token_ms", "encode_ms"] {
        let mut runs: Vec<f64> =
            figures["runs"].as_array().unwrap().iter().map(|run| run[name].as_f64().unwrap()).collect();
        runs.sort_by(f64::total_cmp);
        assert_eq!(figures[name].as_f64().unwrap(), runs[1], "{name}");
    }
}

#[test]
fn exactly_the_tokens_asked_for_are_made_by_every_family() {
    for name in ["bart-bare", "blenderbot-bin", "t5-flan", "marian"] {
        for beams in ["1", "3"] {
            let figures = bench(name, &["--new-tokens", "30", "--beams", beams, "--batch", "2"]);
            assert_eq!(figures["made_tokens"], 60, "{name}, {beams} beams");
        }
    }
}

#[test]
fn people_get_a_table() {
    let folder = checkpoint("t5-flan");
    let shown = run(&["bench", &folder, "--runs", "1", "--new-tokens", "4"], "").exits(0).stdout;
    assert!(shown.contains("tokens/s") && !shown.contains('{'), "{shown}");
}

#[test]
fn more_tokens_than_a_model_has_positions_are_refused_in_a_sentence() {
    let folder = checkpoint("bart-bare");
    run(&["bench", &folder, "--input-tokens", "100000"], "").exits(1).complains("100000");
}

#[test]
fn options_that_bench_decides_itself_are_refused() {
    run(&["bench", "somewhere", "--max-new-tokens", "5"], "").exits(2).complains("--new-tokens");
    run(&["bench", "somewhere", "--num-beams", "5"], "").exits(2).complains("--beams");
}

#[test]
fn the_likeliest_next_tokens_come_with_probabilities_that_fall() {
    let folder = checkpoint("t5-flan");
    let next = run(&["next", &folder, "a b", "--top", "5", "--json"], "").exits(0).json_lines().remove(0);
    let list = next["next"].as_array().unwrap();
    assert_eq!(list.len(), 5);
    let probabilities: Vec<_> = list.iter().map(|entry| entry["probability"].as_f64().unwrap()).collect();
    assert!(probabilities.is_sorted_by(|a, b| a >= b) && probabilities.iter().sum::<f64>() <= 1.0 + 1e-6);
    assert!(list.iter().all(|entry| entry["id"].is_u64() && entry["token"].is_string()));
}

#[test]
fn the_likeliest_next_token_is_the_one_that_greedy_search_takes() {
    let folder = checkpoint("blenderbot-bin");
    let next = run(&["next", &folder, "Hi", "--top", "1", "--json"], "").exits(0).json_lines().remove(0);
    let options = r#"{"max_new_tokens":1,"num_beams":1,"forced_eos_token_id":null,"min_length":0,"encoder_no_repeat_ngram_size":0}"#;
    let line = format!("{{\"text\":\"Hi\",\"generation_config\":{options}}}");
    let greedy = run(&["generate", &folder], line).exits(0).json_lines().remove(0);
    assert_eq!(next["next"][0]["id"], greedy["sequences"][0][1]);
}

#[test]
fn a_beginning_of_the_reply_is_read_before_its_next_token() {
    let folder = checkpoint("t5-flan");
    let shown = |after: &[&str]| {
        run(&[&["next", &folder, "a b", "--json"], after].concat(), "").exits(0).json_lines().remove(0)
    };
    let (plain, later) = (shown(&[]), shown(&["--after", "b"]));
    assert_eq!(plain["prefix"].as_array().unwrap().len() + 1, later["prefix"].as_array().unwrap().len());
    assert_ne!(plain["next"], later["next"]);
}

#[test]
fn next_reads_lines_of_standard_input_and_says_what_it_cut() {
    let folder = checkpoint("bart-bare");
    let words = ["next", &folder, "--top", "2", "--json"];
    let long = "word ".repeat(5_000);
    let lines = run(&words, format!("Hi\n\n{long}\n")).exits(0).json_lines();
    assert_eq!(lines.len(), 3);
    let alone = run(&["next", &folder, "Hi", "--top", "2", "--json"], "").exits(0).json_lines();
    assert_eq!(lines[0], alone[0]);
    assert!(lines[0].get("truncated").is_none());
    assert_eq!(lines[2]["truncated"]["kept"], "end");
    assert_eq!(run(&[&words[..], &["-"]].concat(), "Hi\n").exits(0).json_lines(), alone);
    let bad = run(&words, b"Hi\n\xff\nHi\n").exits(1).json_lines();
    assert!(bad[1]["error"].as_str().unwrap().contains("UTF-8") && bad[2] == alone[0]);
}
