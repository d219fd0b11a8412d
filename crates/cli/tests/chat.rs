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
    for word in ["bye", "  QUIT ", "exit", "/bye", "Bye\r"] {
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
        chat(&[], "/frobnicate\n/set num_beans 4\n/load /no/such/file\n/model /no/such/folder\nHi\nbye\n")
            .exits(1);
    for word in ["/frobnicate", "num_beans", "/no/such/file", "/no/such/folder"] {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
    assert!(run.stdout.starts_with("You: Hi\nChatbot: ") && run.stdout.ends_with("Chatbot: Goodbye!\n"));
}

#[test]
fn a_conversation_saved_is_a_conversation_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk of today.json");
    let file = file.to_str().unwrap();
    let memory = ["--memory", "on"];
    let whole = chat(&memory, "Hi\nWhat now?\nbye\n").exits(0).stdout;
    chat(&memory, &format!("Hi\n/save {file}\nbye\n")).exits(0);
    let rest = chat(&memory, &format!("/load {file}\nWhat now?\nbye\n")).exits(0).stdout;
    assert!(whole.ends_with(&rest), "{whole}\n---\n{rest}");
    chat(&memory, "Hi\n/save /no/such/folder/talk.json\nbye\n")
        .exits(1)
        .complains("/no/such/folder/talk.json");
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
