//! `papo tokenize`: the tokens and ids that a model reads for a text.
//!
//! Only the tokenizer is loaded, so a folder without weights will do.

use std::io;

use papo::{AutoTokenizer, TokenId, Tokenizer};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::request::{Format, Tokenize};
use crate::terminal::{Lines, Output, complain, printable};

/// Tokenizes the text, or each line of standard input.
pub fn run(request: Tokenize) -> Outcome {
    let tokenizer = AutoTokenizer::from_pretrained(&request.model)?;
    let mut output = Output::standard();
    if let Some(text) = &request.text {
        print(&mut output, request.format, &Tokens::of(&tokenizer, text)?)?;
        return output.flush();
    }
    let mut all_good = true;
    for (position, line) in Lines::new(io::stdin().lock()).enumerate() {
        if position > 0 && request.format == Format::Text {
            output.line("")?;
        }
        match line.map_err(Failure::reading_input)? {
            Ok(text) => print(&mut output, request.format, &Tokens::of(&tokenizer, &text)?)?,
            Err(bad) => {
                all_good = false;
                match request.format {
                    // A line for each line, so that the reader does not lose count.
                    Format::Json => output.line(serde_json::json!({"error": bad.to_string()}))?,
                    Format::Text => complain(format_args!("papo: {bad}")),
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
}

impl Tokens {
    fn of(tokenizer: &Tokenizer, text: &str) -> Result<Tokens, papo::Error> {
        let ids = tokenizer.encode(text)?;
        let tokens = tokenizer.tokens(&ids);
        Ok(Tokens { ids, tokens })
    }
}

fn print(output: &mut Output, format: Format, tokens: &Tokens) -> Outcome {
    match format {
        Format::Json => output.line(serde_json::to_string(tokens)?),
        Format::Text => {
            for (id, token) in tokens.ids.iter().zip(&tokens.tokens) {
                output.line(format_args!("{id:>7}  {}", printable(token)))?;
            }
            Ok(())
        }
    }
}
