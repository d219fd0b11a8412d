//! What `papo train` is asked for where a network is to be trained, with the defaults of its kind.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use papo::files::Existing;
use papo::tokenizer::TokenizerKind;
use papo_data::{DataFile, Reading};

use crate::arguments::{
    Attention, Cell, Course, DataTask, DeviceKind, NetworkData, SaveAs, TaskName, TrainKind, TrainingFlags,
    Unit,
};
use crate::failure::Failure;
use crate::request::data::{check_standard_input, data_files};

/// A network to be trained.
#[derive(Clone, Debug)]
pub struct NetworkTraining {
    pub shape: Shape,
    /// Those of the shape's flags that were given, with their values.
    pub shape_flags: Vec<(&'static str, String)>,
    /// The model whose weights it begins with, and whose shape and tokenizer it has.
    pub init_from: Option<String>,
    /// What is learnt from.
    pub data: Vec<DataFile>,
    /// What is measured by; empty: a part is held out.
    pub valid: Vec<DataFile>,
    pub hold_out: f64,
    pub out: PathBuf,
    /// What to do with what is in the folder.
    pub existing: Existing,
    /// `None`: told by the files.
    pub task: Option<TaskName>,
    /// `None`: a stream, where the data are text.
    pub unit: Option<Unit>,
    pub tokenizer: TokenizerKind,
    /// How the files are read.
    pub reading: Reading,
    pub lowercase: bool,
    pub min_count: u64,
    pub context_turns: usize,
    pub context_tokens: usize,
    pub target_tokens: usize,
    pub epochs: Option<u64>,
    pub max_steps: Option<u64>,
    pub max_time: Option<Duration>,
    pub patience: Option<u64>,
    pub validate_every: Option<u64>,
    /// Rows, or else tokens, of a batch.
    pub batch_rows: Option<usize>,
    pub batch_tokens: Option<usize>,
    pub unroll: usize,
    pub accumulate: usize,
    pub learning_rate: f64,
    pub course: Course,
    /// `None`: the default of the kind, as far as the training is long enough for it.
    pub warm_up: Option<u64>,
    pub default_warm_up: u64,
    pub weight_decay: f64,
    pub clip: Option<f64>,
    /// `None`: that of the model it begins with.
    pub dropout: Option<f64>,
    pub label_smoothing: f64,
    pub average: Option<f64>,
    pub seed: u64,
    pub resume: bool,
    pub save_every: Duration,
    pub save_dtype: SaveAs,
    pub report: Option<PathBuf>,
    pub device: DeviceKind,
    /// `None`: the machine's cores.
    pub threads: Option<NonZeroUsize>,
}

/// The kind and size of a network; the vocabulary comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A recurrent language model.
    Recurrent { cell: Cell, hidden: usize, embedding: usize, layers: usize, tied: bool },
    /// A recurrent encoder-decoder.
    Seq2Seq { cell: Cell, attention: Attention, hidden: usize, embedding: usize, layers: usize, tied: bool },
    /// A transformer.
    Transformer { d_model: usize, heads: usize, feed_forward: usize, layers: usize, max_positions: usize },
}

/// What a kind of network is trained with unless told otherwise.
struct Defaults {
    learning_rate: f64,
    warm_up: u64,
    dropout: f64,
    label_smoothing: f64,
    batch_rows: Option<usize>,
    batch_tokens: Option<usize>,
}

impl Shape {
    fn defaults(self) -> Defaults {
        match self {
            Shape::Recurrent { .. } => Defaults {
                learning_rate: 2e-3,
                warm_up: 0,
                dropout: 0.2,
                label_smoothing: 0.0,
                batch_rows: Some(32),
                batch_tokens: None,
            },
            Shape::Seq2Seq { .. } => Defaults {
                learning_rate: 1e-3,
                warm_up: 0,
                dropout: 0.2,
                label_smoothing: 0.0,
                batch_rows: None,
                batch_tokens: Some(4096),
            },
            Shape::Transformer { .. } => Defaults {
                learning_rate: 1e-3,
                warm_up: 1000,
                dropout: 0.1,
                label_smoothing: 0.1,
                batch_rows: None,
                batch_tokens: Some(4096),
            },
        }
    }
}

