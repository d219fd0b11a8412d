//! Runs the `papo` binary as a user's shell would: arguments, standard input, and what comes back.
#![allow(dead_code)] // each test file uses its own part of this

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a run left behind.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The binary, cut off from the network and from the user's own cache, speaking English whatever the user does.
pub fn papo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_papo"));
    command
        .env("HF_HUB_OFFLINE", "1")
        .env("HF_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-cache"))
        .env_remove("HF_HUB_CACHE")
        .env_remove("HF_TOKEN")
        .env_remove("HF_ENDPOINT")
        .env_remove("PAPO_LANG")
        .env_remove("LANGUAGE")
        .env("LC_ALL", "C");
    command
}

/// Runs the binary with these arguments and this standard input.
pub fn run(arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
    run_with(|_| (), arguments, input)
}

/// As [`run`], with a say in the rest of the command.
pub fn run_with(change: impl Fn(&mut Command), arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
    let mut command = papo();
    change(&mut command);
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = input.as_ref().to_vec();
    // On a thread of its own: the program may answer before it has read everything, or never read at all.
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("the binary ends");
    writer.join().expect("the writer ends");
    Run {
        code: output.status.code().expect("it exits by itself"),
        stdout: String::from_utf8(output.stdout).expect("results are UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Run {
    /// The run, if it exited with this code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Run {
        assert_eq!(self.code, code, "standard output:\n{}\nstandard error:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that standard error says this.
    #[track_caller]
    pub fn complains(self, words: &str) -> Run {
        assert!(self.stderr.contains(words), "expected {words:?} in standard error:\n{}", self.stderr);
        self
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// The folder of a tiny checkpoint.
pub fn checkpoint(name: &str) -> String {
    fixtures().join("checkpoints").join(name).to_str().expect("a plain path").to_owned()
}

/// The generation cases of a tiny checkpoint, as the reference answered them.
pub fn golden_cases(name: &str) -> Vec<Value> {
    let path = fixtures().join("goldens").join(name).join("generate.jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("a case a line")).collect()
}
