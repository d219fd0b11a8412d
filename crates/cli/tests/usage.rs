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
fn a_precision_means_nothing_to_a_model_without_weights() {
    for command in [&["chat", "ngram"][..], &["next", "ngram", "hello"], &["bench", "ngram", "--runs", "1"]] {
        let words = [command, &["--dtype", "int8"]].concat();
        run(&words, "Hi\n").exits(2).complains("--dtype int8").complains("no weights");
    }
    run(&["compare", "ngram", "rnn", "--dtype", "int8", "--prompt", "Hi"], "").exits(0);
}

#[test]
fn a_model_that_is_nowhere_is_an_error_and_says_where_it_was_looked_for() {
    run(&["chat", "/no/such/folder"], "Hi\n").exits(1).complains("/no/such/folder");
    run(&["chat", ""], "Hi\n").exits(1);
}

#[test]
fn a_mistyped_word_is_met_by_a_near_spelling_or_by_none() {
    for (words, meant) in [
        (&["chta"][..], "'chat'"),
        (&["completion", "bash"], "'completions'"),
        (&["train", "lsmt"], "'lstm'"),
        (&["compare", "--promts", "f"], "'--prompts'"),
        (&["chat", "--max-tokens", "4"], "'--max-new-tokens'"),
        (&["chat", "--dtype", "int7"], "'int4'"),
    ] {
        run(words, "").exits(2).complains(&format!("exists: {meant}"));
    }
    for words in [
        &["delete", "x"][..],
        &["run", "x"],
        &["chat", "--no-stream"],
        &["generate", "x", "--input", "f"],
        &["train", "gpt"],
    ] {
        let run = run(words, "").exits(2);
        assert!(!run.stderr.contains("tip:"), "{words:?}: {}", run.stderr);
        let named = words.iter().find(|word| word.starts_with("--")).or(words.last()).unwrap();
        assert!(run.stderr.contains(named) || run.stderr.contains(words[0]), "{words:?}: {}", run.stderr);
        // The parser's own usage line named its suggestion.
        assert!(!run.stderr.contains("--do-sample") && !run.stderr.contains("--epsilon"), "{}", run.stderr);
    }
}

#[test]
fn values_of_environment_variables_are_refused_as_options_are() {
    for (name, value) in [
        ("PAPO_NUM_THREADS", "0"),
        ("PAPO_NUM_THREADS", "four"),
        ("PAPO_KERNELS", "sse"),
        ("HF_HUB_OFFLINE", "maybe"),
        ("TRANSFORMERS_OFFLINE", "2"),
        ("HF_HUB_ETAG_TIMEOUT", "soon"),
        ("HF_HUB_DOWNLOAD_TIMEOUT", "0"),
        ("HF_ENDPOINT", "mirror.example"),
    ] {
        let set = |command: &mut std::process::Command| {
            command.env(name, value);
        };
        let run = program::run_with(set, &["tokenize", "transformer", "Hi"], "").exits(2);
        assert!(
            run.stderr.contains(name) && run.stderr.contains(value) && run.stdout.is_empty(),
            "{}",
            run.stderr
        );
        // Help is for everybody.
        program::run_with(set, &["--help"], "").exits(0);
        program::run_with(set, &["completions", "bash"], "").exits(0);
    }
    let secret = |command: &mut std::process::Command| {
        command.env("HF_TOKEN", "hf_secret with a space");
    };
    let run = program::run_with(secret, &["list"], "").exits(2).complains("HF_TOKEN");
    assert!(!run.stderr.contains("hf_secret"), "{}", run.stderr);
}

#[test]
fn variables_of_others_are_passed_over_with_a_remark() {
    let words = ["compare", "ngram", "--prompt", "Hi", "--max-new-tokens", "3"];
    let set = |command: &mut std::process::Command| {
        command.env("OMP_NUM_THREADS", "many").env("COLUMNS", "wide").env_remove("PAPO_NUM_THREADS");
    };
    program::run_with(set, &words, "").exits(0).complains("OMP_NUM_THREADS").complains("COLUMNS");
    let narrow = |command: &mut std::process::Command| {
        command.env("COLUMNS", "50");
    };
    let table = program::run_with(narrow, &words, "").exits(0).stdout;
    assert!(table.lines().all(|line| line.chars().count() <= 50), "{table}");
}

