//! `papo train KIND`: flags that every kind of model has, and those of each.

mod network;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use papo::tokenizer::TokenizerKind;

use super::DataTask;
pub use network::{
    Attention, Cell, Course, DeviceKind, NetworkData, RecurrentArguments, RecurrentShape, SaveAs,
    Seq2SeqArguments, TrainingFlags, TransformerArguments, Unit,
};

/// `papo train`.
#[derive(Args, Debug)]
pub struct TrainArguments {
    /// What to train.
    #[command(subcommand)]
    pub kind: TrainKind,
}

/// The kinds of models.
#[derive(Subcommand, Debug)]
pub enum TrainKind {
    /// A store of replies, of which the nearest is looked up (TF-IDF): the oldest chatbot.
    #[command(
        after_help = "Example:\n  papo train retrieval --data dialogues.jsonl --out talk\n  papo chat talk"
    )]
    Retrieval(RetrievalArguments),
    /// An n-gram model with modified Kneser–Ney smoothing.
    #[command(
        allow_negative_numbers = true,
        after_help = "Example:\n  papo train ngram --order 5 --data machado/*.txt --out machado-5\n  \
                      papo chat machado-5"
    )]
    Ngram(NgramArguments),
    /// Elman's recurrent network, the simplest with a memory.
    #[command(after_help = RECURRENT_EXAMPLE, allow_negative_numbers = true)]
    Rnn(RecurrentArguments),
    /// Long short-term memory: a recurrent network that remembers for longer.
    #[command(after_help = RECURRENT_EXAMPLE, allow_negative_numbers = true)]
    Lstm(RecurrentArguments),
    /// Gated recurrent units: the same with fewer gates.
    #[command(after_help = RECURRENT_EXAMPLE, allow_negative_numbers = true)]
    Gru(RecurrentArguments),
    /// A recurrent encoder and decoder, with attention or without.
    #[command(
        allow_negative_numbers = true,
        after_help = "Example:\n  papo train seq2seq --data train.tsv --valid val.tsv --tokenizer words:8000 \
                            --lowercase --out de-en\n  papo eval de-en --data test.tsv"
    )]
    Seq2seq(Seq2SeqArguments),
    /// The transformer of "Attention Is All You Need"; Python's transformers loads it as a Marian model.
    #[command(
        allow_negative_numbers = true,
        after_help = "Example:\n  papo train transformer --data dialogues.jsonl --tokenizer bpe:8000 --out talk\n  \
                            papo chat talk"
    )]
    Transformer(TransformerArguments),
}

const RECURRENT_EXAMPLE: &str = "Example:\n  papo train lstm --data input.txt --tokenizer chars --out shakespeare --report \
                                 curves.html\n  papo chat shakespeare\n\nCtrl-C saves; the same command with --resume goes on.";

/// What a model is made from, and where it goes.
#[derive(Args, Debug)]
pub struct DataFlags {
    /// Training data: plain text (a sentence a line), pairs (.tsv: source, tab, target) or dialogues (.jsonl: {"turns":
    /// […]} a line); each may be packed (.gz). A folder or a pattern such as 'texts/*.txt' stands for the files in it, - for
    /// standard input.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// Folder for the model; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace the model that is in the folder, and the file of --report, once the new ones are whole.
    #[arg(long)]
    pub overwrite: bool,
}

/// How the lines of text are read.
#[derive(Args, Clone, Copy, Debug)]
pub struct LineFlags {
    /// Join lines that were cut at a width, as in Project Gutenberg's books, into paragraphs and split those into sentences: where a file
    /// looks so (auto; never where text is learnt as one stream), always (join), or never (keep).
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ParagraphsName::Auto)]
    pub paragraphs: ParagraphsName,
}

/// When lines are joined into paragraphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ParagraphsName {
    /// Where a file looks so.
    Auto,
    /// Always.
    Join,
    /// Never.
    Keep,
}

/// `papo train retrieval`.
#[derive(Args, Debug)]
pub struct RetrievalArguments {
    /// Data to store: dialogues (.jsonl: {"turns": […]} a line) or pairs (.tsv: source, tab, target); each may be packed (.gz). A folder or a
    /// pattern such as 'talks/*.jsonl' stands for the files in it, - for standard input.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// Folder for the model; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace the model that is in the folder, once the new one is whole.
    #[arg(long)]
    pub overwrite: bool,
    /// What a token is: words, words:N, chars, bpe:N, unigram:N, or a FOLDER whose tokenizer is taken. Replies are looked up by their words, whatever the
    /// tokens are.
    #[arg(long, value_name = "KIND", default_value = "bpe:4000")]
    pub tokenizer: TokenizerKind,
    /// What the files of --data hold, whatever their names say; standard input holds text unless told otherwise.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<DataTask>,
    /// Turns of a conversation that are compared with those stored, the last one included; the earlier, the less they weigh.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..))]
    pub context_turns: u8,
    /// Take the words `<s>`, `</s>`, `<pad>` and `<unk>` for white space, instead of refusing the first three. Inside a longer word they are
    /// letters.
    #[arg(long)]
    pub skip_symbols: bool,
}

