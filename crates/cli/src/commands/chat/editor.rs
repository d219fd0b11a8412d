//! How a person types a turn: line editing, completion, history, several lines, and bytes that are no text.
//!
//! `rustyline` edits the line, key by key. Lines that come in one piece (pasted without marks, typed during a reply, sent by another
//! program) are read before it sees them (`ahead.rs`); what it has read ahead itself it keeps for the next turn. At a byte that is
//! not UTF-8 it gives up the line, so [`Typing`] remembers how far the line was and goes on there. A terminal that cannot edit
//! lines (`TERM=dumb`) is read as it is.

use std::cell::{Cell, RefCell};
use std::io::{self, BufReader, Stdin};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::ahead::{Ahead, Line};
use super::completion::complete;
use super::history;
use super::multiline::{is_complete, text_of};
use crate::failure::{Failure, Outcome};
use crate::language::sentence;
use crate::request::History;
use crate::terminal::burst::{self, Arrived};
use crate::terminal::{BadLine, Lines, Notes, Output, printable};

/// Shown before what a person types.
pub const PROMPT: &str = "You: ";

/// Keys that come faster than this were not typed by hand.
const BURST: Duration = Duration::from_millis(20);

/// A line editor on standard input and output.
pub struct LineEditor {
    input: Input,
    notes: Notes,
}

enum Input {
    Edited {
        editor: Box<Editor<Typing, FileHistory>>,
        history: Option<PathBuf>,
        /// Lines that came in one piece.
        ahead: Ahead,
    },
    /// A terminal that only has lines.
    Bare(Lines<BufReader<Stdin>>),
}

/// What came of a line that was asked for.
enum Typed {
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D.
    End,
}

impl LineEditor {
    /// Takes over the terminal's line editing.
    pub fn open(keep: History, notes: Notes) -> Result<LineEditor, Failure> {
        if is_bare() {
            return Ok(LineEditor { input: Input::Bare(Lines::new(BufReader::new(io::stdin()))), notes });
        }
        let config = Config::builder()
            .max_history_size(history::MOST_LINES)?
            .completion_type(CompletionType::List)
            .auto_add_history(false)
            .build();
        let lines = FileHistory::with_config(&config);
        let mut editor = Editor::with_history(config, lines)?;
        editor.set_helper(Some(Typing::new()));
        let history = match keep {
            History::Keep => history::file(),
            History::Forget => None,
        };
        let mut opened = LineEditor {
            input: Input::Edited { editor: Box::new(editor), history, ahead: Ahead::default() },
            notes,
        };
        opened.load_history();
        Ok(opened)
    }

    /// The next turn; `None` at the end of input.
    pub fn next_turn(&mut self) -> Result<Option<String>, Failure> {
        loop {
            let typed = match &mut self.input {
                Input::Edited { editor, ahead, .. } => edited(editor, ahead, self.notes)?,
                Input::Bare(lines) => bare(lines, self.notes)?,
            };
            match typed {
                Typed::Line(line) => {
                    self.remember(&line);
                    return Ok(Some(text_of(&line)));
                }
                Typed::Interrupted => self.notes.say("Ctrl-C stops a reply; Ctrl-D or bye leaves."),
                Typed::End => return Ok(None),
            }
        }
    }

    fn load_history(&mut self) {
        let Input::Edited { editor, history, .. } = &mut self.input else { return };
        let Some(file) = history else { return };
        if !file.exists() {
            return;
        }
        if let Err(error) = editor.load_history(file.as_path()) {
            self.notes.say(format_args!(
                "what was typed before cannot be read from {}: {error}; move the file away, and it is begun anew",
                file.display()
            ));
            // A file that somebody else wrote is not written over.
            *history = None;
        }
    }

    /// Keeps a line for the arrow keys, and for the next chat.
    fn remember(&mut self, line: &str) {
        let Input::Edited { editor, history, .. } = &mut self.input else { return };
        // A line of a million characters is no line that somebody wants to edit again.
        if line.trim().is_empty() || line.len() > 1 << 16 || !editor.add_history_entry(line).unwrap_or(false)
        {
            return;
        }
        let Some(file) = history else { return };
        let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(error) =
            folder.map_err(ReadlineError::from).and_then(|()| editor.append_history(file.as_path()))
        {
            self.notes.say(format_args!(
                "what is typed cannot be kept in {}: {error}; --no-history does without",
                file.display()
            ));
            *history = None;
        }
    }
}

/// Terminals that `rustyline` does not edit lines on.
fn is_bare() -> bool {
    std::env::var("TERM").is_ok_and(|term| ["dumb", "cons25", "emacs"].contains(&term.as_str()))
}

