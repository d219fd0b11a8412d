//! `papo chat` with a person, who sits at a pseudo-terminal.
#![cfg(unix)]

mod program;

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use program::{checkpoint, papo};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program on a terminal, and what it has shown.
struct Terminal {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
    state: tempfile::TempDir,
}

impl Terminal {
    /// Starts the program; `change` has a say in its streams and its environment.
    fn start(
        arguments: &[&str],
        columns: u16,
        state: tempfile::TempDir,
        change: impl Fn(&mut Command),
    ) -> Terminal {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let ends = openpty(&size, None).unwrap();
        let end = || Stdio::from(ends.slave.try_clone().unwrap());
        let mut command = papo();
        command.args(arguments).stdin(end()).stdout(end()).stderr(end());
        command
            .env("TERM", "xterm")
            .env("XDG_STATE_HOME", state.path())
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR");
        change(&mut command);
        let child = command.spawn().unwrap();
        drop(ends.slave);
        Terminal {
            child,
            screen: reading(ends.master.try_clone().unwrap()),
            keyboard: ends.master.into(),
            shown: String::new(),
            state,
        }
    }

    /// A chat with a tiny model, ready for the first turn.
    fn chat(arguments: &[&str]) -> Terminal {
        let folder = checkpoint("blenderbot-bin");
        let length: &[&str] =
            if arguments.contains(&"--max-new-tokens") { &[] } else { &["--max-new-tokens", "8"] };
        let words = [&["chat", &folder, "--num-beams", "1"], length, arguments].concat();
        let mut terminal = Terminal::start(&words, 80, tempfile::tempdir().unwrap(), |_| ());
        terminal.wait_for("You: ");
        terminal
    }

    fn type_in(&mut self, keys: impl AsRef<[u8]>) {
        self.keyboard.write_all(keys.as_ref()).unwrap();
    }

    /// Waits until these words are shown, and returns all that was shown up to them since the last time.
    #[track_caller]
    fn wait_for(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown.find(words) {
                return self.shown.drain(..at + words.len()).collect();
            }
            match self.screen.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => {
                    self.shown.push_str(&console::strip_ansi_codes(&String::from_utf8_lossy(&bytes)))
                }
                Err(_) => panic!("{words:?} did not come:\n{}", self.shown),
            }
        }
    }

    /// Waits for the end, and returns the exit code with the rest of what was shown.
    fn end(mut self) -> (i32, String, tempfile::TempDir) {
        let end = Instant::now() + PATIENCE;
        while let Ok(bytes) = self.screen.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.shown.push_str(&console::strip_ansi_codes(&String::from_utf8_lossy(&bytes)));
        }
        (self.child.wait().unwrap().code().expect("it exits by itself"), self.shown, self.state)
    }
}

/// What comes out of the terminal, piece by piece.
fn reading(master: OwnedFd) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    let mut master = File::from(master);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // An error is the other end, closed.
        while let Ok(length @ 1..) = master.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

#[test]
fn lines_that_come_at_once_are_all_turns() {
    let mut terminal = Terminal::chat(&[]);
    terminal.type_in("Hi there\rWhat now?\rAnd then?\rbye\r");
    let (code, shown, _) = terminal.end();
    assert_eq!((code, shown.matches("Chatbot: ").count()), (0, 4), "{shown}");
    assert!(shown.contains("Chatbot: Goodbye!"), "{shown}");
}

#[test]
fn a_byte_that_is_no_utf8_does_not_end_the_chat() {
    let mut terminal = Terminal::chat(&[]);
    terminal.type_in("ol");
    terminal.wait_for("ol");
    std::thread::sleep(Duration::from_millis(100));
    terminal.type_in(b"\xe9");
    std::thread::sleep(Duration::from_millis(100));
    // It takes the next one to know that a character is not going to be completed.
    terminal.type_in(" ");
    terminal.wait_for("not valid UTF-8");
    terminal.wait_for("You: ");
    terminal.type_in("a");
    std::thread::sleep(Duration::from_millis(100));
    terminal.type_in("\r");
    terminal.wait_for("Chatbot: ");
    terminal.wait_for("You: ");
    terminal.type_in(b"as a program sends it \xff\r");
    terminal.wait_for("Chatbot: ");
    terminal.wait_for("You: ");
    terminal.type_in("bye\r");
    let (code, shown, state) = terminal.end();
    assert!(code == 0 && shown.contains("Chatbot: Goodbye!"), "{shown}");
    let kept = std::fs::read_to_string(state.path().join("papo/history")).unwrap();
    assert!(kept.contains("\nola\nas a program sends it \u{fffd}\n"), "{kept}");
}

#[test]
fn what_a_program_sends_is_heard_to_the_end_whatever_bytes_are_in_it() {
    let mut terminal = Terminal::chat(&[]);
    terminal.type_in(b"caf\xe9 ol\xe9\rWhat now?\r\xff\xfe\rbye\r");
    let (code, shown, _) = terminal.end();
    assert_eq!((code, shown.matches("Chatbot: ").count()), (0, 4), "{shown}");
    assert!(shown.contains("You: What now?") && shown.contains("Chatbot: Goodbye!"), "{shown}");
}

