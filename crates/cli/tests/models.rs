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
