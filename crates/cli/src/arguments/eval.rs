//! The words of `papo eval`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::train::{LineFlags, Unit};
use super::{GenerationFlags, ModelFlags};

/// What data is, whatever its files are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DataTask {
    /// A sentence a line.
    Text,
    /// Source, tab, reference.
    Pairs,
    /// JSON Lines with `turns`.
    Dialogue,
}

/// `papo eval`.
#[derive(Args, Debug)]
pub struct EvalArguments {
    /// Folder, hub name or alias.
    pub model: String,
    /// Files: .tsv pairs (source, tab, reference, more references behind more tabs), .jsonl dialogues, anything else text; each may be
    /// packed (.gz). A folder or a pattern such as 'texts/*.txt' stands for the files in it, - for standard input.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// What the files hold, whatever their names say.
    #[arg(long, value_enum, value_name = "TASK", visible_alias = "format")]
    pub task: Option<DataTask>,
    /// Of text: whether it goes on from line to line, or each line is a text of its own; as the model learnt it unless given. N-gram
    /// models count lines.
    #[arg(long, value_enum, value_name = "UNIT")]
    pub unit: Option<Unit>,
    #[command(flatten)]
    pub lines: LineFlags,
    /// Take capitals for small letters in BLEU and chrF.
    #[arg(long)]
    pub lowercase: bool,
    /// Use the first N lines only.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Texts that the model works on together; the figures are the same with any number.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub batch_size: u16,
    /// Score the translations in this file, a line for each pair, and not the model's own.
    #[arg(long, value_name = "FILE")]
    pub hypotheses: Option<PathBuf>,
    /// Write the translations that were scored, a line for each pair.
    #[arg(long, value_name = "FILE")]
    pub save_hypotheses: Option<PathBuf>,
    /// Replace the file of --save-hypotheses if it is there.
    #[arg(long, requires = "save_hypotheses")]
    pub overwrite: bool,
    /// Of an n-gram model: print each word with the order that answered, log10 of its probability and a mark where it is unknown, before
    /// the totals.
    #[arg(long)]
    pub scores: bool,
    /// Print one JSON object instead of a table; with --scores a line of JSON for each word before it.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub model_flags: ModelFlags,
    #[command(flatten)]
    pub generation: GenerationFlags,
}
