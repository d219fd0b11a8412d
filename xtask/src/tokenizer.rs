//! A tokenizer by itself, for models that share one: `xtask tokenizer`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use papo::tokenizer::{Framing, LetterCase, TokenizerKind, TokenizerTraining};
use serde::Deserialize;

#[derive(Deserialize)]
struct Line {
    turns: Vec<String>,
}

/// Trains a tokenizer on the turns of dialogues and saves it into the folder `out`.
pub fn write(data: &Path, kind: TokenizerKind, out: &Path) -> Result<()> {
    let text = fs::read_to_string(data).with_context(|| format!("{} cannot be read", data.display()))?;
    let mut turns = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line: Line = serde_json::from_str(line)
            .with_context(|| format!("{}:{number} is not a dialogue", data.display()))?;
        turns.extend(line.turns);
    }
    let training =
        TokenizerTraining { kind, letter_case: LetterCase::Keep, minimum_count: 1, framing: Framing::Closed };
    let trained = training.train(turns.into_iter().map(Ok::<_, papo::Error>))?;
    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    trained.save(out)?;
    eprintln!("{}: {} tokens", out.display(), trained.ready(out)?.vocab_size());
    Ok(())
}
