//! Wrong usage exits with 2 and names the word that was wrong, before any model is looked for.

mod program;
use program::run;

#[test]
fn help_and_version_are_results() {
    assert!(run(&["--version"], "").exits(0).stdout.starts_with("papo "));
    let help = run(&["help"], "").exits(0).stdout;
    for command in ["chat", "compare", "generate", "tokenize", "next", "bench", "pull", "list", "show", "rm"]
    {
        assert!(
            help.lines().any(|line| line.trim_start().starts_with(command)),
            "{command} is missing:\n{help}"
        );
        assert!(run(&[command, "--help"], "").exits(0).stdout.contains("Usage"));
    }
}

#[test]
fn every_generation_option_is_in_the_help() {
    let help = run(&["generate", "--help"], "").exits(0).stdout;
    for flag in [
        "--num-beams",
        "--max-new-tokens",
        "--no-repeat-ngram-size",
        "--early-stopping",
        "--seed",
        "--typical-p",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn unknown_words_are_named() {
    run(&["frobnicate"], "").exits(2).complains("frobnicate");
    run(&["chat", "--frobnicate"], "").exits(2).complains("--frobnicate");
    run(&["tokenize", "somewhere", "--frobnicate"], "").exits(2).complains("--frobnicate");
    run(&["chat", "--num-beans", "4"], "").exits(2).complains("--num-beans");
    run(&["train", "rnn"], "").exits(2).complains("train");
    run(&[], "").exits(2);
}

#[test]
fn an_option_of_transformers_that_papo_lacks_is_refused_with_what_it_would_do() {
    run(&["generate", "somewhere", "--penalty-alpha", "0.6"], "").exits(2).complains("contrastive search");
    run(&["generate", "somewhere", "--num-beam-groups=2"], "").exits(2).complains("diverse beam search");
}

#[test]
fn values_of_the_wrong_kind_are_named() {
    run(&["chat", "--num-beams", "four"], "").exits(2).complains("four").complains("num");
    run(&["chat", "--do-sample=maybe"], "").exits(2).complains("maybe");
    run(&["chat", "--threads", "0"], "").exits(2).complains("--threads");
    run(&["chat", "--memory", "perhaps"], "").exits(2).complains("perhaps");
    run(&["generate", "somewhere", "--batch-size", "0"], "").exits(2).complains("--batch-size");
    run(&["bench", "somewhere", "--new-tokens", "-3"], "").exits(2);
    run(&["chat", "--dtype", "f64"], "").exits(2).complains("f64");
    run(&["bench", "somewhere", "--batch", "4000000000"], "").exits(2).complains("--batch");
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_utf8_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let output = program::papo().arg("tokenize").arg(std::ffi::OsStr::from_bytes(b"\xff")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn precisions_that_do_not_exist_are_refused_with_those_that_do() {
    run(&["chat", "--dtype", "int7"], "").exits(2).complains("int8");
    run(&["bench", "somewhere", "--dtype", "q4"], "").exits(2).complains("int4");
}

#[test]
fn options_that_contradict_each_other_are_refused_before_anything_is_read() {
    let contradictions: [&[&str]; 4] = [
        &["--max-length", "1"],
        &["--num-return-sequences", "3"],
        &["--num-beams", "2", "--num-return-sequences", "3"],
        &["--num-beams", "4", "--num-beams", "5"],
    ];
    let folder = program::checkpoint("t5-flan");
    for words in contradictions {
        let arguments = [&["generate", &folder], words].concat();
        let run = run(&arguments, "{\"text\":\"a\"}\n").exits(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{words:?}: {}", run.stderr);
    }
}

#[test]
fn an_option_without_effect_is_told() {
    let folder = program::checkpoint("t5-flan");
    let arguments = ["generate", &folder, "--temperature", "0.5", "--max-new-tokens", "2"];
    run(&arguments, "{\"text\":\"a\"}\n").exits(0).complains("`temperature`");
    let quiet = run(&[&arguments[..], &["--quiet"]].concat(), "{\"text\":\"a\"}\n").exits(0);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn a_model_that_is_nowhere_is_an_error_and_says_where_it_was_looked_for() {
    run(&["chat", "/no/such/folder"], "Hi\n").exits(1).complains("/no/such/folder");
    run(&["chat", ""], "Hi\n").exits(1);
}
