//! Models by name, end to end: the program fetches from a small hub on this machine, into a cache of the test's own.

mod program;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use program::{Run, checkpoint, run_with};
use serde_json::json;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A hub that has one model, `org/tiny`, and a cache to fetch it into.
struct World {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    home: tempfile::TempDir,
}

impl World {
    fn new(checkpoint_name: &str) -> World {
        World::of(PathBuf::from(checkpoint(checkpoint_name)))
    }

    /// A hub whose model is the files of a folder.
    fn of(folder: PathBuf) -> World {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client may hang up in the middle, which is its right.
                let _ = answer(stream, &folder, &log);
            }
        });
        World { url, asked, home: tempfile::tempdir().unwrap() }
    }

    fn run(&self, arguments: &[&str], input: &str) -> Run {
        let online = |command: &mut Command| {
            command
                .env("HF_HOME", self.home.path())
                .env("HF_ENDPOINT", &self.url)
                .env_remove("HF_HUB_OFFLINE");
        };
        run_with(online, arguments, input)
    }

    fn run_offline(&self, arguments: &[&str], input: &str) -> Run {
        let offline = |command: &mut Command| {
            command.env("HF_HOME", self.home.path());
        };
        run_with(offline, arguments, input)
    }

    fn was_asked_for(&self, file: &str) -> bool {
        self.asked.lock().unwrap().iter().any(|path| path.ends_with(file))
    }
}

/// Answers one request: the list of files, or a file.
fn answer(mut stream: TcpStream, folder: &Path, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    log.lock().unwrap().push(path.to_owned());
    let body = if path.starts_with("/api/models/org/tiny/") {
        let names =
            std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let siblings: Vec<_> = names
            .collect::<std::io::Result<Vec<_>>>()?
            .into_iter()
            .map(|name| json!({"rfilename": name}))
            .collect();
        Some(json!({"sha": COMMIT, "siblings": siblings}).to_string().into_bytes())
    } else if path.starts_with("/org/tiny/resolve/") {
        std::fs::read(folder.join(path.rsplit('/').next().unwrap_or_default())).ok()
    } else {
        None
    };
    let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
    let code = if body.is_some() { "" } else { "x-error-code: RepoNotFound\r\n" };
    let body = body.unwrap_or_default();
    let etag: String = path.bytes().rev().take(20).map(|byte| format!("{byte:02x}")).collect();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\netag: \"{etag}\"\r\nx-repo-commit: {COMMIT}\r\n{code}\r\n",
        body.len()
    )?;
    if method != "HEAD" {
        stream.write_all(&body)?;
    }
    stream.flush()
}

#[test]
fn a_model_is_pulled_once_and_used_without_a_network_from_then_on() {
    let world = World::new("blenderbot-bin");
    let folder = world.run(&["pull", "org/tiny"], "").exits(0).stdout;
    assert!(Path::new(folder.trim_end()).join("pytorch_model.bin").is_file(), "{folder}");
    let words = ["chat", "org/tiny", "--num-beams", "1", "--max-new-tokens", "5"];
    let shown = world.run_offline(&words, "Hi\nbye\n").exits(0).stdout;
    assert!(
        shown.starts_with("You: Hi\nChatbot: ") && shown.ends_with("You: bye\nChatbot: Goodbye!\n"),
        "{shown}"
    );
    assert_eq!(
        world.run_offline(&["show", "org/tiny", "--json"], "").exits(0).json_lines()[0]["family"],
        "Blenderbot"
    );
    world.run_offline(&["rm", "org/tiny"], "").exits(0);
    world.run_offline(&words, "Hi\n").exits(1).complains("org/tiny");
}

#[test]
fn a_model_that_is_not_there_yet_is_fetched_by_whoever_needs_it() {
    let world = World::new("t5-flan");
    let answers = world
        .run(&["generate", "org/tiny", "--max-new-tokens", "3"], "{\"text\":\"a\"}")
        .exits(0)
        .json_lines();
    assert!(answers[0]["sequences"].is_array());
}

#[test]
fn tokenizing_fetches_no_weights() {
    let world = World::new("t5-flan");
    world.run(&["tokenize", "org/tiny", "a", "--json"], "").exits(0);
    assert!(world.was_asked_for("tokenizer.json") && !world.was_asked_for("model.safetensors"));
}

#[test]
fn a_model_that_the_hub_does_not_have_is_told_in_a_sentence() {
    World::new("t5-flan").run(&["pull", "org/other"], "").exits(1).complains("org/other");
}

#[test]
fn weights_of_a_model_that_cannot_be_run_are_not_downloaded() {
    for (field, value, sentence) in [
        ("model_type", json!("llama"), "the model type `llama` is not supported"),
        ("quantization_config", json!({"quant_method": "bitsandbytes"}), "quantised by bitsandbytes"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(checkpoint("t5-flan")).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        let path = folder.path().join("config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config[field] = value;
        std::fs::write(&path, config.to_string()).unwrap();
        let world = World::of(folder.path().to_owned());
        world.run(&["generate", "org/tiny"], "").exits(1).complains(sentence);
        world.run(&["pull", "org/tiny"], "").exits(1).complains(sentence);
        assert!(world.was_asked_for("config.json") && !world.was_asked_for("model.safetensors"));
    }
}

#[test]
fn the_address_of_a_models_page_is_its_name_and_pull_repairs() {
    let world = World::new("t5-flan");
    let page = format!("{}/org/tiny/tree/main", world.url);
    let folder = world.run(&["pull", &page], "").exits(0).stdout;
    let weights = Path::new(folder.trim_end()).join("model.safetensors");
    std::fs::File::options().write(true).open(&weights).unwrap().set_len(100).unwrap();
    world.run_offline(&["generate", "org/tiny"], "").exits(1).complains("`papo pull org/tiny` repairs it");
    world.run(&["pull", "org/tiny"], "").exits(0).complains("it is fetched again");
    world.run_offline(&["generate", "org/tiny"], "").exits(0);
    world.run(&["pull", "org/tiny", "--force"], "").exits(0);
}
