//! Every network behind one type: a store of replies, an n-gram, a recurrent language model, an encoder-decoder with attention, Blenderbot.
//!
//! `config.json` says in `model_type` which one a folder holds. From here on nobody asks again: decoding, chat, comparison and
//! evaluation see a [`LanguageModel`]. A new kind of network is a variant here and the arms that the compiler then asks for.

use papo_checkpoint::{Checkpoint, MappedFile};
use papo_generate::{LanguageModel, ModelError, Room, TokenId};
use papo_kernels::Compute;
pub use papo_models::{Architecture, Cell, RecurrentAttention, RecurrentSpec, Seq2SeqSpec, Spec, StackShape};
use papo_models::{EncoderDecoder, LoadOptions, RecurrentLm, RecurrentSeq2Seq};
use papo_ngram::Generator;
use papo_retrieval::Retriever;
use serde_json::Value;

use crate::files::ModelFiles;
use crate::pretrained_model::checkpoint;
pub use crate::training::{Task, Training};
use crate::{Error, diagnosis};
use crate::{ngram_file, retrieval_file};

/// A network of any kind, ready to run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Network {
    /// BART, Blenderbot, T5, Marian, and the transformers that Papo trains.
    EncoderDecoder(Box<EncoderDecoder>),
    /// Elman's network, LSTM or GRU as a language model.
    RecurrentLm(Box<RecurrentLm>),
    /// Recurrent encoder and decoder, with attention or without.
    RecurrentSeq2Seq(Box<RecurrentSeq2Seq>),
    /// An n-gram model, in its mapped file.
    Ngram(Box<Generator<MappedFile>>),
    /// A store of replies, of which the nearest is looked up.
    Retrieval(Box<Retriever>),
}

/// What a model's file of numbers holds, by `model_type` of its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// Weights of a network.
    Weights,
    /// Counts of n-grams.
    Counts,
    /// Replies, and the words that they answer.
    Replies,
}

impl Holding {
    /// What a model of this configuration holds.
    pub fn of(config: &Value) -> Self {
        match config.get("model_type").and_then(Value::as_str) {
            Some("papo_ngram") => Self::Counts,
            Some("papo_retrieval") => Self::Replies,
            _ => Self::Weights,
        }
    }
}

/// What a model does with the ids it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It reads a source and then writes: everything with an encoder, and what looks its replies up.
    EncoderDecoder,
    /// It goes on with the text it is given: n-grams and recurrent language models.
    Causal,
}

/// The state of a network's conversation.
#[derive(Debug)]
#[non_exhaustive]
pub enum NetworkState {
    /// Of [`Network::EncoderDecoder`].
    EncoderDecoder(Box<<EncoderDecoder as LanguageModel>::State>),
    /// Of [`Network::RecurrentLm`].
    RecurrentLm(Box<<RecurrentLm as LanguageModel>::State>),
    /// Of [`Network::RecurrentSeq2Seq`].
    RecurrentSeq2Seq(Box<<RecurrentSeq2Seq as LanguageModel>::State>),
    /// Of [`Network::Ngram`].
    Ngram(Box<papo_ngram::Rows>),
    /// Of [`Network::Retrieval`].
    Retrieval(Box<papo_retrieval::Rows>),
}

impl Network {
    /// Loads the network that a configuration names, from `weights` where they are given instead of the model's own.
    pub(crate) fn load(
        config: &Value,
        files: &ModelFiles,
        weights: Option<Checkpoint>,
        options: &LoadOptions<'_>,
    ) -> Result<Self, Error> {
        match Holding::of(config) {
            Holding::Counts => return Ok(Self::Ngram(Box::new(ngram_file::generator(config, files)?))),
            Holding::Replies => {
                return Ok(Self::Retrieval(Box::new(retrieval_file::retriever(config, files)?)));
            }
            Holding::Weights => {}
        }
        let weights = match weights {
            Some(weights) => weights,
            None => {
                // The family first: of one that nobody knows the weights do not matter.
                papo_models::read_architecture(config, &files.path("config.json"))?;
                checkpoint(files).map_err(|error| diagnosis::explained(error, config, files, None))?
            }
        };
        let loaded = Self::from_weights(config, files, &weights, options);
        loaded.map_err(|error| diagnosis::explained(error, config, files, Some(&weights)))
    }

