//! `papo tokenize`: the tokens and ids that a model reads for a text.
//!
//! Only the tokenizer is loaded, so a folder without weights will do.

use std::io;

use papo::description::max_source_tokens;
use papo::hub::Want;
use papo::{LoadOptions, ModelRef, TokenId, Tokenizer};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::request::{Format, Tokenize};
use crate::terminal::{Lines, Notes, Output, complain, printable};
use crate::truncated::Truncated;

/// Tokenizes the text, or each line of standard input.
pub fn run(request: Tokenize, notes: Notes) -> Outcome {
    let files = ModelRef::parse(&request.model)?.fetch(Want::Tokenizer, &LoadOptions::default())?;
    let tokenizer = Tokenizer::load(&files)?;
    let room = max_source_tokens(&files).unwrap_or(usize::MAX);
    let mut output = Output::standard();
    let mut reading = Reading { tokenizer, room, format: request.format, notes, told_of_loss: false };
    if let Some(text) = &request.text {
        let tokens = reading.tokens(text)?;
        reading.print(&mut output, &tokens)?;
        return output.flush();
    }
    notes.ask_for("a text");
    let mut all_good = true;
    for (position, line) in Lines::new(io::stdin().lock()).enumerate() {
        if position > 0 && request.format == Format::Text {
            output.line("")?;
        }
        let line = line.map_err(Failure::reading_input)?.map_err(|bad| bad.to_string());
        match line.and_then(|text| reading.tokens(&text).map_err(|error| error.to_string())) {
            Ok(tokens) => reading.print(&mut output, &tokens)?,
            Err(sentence) => {
                all_good = false;
                match request.format {
                    // A line for each line, so that the reader does not lose count.
                    Format::Json => output.line(serde_json::json!({"error": sentence}))?,
                    Format::Text => complain(&printable(&sentence).to_string()),
                }
            }
        }
        // Whoever sends a line at a time waits for its answer.
        output.flush()?;
    }
    if all_good { Ok(()) } else { Err(Failure::Reported) }
}

/// A text as a model reads it.
#[derive(Serialize)]
struct Tokens {
    ids: Vec<TokenId>,
    tokens: Vec<String>,
    /// What of these the model would not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
}

/// A tokenizer and how its tokens are shown.
struct Reading {
    tokenizer: Tokenizer,
    /// Tokens of a text that the model reads at most.
    room: usize,
    format: Format,
    notes: Notes,
    told_of_loss: bool,
}

impl Reading {
    fn tokens(&mut self, text: &str) -> Result<Tokens, papo::Error> {
        let ids = self.tokenizer.encode(text)?;
        if !self.told_of_loss
            && let Some(note) = self.tokenizer.lossy_note(text)
        {
            self.told_of_loss = true;
            self.notes.say(note);
        }
        let tokens = self.tokenizer.tokens(&ids);
        let truncated = Truncated::of(ids.len().saturating_sub(self.room));
        if let Some(truncated) = &truncated {
            self.notes.say(truncated);
        }
        Ok(Tokens { ids, tokens, truncated })
    }

    /// For people a token a line: its id, what it spells, and how the vocabulary writes it.
    fn print(&self, output: &mut Output, tokens: &Tokens) -> Outcome {
        if self.format == Format::Json {
            return output.line(serde_json::to_string(tokens)?);
        }
        let spelled: Vec<String> = tokens.ids.iter().map(|&id| self.tokenizer.spelled(id)).collect();
        let width = spelled.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        for ((id, spelled), token) in tokens.ids.iter().zip(&spelled).zip(&tokens.tokens) {
            output.line(format_args!("{id:>7}  {spelled:<width$}  {}", printable(token)))?;
        }
        Ok(())
    }
}
