//! Chores of this project that are programs of their own: `cargo run --release -p xtask -- COMMAND`.
//!
//! Training data is made here from the public data in `../shared/data` (`dialogues`, `machado`, `multi30k`): the recipes
//! call these commands, so that whoever has the data gets the same files to the last byte. Nothing of it is committed.
//!
//! What was trained and measured becomes records, and records become `docs/lineage.md` (`record`, `lineage`). What rounding weights costs is measured in
//! `accuracy`, which writes `docs/accuracy.md`.
//!
//! Read next: `dialogues/mod.rs`, the mixture from which the built-in models learn.
#![forbid(unsafe_code)]

mod accuracy;
mod chance;
mod dialogues;
mod lineage;
mod machado;
mod multi30k;
mod record;
mod sentences;
mod talk;
mod tokenizer;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "xtask",
    about = "Chores of this project: training data, tables and pages made from records"
)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Small talk for the built-in models, in English and Portuguese: train.jsonl, valid.jsonl and test.jsonl
    Dialogues {
        /// The folder with `dialogue` and `text/names`
        #[arg(long, default_value = "../shared/data")]
        data: PathBuf,
        /// The folder with our own conversations
        #[arg(long, default_value = "recipes/talk")]
        talk: PathBuf,
        /// The folder to write
        #[arg(long)]
        out: PathBuf,
        /// How often to draw each of our own conversations
        #[arg(long, default_value_t = dialogues::DRAWS)]
        draws: usize,
        /// The seed of everything that is drawn
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Machado de Assis, up to three sentences a line, as they are written
    Machado {
        /// The folder with `text/machado-de-assis`
        #[arg(long, default_value = "../shared/data")]
        data: PathBuf,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Multi30k German-English, lower-cased: train.tsv, valid.tsv and test.tsv
    Multi30k {
        /// The folder with `translation/multi30k-de-en`
        #[arg(long, default_value = "../shared/data")]
        data: PathBuf,
        /// The folder to write
        #[arg(long)]
        out: PathBuf,
    },
    /// A tokenizer by itself, for models that share one
    Tokenizer {
        /// A file of dialogues
        #[arg(long)]
        data: PathBuf,
        /// words, chars, bpe:N or unigram:N
        #[arg(long)]
        kind: papo::tokenizer::TokenizerKind,
        /// The folder to write
        #[arg(long)]
        out: PathBuf,
    },
    /// The record of a training, from the folder of its model
    Record {
        /// What the record is called
        name: String,
        /// The folder of the model
        #[arg(long)]
        model: PathBuf,
        /// The command that made it
        #[arg(long, default_value = "")]
        command: String,
        /// Where it was trained
        #[arg(long, default_value = "cpu")]
        device: String,
        /// How long it took, where there is no log
        #[arg(long)]
        seconds: Option<f64>,
        /// What `papo eval --json` printed
        #[arg(long)]
        evaluation: Option<PathBuf>,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// docs/accuracy.md: models with rounded weights beside themselves
    Accuracy {
        /// Names or folders of models
        models: Vec<String>,
        /// Held-out dialogues, for models that were trained on dialogues
        #[arg(long)]
        dialogues: Option<PathBuf>,
        /// Held-out pairs, for models that were trained on pairs
        #[arg(long)]
        pairs: Option<PathBuf>,
        /// The page to write
        #[arg(long, default_value = "docs/accuracy.md")]
        out: PathBuf,
    },
    /// Lets models answer the held-out conversations, and counts names, repetitions and languages
    Talk {
        /// Names or folders of models; the built-in ones if there are none
        models: Vec<String>,
        /// The folder with the conversations
        #[arg(long, default_value = "recipes/talk/held-out")]
        held_out: PathBuf,
        /// Print every reply, with its mark
        #[arg(long)]
        transcripts: bool,
    },
    /// docs/lineage.md: the models measured, sample conversations, tables and curves of the records
    Lineage {
        /// Names or folders of models; the built-in ones if there are none
        models: Vec<String>,
        /// Held-out dialogues
        #[arg(long)]
        data: PathBuf,
        /// The folder with the conversations to judge by
        #[arg(long, default_value = "recipes/talk/held-out")]
        held_out: PathBuf,
        /// The folder with records
        #[arg(long, default_value = "docs/records")]
        records: PathBuf,
        /// The page to write
        #[arg(long, default_value = "docs/lineage.md")]
        out: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().chore {
        Chore::Dialogues { data, talk, out, draws, seed } => {
            dialogues::write(&data, &talk, &out, draws, seed)
        }
        Chore::Machado { data, out } => machado::write(&data, &out),
        Chore::Multi30k { data, out } => multi30k::write(&data, &out),
        Chore::Tokenizer { data, kind, out } => tokenizer::write(&data, kind, &out),
        Chore::Record { name, model, command, device, seconds, evaluation, out } => {
            record::write(&record::Told { name, model, command, device, seconds, evaluation }, &out)
        }
        Chore::Accuracy { models, dialogues, pairs, out } => {
            accuracy::write(&models, &accuracy::Data { dialogues, pairs }, &out)
        }
        Chore::Talk { models, held_out, transcripts } => talk::run(&models, &held_out, transcripts),
        Chore::Lineage { models, data, held_out, records, out } => {
            lineage::write(&models, &data, &held_out, &records, &out)
        }
    }
}