    /// The network that a configuration names, with these weights.
    fn from_weights(
        config: &Value,
        files: &ModelFiles,
        weights: &Checkpoint,
        options: &LoadOptions<'_>,
    ) -> Result<Self, Error> {
        let path = files.path("config.json");
        Ok(match config.get("model_type").and_then(Value::as_str) {
            Some("papo_rnn" | "papo_lstm" | "papo_gru") => {
                Self::RecurrentLm(Box::new(RecurrentLm::load(config, &path, weights, options)?))
            }
            Some("papo_seq2seq") => {
                let network = RecurrentSeq2Seq::load(config, &path, weights, options)?;
                Self::RecurrentSeq2Seq(Box::new(network))
            }
            _ => Self::EncoderDecoder(Box::new(EncoderDecoder::load(config, &path, weights, options)?)),
        })
    }

    /// Whether the network reads a source apart from what it writes.
    pub fn kind(&self) -> Kind {
        match self {
            Self::EncoderDecoder(_) | Self::RecurrentSeq2Seq(_) | Self::Retrieval(_) => Kind::EncoderDecoder,
            Self::RecurrentLm(_) | Self::Ngram(_) => Kind::Causal,
        }
    }

    /// The kernels and threads that it runs on, where it computes with matrices at all.
    pub fn compute(&self) -> Option<&Compute> {
        match self {
            Self::EncoderDecoder(network) => Some(network.compute()),
            Self::RecurrentLm(network) => Some(network.compute()),
            Self::RecurrentSeq2Seq(network) => Some(network.compute()),
            Self::Ngram(_) | Self::Retrieval(_) => None,
        }
    }

    /// Number of weights, tied ones once; of an n-gram model its probabilities and back-off weights, of a store of replies the weights of its
    /// words.
    pub fn parameters(&self) -> usize {
        match self {
            Self::EncoderDecoder(network) => network.parameters(),
            Self::RecurrentLm(network) => network.parameters(),
            Self::RecurrentSeq2Seq(network) => network.parameters(),
            Self::Ngram(network) => network.model().parameters(),
            Self::Retrieval(network) => network.index().words(),
        }
    }

    /// Bytes of all weights that one decoding step reads, whatever the number of rows.
    pub fn weight_bytes_per_step(&self) -> usize {
        match self {
            Self::EncoderDecoder(network) => network.weight_bytes_per_step(),
            Self::RecurrentLm(network) => network.weight_bytes_per_step(),
            Self::RecurrentSeq2Seq(network) => network.weight_bytes_per_step(),
            // The unigrams, to which every step adds back-off weights.
            Self::Ngram(network) => network.vocab_size() * size_of::<f32>(),
            // The bare tokens, to which every step adds the replies that begin so.
            Self::Retrieval(network) => network.vocab_size() * size_of::<f32>(),
        }
    }

    /// The model's own probabilities of every next token: after the source, and behind `prefix`, which the reply begins with, its start token
    /// first. Nothing is suppressed and no generation option has a say.
    ///
    /// Of an n-gram model these are its probabilities as they are, `<unk>` with its own; they add up to 1 as far as the model is normalised.
    pub fn next_probabilities(&self, source: &[TokenId], prefix: &[TokenId]) -> Result<Vec<f64>, ModelError> {
        if let Self::Ngram(network) = self {
            // The start token stands for `<s>` and the source, which every text begins with.
            let tokens = [source, prefix.get(1..).unwrap_or_default()].concat();
            let log10_p = network.log10_probabilities(&tokens);
            return Ok(log10_p.into_iter().map(|log10_p| 10f64.powf(f64::from(log10_p))).collect());
        }
        let room = Room { rows: 1, steps: prefix.len() };
        let mut state = self.start_texts(&[source.to_vec()], room)?;
        let mut logits = vec![0.0; self.vocab_size()];
        for &token in prefix {
            self.step(&mut state, &[token], &mut logits)?;
        }
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - highest).exp()).collect();
        let total: f64 = weights.iter().sum();
        Ok(weights.into_iter().map(|weight| weight / total).collect())
    }

    /// The most tokens that a source may have; `None` for no limit.
    pub fn max_source_tokens(&self) -> Option<usize> {
        match self {
            Self::EncoderDecoder(network) => network.max_source_tokens(),
            _ => None,
        }
    }

    /// The most tokens that a target may have, its start token included; `None` for no limit.
    pub fn max_target_tokens(&self) -> Option<usize> {
        self.max_positions()
    }
}

