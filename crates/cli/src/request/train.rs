//! What `papo train` is asked for.

// A program without the feature understands it all, to say what it lacks, and goes no further.
#![cfg_attr(not(feature = "train"), allow(dead_code))]

mod network;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use papo::files::Existing;
use papo::tokenizer::TokenizerKind;
use papo_data::{DataFile, DataFormat, Reading, SpecialWords};
use papo_ngram::Layout;
use papo_retrieval::Settings;

use super::data::{check_standard_input, data_files, paragraphs};
use super::existing;
use crate::arguments::{
    LayoutName, LineFlags, NgramArguments, RetrievalArguments, TaskName, TrainArguments, TrainKind,
};
use crate::failure::Failure;
use crate::output_file::ExistingFile;

pub use network::{NetworkTraining, Shape};

/// `papo train`, by kind.
#[derive(Debug)]
pub enum Train {
    /// A store of replies.
    Retrieval(Box<RetrievalTraining>),
    /// An n-gram model.
    Ngram(Box<NgramTraining>),
    /// A network.
    Network(Box<NetworkTraining>),
}

/// `papo train retrieval`.
#[derive(Debug)]
pub struct RetrievalTraining {
    /// Dialogues or pairs.
    pub data: Vec<DataFile>,
    /// The model folder.
    pub out: PathBuf,
    /// What to do with what is there.
    pub existing: Existing,
    pub tokenizer: TokenizerKind,
    /// How the files are read.
    pub reading: Reading,
    /// What the model is for, by its name in `config.json`.
    pub task: &'static str,
    /// How replies will be looked up.
    pub settings: Settings,
}

/// `papo train ngram`.
#[derive(Debug)]
pub struct NgramTraining {
    /// Files of any of the formats that `--data` names.
    pub data: Vec<DataFile>,
    /// An ARPA file to take the model from instead of estimating it.
    pub from_arpa: Option<PathBuf>,
    pub layout: Layout,
    /// Bits of a quantised number; `None`: numbers are kept as they are.
    pub quantise: Option<u8>,
    /// The model folder.
    pub out: PathBuf,
    /// What to do with what is there.
    pub existing: Existing,
    /// From 1 to 8.
    pub order: usize,
    pub tokenizer: TokenizerKind,
    /// What the model will be used for; `None`: what the files' names tell.
    pub task: Option<NgramTask>,
    /// Bytes.
    pub memory: usize,
    /// A threshold for each of the first orders; none: nothing is pruned.
    pub prune: Vec<u64>,
    /// Discounts for adjusted counts 1, 2 and more where an order's own are out of range; `None`: that is an error.
    pub discount_fallback: Option<[f32; 3]>,
    /// Where to write the model as text besides.
    pub arpa: Option<PathBuf>,
    /// How the files are read.
    pub reading: Reading,
    /// Whether a text that is too small for the order stops the training.
    pub small_text: SmallText,
    /// Folder for temporary files; `None`: the system's.
    pub temporary: Option<PathBuf>,
    /// `None`: the machine's cores.
    pub threads: Option<NonZeroUsize>,
}

/// What happens where a text is too small for the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmallText {
    /// The order is lowered.
    MakeDo,
    /// It is refused.
    Stop,
}

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NgramTask {
    /// Going on with a text.
    Text,
    /// Answering in a conversation.
    Dialogue,
    /// Putting a target after a source.
    Pairs,
}

impl NgramTask {
    /// Its name in `config.json`.
    pub fn name(self) -> &'static str {
        match self {
            NgramTask::Text => "text",
            NgramTask::Dialogue => "dialogue",
            NgramTask::Pairs => "pairs",
        }
    }
}

impl NgramTraining {
    /// What to do with files beside the model that are there.
    pub fn existing_files(&self) -> ExistingFile {
        existing(self.existing == Existing::Replace)
    }

    /// The task asked for, or the one that all files are for by their names.
    pub fn task(&self) -> Result<NgramTask, Failure> {
        if let Some(task) = self.task {
            return Ok(task);
        }
        let mut tasks = self.data.iter().map(|file| match file.format() {
            DataFormat::Text => NgramTask::Text,
            DataFormat::Pairs => NgramTask::Pairs,
            DataFormat::Dialogues => NgramTask::Dialogue,
        });
        let first = tasks.next().unwrap_or(NgramTask::Text);
        if tasks.any(|task| task != first) {
            return Err(Failure::Usage(
                "--data names files of different kinds (text, .tsv, .jsonl); say with --task what the model is for".into(),
            ));
        }
        Ok(first)
    }
}

