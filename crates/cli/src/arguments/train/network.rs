//! `papo train rnn|lstm|gru|seq2seq|transformer`: the flags of networks.
//!
//! A flag that is not given has a default that depends on the kind; those stand in `request/train/network.rs` and in the help texts.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use papo::tokenizer::TokenizerKind;

use super::{DataFlags, LineFlags, TaskName};
use crate::arguments::DataTask;

/// `papo train rnn`, `lstm` or `gru`.
#[derive(Args, Debug)]
pub struct RecurrentArguments {
    #[command(flatten)]
    pub shape: RecurrentShape,
    #[command(flatten)]
    pub data: NetworkData,
    #[command(flatten)]
    pub training: TrainingFlags,
}

/// The size of a stack of recurrent layers.
#[derive(Args, Debug)]
#[command(next_help_heading = "Size of the network")]
pub struct RecurrentShape {
    /// Width of each layer's state; 512 unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub hidden: Option<usize>,
    /// Width of a token's embedding; as wide as the state unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub embedding: Option<usize>,
    /// Layers on top of each other; 2 unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub layers: Option<usize>,
    /// Use the embedding table as output projection too, which saves weights; the embedding is then as wide as the state.
    #[arg(long)]
    pub tie_embeddings: bool,
}

/// `papo train seq2seq`.
#[derive(Args, Debug)]
pub struct Seq2SeqArguments {
    #[command(flatten)]
    pub shape: Seq2SeqShape,
    #[command(flatten)]
    pub data: NetworkData,
    #[command(flatten)]
    pub training: TrainingFlags,
}

/// The size of a recurrent encoder-decoder.
#[derive(Args, Debug)]
#[command(next_help_heading = "Size of the network")]
pub struct Seq2SeqShape {
    /// Kind of recurrent layers; gru unless given.
    #[arg(long, value_enum, value_name = "KIND")]
    pub cell: Option<Cell>,
    /// How the decoder looks back at the source; bahdanau unless given.
    #[arg(long, value_enum, value_name = "KIND")]
    pub attention: Option<Attention>,
    /// Width of the decoder's state, and of each direction of the encoder's; 512 unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub hidden: Option<usize>,
    /// Width of a token's embedding; 256 unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub embedding: Option<usize>,
    /// Layers on top of each other; 1 unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub layers: Option<usize>,
    /// Use the embedding table as output projection too (with luong, the embedding must be as wide as the state).
    #[arg(long)]
    pub tie_embeddings: bool,
}

/// Kinds of recurrent layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cell {
    /// Elman's network.
    Rnn,
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent units.
    Gru,
}

/// Kinds of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Attention {
    /// None: the source is one vector.
    None,
    /// Additive, before the decoder's step.
    Bahdanau,
    /// Multiplicative, after the decoder's step.
    Luong,
}

/// `papo train transformer`.
#[derive(Args, Debug)]
pub struct TransformerArguments {
    #[command(flatten)]
    pub shape: TransformerShape,
    #[command(flatten)]
    pub data: NetworkData,
    #[command(flatten)]
    pub training: TrainingFlags,
}

/// The size of a transformer.
#[derive(Args, Debug)]
#[command(next_help_heading = "Size of the network")]
pub struct TransformerShape {
    /// Width of the model; 256 unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub d_model: Option<usize>,
    /// Heads of each attention, which share the width; 4 unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub heads: Option<usize>,
    /// Width between the two projections of the feed-forward networks; four times the model's unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub feed_forward: Option<usize>,
    /// Blocks in the encoder, and as many in the decoder; 3 unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub layers: Option<usize>,
    /// Positions at most: no text may be longer, in tokens; 512 unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub max_positions: Option<usize>,
}