#[test]
fn threads_come_from_the_command_line_or_else_from_the_environment() {
    let folder = program::checkpoint("t5-flan");
    let threads = |variables: &[(&str, &str)], flags: &[&str]| {
        let words = [&["bench", &folder, "--runs", "1", "--new-tokens", "2", "--json"], flags].concat();
        let set = |command: &mut std::process::Command| {
            command
                .env_remove("PAPO_NUM_THREADS")
                .env_remove("OMP_NUM_THREADS")
                .envs(variables.iter().copied());
        };
        program::run_with(set, &words, "").exits(0).json_lines()[0]["threads"].clone()
    };
    let (own, openmp) = (("PAPO_NUM_THREADS", "3"), ("OMP_NUM_THREADS", "2,1"));
    assert_eq!(threads(&[own, openmp], &["--threads", "1"]), 1);
    assert_eq!(threads(&[own, openmp], &[]), 3);
    assert_eq!(threads(&[openmp], &[]), 2);
    assert_eq!(threads(&[("PAPO_NUM_THREADS", ""), openmp], &[]), 2);
}

#[test]
fn help_lists_what_applies_and_the_environment() {
    let bench = run(&["bench", "--help"], "").exits(0).stdout;
    assert!(
        !bench.contains("--max-new-tokens") && !bench.contains("--num-beams") && bench.contains("--top-k")
    );
    let chat = run(&["chat", "--help"], "").exits(0).stdout;
    assert!(!chat.contains("--num-return-sequences") && chat.contains("--num-beams"));
    run(&["chat", "--num-return-sequences", "3"], "").exits(2).complains("one reply");
    run(&["eval", "transformer", "--data", "text.txt", "--num-beams", "3"], "")
        .exits(2)
        .complains("no pairs");
    for (kind, idle, used) in [
        ("gru", &["--target-tokens"][..], &["--unroll", "--unit"][..]),
        ("transformer", &["--unroll", "--unit"], &["--target-tokens"]),
    ] {
        let train = run(&["train", kind, "--help"], "").exits(0).stdout;
        assert!(idle.iter().all(|flag| !train.contains(flag)), "{train}");
        assert!(used.iter().all(|flag| train.contains(flag)), "{train}");
    }
    let help = run(&["--help"], "").exits(0).stdout;
    for name in
        ["PAPO_NUM_THREADS", "PAPO_KERNELS", "HF_HUB_OFFLINE", "HF_TOKEN", "NO_COLOR", "XDG_STATE_HOME"]
    {
        assert!(help.contains(name), "{name}: {help}");
    }
}

#[test]
fn completions_and_pages_of_the_manual_are_printed() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell], "").exits(0).stdout;
        assert!(script.contains("papo") && script.contains("num-beams"), "{shell}");
    }
    run(&["completions", "tcsh"], "").exits(2).complains("bash");
    let page = run(&["man"], "").exits(0).stdout;
    assert!(
        page.contains(".TH papo 1") && page.contains("papo\\-chat(1)") && page.contains("HF_HUB_OFFLINE"),
        "{page}"
    );
    let page = run(&["man", "train", "ngram"], "").exits(0).stdout;
    assert!(page.contains(".TH papo-train-ngram 1") && page.contains("from\\-arpa"), "{page}");
    run(&["man", "frobnicate"], "").exits(2).complains("frobnicate");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let written = run(&["man", "--out", pages.to_str().unwrap()], "").exits(0).stdout;
    assert!(written.lines().all(|file| std::path::Path::new(file).is_file()));
    assert!(pages.join("papo.1").is_file() && pages.join("papo-chat.1").is_file());
}
