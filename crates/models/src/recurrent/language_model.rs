//! The recurrent language model: Mikolov et al., "Recurrent neural network based language model", 2010.
//!
//! ```text
//! x = embedding(token)                [rows, d_embedding]
//! for each layer:  h, c ← cell(x, h, c);  x = h
//! logits = W x + b                    [rows, vocabulary]
//! ```
//!
//! It has no encoder: a source is the beginning of the text that it goes on with. Starting feeds `<s>` and the source; the token of the
//! first step, which for encoder-decoders begins the target, stands for all of that and is not fed.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use papo_checkpoint::Checkpoint;
use papo_generate::{LanguageModel, ModelError, Room, TokenId};
use papo_kernels::{Compute, Numbers, PackedMatrix};

use super::RecurrentSpec;
use super::layer::{Direction, GateBuffers, Layer, LayerState};
use super::load::{EMBEDDING, Loader};
use super::time_major::TimeMajor;
use crate::head::LogitsHead;
use crate::model::LoadOptions;
use crate::taps::{Place, Recorder, Stack, TapName};
use crate::tensors::Tensors;
use crate::{Error, arch};

/// Tokens whose gate sums are computed at once when sources are read: 16 MiB of them for an LSTM 512 wide.
pub(super) const TOKENS_AT_ONCE: usize = 2048;

/// A recurrent language model with its weights.
pub struct RecurrentLm {
    spec: RecurrentSpec,
    compute: Arc<Compute>,
    /// `[vocabulary, d_embedding]`, the head's too where it is tied.
    embedding: Arc<PackedMatrix>,
    layers: Vec<Layer>,
    head: LogitsHead,
    parameters: usize,
}

/// What a [`RecurrentLm`] carries from step to step.
#[derive(Debug)]
pub struct RecurrentState {
    rows: usize,
    layers: Vec<LayerState>,
    next: Next,
    x: Numbers,
    gates: GateBuffers,
}

/// What becomes of the next step's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It stands for what has been read already.
    Stands,
    Fed,
}

impl RecurrentState {
    /// Rows alive.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

impl RecurrentLm {
    /// Builds the network that `config` describes from the weights of `checkpoint`.
    ///
    /// `config_path` is named in errors only. Fails when the configuration is not of this kind, a field cannot be, or a tensor is
    /// missing or has another shape than the configuration says.
    pub fn load(
        config: &serde_json::Value,
        config_path: &Path,
        checkpoint: &Checkpoint,
        options: &LoadOptions<'_>,
    ) -> Result<Self, Error> {
        let spec = arch::recurrent_lm(config, config_path)?;
        let compute = &options.compute;
        let tensors = Tensors::new(checkpoint, config_path, options);
        let loader = Loader { tensors: &tensors, cell: spec.cell, d_hidden: spec.d_hidden };
        let embedding = Arc::new(loader.matrix(EMBEDDING, spec.vocabulary, spec.d_embedding)?);
        let inputs = |k| if k == 0 { spec.d_embedding } else { spec.d_hidden };
        let layers = (0..spec.layers).map(|k| loader.layer("rnn", k, "", inputs(k)));
        let layers = layers.collect::<Result<Vec<_>, _>>()?;
        let head = loader.head(spec.head, &embedding, spec.vocabulary, spec.d_hidden)?;
        tensors.finish();
        let parameters = tensors.loaded();
        Ok(Self { spec, compute: compute.clone(), embedding, layers, head, parameters })
    }

    /// The network's shape.
    pub fn config(&self) -> &RecurrentSpec {
        &self.spec
    }

    /// The kernels and threads that it runs on.
    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// Number of weights, tied ones once.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Bytes of all weights that one step reads, whatever the number of rows.
    pub fn weight_bytes_per_step(&self) -> usize {
        self.layers.iter().map(Layer::bytes).sum::<usize>() + self.head.bytes()
    }

    /// [`LanguageModel::start`], with a recorder that hears each layer's `h` at `<s>` and every token of the sources.
    pub fn start_tapped<R: Recorder>(
        &self,
        sources: &[Vec<TokenId>],
        room: Room,
        recorder: &mut R,
    ) -> Result<RecurrentState, Error> {
        if sources.is_empty() {
            return Err(Error::NoSources);
        }
        check_tokens(sources.iter().flatten(), "source", self.spec.vocabulary)?;
        let rows = room.rows.max(sources.len());
        let mut state = RecurrentState {
            rows: sources.len(),
            layers: self.layers.iter().map(|layer| LayerState::zeros(layer, sources.len(), rows)).collect(),
            next: Next::Stands,
            x: Numbers::default(),
            gates: GateBuffers::default(),
        };
        self.read(&TimeMajor::new(&[self.spec.bos], sources), &mut state, recorder);
        state.x.at_least(rows * self.spec.d_embedding);
        state.gates.reserve(rows, self.layers.iter());
        Ok(state)
    }