/// How the lines of text are read.
pub(super) fn reading(lines: LineFlags, skip_symbols: bool) -> Reading {
    Reading {
        paragraphs: paragraphs(lines),
        special_words: if skip_symbols { SpecialWords::Skip } else { SpecialWords::Refuse },
        ..Reading::default()
    }
}

impl Train {
    /// Understands the arguments, or says why they make no sense.
    pub fn from_arguments(arguments: TrainArguments) -> Result<Train, Failure> {
        match arguments.kind {
            TrainKind::Retrieval(it) => Ok(Train::Retrieval(Box::new(retrieval(it)?))),
            TrainKind::Ngram(it) => Ok(Train::Ngram(Box::new(ngram(it)?))),
            kind => Ok(Train::Network(Box::new(NetworkTraining::from_arguments(kind)?))),
        }
    }
}

fn retrieval(it: RetrievalArguments) -> Result<RetrievalTraining, Failure> {
    let data = data_files(&it.data, it.format)?;
    check_standard_input(data.iter())?;
    if let Some(file) = data.iter().find(|file| file.format() == DataFormat::Text) {
        return Err(Failure::Usage(format!(
            "replies are stored from dialogues (.jsonl) or pairs (.tsv), and {} holds plain text; if it does not, say so with --format",
            file.input.shown()
        )));
    }
    // Pairs beside dialogues are short dialogues.
    let is_dialogue = data.iter().any(|file| file.format() == DataFormat::Dialogues);
    Ok(RetrievalTraining {
        data,
        out: it.out,
        existing: if it.overwrite { Existing::Replace } else { Existing::Refuse },
        tokenizer: it.tokenizer,
        reading: Reading {
            special_words: if it.skip_symbols { SpecialWords::Skip } else { SpecialWords::Refuse },
            ..Reading::default()
        },
        task: if is_dialogue { NgramTask::Dialogue } else { NgramTask::Pairs }.name(),
        settings: Settings { context_turns: it.context_turns.into(), ..Settings::default() },
    })
}

fn ngram(it: NgramArguments) -> Result<NgramTraining, Failure> {
    let discount_fallback = match it.discount_fallback.as_deref() {
        None if it.strict => None,
        None | Some([]) => Some([0.5, 1.0, 1.5]),
        Some(&[one, two, more]) if [one, two, more].iter().all(|discount| (0.0..=3.0).contains(discount)) => {
            Some([one, two, more])
        }
        Some(_) => {
            return Err(Failure::Usage(
                "--discount-fallback takes no number, or three from 0 to 3, such as 0.5 1 1.5".into(),
            ));
        }
    };
    if it.quantize.is_some() && it.layout == LayoutName::Hashed {
        return Err(Failure::Usage(papo_ngram::Error::QuantiseHashed.to_string()));
    }
    let data = data_files(&it.data, it.format)?;
    check_standard_input(data.iter())?;
    Ok(NgramTraining {
        data,
        from_arpa: it.from_arpa,
        layout: match it.layout {
            LayoutName::Trie => Layout::Trie,
            LayoutName::Hashed => Layout::Hashed,
        },
        quantise: it.quantize,
        out: it.out,
        existing: if it.overwrite { Existing::Replace } else { Existing::Refuse },
        order: it.order.into(),
        tokenizer: it.tokenizer,
        task: it.task.map(|task| match task {
            TaskName::Text => NgramTask::Text,
            TaskName::Dialogue => NgramTask::Dialogue,
            TaskName::Pairs => NgramTask::Pairs,
        }),
        memory: it.memory,
        prune: it.prune,
        discount_fallback,
        arpa: it.arpa,
        reading: reading(it.lines, it.skip_symbols),
        small_text: if it.strict { SmallText::Stop } else { SmallText::MakeDo },
        temporary: it.temporary,
        threads: crate::request::threads(it.threads),
    })
}
