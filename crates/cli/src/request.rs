//! What the commands work on: the command line with every word understood.
//!
//! `arguments.rs` knows how a command is spelled; the commands know only these types. Between the two stands this file,
//! and what it refuses is a wrong usage, told before any model is looked for.

mod data;
mod eval;
mod train;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use papo::hub::Repair;
use papo::{GenerationConfig, Memory, WeightDtype};

use crate::arguments::{self, Command, GenerationFlags, ModelFlags, OnOff, QuantizedDtype};
use crate::environment;
use crate::failure::Failure;
use crate::output_file::ExistingFile;

pub use eval::{Detail, Eval};
#[cfg_attr(not(feature = "train"), allow(unused_imports))]
pub use train::{NetworkTraining, NgramTask, NgramTraining, RetrievalTraining, Shape, SmallText, Train};

/// One run of the program.
#[derive(Debug)]
pub enum Request {
    /// Talk.
    Chat(Chat),
    /// Prompts down, models across.
    Compare(Compare),
    /// JSON Lines in, JSON Lines out.
    Generate(Generate),
    /// Text to ids.
    Tokenize(Tokenize),
    /// Probabilities of the next token.
    Next(Next),
    /// A model from data.
    Train(Train),
    /// Perplexity, BLEU, chrF.
    Eval(Eval),
    /// Speed and memory.
    Bench(Bench),
    /// A model with rounded weights.
    Quantize(Quantize),
    /// Download or repair, by name.
    Pull {
        /// What to download.
        models: Vec<String>,
        /// What is downloaded although it is there.
        repair: Repair,
    },
    /// What is at hand.
    List(Format),
    /// What a model is.
    Show(Show),
    /// Remove from the cache, by name.
    Remove(Vec<String>),
    /// Completions of a shell.
    Completions(clap_complete::Shell),
    /// Pages of the manual.
    Man(Manual),
}

/// Which pages of the manual.
#[derive(Debug)]
pub enum Manual {
    /// That of a command, of the program itself where none is named, on standard output.
    Page(Vec<String>),
    /// All, into a folder.
    All(PathBuf),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How a model is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Loading {
    /// Precision of the weights in memory.
    pub dtype: WeightDtype,
    /// Threads that compute; `None`: as many as the library thinks best.
    pub threads: Option<NonZeroUsize>,
}

impl Loading {
    /// The precision's name on the command line.
    pub fn dtype_name(&self) -> &'static str {
        match self.dtype {
            WeightDtype::Auto => "auto",
            WeightDtype::F32 => "f32",
            WeightDtype::F16 => "f16",
            WeightDtype::Bf16 => "bf16",
            WeightDtype::Int8 => "int8",
            WeightDtype::Int4 => "int4",
        }
    }
}

/// Whether what is typed is kept for the next chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// In a file of the user's.
    Keep,
    /// Only until the chat ends.
    Forget,
}

/// `papo chat`.
#[derive(Debug)]
pub struct Chat {
    /// The built-in model if there is none.
    pub model: Option<String>,
    /// What to answer before the end; `None`: talk.
    pub question: Option<String>,
    /// Whether the model sees earlier turns.
    pub memory: Memory,
    pub history: History,
    pub loading: Loading,
    /// The options given; they go before the checkpoint's own.
    pub config: GenerationConfig,
}

/// Where prompts come from.
#[derive(Debug)]
pub enum Prompts {
    /// The command line; there is at least one, and none is blank.
    Given(Vec<String>),
    /// A line each.
    File(PathBuf),
    /// A line each.
    StandardInput,
}

/// `papo compare`.
#[derive(Debug)]
pub struct Compare {
    /// Empty: the built-in models.
    pub models: Vec<String>,
    pub prompts: Prompts,
    /// Where to write the page.
    pub html: Option<PathBuf>,
    pub existing: ExistingFile,
    pub format: Format,
    pub loading: Loading,
    pub config: GenerationConfig,
}

/// `papo generate`.
#[derive(Debug)]
pub struct Generate {
    pub model: String,
    /// Lines answered together at most.
    pub batch_size: usize,
    pub loading: Loading,
    pub config: GenerationConfig,
}

/// `papo tokenize`.
#[derive(Debug)]
pub struct Tokenize {
    pub model: String,
    /// Without it, lines of standard input.
    pub text: Option<String>,
    pub format: Format,
}

/// `papo next`.
#[derive(Debug)]
pub struct Next {
    pub model: String,
    /// The source; without it, lines of standard input.
    pub text: Option<String>,
    /// The reply so far.
    pub after: Option<String>,
    /// Tokens to show.
    pub top: usize,
    pub format: Format,
    pub loading: Loading,
}

/// `papo bench`.
#[derive(Debug)]
pub struct Bench {
    /// The built-in model if there is none.
    pub model: Option<String>,
    pub input_tokens: usize,
    pub new_tokens: usize,
    pub batch: usize,
    pub beams: usize,
    pub runs: usize,
    pub format: Format,
    pub loading: Loading,
    pub config: GenerationConfig,
}

/// `papo quantize`.
#[derive(Debug)]
pub struct Quantize {
    pub model: String,
    /// The folder to make.
    pub out: PathBuf,
    /// What weights are rounded to.
    pub loading: Loading,
}

/// `papo show`.
#[derive(Debug)]
pub struct Show {
    /// The built-in model if there is none.
    pub model: Option<String>,
    pub format: Format,
    /// Where to write an n-gram model as an ARPA file, instead of describing it.
    pub arpa: Option<PathBuf>,
    pub existing: ExistingFile,
}