    /// Feeds whole sources; afterwards the state's rows stand in the order of the sources.
    fn read<R: Recorder>(&self, time: &TimeMajor, state: &mut RecurrentState, recorder: &mut R) {
        let RecurrentSpec { d_embedding, d_hidden, .. } = self.spec;
        // A recorder wants each layer's vectors in one piece.
        let at_once = if R::ACTIVE { usize::MAX } else { TOKENS_AT_ONCE };
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for run in time.runs(at_once) {
            let span = time.span(&run);
            x.resize(span.len() * d_embedding, 0.0);
            embed(&self.embedding, &time.tokens[span.clone()], &mut x); // [tokens, d_embedding]
            for (k, (layer, carried)) in self.layers.iter().zip(&mut state.layers).enumerate() {
                y.resize(span.len() * d_hidden, 0.0);
                let (gates, run) = (&mut state.gates, run.clone());
                let columns = 0..d_hidden;
                layer.read(&self.compute, &x, time, run, Direction::Forward, carried, gates, &mut y, columns);
                if R::ACTIVE {
                    let name = TapName::of_block(Stack::Rnn, k, Place::Hidden);
                    recorder.record(name, &[span.len(), d_hidden], &time.to_sources(&y, d_hidden));
                }
                std::mem::swap(&mut x, &mut y); // [tokens, d_hidden]
            }
        }
        state.layers.iter_mut().for_each(|layer| layer.select(time.line_of_source(), d_hidden));
    }

    /// [`LanguageModel::step`], with a recorder that hears each layer's `h` and the logits.
    pub fn step_tapped<R: Recorder>(
        &self,
        state: &mut RecurrentState,
        last: &[TokenId],
        logits: &mut [f32],
        recorder: &mut R,
    ) -> Result<(), Error> {
        let RecurrentSpec { vocabulary, d_embedding, d_hidden, .. } = self.spec;
        let rows = state.rows;
        assert_eq!(last.len(), rows, "one token for each row");
        assert_eq!(logits.len(), rows * vocabulary, "one row of logits for each row");
        check_tokens(last, "target", vocabulary)?;
        if state.next == Next::Fed {
            let x = state.x.at_least(rows * d_embedding);
            embed(&self.embedding, last, x); // [rows, d_embedding]
            let mut x = &*x;
            for (k, (layer, carried)) in self.layers.iter().zip(&mut state.layers).enumerate() {
                layer.step(&self.compute, x, carried, &mut state.gates);
                x = &carried.h; // [rows, d_hidden]
                recorder.record(TapName::of_block(Stack::Rnn, k, Place::Hidden), &[rows, d_hidden], x);
            }
        }
        state.next = Next::Fed;
        let top = state.layers.last().map_or(&[][..], |layer| &layer.h);
        self.head.apply(&self.compute, top, logits); // [rows, vocabulary]
        recorder.record(TapName::of_stack(Stack::Rnn, Place::Logits), &[rows, vocabulary], logits);
        Ok(())
    }
}

/// Writes the embedding of each token to a row of `x`.
pub(super) fn embed(table: &PackedMatrix, tokens: &[TokenId], x: &mut [f32]) {
    for (&token, x) in tokens.iter().zip(x.chunks_exact_mut(table.inputs())) {
        table.read_row(token as usize, x);
    }
}

/// Refuses tokens that the vocabulary does not have.
pub(super) fn check_tokens<'a>(
    tokens: impl IntoIterator<Item = &'a TokenId>,
    side: &'static str,
    vocabulary: usize,
) -> Result<(), Error> {
    match tokens.into_iter().find(|&&token| token as usize >= vocabulary) {
        Some(&token) => Err(Error::UnknownToken { token, side, vocabulary }),
        None => Ok(()),
    }
}

/// The shape; the weights would fill a book.
impl fmt::Debug for RecurrentLm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecurrentLm").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl LanguageModel for RecurrentLm {
    type State = RecurrentState;

    fn vocab_size(&self) -> usize {
        self.spec.vocabulary
    }

    fn start(&self, sources: &[Vec<TokenId>], room: Room) -> Result<RecurrentState, ModelError> {
        Ok(self.start_tapped(sources, room, &mut ())?)
    }

    fn step(
        &self,
        state: &mut RecurrentState,
        last: &[TokenId],
        logits: &mut [f32],
    ) -> Result<(), ModelError> {
        Ok(self.step_tapped(state, last, logits, &mut ())?)
    }

    fn log_softmax(&self, logits: &mut [f32]) {
        self.compute().log_softmax(logits, self.vocab_size());
    }

    fn select(&self, state: &mut RecurrentState, rows: &[usize]) {
        state.rows = rows.len();
        state.layers.iter_mut().for_each(|layer| layer.select(rows, self.spec.d_hidden));
    }
}