/// A state that belongs to another network: a caller's error.
fn foreign() -> ! {
    panic!("the state was started by another kind of network")
}

impl LanguageModel for Network {
    type State = NetworkState;

    fn vocab_size(&self) -> usize {
        match self {
            Self::EncoderDecoder(network) => network.vocab_size(),
            Self::RecurrentLm(network) => network.vocab_size(),
            Self::RecurrentSeq2Seq(network) => network.vocab_size(),
            Self::Ngram(network) => network.vocab_size(),
            Self::Retrieval(network) => network.vocab_size(),
        }
    }

    fn max_positions(&self) -> Option<usize> {
        match self {
            Self::EncoderDecoder(network) => network.max_positions(),
            Self::RecurrentLm(network) => network.max_positions(),
            Self::RecurrentSeq2Seq(network) => network.max_positions(),
            Self::Ngram(network) => network.max_positions(),
            Self::Retrieval(network) => network.max_positions(),
        }
    }

    fn start(&self, sources: &[Vec<TokenId>], room: Room) -> Result<NetworkState, ModelError> {
        Ok(match self {
            Self::EncoderDecoder(network) => {
                NetworkState::EncoderDecoder(Box::new(LanguageModel::start(&**network, sources, room)?))
            }
            Self::RecurrentLm(network) => NetworkState::RecurrentLm(Box::new(network.start(sources, room)?)),
            Self::RecurrentSeq2Seq(network) => {
                NetworkState::RecurrentSeq2Seq(Box::new(network.start(sources, room)?))
            }
            Self::Ngram(network) => NetworkState::Ngram(Box::new(network.start(sources, room)?)),
            Self::Retrieval(network) => NetworkState::Retrieval(Box::new(network.start(sources, room)?)),
        })
    }

    fn start_texts(&self, sources: &[Vec<TokenId>], room: Room) -> Result<NetworkState, ModelError> {
        match self {
            Self::EncoderDecoder(network) => {
                Ok(NetworkState::EncoderDecoder(Box::new(network.start_texts(sources, room)?)))
            }
            // No other kind masks anything.
            _ => self.start(sources, room),
        }
    }

    fn step(&self, state: &mut NetworkState, last: &[TokenId], logits: &mut [f32]) -> Result<(), ModelError> {
        match (self, state) {
            (Self::EncoderDecoder(network), NetworkState::EncoderDecoder(state)) => {
                network.step(state, last, logits)
            }
            (Self::RecurrentLm(network), NetworkState::RecurrentLm(state)) => {
                network.step(state, last, logits)
            }
            (Self::RecurrentSeq2Seq(network), NetworkState::RecurrentSeq2Seq(state)) => {
                network.step(state, last, logits)
            }
            (Self::Ngram(network), NetworkState::Ngram(state)) => network.step(state, last, logits),
            (Self::Retrieval(network), NetworkState::Retrieval(state)) => network.step(state, last, logits),
            _ => foreign(),
        }
    }

    fn log_softmax(&self, logits: &mut [f32]) {
        match self {
            Self::EncoderDecoder(network) => network.log_softmax(logits),
            Self::RecurrentLm(network) => network.log_softmax(logits),
            Self::RecurrentSeq2Seq(network) => network.log_softmax(logits),
            Self::Ngram(network) => network.log_softmax(logits),
            Self::Retrieval(network) => network.log_softmax(logits),
        }
    }

    fn select(&self, state: &mut NetworkState, rows: &[usize]) {
        match (self, state) {
            (Self::EncoderDecoder(network), NetworkState::EncoderDecoder(state)) => {
                network.select(state, rows)
            }
            (Self::RecurrentLm(network), NetworkState::RecurrentLm(state)) => network.select(state, rows),
            (Self::RecurrentSeq2Seq(network), NetworkState::RecurrentSeq2Seq(state)) => {
                network.select(state, rows)
            }
            (Self::Ngram(network), NetworkState::Ngram(state)) => network.select(state, rows),
            (Self::Retrieval(network), NetworkState::Retrieval(state)) => network.select(state, rows),
            _ => foreign(),
        }
    }
}