fn edited(
    editor: &mut Editor<Typing, FileHistory>,
    ahead: &mut Ahead,
    notes: Notes,
) -> Result<Typed, Failure> {
    let styled = console::style(PROMPT).cyan().bold().to_string();
    let mut begun = (String::new(), String::new());
    let may_have_read_ahead = editor.helper().is_some_and(Typing::came_fast);
    if let Some(typed) = heard(ahead, &styled)? {
        return Ok(typed);
    }
    // What the editor has read ahead comes first, and whether it has is not to be told.
    if ahead.is_empty()
        && !may_have_read_ahead
        && let Arrived::Piece(piece) = burst::wait(&styled).map_err(Failure::reading_input)?
    {
        // Over the prompt, which comes again with the line.
        let mut output = Output::standard();
        output.text("\r")?;
        output.flush()?;
        if !ahead.hear(&piece) {
            notes.say("what is not valid UTF-8 was replaced by \u{fffd}");
        }
        if let Some(typed) = heard(ahead, &styled)? {
            return Ok(typed);
        }
    }
    begun.0 = ahead.take_begun();
    loop {
        let line = editor.readline_with_initial(&(PROMPT, styled.as_str()), (&begun.0, &begun.1));
        return Ok(match line {
            Ok(line) => Typed::Line(line),
            Err(ReadlineError::Interrupted) => Typed::Interrupted,
            Err(ReadlineError::Eof) => Typed::End,
            // A window that changes its size.
            Err(ReadlineError::Signal(_)) => continue,
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                let (left, right, burst) = editor.helper().map(Typing::so_far).unwrap_or_default();
                if burst {
                    // A program or a paste: nobody is there to go on with the line, and what was read ahead is gone with it.
                    notes.say(
                        "what is not valid UTF-8 was left out, and what came behind it in one piece is lost",
                    );
                    Typed::Line(left + &right)
                } else {
                    notes.say("what is not valid UTF-8 was left out");
                    begun = (left, right);
                    continue;
                }
            }
            Err(error) => {
                return Err(Failure::new(format_args!("cannot read from the terminal: {error}; try again")));
            }
        });
    }
}

/// A line that came with others, shown as if it were typed now.
fn heard(ahead: &mut Ahead, prompt: &str) -> Result<Option<Typed>, Failure> {
    let Some(line) = ahead.next_line() else { return Ok(None) };
    let mut output = Output::standard();
    let (shown, typed) = match line {
        Line::Typed(line) => {
            let shown = printable(&line).to_string();
            (shown, Typed::Line(line))
        }
        Line::End => (String::new(), Typed::End),
    };
    output.line(format_args!("{prompt}{shown}"))?;
    output.flush()?;
    Ok(Some(typed))
}

fn bare(lines: &mut Lines<BufReader<Stdin>>, notes: Notes) -> Result<Typed, Failure> {
    let mut typed = String::new();
    let mut output = Output::standard();
    prompt(&mut output)?;
    for line in lines.by_ref() {
        match line.map_err(Failure::reading_input)? {
            Ok(line) => typed.push_str(&line),
            Err(BadLine::NotUtf8 { repaired, .. }) => {
                notes.say("what is not valid UTF-8 was replaced by \u{fffd}");
                typed.push_str(&repaired);
            }
            Err(bad @ BadLine::TooLong { .. }) => {
                crate::terminal::error_line(sentence(&bad.to_string()));
                prompt(&mut output)?;
                continue;
            }
        }
        if is_complete(&typed) {
            return Ok(Typed::Line(typed));
        }
        typed.push('\n');
    }
    Ok(if typed.is_empty() { Typed::End } else { Typed::Line(typed) })
}

fn prompt(output: &mut Output) -> Outcome {
    output.text(PROMPT)?;
    output.flush()
}

/// What the line editor asks while a line is typed.
struct Typing {
    so_far: RefCell<SoFar>,
    /// Whether the last line was ended faster than anybody types.
    fast: Cell<bool>,
}

/// The line at its last change.
struct SoFar {
    line: String,
    at: usize,
    changed: Instant,
}

impl Typing {
    fn new() -> Typing {
        let so_far = SoFar { line: String::new(), at: 0, changed: Instant::now() };
        Typing { so_far: RefCell::new(so_far), fast: Cell::new(false) }
    }

    /// What stands before the cursor and behind it, and whether it came faster than anybody types.
    fn so_far(&self) -> (String, String, bool) {
        let so_far = self.so_far.borrow();
        let (left, right) = so_far.line.split_at(so_far.at);
        let burst = !so_far.line.is_empty() && so_far.changed.elapsed() < BURST;
        (left.to_owned(), right.to_owned(), burst)
    }
}

impl Typing {
    /// Whether the last change came just now: then the line's end may have come with more behind it.
    fn came_fast(&self) -> bool {
        self.fast.get()
    }
}

impl Helper for Typing {}

impl Completer for Typing {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        Ok(complete(&line[..at]))
    }
}

impl Highlighter for Typing {}

impl Hinter for Typing {
    type Hint = String;

    /// Never hints: it is called at every change, which is the only way to know the line before it is finished.
    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<String> {
        *self.so_far.borrow_mut() = SoFar { line: line.to_owned(), at, changed: Instant::now() };
        None
    }
}

impl Validator for Typing {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.fast.set(self.so_far.borrow().changed.elapsed() < BURST);
        Ok(if is_complete(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}