/// `papo train ngram`.
#[derive(Args, Debug)]
pub struct NgramArguments {
    /// Training data: plain text (a sentence a line), pairs (.tsv: source, tab, target) or dialogues (.jsonl: {"turns":
    /// […]} a line); each may be packed (.gz). A folder or a pattern such as 'texts/*.txt' stands for the files in it, - for
    /// standard input.
    #[arg(long, required_unless_present = "from_arpa", num_args = 1.., value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// Folder for the model; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace the model that is in the folder, and the file of --arpa, once the new ones are whole.
    #[arg(long)]
    pub overwrite: bool,
    /// Take the model from an ARPA file (packed or not, - for standard input) of any tool instead of estimating one; its words become the
    /// tokens.
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "data", "order", "tokenizer", "task", "prune", "discount_fallback", "arpa", "skip_symbols", "temporary", "threads",
    ])]
    pub from_arpa: Option<PathBuf>,
    /// How n-grams are kept: trie (small, quick to generate from) or hashed (quick to query).
    #[arg(long, value_enum, value_name = "LAYOUT", default_value = "trie")]
    pub layout: LayoutName,
    /// Keep probabilities and back-off weights in so many bits each, 1 to 16, instead of exactly; 8 is a good choice.
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub quantize: Option<u8>,
    /// Words of the longest n-gram, 1 to 8.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub order: u8,
    /// What a token is: words (split at white space), words:N (the N commonest), chars, bpe:N, unigram:N, or a FOLDER whose tokenizer is taken.
    #[arg(long, value_name = "KIND", default_value = "words")]
    pub tokenizer: TokenizerKind,
    /// What the files of --data hold, whatever their names say; standard input holds text unless told otherwise.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<DataTask>,
    /// What the model is for; told by the files' names unless given.
    #[arg(long, value_enum, value_name = "TASK")]
    pub task: Option<TaskName>,
    /// Memory that counting and estimating may take in all, such as 512M or 4G; more n-grams than fit go through
    /// temporary files.
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = bytes)]
    pub memory: usize,
    /// Drop n-grams seen so often or less: one number an order, the last stands for the rest, the first must be 0.
    #[arg(long, num_args = 1..=8, value_name = "N")]
    pub prune: Vec<u64>,
    /// Discounts for orders whose own cannot be computed, for tiny and artificial corpora; 0.5 1 1.5 unless named.
    #[arg(long, num_args = 0..=3, value_names = ["D1", "D2", "D3+"])]
    pub discount_fallback: Option<Vec<f32>>,
    /// Also write the model as an ARPA file (packed where the name ends in .gz).
    #[arg(long, value_name = "FILE")]
    pub arpa: Option<PathBuf>,
    /// Take the words `<s>`, `</s>`, `<pad>` and `<unk>` for white space, instead of refusing the first three. Inside a longer word they are
    /// letters.
    #[arg(long)]
    pub skip_symbols: bool,
    #[command(flatten)]
    pub lines: LineFlags,
    /// Stop where a text is too small for the order or for discounts of its own, instead of lowering the order or taking 0.5, 1 and 1.5.
    #[arg(long, conflicts_with = "discount_fallback")]
    pub strict: bool,
    /// Folder for temporary files; the system's own unless given.
    #[arg(long, value_name = "DIR")]
    pub temporary: Option<PathBuf>,
    /// Threads that compute; the machine's cores unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// Names of layouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LayoutName {
    /// Sorted and packed.
    Trie,
    /// Hash tables.
    Hashed,
}

/// Names of what a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TaskName {
    /// Going on with a text.
    Text,
    /// Answering in a conversation.
    Dialogue,
    /// Putting a target after a source.
    Pairs,
}

/// Reads `512M`, `4G`, `100000`: bytes, by powers of 1024.
fn bytes(text: &str) -> Result<usize, String> {
    let wrong = || format!("{text:?} is not an amount of memory; write for example 512M or 4G");
    let (number, shift) = match text.to_ascii_uppercase().trim_end_matches('B').trim_end_matches('I') {
        upper if upper.ends_with('K') => (upper[..upper.len() - 1].to_owned(), 10),
        upper if upper.ends_with('M') => (upper[..upper.len() - 1].to_owned(), 20),
        upper if upper.ends_with('G') => (upper[..upper.len() - 1].to_owned(), 30),
        upper if upper.ends_with('T') => (upper[..upper.len() - 1].to_owned(), 40),
        upper => (upper.to_owned(), 0),
    };
    let number: usize = number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory_are_read_by_powers_of_1024() {
        for (text, amount) in
            [("512M", 512 << 20), ("4g", 4 << 30), ("1GiB", 1 << 30), ("64kb", 64 << 10), ("12345", 12345)]
        {
            assert_eq!(bytes(text), Ok(amount), "{text}");
        }
        for text in ["", "M", "much", "0", "0G", "-1G", "99999999999999T"] {
            assert!(bytes(text).unwrap_err().contains("512M"), "{text:?}");
        }
    }
}
