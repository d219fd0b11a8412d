//! The command line as it is written: every command, its flags and the words of `--help`.
//!
//! Only the shape is checked here. `request.rs` turns this into what the commands work on, and refuses what has the
//! right shape and makes no sense. The flags of the generation options are not written down anywhere: they are made
//! from the table of options that `papo-generate` honours, in `arguments/generation.rs`.

mod eval;
mod generation;
mod suggestion;
mod switches;
mod train;

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub use eval::{DataTask, EvalArguments};
pub use generation::{GenerationFlags, out_of_place, switch_names};
pub use suggestion::correct;
pub use switches::with_explicit_switches;
pub use train::{
    Attention, Cell, Course, DeviceKind, LayoutName, LineFlags, NetworkData, NgramArguments, ParagraphsName,
    RecurrentShape, RetrievalArguments, SaveAs, TaskName, TrainArguments, TrainKind, TrainingFlags, Unit,
};

/// Talk to text-generating networks on your own machine.
#[derive(Parser, Debug)]
#[command(
    name = "papo",
    version,
    long_about = "Talk to text-generating networks on your own machine: Blenderbot, T5 and Flan-T5, BART, Marian, what you train \
                  yourself, and small built-in models that need no download (papo list names them).",
    after_help = "A MODEL is a folder with a checkpoint, a name on the Hugging Face hub such as google/flan-t5-small \
                  (NAME@REVISION for a certain version), or an alias: blenderbot, flan-t5-base, flan-t5-small, \
                  bart-base.\n\n\
                  Try:\n  papo chat                                  talk to a built-in model, the transformer\n  \
                  papo chat blenderbot                       talk to Blenderbot (the first time, it is downloaded)\n  \
                  papo next flan-t5-small 'translate English to German: Hello'\n  \
                  echo '{\"text\": \"Hi!\"}' | papo generate blenderbot --num-beams 4\n\n\
                  Results go to standard output, everything else to standard error. Exit code: 0 it worked, 1 it \
                  failed, 2 it was asked wrongly."
)]
pub struct Arguments {
    /// Print results and errors only: no progress, no remarks.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Talk to a model.
    #[command(
        after_help = "Say `bye` to leave; `/help` in the chat lists its commands. A question behind the model is answered once:\n  \
                      papo chat blenderbot 'Do you like films?'\n\nIn a pipe, each line of standard input is a turn:\n  printf \
                      'Hi!\\nbye\\n' | papo chat\nA turn that begins with a slash is written with two. Commands that write files or download \
                      models are refused there."
    )]
    Chat(ChatArguments),
    /// Give the same prompts to several models and see the answers side by side.
    #[command(
        allow_negative_numbers = true,
        after_help = "Examples:\n  papo compare blenderbot flan-t5-small --prompts prompts.txt --html page.html\n  papo compare --prompt \
                      'How are you?'"
    )]
    Compare(CompareArguments),
    /// Answer JSON Lines from standard input with JSON Lines on standard output.
    #[command(
        allow_negative_numbers = true,
        long_about = "Answer JSON Lines from standard input with JSON Lines on standard output.\n\nAn input line is \
                      {\"text\": \"…\"} or {\"input_ids\": […]}, or a batch {\"texts\": […]} or {\"input_ids\": [[…], \
                      […]]}, with an optional \"id\", which is echoed, and an optional \"generation_config\": {…}, \
                      which goes before the options of the command line. An output line is {\"id\", \"sequences\", \
                      \"texts\", \"scores\", \"new_tokens\"}, with \"truncated\": {\"kept\": \"end\", \"dropped\": n} where a text has n \
                      tokens more than the model can read. A bad line is answered by {\"id\", \"error\"}, the rest \
                      go on, and the exit code is 1 in the end. Blank lines are skipped.",
        after_help = "Example:\n  echo '{\"id\": 1, \"text\": \"Hi!\", \"generation_config\": {\"num_beams\": 4}}' | \
                      papo generate blenderbot"
    )]
    Generate(GenerateArguments),
    /// Show the tokens and ids that a model reads for a text.
    #[command(after_help = "Example:\n  papo tokenize flan-t5-small 'The house is wonderful.'")]
    Tokenize(TokenizeArguments),
    /// Show the likeliest next tokens with their probabilities.
    #[command(
        allow_negative_numbers = true,
        long_about = "Show the likeliest next tokens with their probabilities.\n\nThe model reads TEXT, and the table \
                      shows what its reply may begin with; `--after` gives the reply a beginning of your own. These are \
                      the model's own probabilities, before any generation option changes them.",
        after_help = "Example:\n  papo next flan-t5-small 'translate English to German: Good morning' --after 'Guten'"
    )]
    Next(NextArguments),
    /// Train a model of your own.
    Train(Box<TrainArguments>),
    /// Measure how well a model knows a text: perplexity, and for translations BLEU and chrF.
    #[command(
        allow_negative_numbers = true,
        long_about = "Measure how well a model knows a text: perplexity, and for translations BLEU and chrF.\n\nA model is \
                      asked for what it learnt. Plain text: a model of running text (`--unit stream` in training) is asked for \
                      all of it, line feeds included; n-grams and others for each line and its end token, as KenLM's query does. \
                      Dialogues and pairs: an encoder-decoder for each turn after the first behind the turns that it would see in a \
                      chat, and for each reference behind its source; a model that continues text for all turns one behind the other, and \
                      `replies` is what the answers alone cost it. Then the model translates the sources of pairs, and BLEU and chrF \
                      are counted as sacreBLEU does.\n\nPerplexity per token depends on how a model cuts text; perplexity per word (all \
                      tokens' surprise, end tokens included, for each word between white space) can be compared.",
        after_help = "Example:\n  papo eval ./model --data test.tsv --lowercase --num-beams 5"
    )]
    Eval(EvalArguments),
    /// Measure a model's speed and memory.
    #[command(
        allow_negative_numbers = true,
        long_about = "Measure a model's speed and memory.\n\nThe input is made of arbitrary token ids and the end token \
                      is suppressed, so that every run does the same work: greedy or beam search without the \
                      checkpoint's own options, plus those given here. Figures are medians over the runs; tokens/s \
                      counts the tokens of the returned sequences over the whole time, reading the input included."
    )]
    Bench(BenchArguments),
    /// Make a copy of a model with weights of eight or four bits: smaller, and faster to start and to run.
    #[command(
        allow_negative_numbers = true,
        long_about = "Make a copy of a model with weights of eight or four bits: smaller, and faster to start and to run.\n\nThe new \
                      folder is a model like any other; every command takes it. `--dtype int8` on any command does the same on the \
                      fly, and keeps what it has rounded of a large model in HF_HOME/papo for the next time.",
        after_help = "Example:\n  papo quantize blenderbot --dtype int8 --out blenderbot-int8\n  papo chat ./blenderbot-int8"
    )]
    Quantize(QuantizeArguments),
    /// Download models into the cache that Hugging Face's own tools use, and repair those that are damaged there.
    Pull(PullArguments),
    /// List the models at hand: built in, and in the cache.
    #[command(visible_alias = "ls")]
    List(ListArguments),
    /// Show what a model is: family, size, files and generation options.
    #[command(
        after_help = "Example:\n  papo show machado --arpa machado.arpa      its n-grams, for KenLM, SRILM or --from-arpa"
    )]
    Show(ShowArguments),
    /// Remove models from the cache.
    #[command(name = "rm")]
    Remove(RemoveArguments),
    /// Print the completions of a shell.
    #[command(
        after_help = "Examples:\n  papo completions bash > ~/.local/share/bash-completion/completions/papo\n  papo completions zsh > \
                      ~/.zfunc/_papo\n  papo completions fish > ~/.config/fish/completions/papo.fish"
    )]
    Completions(CompletionsArguments),
    /// Print a page of the manual.
    #[command(
        after_help = "Examples:\n  papo man | man -l -                read it\n  papo man train ngram | man -l -    that of a command\n  papo \
                      man --out ~/.local/share/man/man1"
    )]
    Man(ManArguments),
}