impl NetworkTraining {
    /// Understands the arguments of a network, or says why they make no sense.
    pub fn from_arguments(kind: TrainKind) -> Result<NetworkTraining, Failure> {
        let (shape, flags, data, training) = match kind {
            TrainKind::Retrieval(_) | TrainKind::Ngram(_) => unreachable!("it is no network"),
            TrainKind::Rnn(it) => {
                (recurrent(Cell::Rnn, &it.shape)?, recurrent_flags(&it.shape), it.data, it.training)
            }
            TrainKind::Lstm(it) => {
                (recurrent(Cell::Lstm, &it.shape)?, recurrent_flags(&it.shape), it.data, it.training)
            }
            TrainKind::Gru(it) => {
                (recurrent(Cell::Gru, &it.shape)?, recurrent_flags(&it.shape), it.data, it.training)
            }
            TrainKind::Seq2seq(it) => {
                let shape = &it.shape;
                let size = Shape::Seq2Seq {
                    cell: shape.cell.unwrap_or(Cell::Gru),
                    attention: shape.attention.unwrap_or(Attention::Bahdanau),
                    hidden: shape.hidden.unwrap_or(512),
                    embedding: shape.embedding.unwrap_or(256),
                    layers: shape.layers.unwrap_or(1),
                    tied: shape.tie_embeddings,
                };
                let flags = given([
                    ("--cell", shape.cell.map(value_name)),
                    ("--attention", shape.attention.map(value_name)),
                    ("--hidden", shape.hidden.map(|it| it.to_string())),
                    ("--embedding", shape.embedding.map(|it| it.to_string())),
                    ("--layers", shape.layers.map(|it| it.to_string())),
                    ("--tie-embeddings", shape.tie_embeddings.then(|| "true".to_owned())),
                ]);
                (size, flags, it.data, it.training)
            }
            TrainKind::Transformer(it) => {
                let shape = &it.shape;
                let d_model = shape.d_model.unwrap_or(256);
                let size = Shape::Transformer {
                    d_model,
                    heads: shape.heads.unwrap_or(4),
                    feed_forward: shape.feed_forward.unwrap_or(4 * d_model),
                    layers: shape.layers.unwrap_or(3),
                    max_positions: shape.max_positions.unwrap_or(512),
                };
                let flags = given(
                    [
                        ("--d-model", shape.d_model),
                        ("--heads", shape.heads),
                        ("--feed-forward", shape.feed_forward),
                        ("--layers", shape.layers),
                        ("--max-positions", shape.max_positions),
                    ]
                    .map(|(flag, value)| (flag, value.map(|value| value.to_string()))),
                );
                (size, flags, it.data, it.training)
            }
        };
        assemble(shape, flags, data, training)
    }
}

