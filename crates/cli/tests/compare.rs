//! `papo compare`: the same prompts to several models.

mod program;
use program::{checkpoint, run};

#[test]
fn prompts_go_down_and_models_across() {
    let (t5, blenderbot) = (checkpoint("t5-flan"), checkpoint("blenderbot-bin"));
    let arguments = ["compare", &t5, &blenderbot, "--json", "--max-new-tokens", "6"];
    let compared = run(&arguments, "Hi\n\nWhat now?\n").exits(0).json_lines().remove(0);
    assert_eq!(compared["prompts"], serde_json::json!(["Hi", "What now?"]));
    let models = compared["models"].as_array().unwrap();
    assert_eq!((&models[0]["model"], &models[1]["model"]), (&"t5-flan".into(), &"blenderbot-bin".into()));
    for model in models {
        let answers = model["answers"].as_array().unwrap();
        assert_eq!(answers.len(), 2);
        assert!(
            answers.iter().all(|answer| answer["text"].is_string() && answer["tokens_per_s"].is_number())
        );
    }
}

#[test]
fn an_answer_is_what_a_chat_without_memory_gives() {
    let folder = checkpoint("blenderbot-bin");
    let options = ["--max-new-tokens", "6", "--num-beams", "1"];
    let compared = run(&[&["compare", &folder, "--json"], &options[..]].concat(), "Hi\n")
        .exits(0)
        .json_lines()
        .remove(0);
    let chatted =
        run(&[&["chat", &folder, "--memory", "off"], &options[..]].concat(), "Hi\nbye\n").exits(0).stdout;
    let reply = chatted.lines().nth(1).unwrap().strip_prefix("Chatbot: ").unwrap().to_owned();
    assert_eq!(compared["models"][0]["answers"][0]["text"], reply);
}

#[test]
fn prompts_come_from_a_file_and_the_page_stands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (prompts, page) = (folder.path().join("prompts.txt"), folder.path().join("page.html"));
    std::fs::write(&prompts, "Hi <b>there</b>\nAnd now?\n").unwrap();
    let t5 = checkpoint("t5-flan");
    let (prompts, page) = (prompts.to_str().unwrap(), page.to_str().unwrap());
    let shown = run(&["compare", &t5, "--prompts", prompts, "--html", page, "--max-new-tokens", "6"], "")
        .exits(0)
        .complains(&format!("wrote {page} ("))
        .stdout;
    assert!(shown.contains("t5-flan") && shown.contains("And now?"), "{shown}");
    let html = std::fs::read_to_string(page).unwrap();
    assert!(
        html.contains("Hi &lt;b&gt;there&lt;/b&gt;") && !html.contains("http://") && !html.contains("src=")
    );
    assert!(html.contains("<dt>Command</dt><dd><code>papo compare ") && html.contains("--max-new-tokens 6"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside the page");
    let again = ["compare", &t5, "--prompts", prompts, "--html", page, "--max-new-tokens", "2"];
    run(&again, "").exits(1).complains("--overwrite");
    assert_eq!(std::fs::read_to_string(page).unwrap(), html);
    run(&[&again[..], &["--overwrite"]].concat(), "").exits(0);
    assert_ne!(std::fs::read_to_string(page).unwrap(), html);
}

#[test]
fn what_cannot_be_read_or_written_is_told_before_anything_is_computed() {
    let t5 = checkpoint("t5-flan");
    run(&["compare", &t5, "--prompts", "/no/such/file"], "").exits(1).complains("/no/such/file");
    run(&["compare", &t5, "--html", "/no/such/folder/page.html"], "Hi\n")
        .exits(1)
        .complains("/no/such/folder/page.html");
    let folder = tempfile::tempdir().unwrap();
    run(&["compare", &t5, "--html", folder.path().to_str().unwrap()], "Hi\n").exits(1).complains("folder");
    run(&["compare", &t5], "\n").exits(1).complains("prompt");
    run(&["compare", &t5], "").exits(2).complains("--prompt");
    run(&["compare", &t5], b"\xff\n").exits(1).complains("UTF-8");
}

#[test]
fn a_model_that_cannot_be_loaded_does_not_spoil_the_rest() {
    let empty = tempfile::tempdir().unwrap();
    std::fs::write(empty.path().join("config.json"), "{}").unwrap();
    let (t5, empty) = (checkpoint("t5-flan"), empty.path().to_str().unwrap().to_owned());
    let compared = run(&["compare", &empty, &t5, "--json", "--max-new-tokens", "3"], "Hi\n")
        .exits(1)
        .complains("config.json");
    assert_eq!(compared.json_lines()[0]["models"].as_array().unwrap().len(), 1);
}

#[test]
fn prompts_may_stand_on_the_command_line() {
    let t5 = checkpoint("t5-flan");
    let words =
        ["compare", &t5, "--json", "--max-new-tokens", "3", "--prompt", "Hi", "--prompt", "--What now?"];
    let compared = run(&words, "not read\n").exits(0).json_lines().remove(0);
    assert_eq!(compared["prompts"], serde_json::json!(["Hi", "--What now?"]));
    run(&["compare", &t5, "--prompt", " "], "").exits(2).complains("--prompt");
    run(&["compare", &t5, "--prompt", "Hi", "--prompts", "file"], "").exits(2).complains("--prompts");
}

#[test]
fn a_prompt_that_was_cut_says_so() {
    let bart = checkpoint("bart-bare");
    let long = "word ".repeat(5_000);
    let words = ["compare", &bart, "--json", "--max-new-tokens", "3", "--prompt", "Hi", "--prompt", &long];
    let compared = run(&words, "").exits(0).json_lines().remove(0);
    let answers = &compared["models"][0]["answers"];
    assert!(answers[0].get("truncated").is_none());
    assert_eq!(answers[1]["truncated"]["kept"], "end");
    assert!(answers[1]["truncated"]["dropped"].as_u64().unwrap() > 1_000);
}
