//! `papo show`, `list`, `pull` and `rm`: what models there are and what they are.

mod program;
use program::{checkpoint, run};

#[test]
fn a_folder_is_described_without_loading_it() {
    for (name, family, layers) in
        [("bart-bare", "BART", 1), ("blenderbot-bin", "Blenderbot", 2), ("marian", "Marian", 2)]
    {
        let shown = run(&["show", &checkpoint(name), "--json"], "").exits(0).json_lines().remove(0);
        assert_eq!(shown["family"], family);
        assert_eq!(shown["decoder"]["layers"], layers, "{name}");
        assert!(shown["parameters"].as_u64().unwrap() > 10_000);
        assert!(shown["files"].as_array().unwrap().iter().any(|file| file["name"] == "config.json"));
        assert!(shown["generation_config"].is_object());
        let text = run(&["show", &checkpoint(name)], "").exits(0).stdout;
        assert!(text.contains(family) && text.contains("config.json"), "{text}");
    }
}

#[test]
fn a_folder_that_is_no_model_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    run(&["show", path], "").exits(1).complains("config.json");
    std::fs::write(folder.path().join("config.json"), r#"{"model_type": "gpt2"}"#).unwrap();
    run(&["show", path], "").exits(1).complains("gpt2");
    std::fs::write(folder.path().join("config.json"), "[").unwrap();
    run(&["show", path], "").exits(1).complains("JSON");
}

/// A cache in Hugging Face's layout with one model, made of a tiny checkpoint.
fn cache(checkpoint_name: &str, name: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let model = home.path().join("hub").join(format!("models--{}", name.replace('/', "--")));
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let snapshot = model.join("snapshots").join(commit);
    for folder in [model.join("blobs"), model.join("refs"), snapshot.clone()] {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::write(model.join("refs/main"), commit).unwrap();
    for entry in std::fs::read_dir(checkpoint(checkpoint_name)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), snapshot.join(entry.file_name())).unwrap();
    }
    home
}

fn run_in(home: &tempfile::TempDir, arguments: &[&str], input: &str) -> program::Run {
    let with_home = |command: &mut std::process::Command| {
        command.env("HF_HOME", home.path());
    };
    program::run_with(with_home, arguments, input)
}

#[test]
fn a_model_in_the_cache_is_listed_shown_used_and_removed_without_a_network() {
    let home = cache("t5-flan", "someone/tiny-t5");
    let listed = run_in(&home, &["list", "--json"], "").exits(0).json_lines();
    assert!(listed.iter().any(|model| model["name"] == "someone/tiny-t5"), "{listed:?}");
    assert!(run_in(&home, &["list"], "").exits(0).stdout.contains("someone/tiny-t5"));
    let shown = run_in(&home, &["show", "someone/tiny-t5", "--json"], "").exits(0).json_lines().remove(0);
    assert_eq!(shown["family"], "T5");
    let arguments = ["generate", "someone/tiny-t5", "--max-new-tokens", "4"];
    let by_name = run_in(&home, &arguments, "{\"text\":\"a\"}").exits(0).stdout;
    let by_folder = run(&["generate", &checkpoint("t5-flan"), "--max-new-tokens", "4"], "{\"text\":\"a\"}")
        .exits(0)
        .stdout;
    assert_eq!(by_name, by_folder);
    run_in(&home, &["rm", "someone/tiny-t5"], "").exits(0);
    assert!(!run_in(&home, &["list"], "").exits(0).stdout.contains("someone/tiny-t5"));
    run_in(&home, &["rm", "someone/tiny-t5"], "").exits(1).complains("someone/tiny-t5");
}

#[test]
fn without_a_network_a_model_that_is_not_there_is_told_in_a_sentence() {
    run(&["pull", "someone/absent"], "").exits(1).complains("someone/absent");
    run(&["chat", "someone/absent"], "Hi\n").exits(1).complains("someone/absent");
    run(&["show", "someone/absent"], "").exits(1).complains("someone/absent");
    run(&["pull", "a/b/c"], "").exits(1).complains("a/b/c");
    run(&["rm", &checkpoint("t5-flan")], "").exits(1).complains("is yours");
}
