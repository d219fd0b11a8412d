//! `papo eval`: figures of the fixtures, the same with any batch size, and refusals.

mod program;
use program::{checkpoint, run};
use serde_json::Value;

fn written(name: &str, content: impl AsRef<[u8]>) -> String {
    let folder = tempfile::tempdir().unwrap().keep();
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

fn figures(arguments: &[&str]) -> Value {
    let mut all = vec!["eval"];
    all.extend(arguments);
    all.push("--json");
    run(&all, "").exits(0).json_lines().remove(0)
}

fn number(figures: &Value, name: &str) -> f64 {
    figures[name].as_f64().unwrap_or_else(|| panic!("{name}: {figures}"))
}

const PAIRS: &str =
    "the house is small\tdas Haus ist klein\n\nhow old are you\twie alt bist du\tHow old are you\n";

#[test]
fn pairs_have_perplexity_bleu_and_chrf() {
    let data = written("pairs.tsv", PAIRS);
    for name in ["t5-flan", "bart-bare", "marian", "blenderbot-bin"] {
        let found = figures(&[&checkpoint(name), "--data", &data, "--max-new-tokens", "8"]);
        assert!(number(&found, "perplexity") > 1.0, "{name}: {found}");
        assert_eq!((&found["texts"], &found["words"]), (&2.into(), &8.into()));
        assert!(number(&found, "bleu") >= 0.0 && number(&found, "chrf") >= 0.0);
        let per_word = number(&found, "perplexity_per_word").ln() * 8.0;
        let per_token = number(&found, "perplexity").ln() * number(&found, "tokens");
        assert!((per_word - per_token).abs() < 1e-6, "{name}: {found}");
        assert!((number(&found, "log_prob_base10") * std::f64::consts::LN_10 + per_token).abs() < 1e-6);
    }
}

#[test]
fn figures_do_not_depend_on_the_batch_size() {
    let data = written("pairs.tsv", "a\tb c d\nb c\ta\nc d e f\tg h i j\nx\ty z\n");
    for name in ["t5-flan", "bart-full"] {
        let one =
            figures(&[&checkpoint(name), "--data", &data, "--batch-size", "1", "--max-new-tokens", "6"]);
        let all =
            figures(&[&checkpoint(name), "--data", &data, "--batch-size", "9", "--max-new-tokens", "6"]);
        for figure in ["perplexity", "tokens", "bleu", "chrf"] {
            assert!((number(&one, figure) - number(&all, figure)).abs() < 1e-9, "{name}, {figure}");
        }
    }
}

#[test]
fn replies_are_scored_behind_what_went_before() {
    let data = written("talk.jsonl", "{\"turns\": [\"Hi!\", \"Hello!\", \"How are you?\"]}\n");
    let found = figures(&["transformer", "--data", &data]);
    assert_eq!((&found["texts"], &found["words"]), (&2.into(), &4.into()));
    assert!(found.get("bleu").is_none());
}

#[test]
fn translations_can_be_given_and_kept() {
    let data = written("pairs.tsv", PAIRS);
    let given = written("given.txt", "das Haus ist klein\nhow old are you\n");
    let kept = written("kept.txt", "of another day");
    let model = checkpoint("t5-flan");
    let arguments =
        [&model, "--data", &data, "--hypotheses", &given, "--save-hypotheses", &kept, "--lowercase"];
    run(&[&["eval"], &arguments[..]].concat(), "").exits(1).complains("--overwrite");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "of another day");
    let found = figures(&[&arguments[..], &["--overwrite"]].concat());
    assert!((number(&found, "bleu") - 100.0).abs() < 1e-9, "{found}");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "das Haus ist klein\nhow old are you\n");
}

#[test]
fn a_place_for_translations_that_cannot_be_written_is_told_before_the_work() {
    let data = written("pairs.tsv", PAIRS);
    let arguments =
        ["eval", &checkpoint("t5-flan"), "--data", &data, "--save-hypotheses", "/no/such/folder/h.txt"];
    let found = run(&arguments, "").exits(1).complains("/no/such/folder/h.txt");
    assert_eq!(found.stdout, "");
}

