//! What every network has in common: batches go in, the loss comes out, and the parameters have names.
//!
//! A [`Batch`] stands on the host, as token ids. [`Network::loss`] turns it into a [`Loss`] whose `mean` is differentiated by burn
//! (`loss.mean.backward()`). What changes from step to step, the dropout and the carried state, is in the [`Pass`].
//!
//! ```
//! use papo_lab::{AnyNetwork, Batch, Dropout, Grid, Network, NetworkConfig, Pass, RecurrentConfig};
//!
//! let config = NetworkConfig::Lstm(RecurrentConfig::new(10, 8, 8, 1));
//! let device = burn::tensor::Device::flex().autodiff();
//! let network = AnyNetwork::new(&config, 1, &device)?;
//! let tokens = Grid::new(&[&[1, 5, 6, 2], &[1, 7, 2]], 3);
//! let batch = Batch::Text { tokens, continues: false };
//! let loss = network.loss(&batch, &mut Pass::train(Dropout { seed: 1, step: 0, part: 0 }));
//! assert_eq!(loss.tokens, 5);
//! let gradients = loss.mean.backward();
//! # drop(gradients);
//! # Ok::<(), papo_lab::Error>(())
//! ```

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::chance::Chance;
use crate::parameters::{self, FindWeight, Weight};
use crate::recurrent::RecurrentModel;
use crate::seq2seq::Seq2Seq;
use crate::transformer::Transformer;
use crate::{CellKind, Error, NetworkConfig};

/// Token ids of several rows, row-major, filled up at the right; on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Rows.
    pub rows: usize,
    /// Tokens of the longest row.
    pub columns: usize,
    /// `rows · columns` ids.
    pub ids: Vec<u32>,
    /// The real tokens of each row.
    pub lengths: Vec<usize>,
}

impl Grid {
    /// Rows of any lengths, filled up with `pad`.
    pub fn new(rows: &[&[u32]], pad: u32) -> Self {
        let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(rows.len() * columns);
        for row in rows {
            ids.extend_from_slice(row);
            ids.resize(ids.len() + columns - row.len(), pad);
        }
        Self { rows: rows.len(), columns, ids, lengths: rows.iter().map(|row| row.len()).collect() }
    }

    /// The ids of a row, filling included.
    pub fn row(&self, row: usize) -> &[u32] {
        &self.ids[row * self.columns..][..self.columns]
    }

    /// The largest id.
    pub fn largest(&self) -> Option<u32> {
        self.ids.iter().copied().max()
    }
}

/// Rows that are trained on together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Plain text or dialogues for a causal model: columns `0..n-1` are read, columns `1..n` foretold.
    Text {
        /// The rows.
        tokens: Grid,
        /// Whether the rows go on where those of the batch before ended: the state is carried over, not differentiated
        /// (truncated back-propagation through time). The state is that of [`Pass::carried`].
        continues: bool,
    },
    /// Sources, and targets that begin with the decoder's start token and end with `</s>`.
    Pairs {
        /// What is read.
        sources: Grid,
        /// What is foretold, given the source and the tokens before.
        targets: Grid,
    },
}

impl Batch {
    /// Tokens that are foretold.
    pub fn target_tokens(&self) -> usize {
        let (Self::Text { tokens: targets, .. } | Self::Pairs { targets, .. }) = self;
        targets.lengths.iter().map(|length| length.saturating_sub(1)).sum()
    }

    /// Tokens that go through the network: what is read and what is foretold.
    pub fn tokens(&self) -> usize {
        match self {
            Self::Text { .. } => self.target_tokens(),
            Self::Pairs { sources, .. } => sources.lengths.iter().sum::<usize>() + self.target_tokens(),
        }
    }

    /// The grid that is foretold: all columns but the first are targets.
    pub(crate) fn targets(&self) -> &Grid {
        let (Self::Text { tokens: targets, .. } | Self::Pairs { targets, .. }) = self;
        targets
    }
}

/// What a batch costs.
#[derive(Debug)]
pub struct Loss {
    /// The mean over the real target tokens, label smoothing included; `[1]`, differentiable.
    pub mean: Tensor<1>,
    /// The sum over the real target tokens of `-ln p(token)`, without smoothing; `[1]`, not differentiable.
    pub nats: Tensor<1>,
    /// The real target tokens.
    pub tokens: usize,
}

impl Loss {
    /// The sum of `-ln p(token)`, read back from the device.
    pub fn nats(&self) -> f64 {
        f64::from(self.nats.clone().into_scalar::<f32>())
    }

    /// The mean that is differentiated, read back from the device.
    pub fn mean(&self) -> f64 {
        f64::from(self.mean.clone().inner().into_scalar::<f32>())
    }
}

/// Where dropout masks come from: the same place has the same mask in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropout {
    /// The training's seed.
    pub seed: u64,
    /// The optimiser's step.
    pub step: u64,
    /// The micro-batch within the step.
    pub part: u64,
}

/// What a pass through the network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout is on, and gradients can be asked for.
    Train(Dropout),
    /// Nothing is dropped and no gradient is kept in mind.
    Evaluate,
}

/// The final state of a recurrent model, on the host: what a resumed run needs besides weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carried {
    /// Rows of the batch.
    pub rows: usize,
    /// For each layer its states one after another (h; for an LSTM h, then c), `[rows, d_hidden]` each.
    pub layers: Vec<Vec<f32>>,
}