#[test]
fn the_end_that_comes_with_a_line_is_the_end() {
    let mut terminal = Terminal::chat(&[]);
    terminal.type_in("this is longer than a key\r\u{4}");
    let (code, shown, _) = terminal.end();
    assert_eq!((code, shown.matches("Chatbot: ").count()), (0, 2), "{shown}");
    assert_eq!(shown.matches("longer than a key").count(), 1, "it is shown once: {shown}");
}

#[test]
fn many_lines_at_once_are_as_many_turns() {
    let mut terminal = Terminal::chat(&["--max-new-tokens", "1"]);
    let lines: String = (0..150).map(|number| format!("this is turn number {number} of many\r")).collect();
    let mut keyboard = terminal.keyboard.try_clone().unwrap();
    let typing = std::thread::spawn(move || keyboard.write_all((lines + "bye\r").as_bytes()).unwrap());
    terminal.wait_for("Goodbye!");
    typing.join().unwrap();
    let (code, _, state) = terminal.end();
    let kept = std::fs::read_to_string(state.path().join("papo/history")).unwrap();
    assert_eq!((code, kept.lines().filter(|line| line.contains("this is turn")).count()), (0, 150));
}

#[test]
fn a_turn_may_have_several_lines() {
    let mut terminal = Terminal::chat(&["--memory", "on"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk.json");
    terminal.type_in("one \\\rtwo\r\"\"\"three\r\rfour\"\"\"\r");
    terminal.type_in("\u{1b}[200~five\nsix\u{1b}[201~\r");
    terminal.type_in(format!("/save {}\rbye\r", file.display()));
    let (code, shown, _) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    let saved: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let turns: Vec<_> =
        saved["turns"].as_array().unwrap().iter().step_by(2).map(|turn| &turn["text"]).collect();
    assert_eq!(turns, ["one \ntwo", "three\n\nfour", "five\nsix"]);
}

#[test]
fn a_saved_conversation_is_not_written_over_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk of today.json");
    std::fs::write(&file, "precious").unwrap();
    let mut terminal = Terminal::chat(&["--memory", "on"]);
    terminal.type_in(format!("Hi\r/save {}\r", file.display()));
    terminal.wait_for("is there already");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    terminal.type_in(format!("/save! {}\r", file.display()));
    terminal.wait_for("has replaced");
    // What this chat has written, it may write again.
    terminal.type_in(format!("/save {0}\r/clear\r/load {0}\r", file.display()));
    terminal.wait_for("forgotten");
    terminal.wait_for("You: Hi");
    terminal.type_in("bye\r");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the file");
}

#[test]
fn a_prompt_shows_where_somebody_types_though_the_transcript_goes_elsewhere() {
    let folder = checkpoint("blenderbot-bin");
    let words = ["chat", &folder, "--num-beams", "1", "--max-new-tokens", "8"];
    let mut terminal = Terminal::start(&words, 80, tempfile::tempdir().unwrap(), |command| {
        command.stdout(Stdio::piped());
    });
    terminal.wait_for("You: ");
    terminal.type_in(b"Hi \xff\n");
    terminal.wait_for("You: ");
    terminal.type_in("/frobnicate\n");
    terminal.wait_for("there is no command /frobnicate");
    terminal.wait_for("You: ");
    terminal.type_in("bye\n");
    let mut transcript = String::new();
    terminal.child.stdout.take().unwrap().read_to_string(&mut transcript).unwrap();
    assert!(
        transcript.starts_with("You: Hi \u{fffd}\nChatbot: ")
            && transcript.ends_with("You: bye\nChatbot: Goodbye!\n"),
        "{transcript}"
    );
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn replies_end_their_lines_at_words() {
    let mut terminal =
        Terminal::start(&["chat", "gru", "--seed", "1"], 30, tempfile::tempdir().unwrap(), |_| ());
    terminal.wait_for("You: ");
    terminal.type_in("Do you like films?\rWhat do you do all day long?\rbye\r");
    let (code, shown, _) = terminal.end();
    let replies = shown.split("Chatbot: ").skip(1).filter_map(|rest| rest.split("You: ").next());
    let lines: Vec<&str> = replies.flat_map(str::lines).collect();
    assert!(code == 0 && lines.len() > 3, "{shown}");
    assert!(lines.iter().all(|line| line.trim_end().chars().count() <= 30), "{lines:?}");
}

#[test]
fn you_and_the_chatbot_look_different_where_colours_are_wanted() {
    let folder = checkpoint("blenderbot-bin");
    let raw = |variables: &[(&str, &str)]| {
        let words = ["-q", "chat", &folder, "--num-beams", "1", "--max-new-tokens", "3"];
        let mut terminal = Terminal::start(&words, 80, tempfile::tempdir().unwrap(), |command| {
            command.envs(variables.iter().copied());
        });
        terminal.type_in("Hi\rbye\r");
        let mut bytes = Vec::new();
        while let Ok(more) = terminal.screen.recv_timeout(PATIENCE) {
            bytes.extend(more);
        }
        assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
        String::from_utf8(bytes).unwrap()
    };
    let styles = |shown: &str, label: &str| -> Vec<String> {
        let before = shown
            .match_indices(label)
            .map(|(at, _)| shown[..at].rsplit(['\n', '\r']).next().unwrap_or_default());
        before.map(|before| before.matches("\u{1b}[3").map(str::to_owned).collect::<String>()).collect()
    };
    let coloured = raw(&[]);
    assert!(coloured.contains("\u{1b}[36m") && coloured.contains("\u{1b}[32m"), "{coloured:?}");
    assert!(styles(&coloured, "Chatbot: ").iter().all(|style| !style.is_empty()));
    for plain in [("NO_COLOR", "1"), ("CLICOLOR", "0")] {
        let plain = raw(&[plain]);
        assert!(!plain.contains("\u{1b}[3") && plain.contains("Chatbot: Goodbye!"), "{plain:?}");
    }
}

#[test]
fn what_was_typed_is_there_in_the_next_chat_unless_it_is_not_wanted() {
    let mut terminal = Terminal::chat(&[]);
    terminal.type_in("remember me\rbye\r");
    let (_, _, state) = terminal.end();
    let file = state.path().join("papo/history");
    assert!(std::fs::read_to_string(&file).unwrap().contains("remember me"));
    assert_eq!(mode(&file) & 0o077, 0, "nobody else may read it");

    let folder = checkpoint("blenderbot-bin");
    let words = ["chat", &folder, "--num-beams", "1", "--max-new-tokens", "3"];
    let mut terminal = Terminal::start(&words, 80, state, |_| ());
    terminal.wait_for("You: ");
    terminal.type_in("\u{1b}[A\u{1b}[A");
    terminal.wait_for("remember me");
    terminal.type_in("\rbye\r");
    assert!(terminal.end().1.contains("Chatbot: "));

    let mut terminal = Terminal::chat(&["--no-history"]);
    terminal.type_in("forget me\rbye\r");
    let (_, _, state) = terminal.end();
    assert!(!state.path().join("papo").exists());
}

fn mode(file: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).unwrap().permissions().mode()
}

#[test]
fn the_tab_key_completes_commands() {
    let mut terminal = Terminal::chat(&[]);
    terminal.type_in("/sho\t\r");
    terminal.wait_for("at most 8 tokens");
    terminal.type_in("bye\r");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn the_greeting_says_what_one_talks_to() {
    let mut terminal = Terminal::start(&["chat"], 100, tempfile::tempdir().unwrap(), |_| ());
    let greeting = terminal.wait_for("You: ");
    for word in ["transformer", "million weights", "English", "remembers", "/help"] {
        assert!(greeting.contains(word), "{word}: {greeting}");
    }
    terminal.type_in("\u{4}");
    assert!(terminal.end().1.contains("Chatbot: Goodbye!"));
}

#[test]
fn an_interrupt_ends_a_download_and_not_the_chat() {
    let hub = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", hub.local_addr().unwrap());
    let (asked, asking) = channel();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        // A hub that takes every question and answers none.
        for stream in hub.incoming().flatten() {
            open.push(stream);
            let _ = asked.send(());
        }
    });
    let home = tempfile::tempdir().unwrap();
    let folder = checkpoint("blenderbot-bin");
    let words = ["chat", &folder, "--num-beams", "1", "--max-new-tokens", "3"];
    let mut terminal = Terminal::start(&words, 80, tempfile::tempdir().unwrap(), |command| {
        command.env("HF_ENDPOINT", &endpoint).env("HF_HOME", home.path()).env_remove("HF_HUB_OFFLINE");
    });
    terminal.wait_for("You: ");
    terminal.type_in("/model org/slow\r");
    asking.recv_timeout(PATIENCE).unwrap();
    kill(Pid::from_raw(terminal.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    terminal.wait_for("stopped");
    terminal.wait_for("You: ");
    terminal.type_in("Hi\rbye\r");
    let (code, shown, _) = terminal.end();
    assert!(code == 0 && shown.matches("Chatbot: ").count() == 2, "{shown}");
}

#[test]
fn a_chat_with_a_brazilian_remarks_in_portuguese() {
    let words = ["chat", "gru", "--max-new-tokens", "8"];
    let mut terminal = Terminal::start(&words, 100, tempfile::tempdir().unwrap(), |command| {
        command.env_remove("LC_ALL").env("LANG", "pt_BR.UTF-8");
    });
    let greeting = terminal.wait_for("You: ");
    for told in
        ["Conversando com gru (2.8 milhões de pesos, inglês): lembra o que foi dito.", "tchau encerra, /help"]
    {
        assert!(greeting.contains(told), "{greeting}");
    }
    terminal.type_in("/frobnicate\r");
    terminal.wait_for("não existe o comando /frobnicate; /help lista os comandos");
    terminal.wait_for("You: ");
    terminal.type_in("\u{3}");
    terminal.wait_for("Ctrl-D ou tchau encerra a conversa.");
    terminal.wait_for("You: ");
    terminal.type_in("tchau\r");
    let (code, shown, _) = terminal.end();
    assert!(code == 0 && shown.contains("Chatbot: Goodbye!"), "{shown}");
}