/// What a network learns from.
#[derive(Args, Debug)]
#[command(next_help_heading = "Data")]
pub struct NetworkData {
    #[command(flatten)]
    pub files: DataFlags,
    /// The other side of the pairs, a file for each of --data, line by line.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub targets: Vec<PathBuf>,
    /// Data to measure by, of the same kind as --data; otherwise a part of that is held out.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub valid: Vec<PathBuf>,
    /// The other side of the pairs of --valid.
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "valid")]
    pub valid_targets: Vec<PathBuf>,
    /// Part of the data to hold out where there is no --valid; 0 measures on what was learnt.
    #[arg(long, value_name = "PART", default_value_t = 0.05, value_parser = share, conflicts_with = "valid")]
    pub hold_out: f64,
    /// What the files of --data and --valid hold, whatever their names say; standard input holds text unless told otherwise.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<DataTask>,
    /// What the model is for; told by the files unless given.
    #[arg(long, value_enum, value_name = "KIND")]
    pub task: Option<TaskName>,
    /// Of text: whether it goes on from line to line (stream, unless given), or each line is a text of its own, such as a name.
    #[arg(long, value_enum, value_name = "UNIT")]
    pub unit: Option<Unit>,
    /// What a token is: words, words:N, chars, bpe:N, unigram:N, or a FOLDER whose tokenizer is taken; bpe:4000 unless given.
    #[arg(long, value_name = "KIND")]
    pub tokenizer: Option<TokenizerKind>,
    /// Begin with the weights of this model, which may be built in, a folder or a name on the hub, and train it further: it gives the
    /// shape of the network and the tokenizer, too.
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["tokenizer", "lowercase", "min_count"])]
    pub init_from: Option<String>,
    /// Take the words `<s>`, `</s>`, `<pad>` and `<unk>` for white space, instead of refusing the first three. Inside a longer word they are
    /// letters.
    #[arg(long)]
    pub skip_symbols: bool,
    #[command(flatten)]
    pub lines: LineFlags,
    /// Make all letters small, in training and in use.
    #[arg(long)]
    pub lowercase: bool,
    /// Leave out words or characters that occur less often; 1 unless given.
    #[arg(long, value_name = "N", value_parser = count64)]
    pub min_count: Option<u64>,
    /// Turns of a conversation that the model sees at most.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = count)]
    pub context_turns: usize,
    /// Tokens of a conversation, or of a source, that the model sees at most.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = count)]
    pub context_tokens: usize,
    /// Tokens of a target that an encoder-decoder learns at most; 128 unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub target_tokens: Option<usize>,
}

/// What a line of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unit {
    /// Part of a text that goes on.
    Stream,
    /// A text of its own.
    Line,
}

/// How a network learns.
#[derive(Args, Debug)]
#[command(next_help_heading = "Training")]
pub struct TrainingFlags {
    /// Times that all data are gone through; 10 unless some limit is given.
    #[arg(long, value_name = "N", value_parser = count64)]
    pub epochs: Option<u64>,
    /// Steps of the optimiser at most.
    #[arg(long, value_name = "N", value_parser = count64)]
    pub max_steps: Option<u64>,
    /// Time of training at most, all runs together, such as 90s, 20m or 3h.
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    pub max_time: Option<Duration>,
    /// Stop after this many validations without a better loss.
    #[arg(long, value_name = "N", value_parser = count64)]
    pub patience: Option<u64>,
    /// Steps from validation to validation; one at the end of each epoch unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub validate_every: Option<u64>,
    /// Rows of a batch.
    #[arg(long, value_name = "N", conflicts_with = "batch_tokens", value_parser = count)]
    pub batch_size: Option<usize>,
    /// Tokens of a batch, sources and targets together, filling included: so short rows make batches of more rows.
    #[arg(long, value_name = "N", value_parser = count)]
    pub batch_tokens: Option<usize>,
    /// Tokens that a recurrent language model is unrolled for; longer texts are carried on in the next batch; 64 unless given.
    #[arg(long, value_name = "N", value_parser = count)]
    pub unroll: Option<usize>,
    /// Batches whose gradients are added up for one step.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    pub accumulate: usize,
    /// The highest learning rate; 0.002 for recurrent language models, 0.001 for the others unless given.
    #[arg(long, value_name = "RATE", value_parser = positive)]
    pub learning_rate: Option<f64>,
    /// Course of the learning rate; inverse-sqrt for transformers and cosine for the others unless given.
    #[arg(long, value_enum, value_name = "COURSE")]
    pub schedule: Option<Course>,
    /// Steps in which the learning rate grows; 1000 for transformers, but never more than a tenth of the training, and 0 for the others unless given.
    #[arg(long, value_name = "N")]
    pub warm_up: Option<u64>,
    /// Weight decay of AdamW; 0 is Adam.
    #[arg(long, value_name = "DECAY", default_value_t = 0.0, value_parser = amount)]
    pub weight_decay: f64,
    /// Norm that gradients are brought down to; 0 leaves them as they are.
    #[arg(long, value_name = "NORM", default_value_t = 1.0, value_parser = amount)]
    pub clip: f64,
    /// Part of the activations that is put out at random; 0.1 for transformers, 0.2 for the others unless given, or that of --init-from.
    #[arg(long, value_name = "PART", value_parser = share)]
    pub dropout: Option<f64>,
    /// Part of each target that is spread over the vocabulary; 0.1 for transformers, 0 for the others unless given.
    #[arg(long, value_name = "PART", value_parser = share)]
    pub label_smoothing: Option<f64>,
    /// Keep the running mean of the weights, which forgets so slowly (0.999, say), instead of the weights themselves.
    #[arg(long, value_name = "DECAY", value_parser = share)]
    pub average: Option<f64>,
    /// Where the first weights, the order of the data and the dropout come from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Go on where the same command was stopped; begin where there is nothing to go on from.
    #[arg(long)]
    pub resume: bool,
    /// Save the state to go on from this often, besides at each validation and at the end.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    pub save_every: Duration,
    /// Precision of the saved model.
    #[arg(long, value_enum, value_name = "TYPE", default_value_t = SaveAs::F32)]
    pub save_dtype: SaveAs,
    /// Write the curves of the losses as one self-contained page.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Where to compute; which of them are there depends on how the program was built.
    #[arg(long, value_enum, value_name = "DEVICE", default_value_t = DeviceKind::Cpu)]
    pub device: DeviceKind,
    /// Threads that compute; the machine's cores unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// Courses of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Course {
    /// The same to the end.
    Constant,
    /// Falls with the root of the steps, as in "Attention Is All You Need".
    InverseSqrt,
    /// Falls along half a cosine to a tenth, where --max-steps, --epochs or else --max-time ends it.
    Cosine,
    /// Halves when the validation loss has stood still twice.
    Plateau,
}