/// The whole command line, with the help that is made of tables.
pub fn command() -> clap::Command {
    let command = Arguments::command();
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let command = command.after_long_help(format!("{after}\n\n{}", crate::environment::help(str::to_owned)));
    command.mut_subcommand("train", |train| {
        NO_USE_FOR.iter().fold(train, |train, &(kind, flag)| {
            train.mut_subcommand(kind, |command| command.mut_arg(flag, |flag| flag.hide(true)))
        })
    })
}

/// Flags of networks that a kind of them has no use for: its help leaves them out, and they are refused.
const NO_USE_FOR: &[(&str, &str)] = &[
    ("rnn", "target_tokens"),
    ("lstm", "target_tokens"),
    ("gru", "target_tokens"),
    ("seq2seq", "unroll"),
    ("seq2seq", "unit"),
    ("transformer", "unroll"),
    ("transformer", "unit"),
];

/// `papo completions`.
#[derive(Args, Debug)]
pub struct CompletionsArguments {
    /// Which shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `papo man`.
#[derive(Args, Debug)]
pub struct ManArguments {
    /// The command whose page it is; the program's own page unless given.
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    pub command: Vec<String>,
    /// Write all pages into this folder, which is made if it is not there; pages of the same names are written over.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Flags of every command that runs a model.
#[derive(Args, Debug)]
pub struct ModelFlags {
    /// Precision of the weights in memory; `auto` keeps the checkpoint's own. Computing is in f32, products with int8 and int4 weights in
    /// whole numbers.
    #[arg(long, value_enum, default_value_t = Dtype::Auto, value_name = "TYPE")]
    pub dtype: Dtype,
    /// Threads that compute; PAPO_NUM_THREADS or the machine's cores unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// Names of weight precisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dtype {
    /// The checkpoint's own.
    Auto,
    /// 32-bit floats.
    F32,
    /// bfloat16.
    Bf16,
    /// 16-bit floats.
    F16,
    /// 8-bit integers with scales: a quarter of f32.
    Int8,
    /// 4-bit integers with scales: less precise, an eighth of f32.
    Int4,
}

/// A choice between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// Yes.
    On,
    /// No.
    Off,
}

/// `papo chat`.
#[derive(Args, Debug)]
pub struct ChatArguments {
    /// Folder, hub name or alias; the built-in model if there is none.
    pub model: Option<String>,
    /// Answer this and end; `-` is standard input. Without it, talk.
    #[arg(value_name = "QUESTION", allow_negative_numbers = true)]
    pub question: Vec<String>,
    /// Whether the model sees the turns before; on for models that were trained on dialogue (Blenderbot, the built-in ones but machado), off
    /// for the others.
    #[arg(long, value_enum, value_name = "on|off", hide_possible_values = true)]
    pub memory: Option<OnOff>,
    /// Do not keep what is typed for the next chat, and do not read what was kept.
    #[arg(long)]
    pub no_history: bool,
    #[command(flatten)]
    pub model_flags: ModelFlags,
    #[command(flatten)]
    pub generation: GenerationFlags,
}

/// `papo compare`.
#[derive(Args, Debug)]
pub struct CompareArguments {
    /// Folders, hub names or aliases; all built-in models if there are none.
    #[arg(value_name = "MODEL")]
    pub models: Vec<String>,
    /// A prompt; may be given several times.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, conflicts_with = "prompts")]
    pub prompt: Vec<String>,
    /// File with a prompt a line; without it and --prompt, standard input is read.
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// Also write the comparison as one self-contained page.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Replace the file of --html if it is there.
    #[arg(long, requires = "html")]
    pub overwrite: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub model_flags: ModelFlags,
    #[command(flatten)]
    pub generation: GenerationFlags,
}

/// `papo generate`.
#[derive(Args, Debug)]
pub struct GenerateArguments {
    /// Folder, hub name or alias.
    pub model: String,
    /// Lines to answer together at most; the answers are the same with any number.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub batch_size: u16,
    #[command(flatten)]
    pub model_flags: ModelFlags,
    #[command(flatten)]
    pub generation: GenerationFlags,
}

/// `papo tokenize`.
#[derive(Args, Debug)]
pub struct TokenizeArguments {
    /// Folder (its config.json and tokenizer files will do), hub name or alias.
    pub model: String,
    /// The text; without it, or for `-`, standard input, a line at a time.
    #[arg(allow_negative_numbers = true)]
    pub text: Option<String>,
    /// Print a line of JSON for each text: {"ids": […], "tokens": […]}.
    #[arg(long)]
    pub json: bool,
}

/// `papo quantize`.
#[derive(Args, Debug)]
pub struct QuantizeArguments {
    /// Folder, hub name or alias.
    pub model: String,
    /// Bits of a weight: int8 loses next to nothing, int4 is smaller still.
    #[arg(long, value_enum, value_name = "TYPE")]
    pub dtype: QuantizedDtype,
    /// The new folder.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Threads that compute; PAPO_NUM_THREADS or the machine's cores unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// Names of the precisions that weights are rounded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum QuantizedDtype {
    /// 8-bit integers, a scale for each output.
    Int8,
    /// 4-bit integers, a scale for each 32 inputs; the vocabulary's matrices and small ones in 8 bits.
    Int4,
}

/// `papo next`.
#[derive(Args, Debug)]
pub struct NextArguments {
    /// Folder, hub name or alias.
    pub model: String,
    /// What the model reads; without it, or for `-`, standard input, a line at a time.
    #[arg(allow_negative_numbers = true)]
    pub text: Option<String>,
    /// Beginning of the reply.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub after: Option<String>,
    /// How many tokens to show.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
    /// Print a line of JSON for each text instead of a table.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub model_flags: ModelFlags,
}

/// `papo bench`.
#[derive(Args, Debug)]
pub struct BenchArguments {
    /// Folder, hub name or alias; the built-in model if there is none.
    pub model: Option<String>,
    /// Tokens of each input.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub input_tokens: u32,
    /// Tokens to make for each input.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub new_tokens: u32,
    /// Inputs answered together.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub batch: u32,
    /// Beams; 1 is greedy search.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub beams: u32,
    /// Measured runs, after one that is not counted.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub runs: u32,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub model_flags: ModelFlags,
    #[command(flatten)]
    pub generation: GenerationFlags,
}

/// `papo pull`.
#[derive(Args, Debug)]
pub struct PullArguments {
    /// Hub names, NAME@REVISION for a certain version, or aliases.
    #[arg(required = true, value_name = "MODEL")]
    pub models: Vec<String>,

