//! `papo chat` in a pipe: turns in, the plain transcript out.

mod program;
use program::{checkpoint, run};

fn chat(arguments: &[&str], input: &str) -> program::Run {
    let folder = checkpoint("blenderbot-bin");
    run(&[&["chat", &folder, "--num-beams", "1", "--max-new-tokens", "8"], arguments].concat(), input)
}

#[test]
fn the_transcript_is_that_of_the_course() {
    let shown = chat(&[], "Hi Chat, how are you?\nbye\n").exits(0).stdout;
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines[0], "You: Hi Chat, how are you?");
    assert!(lines[1].starts_with("Chatbot: "));
    assert_eq!(&lines[lines.len() - 2..], ["You: bye", "Chatbot: Goodbye!"]);
}

#[test]
fn every_farewell_ends_it_and_nothing_after_is_read() {
    let written =
        ["goodbye", "Bye!", "bye bye", "See you later!", "tchau", "Até logo!", "ate mais", "Adeus."];
    for word in ["bye", "  QUIT ", "exit", "/bye", "Bye\r"].into_iter().chain(written) {
        let shown = chat(&[], &format!("{word}\nHi\n")).exits(0).stdout;
        assert_eq!(shown, format!("You: {}\nChatbot: Goodbye!\n", word.trim_end_matches('\r')), "{word:?}");
    }
}

#[test]
fn the_end_of_input_is_a_farewell_too() {
    assert_eq!(chat(&[], "").exits(0).stdout, "Chatbot: Goodbye!\n");
    let shown = chat(&[], "Hi").exits(0).stdout;
    assert!(shown.starts_with("You: Hi\nChatbot: ") && shown.ends_with("\nChatbot: Goodbye!\n"), "{shown}");
}

#[test]
fn blank_turns_are_passed_over() {
    assert_eq!(chat(&[], "\n   \nbye\n").exits(0).stdout, "You: bye\nChatbot: Goodbye!\n");
}

#[test]
fn without_memory_the_same_words_get_the_same_reply() {
    let shown = chat(&["--memory", "off"], "Hi\nHi\nbye\n").exits(0).stdout;
    let replies: Vec<_> = shown.split("You: Hi\n").collect();
    assert_eq!(replies[1], replies[2].strip_suffix("You: bye\nChatbot: Goodbye!\n").unwrap());
}

#[test]
fn commands_work_in_a_pipe_and_leave_no_trace_in_the_transcript() {
    let run = chat(&[], "/set num_beams 2\n/show\n/help\n/clear\n/stats\nbye\n").exits(0);
    assert_eq!(run.stdout, "You: bye\nChatbot: Goodbye!\n");
    assert!(run.stderr.contains("num_beams") && run.stderr.contains("/model"), "{}", run.stderr);
}

#[test]
fn a_mistaken_command_is_told_and_the_chat_goes_on() {
    let run =
        chat(&[], "/set num_beans 4\n/load /no/such/file\n/model /no/such/folder\n/clear all\nHi\nbye\n")
            .exits(1);
    for word in ["num_beans", "/no/such/file", "/no/such/folder", "/clear"] {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
    assert!(run.stdout.starts_with("You: Hi\nChatbot: ") && run.stdout.ends_with("Chatbot: Goodbye!\n"));
}

#[test]
fn a_word_behind_a_slash_that_is_no_command_is_said() {
    let run = chat(&[], "/frobnicate it\n/etc/passwd\n/\n//help\n//\nbye\n").exits(0);
    let turns: Vec<_> = run.stdout.lines().filter_map(|line| line.strip_prefix("You: ")).collect();
    assert_eq!(turns, ["/frobnicate it", "/etc/passwd", "/", "/help", "/", "bye"]);
    assert_eq!(run.stdout.matches("Chatbot: ").count(), 6);
    assert!(run.stderr.contains("no command /frobnicate"), "{}", run.stderr);
}

#[test]
fn no_line_of_a_pipe_writes_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk.json");
    let file = file.to_str().unwrap();
    let run = chat(&[], &format!("Hi\n/save {file}\n/save! {file}\n/model org/model\nbye\n")).exits(1);
    assert!(run.stdout.ends_with("You: bye\nChatbot: Goodbye!\n"));
    assert!(
        run.stderr.contains(&format!("//save {file}")) && run.stderr.contains("papo pull org/model"),
        "{}",
        run.stderr
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-cache");
    assert!(!cache.join("hub/models--org--model").exists());
}

#[test]
fn a_pipe_goes_on_with_a_saved_conversation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk of today.json");
    let memory = ["--memory", "on"];
    let whole = chat(&memory, "Hi\nWhat now?\nbye\n").exits(0).stdout;
    let reply = whole.lines().nth(1).unwrap().strip_prefix("Chatbot: ").unwrap();
    let turns = serde_json::json!([{"speaker": "user", "text": "Hi"}, {"speaker": "chatbot", "text": reply}]);
    // As an editor on Windows would leave it.
    std::fs::write(&file, format!("\u{feff}{}", serde_json::json!({"model": "any", "turns": turns})))
        .unwrap();
    let rest = chat(&memory, &format!("/load {}\nWhat now?\nbye\n", file.display())).exits(0).stdout;
    assert!(whole.ends_with(&rest), "{whole}\n---\n{rest}");
}