/// Precisions of a saved model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SaveAs {
    /// 16-bit floats.
    F16,
    /// 32-bit floats.
    F32,
}

/// Where a network is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A graphics card of NVIDIA.
    Cuda,
    /// A graphics card by WebGPU.
    Wgpu,
    /// A graphics card of Apple.
    Metal,
}

/// A number from 1 up.
fn count(text: &str) -> Result<usize, String> {
    count64(text).and_then(|number| usize::try_from(number).map_err(|error| error.to_string()))
}

fn count64(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{text} is not a whole number from 1 up"))
}

/// A part of a whole: 0 … 1, 1 excluded.
fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|part| (0.0..1.0).contains(part))
        .ok_or_else(|| format!("{text:?} is not at least 0 and below 1; write for example 0.1"))
}

fn amount(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|amount: &f64| amount.is_finite() && *amount >= 0.0)
        .ok_or_else(|| format!("{text:?} is not a number from 0 up; write for example 0.01"))
}

fn positive(text: &str) -> Result<f64, String> {
    amount(text).and_then(|amount| if amount > 0.0 { Ok(amount) } else { Err("it must be above 0".into()) })
}

/// Reads `90s`, `20m`, `1.5h`.
fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time; write for example 90s, 20m or 3h");
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?);
    let seconds = match unit {
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number = number.parse::<f64>().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())
}

fn some_time(text: &str) -> Result<Duration, String> {
    let none = || format!("{text} is no time at all; write for example 90s, 20m or 3h");
    time(text).and_then(|time| if time.is_zero() { Err(none()) } else { Ok(time) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        for (text, seconds) in [("90s", 90.0), ("20m", 1200.0), ("1.5h", 5400.0), ("0s", 0.0)] {
            assert_eq!(time(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        for text in ["", "90", "m", "-5m", "3 days", "1e300h"] {
            assert!(time(text).unwrap_err().contains("20m"), "{text:?}");
        }
    }

    #[test]
    fn counts_begin_at_one() {
        assert_eq!((count("1"), count64("36000")), (Ok(1), Ok(36_000)));
        for text in ["0", "-5", "1.5", "many", ""] {
            assert!(count(text).unwrap_err().contains("from 1 up"), "{text:?}");
        }
        assert!(some_time("0s").is_err() && some_time("1s").is_ok());
    }

    #[test]
    fn parts_are_below_one() {
        assert_eq!(share("0.25"), Ok(0.25));
        assert!(share("1").is_err() && share("-0.1").is_err() && share("nan").is_err());
        assert!(positive("0").is_err() && amount("inf").is_err());
    }
}
