//! `papo generate`: JSON Lines in, JSON Lines out.
//!
//! Standard input is read on a thread of its own, so a window of lines can be filled with what is there and no more: a
//! program that sends one line and waits for its answer gets it, whatever `--batch-size` says. The lines of a window
//! are answered in groups (`grouping.rs`) and written in the order in which they came. What lines look like is
//! `protocol.rs`; how one is made ready and answered is `answering.rs`.

mod answering;
mod grouping;
mod protocol;

use std::io;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::loading::load_any;
use crate::request::Generate;
use crate::terminal::{BadLine, Lines, Notes, Output};
use answering::Answering;

/// How long a window waits for one more line: enough for a file or a busy pipe, nothing to a person.
const PATIENCE: Duration = Duration::from_millis(5);

type ReadLine = io::Result<Result<String, BadLine>>;

/// Answers every line of standard input.
pub fn run(request: Generate, notes: Notes) -> Outcome {
    let model = load_any(&request.model, &request.loading, notes)?;
    let mut answering = Answering::new(&model, &request.config, notes)?;
    notes.ask_for("a JSON object such as {\"text\": \"Hello\"}");
    let (sender, lines) = mpsc::sync_channel(request.batch_size);
    std::thread::spawn(move || {
        for line in Lines::new(io::stdin().lock()) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut output = Output::standard();
    loop {
        let window = read_window(&lines, request.batch_size).map_err(Failure::reading_input)?;
        if window.is_empty() {
            break;
        }
        for answer in answering.answer(window) {
            output.line(answer)?;
        }
        output.flush()?;
    }
    if answering.all_good() { Ok(()) } else { Err(Failure::Reported) }
}

/// The next lines that are not blank, at most `most`; none at the end of input.
fn read_window(lines: &Receiver<ReadLine>, most: usize) -> io::Result<Vec<Result<String, BadLine>>> {
    let mut window = Vec::new();
    while window.len() < most {
        let line = if window.is_empty() { lines.recv().ok() } else { lines.recv_timeout(PATIENCE).ok() };
        match line.transpose()? {
            None => break,
            Some(Ok(line)) if line.trim().is_empty() => {}
            Some(line) => window.push(line),
        }
    }
    Ok(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_takes_what_is_there_and_passes_over_blank_lines() {
        let (sender, lines) = mpsc::sync_channel(9);
        for line in ["a", "", " \r", "b", "c"] {
            sender.send(Ok(Ok(line.to_owned()))).unwrap();
        }
        assert_eq!(read_window(&lines, 2).unwrap(), [Ok("a".to_owned()), Ok("b".to_owned())]);
        // The sender is still there, and nothing more comes: no waiting for a full window.
        assert_eq!(read_window(&lines, 2).unwrap(), [Ok("c".to_owned())]);
        drop(sender);
        assert!(read_window(&lines, 2).unwrap().is_empty());
    }
}