    /// Download every file again, also those that seem whole.
    #[arg(long)]
    pub force: bool,
}

/// `papo list`.
#[derive(Args, Debug)]
pub struct ListArguments {
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `papo show`.
#[derive(Args, Debug)]
pub struct ShowArguments {
    /// Folder, hub name or alias; the built-in model if there is none.
    pub model: Option<String>,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Of an n-gram model: write all its n-grams as an ARPA file (packed where the name ends in .gz; - is standard output) instead.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub arpa: Option<PathBuf>,
    /// Replace the file of --arpa if it is there.
    #[arg(long, requires = "arpa")]
    pub overwrite: bool,
}

/// `papo rm`.
#[derive(Args, Debug)]
pub struct RemoveArguments {
    /// Hub names or aliases, as `papo list` shows them.
    #[arg(required = true, value_name = "MODEL")]
    pub models: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command with its path, `papo` first.
    fn all(command: &clap::Command) -> Vec<clap::Command> {
        let below = command.get_subcommands().flat_map(all);
        [command.clone()].into_iter().chain(below).collect()
    }

    #[test]
    fn no_help_page_lists_a_flag_twice() {
        let mut whole = command();
        whole.build();
        for mut command in all(&whole) {
            let help = command.render_long_help().to_string();
            // Words of an explanation stand farther right.
            let entries = help
                .lines()
                .filter(|line| line.find('-').is_some_and(|at| at <= 6 && line[..at].trim().is_empty()));
            let mut flags: Vec<&str> = entries
                .filter_map(|line| line.split([' ', '[']).find(|word| word.starts_with("--")))
                .collect();
            let listed = flags.len();
            flags.sort_unstable();
            flags.dedup();
            assert_eq!(flags.len(), listed, "{}", command.get_name());
        }
    }

    #[test]
    fn the_command_line_is_free_of_contradictions() {
        command().debug_assert();
    }
}