/// What was measured is told though the file beside it cannot be written in the end.
#[cfg(target_os = "linux")]
#[test]
fn figures_are_printed_though_the_translations_cannot_be_kept() {
    let data = written("pairs.tsv", PAIRS);
    let arguments =
        ["eval", &checkpoint("t5-flan"), "--data", &data, "--save-hypotheses", "/dev/full", "--json"];
    let found = run(&arguments, "").exits(1).complains("/dev/full");
    assert!(found.json_lines()[0]["bleu"].is_number());
}

#[test]
fn options_without_an_effect_are_a_wrong_usage() {
    let (data, model) = (written("pairs.tsv", PAIRS), checkpoint("t5-flan"));
    for flag in ["--temperature", "--top-p"] {
        let told = run(&["eval", &model, "--data", &data, flag, "0.5"], "").exits(2).complains("do_sample");
        assert_eq!(told.stdout, "");
        run(&["bench", &model, "--runs", "1", "--new-tokens", "2", flag, "0.5"], "")
            .exits(2)
            .complains("do_sample");
    }
    run(&["eval", &model, "--data", &data, "--lowercase", "--hypotheses", &data, "--num-beams", "2"], "")
        .exits(2)
        .complains("--num-beams");
}

#[test]
fn the_limit_counts_lines() {
    let data = written("pairs.tsv", PAIRS);
    assert_eq!(figures(&[&checkpoint("t5-flan"), "--data", &data, "--limit", "1"])["texts"], 1);
}

#[test]
fn bad_data_is_refused_with_its_line() {
    let model = checkpoint("t5-flan");
    let refused = |file: &str, arguments: &[&str], code: i32, what: &str| {
        let mut all = vec!["eval", &model, "--data", file];
        all.extend(arguments);
        let told = run(&all, "").exits(code).stderr;
        assert!(told.contains(what), "{told}");
    };
    refused(&written("a.tsv", "a\tb\nno tab\n"), &[], 1, "line 2: there is no tab");
    refused(&written("a.tsv", b"a\tb\n\xff\tb\n"), &[], 1, "line 2: byte 1 of the line is not UTF-8");
    refused(&written("a.jsonl", "\n[1]\n"), &[], 1, "line 2: a JSON array begins here");
    refused(&written("a.tsv", b"a\0\tb\n"), &[], 1, "line 1: there is a zero byte (NUL)");
    refused(&written("a.tsv", ""), &[], 1, "there are no pairs in it");
    refused(&written("a.txt", "Hi\n"), &[], 1, "cannot continue the plain text");
    refused("nowhere.tsv", &[], 1, "cannot read nowhere.tsv");
    let few = written("few.txt", "one\n");
    refused(&written("a.tsv", PAIRS), &["--hypotheses", &few], 1, "there are 1 translations for 2 pairs");
    refused(&written("a.jsonl", "{}"), &["--hypotheses", &few], 2, "no pairs");
}

#[test]
fn perplexity_is_kenlms() {
    let named = std::env::var_os("PAPO_DATA").map(std::path::PathBuf::from);
    let above =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared/data"));
    let found = named.into_iter().chain(above).map(|data| data.join("kenlm")).find(|folder| folder.is_dir());
    let Some(folder) = found else {
        println!("skipped: no kenlm folder in $PAPO_DATA or shared/data");
        return;
    };
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let figures = figures(&[&path("o3.arpa.gz"), "--data", &path("test.txt")]);
    // The last lines of o3.query.txt.gz: what KenLM's query prints.
    for (name, theirs) in
        [("perplexity", 471.878_643_788_578_1), ("perplexity_excluding_oov", 206.036_722_748_894_48)]
    {
        let ours = number(&figures, name);
        assert!((ours / theirs - 1.0).abs() < 1e-6, "{name}: {ours} and not {theirs}");
    }
    assert_eq!((&figures["oov"], &figures["tokens"]), (&1234.into(), &9203.into()));
}