/// Flags with the values that they were given.
fn given<const N: usize>(flags: [(&'static str, Option<String>); N]) -> Vec<(&'static str, String)> {
    flags.into_iter().filter_map(|(flag, value)| Some((flag, value?))).collect()
}

fn value_name(value: impl clap::ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn recurrent_flags(shape: &crate::arguments::RecurrentShape) -> Vec<(&'static str, String)> {
    given([
        ("--hidden", shape.hidden.map(|it| it.to_string())),
        ("--embedding", shape.embedding.map(|it| it.to_string())),
        ("--layers", shape.layers.map(|it| it.to_string())),
        ("--tie-embeddings", shape.tie_embeddings.then(|| "true".to_owned())),
    ])
}

fn recurrent(cell: Cell, shape: &crate::arguments::RecurrentShape) -> Result<Shape, Failure> {
    let hidden = shape.hidden.unwrap_or(512);
    let embedding = shape.embedding.unwrap_or(hidden);
    if shape.tie_embeddings && embedding != hidden {
        return Err(Failure::Usage(format!(
            "--tie-embeddings wants an embedding as wide as the state, {hidden}; leave --embedding out"
        )));
    }
    let layers = shape.layers.unwrap_or(2);
    Ok(Shape::Recurrent { cell, hidden, embedding, layers, tied: shape.tie_embeddings })
}

/// Refuses flags that this kind of network, or this kind of tokenizer, has no use for.
fn refuse_idle_flags(shape: Shape, data: &NetworkData, it: &TrainingFlags) -> Result<(), Failure> {
    let refuse = |flag: &str, why: &str| {
        Err(Failure::Usage(format!("{flag} has no effect here: {why}; leave it out")))
    };
    if matches!(shape, Shape::Recurrent { .. }) {
        if data.target_tokens.is_some() {
            return refuse(
                "--target-tokens",
                "a recurrent language model has no targets apart from what it reads",
            );
        }
        if data.unit.is_some() && matches!(data.task, Some(TaskName::Dialogue | TaskName::Pairs)) {
            return refuse("--unit", "it is about running text, and --task says that there is none");
        }
    } else {
        if data.unit.is_some() {
            return refuse(
                "--unit",
                "it is about running text, which an encoder-decoder does not learn from",
            );
        }
        if it.unroll.is_some() {
            return refuse("--unroll", "an encoder-decoder learns from whole sources and targets");
        }
    }
    match &data.tokenizer {
        Some(TokenizerKind::Folder(_)) if data.lowercase => {
            refuse("--lowercase", "the tokenizer of a folder is taken as it is")
        }
        Some(TokenizerKind::Words { .. } | TokenizerKind::Chars) => Ok(()),
        _ if data.min_count.is_some() => {
            refuse("--min-count", "it is about words and characters, and pieces cover every text")
        }
        _ => Ok(()),
    }
}

fn assemble(
    shape: Shape,
    shape_flags: Vec<(&'static str, String)>,
    data: NetworkData,
    it: TrainingFlags,
) -> Result<NetworkTraining, Failure> {
    refuse_idle_flags(shape, &data, &it)?;
    let target_tokens = data.target_tokens.unwrap_or(128);
    let defaults = shape.defaults();
    if let Shape::Transformer { max_positions, .. } = shape
        && data.init_from.is_none()
        && max_positions < data.context_tokens.max(target_tokens + 1)
    {
        return Err(Failure::Usage(format!(
            "--max-positions {max_positions} is less than --context-tokens {} or --target-tokens {} and a token to \
             begin with; raise it, or lower those",
            data.context_tokens, target_tokens
        )));
    }
    let limited = it.max_steps.is_some() || it.max_time.is_some() || it.patience.is_some();
    let epochs = it.epochs.or((!limited).then_some(10));
    let planned = epochs.is_some() || it.max_steps.is_some() || it.max_time.is_some();
    let course = it.schedule.unwrap_or(match shape {
        Shape::Transformer { .. } => Course::InverseSqrt,
        _ if planned => Course::Cosine,
        _ => Course::Constant,
    });
    if course == Course::Cosine && !planned {
        return Err(Failure::Usage(
            "--schedule cosine must know where it ends; give --epochs, --max-steps or --max-time, or use another schedule".into(),
        ));
    }
    let by_rows = it.batch_size.is_some() || (it.batch_tokens.is_none() && defaults.batch_rows.is_some());
    let files = beside(&data.files.data, data.format, &data.targets, "--targets", "--data")?;
    let valid = beside(&data.valid, data.format, &data.valid_targets, "--valid-targets", "--valid")?;
    check_standard_input(files.iter().chain(&valid))?;
    let overwrite = data.files.overwrite;
    Ok(NetworkTraining {
        shape,
        shape_flags,
        dropout: it.dropout.or(data.init_from.is_none().then_some(defaults.dropout)),
        init_from: data.init_from,
        existing: match (it.resume, overwrite) {
            (false, false) => Existing::Refuse,
            (true, false) => Existing::GoOn,
            (false, true) => Existing::Replace,
            (true, true) => Existing::GoOnOrReplace,
        },
        data: files,
        valid,
        hold_out: data.hold_out,
        out: data.files.out,
        task: data.task,
        unit: data.unit,
        tokenizer: data.tokenizer.unwrap_or(TokenizerKind::Bpe { size: 4000 }),
        reading: super::reading(data.lines, data.skip_symbols),
        lowercase: data.lowercase,
        min_count: data.min_count.unwrap_or(1),
        context_turns: data.context_turns,
        context_tokens: data.context_tokens,
        target_tokens,
        epochs,
        max_steps: it.max_steps,
        max_time: it.max_time,
        patience: it.patience,
        validate_every: it.validate_every,
        batch_rows: if by_rows { it.batch_size.or(defaults.batch_rows) } else { None },
        batch_tokens: if by_rows { None } else { it.batch_tokens.or(defaults.batch_tokens) },
        unroll: it.unroll.unwrap_or(64),
        accumulate: it.accumulate,
        learning_rate: it.learning_rate.unwrap_or(defaults.learning_rate),
        course,
        warm_up: it.warm_up,
        default_warm_up: defaults.warm_up,
        weight_decay: it.weight_decay,
        clip: (it.clip > 0.0).then_some(it.clip),
        label_smoothing: it.label_smoothing.unwrap_or(defaults.label_smoothing),
        average: it.average,
        seed: it.seed,
        resume: it.resume,
        save_every: it.save_every,
        save_dtype: it.save_dtype,
        report: it.report,
        device: it.device,
        threads: crate::request::threads(it.threads),
    })
}

/// Files with the files that belong to them.
fn beside(
    files: &[PathBuf],
    holds: Option<DataTask>,
    others: &[PathBuf],
    flag: &str,
    of: &str,
) -> Result<Vec<DataFile>, Failure> {
    let files = data_files(files, holds)?;
    if others.is_empty() {
        return Ok(files);
    }
    let others = data_files(others, None)?;
    if files.len() != others.len() {
        return Err(Failure::Usage(format!(
            "{flag} names {} files and {of} {}; give as many of each, in the same order",
            others.len(),
            files.len()
        )));
    }
    let together = files.into_iter().zip(others);
    Ok(together.map(|(file, other)| DataFile { targets: Some(other.input), ..file }).collect())
}