#[test]
fn a_conversation_that_is_too_long_or_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (long, many) = (folder.path().join("long.json"), folder.path().join("many.json"));
    let saved =
        |turns: Vec<serde_json::Value>| serde_json::json!({"model": "any", "turns": turns}).to_string();
    let turn = |text: &str| serde_json::json!({"speaker": "user", "text": text});
    std::fs::write(&long, saved(vec![turn(&"word ".repeat(1 << 20))])).unwrap();
    std::fs::write(&many, saved(vec![turn("Hi"); 10_001])).unwrap();
    let lines = format!(
        "/load {}\n/load {}\n/load {}\nbye\n",
        long.display(),
        many.display(),
        folder.path().display()
    );
    let run = chat(&[], &lines).exits(1);
    for word in ["4 MiB", "10001 turns", "not a plain file"] {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
}

#[test]
fn a_question_behind_the_model_is_answered_once() {
    let folder = checkpoint("blenderbot-bin");
    let options = ["--num-beams", "1", "--max-new-tokens", "8"];
    let talked = chat(&[], "Hi there\nbye\n").exits(0).stdout;
    let reply = format!("{}\n", talked.lines().nth(1).unwrap().strip_prefix("Chatbot: ").unwrap());
    let ask = |question: &[&str], input: &str| run(&[&["chat", &folder], question, &options].concat(), input);
    assert_eq!(ask(&["Hi there"], "not read\n").exits(0).stdout, reply);
    assert_eq!(ask(&["Hi", "there"], "").exits(0).stdout, reply);
    assert_eq!(ask(&["-"], "\u{feff}Hi there\n").exits(0).stdout, reply);
    // Words for the model, whatever they would be in a chat.
    assert_ne!(ask(&["bye"], "").exits(0).stdout, "");
    assert_ne!(ask(&["/help"], "").exits(0).stdout, "");
    run(&["chat", "How are you?"], "").exits(2).complains("papo chat transformer \"How are you?\"");
    ask(&[" "], "").exits(2).complains("question");
    ask(&["-"], "").exits(2).complains("question");
    let long = "word ".repeat(5_000);
    ask(&[&long], "").exits(0).complains("it saw only the end");
}

#[test]
fn every_option_can_be_switched_off_and_taken_back() {
    let names: Vec<_> = papo::GenerationConfig::option_names().map(|option| option.name).collect();
    let lines: String = names.iter().map(|name| format!("/set {name} null\n/unset {name}\n")).collect();
    let run = chat(&[], &format!("{lines}/set\nHi\nbye\n")).exits(0);
    assert_eq!(run.stderr.matches("has no effect").count(), 0, "{}", run.stderr);
    assert_eq!(run.stderr.matches("switched off").count(), names.len());
    assert!(run.stdout.starts_with("You: Hi\nChatbot: "));
    let with_sampling = ["--do-sample", "--temperature", "0.5", "--seed", "1"];
    let run = chat(&with_sampling, "/set temperature NULL\n/show\n/unset temperature\n/set\nbye\n").exits(0);
    assert!(run.stderr.contains("temperature is not set any more"), "{}", run.stderr);
}

#[test]
fn the_lengths_that_are_shown_are_those_of_the_replies() {
    let folder = checkpoint("blenderbot-bin");
    let shown = run(&["chat", &folder], "/show\n/set max_new_tokens 5\n/show\nbye\n").exits(0).stderr;
    // 150 tokens unless told otherwise, but no more than the model has positions.
    assert!(shown.contains("at most 128 tokens") && shown.contains("max_new_tokens 150"), "{shown}");
    assert!(!shown.contains("max_length"), "it has no effect beside the other: {shown}");
    assert!(shown.contains("at most 5 tokens") && shown.contains("max_new_tokens 5\n"), "{shown}");
}

#[test]
fn bytes_that_are_no_utf8_are_repaired_and_told() {
    let folder = checkpoint("blenderbot-bin");
    let run =
        run(&["chat", &folder, "--num-beams", "1", "--max-new-tokens", "3"], b"Hi \xff\nbye\n").exits(0);
    assert!(run.stdout.starts_with("You: Hi \u{fffd}\nChatbot: "), "{}", run.stdout);
    assert!(run.stderr.contains("UTF-8"), "{}", run.stderr);
}

#[test]
fn a_huge_turn_keeps_its_end_and_says_so() {
    let run = chat(&[], &format!("{}\nbye\n", "word ".repeat(5_000))).exits(0);
    assert!(run.stderr.contains("128"), "{}", run.stderr);
}

#[test]
fn quiet_means_quiet() {
    assert_eq!(chat(&["--quiet"], "Hi\nbye\n").exits(0).stderr, "");
}

#[test]
fn without_a_model_the_one_inside_the_program_answers() {
    let shown = run(&["chat", "--seed", "1"], "Hi Chat, how are you?\nbye\n").exits(0).stdout;
    let name = papo::built_in::default_model().expect("there is one").name;
    let reply = shown.lines().nth(1).unwrap().strip_prefix("Chatbot: ").unwrap();
    assert!(reply.split_whitespace().count() > 2 && reply.is_ascii(), "{shown}");
    assert_eq!(shown, run(&["chat", name, "--seed", "1"], "Hi Chat, how are you?\nbye\n").exits(0).stdout);
}