impl Request {
    /// Understands a command, or says why it makes no sense.
    pub fn from_command(command: Command) -> Result<Request, Failure> {
        Ok(match command {
            Command::Chat(it) if it.question.is_empty() && is_a_sentence(it.model.as_deref()) => {
                let words = it.model.unwrap_or_default();
                return Err(Failure::Usage(format!(
                    "{words:?} is not a model; to ask a model something once, name it first: papo chat transformer {words:?}"
                )));
            }
            Command::Chat(it) => Request::Chat(Chat {
                model: it.model,
                question: (!it.question.is_empty()).then(|| it.question.join(" ")),
                history: if it.no_history { History::Forget } else { History::Keep },
                memory: match it.memory {
                    None => Memory::Auto,
                    Some(OnOff::On) => Memory::On,
                    Some(OnOff::Off) => Memory::Off,
                },
                loading: loading(&it.model_flags),
                config: config("chat", &it.generation)?,
            }),
            Command::Compare(it) => Request::Compare(Compare {
                models: it.models,
                prompts: prompts(it.prompt, it.prompts)?,
                html: it.html,
                existing: existing(it.overwrite),
                format: format(it.json),
                loading: loading(&it.model_flags),
                config: config("compare", &it.generation)?,
            }),
            Command::Generate(it) => Request::Generate(Generate {
                model: it.model,
                batch_size: it.batch_size.into(),
                loading: loading(&it.model_flags),
                config: config("generate", &it.generation)?,
            }),
            Command::Tokenize(it) => Request::Tokenize(Tokenize {
                model: it.model,
                text: given_text(it.text),
                format: format(it.json),
            }),
            Command::Next(it) => Request::Next(Next {
                model: it.model,
                text: given_text(it.text),
                after: it.after,
                top: it.top as usize,
                format: format(it.json),
                loading: loading(&it.model_flags),
            }),
            Command::Train(it) => Request::Train(Train::from_arguments(*it)?),
            Command::Eval(it) => Request::Eval(Eval::from_arguments(it)?),
            Command::Bench(it) => Request::Bench(bench(it)?),
            Command::Quantize(it) => Request::Quantize(Quantize {
                model: it.model,
                out: it.out,
                loading: Loading {
                    dtype: match it.dtype {
                        QuantizedDtype::Int8 => WeightDtype::Int8,
                        QuantizedDtype::Int4 => WeightDtype::Int4,
                    },
                    threads: threads(it.threads),
                },
            }),
            Command::Pull(it) => Request::Pull {
                models: it.models,
                repair: if it.force { Repair::Everything } else { Repair::Damaged },
            },
            Command::List(it) => Request::List(format(it.json)),
            Command::Show(it) => Request::Show(Show {
                model: it.model,
                format: format(it.json),
                arpa: it.arpa,
                existing: existing(it.overwrite),
            }),
            Command::Remove(it) => Request::Remove(it.models),
            Command::Completions(it) => Request::Completions(it.shell),
            Command::Man(it) => Request::Man(match it.out {
                Some(folder) => Manual::All(folder),
                None => Manual::Page(it.command),
            }),
        })
    }
}

fn bench(it: arguments::BenchArguments) -> Result<Bench, Failure> {
    Ok(Bench {
        model: it.model,
        input_tokens: it.input_tokens as usize,
        new_tokens: it.new_tokens as usize,
        batch: it.batch as usize,
        beams: it.beams as usize,
        runs: it.runs as usize,
        format: format(it.json),
        loading: loading(&it.model_flags),
        config: config("bench", &it.generation)?,
    })
}

/// Several words that are no folder's name either: a question without its model.
fn is_a_sentence(model: Option<&str>) -> bool {
    model.is_some_and(|model| model.trim().contains(char::is_whitespace) && !Path::new(model).exists())
}

/// `-` stands for standard input, as everywhere.
fn given_text(text: Option<String>) -> Option<String> {
    text.filter(|text| text != "-")
}

fn prompts(given: Vec<String>, file: Option<PathBuf>) -> Result<Prompts, Failure> {
    if given.iter().any(|prompt| prompt.trim().is_empty()) {
        return Err(Failure::Usage("--prompt is empty; write what the models shall answer".to_owned()));
    }
    Ok(match file {
        Some(file) if file.as_os_str() == "-" => Prompts::StandardInput,
        Some(file) => Prompts::File(file),
        None if given.is_empty() => Prompts::StandardInput,
        None => Prompts::Given(given),
    })
}

fn existing(overwrite: bool) -> ExistingFile {
    if overwrite { ExistingFile::Replace } else { ExistingFile::Refuse }
}

fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Text }
}

fn loading(flags: &ModelFlags) -> Loading {
    let dtype = match flags.dtype {
        arguments::Dtype::Auto => WeightDtype::Auto,
        arguments::Dtype::F32 => WeightDtype::F32,
        arguments::Dtype::Bf16 => WeightDtype::Bf16,
        arguments::Dtype::F16 => WeightDtype::F16,
        arguments::Dtype::Int8 => WeightDtype::Int8,
        arguments::Dtype::Int4 => WeightDtype::Int4,
    };
    Loading { dtype, threads: threads(flags.threads) }
}

/// The threads asked for, on the command line or else by the environment.
fn threads(given: Option<u16>) -> Option<NonZeroUsize> {
    given.and_then(|threads| NonZeroUsize::new(threads.into())).or_else(environment::threads)
}

/// The options given to a command, of which it must have a use for each.
fn config(command: &str, flags: &GenerationFlags) -> Result<GenerationConfig, Failure> {
    if let Some(sentence) = arguments::out_of_place(command, flags) {
        return Err(Failure::Usage(sentence));
    }
    let mut config = GenerationConfig::default();
    for (name, value) in &flags.given {
        config
            .set(name, value)
            .map_err(|error| Failure::Usage(format!("--{} {value}: {error}", name.replace('_', "-"))))?;
    }
    Ok(config)
}