/// What changes from pass to pass.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Training or evaluation.
    pub mode: Mode,
    /// In: the state to go on from where a batch `continues`. Out: the state after the batch. None at the start.
    pub carried: Option<Carried>,
    /// Part of the target that is spread over the whole vocabulary (label smoothing): 0 at first.
    pub label_smoothing: f64,
}

impl Pass {
    /// A pass that is differentiated.
    pub fn train(dropout: Dropout) -> Self {
        Self { mode: Mode::Train(dropout), carried: None, label_smoothing: 0.0 }
    }

    /// A pass that is only looked at.
    pub fn evaluate() -> Self {
        Self { mode: Mode::Evaluate, carried: None, label_smoothing: 0.0 }
    }

    /// The chance of the dropout at a site of the network; none where nothing is dropped.
    pub(crate) fn chance(&self, site: u64) -> Option<Chance> {
        match self.mode {
            Mode::Train(place) => {
                Some(Chance::new(place.seed).named("dropout").at(place.step).at(place.part).at(site))
            }
            Mode::Evaluate => None,
        }
    }

    /// A parameter's tensor, for gradients or without.
    pub(crate) fn weight<const D: usize>(&self, parameter: &burn::module::Param<Tensor<D>>) -> Tensor<D> {
        match self.mode {
            Mode::Train(_) => parameter.val(),
            Mode::Evaluate => parameter.val().inner(),
        }
    }
}

/// A network that can be trained.
///
/// A batch of the wrong kind, or with a token that is not in the vocabulary, is a caller's error and panics.
pub trait Network: Module {
    /// The loss of a batch.
    fn loss(&self, batch: &Batch, pass: &mut Pass) -> Loss;

    /// The logits behind the loss, `[rows, target columns - 1, vocabulary]`; rows of filled-up targets hold anything.
    fn logits(&self, batch: &Batch, pass: &mut Pass) -> Tensor<3>;

    /// The name in a checkpoint of the parameter that burn knows by the path of its fields.
    fn checkpoint_name(path: &str) -> String;
}

/// Any of the networks.
#[derive(Module, Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)]
pub enum AnyNetwork {
    /// A recurrent language model: Elman's, LSTM or GRU.
    Recurrent(RecurrentModel),
    /// A recurrent encoder and decoder.
    Seq2Seq(Seq2Seq),
    /// A transformer.
    Transformer(Transformer),
}

impl AnyNetwork {
    /// A new network with weights drawn from the seed. The device differentiates: `Device::flex().autodiff()`, say.
    ///
    /// # Errors
    /// Where the configuration is impossible.
    pub fn new(config: &NetworkConfig, seed: u64, device: &Device) -> Result<Self, Error> {
        config.check()?;
        Ok(match config {
            NetworkConfig::Rnn(config) => {
                Self::Recurrent(RecurrentModel::new(CellKind::Rnn, config, seed, device))
            }
            NetworkConfig::Lstm(config) => {
                Self::Recurrent(RecurrentModel::new(CellKind::Lstm, config, seed, device))
            }
            NetworkConfig::Gru(config) => {
                Self::Recurrent(RecurrentModel::new(CellKind::Gru, config, seed, device))
            }
            NetworkConfig::Seq2Seq(config) => Self::Seq2Seq(Seq2Seq::new(config, seed, device)),
            NetworkConfig::Transformer(config) => Self::Transformer(Transformer::new(config, seed, device)),
        })
    }

    /// All parameters by name, on the host, in an order that never changes; for a transformer followed by the bias of zeros that Marian's
    /// checkpoints have.
    pub fn weights(&self) -> Vec<Weight> {
        let mut weights = parameters::weights(self);
        if let (Self::Transformer(_), Some(table)) = (self, weights.first()) {
            let vocabulary = table.shape[0];
            weights.push(Weight {
                name: "final_logits_bias".into(),
                shape: vec![1, vocabulary],
                values: vec![0.0; vocabulary],
            });
        }
        weights
    }

    /// The network with other weights: `find` is asked for each parameter by name and shape.
    ///
    /// # Errors
    /// The first that `find` returns.
    pub fn with_weights(self, find: &mut FindWeight<'_>) -> Result<Self, Error> {
        parameters::load(self, find)
    }
}

impl Network for AnyNetwork {
    fn loss(&self, batch: &Batch, pass: &mut Pass) -> Loss {
        match self {
            Self::Recurrent(network) => network.loss(batch, pass),
            Self::Seq2Seq(network) => network.loss(batch, pass),
            Self::Transformer(network) => network.loss(batch, pass),
        }
    }

    fn logits(&self, batch: &Batch, pass: &mut Pass) -> Tensor<3> {
        match self {
            Self::Recurrent(network) => network.logits(batch, pass),
            Self::Seq2Seq(network) => network.logits(batch, pass),
            Self::Transformer(network) => network.logits(batch, pass),
        }
    }

    fn checkpoint_name(path: &str) -> String {
        let (variant, path) = path.split_once('.').expect("a path begins with the kind of network");
        match variant {
            "Recurrent" => RecurrentModel::checkpoint_name(path),
            "Seq2Seq" => Seq2Seq::checkpoint_name(path),
            "Transformer" => Transformer::checkpoint_name(path),
            other => unreachable!("{other} is no kind of network"),
        }
    }
}
