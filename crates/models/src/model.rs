//! The network as decoding sees it: [`EncoderDecoder`], a [`LanguageModel`].
//!
//! The model is immutable and may be shared; everything that changes lies in the [`State`]. Next: `encoder.rs`,
//! `decoder.rs` and `state.rs`.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use papo_checkpoint::Checkpoint;
use papo_generate::{LanguageModel, ModelError, Room, TokenId};
use papo_kernels::Compute;

use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::head::LogitsHead;
use crate::load::{self, Network};
use crate::sources::Sources;
use crate::spec::Spec;
use crate::state::{Buffers, Scratch, SpareBuffers, State};
use crate::taps::{Place, Recorder, Side, TapName};
use crate::tensors::{LoadedTensor, Progress, WeightDtype};
use crate::weights::Weights;
use crate::{Error, arch};

/// How to load a network.
#[derive(Clone)]
pub struct LoadOptions<'a> {
    /// Kernels and threads, for loading and for running.
    pub compute: Arc<Compute>,
    /// The precision in which weights are held.
    pub dtype: WeightDtype,
    /// Called after each tensor.
    pub progress: Option<&'a dyn Fn(Progress)>,
    /// Given every tensor that the network makes use of, once.
    pub record: Option<&'a dyn Fn(LoadedTensor<'_>)>,
    /// Looked at between tensors; once it is true, loading ends with [`Error::Interrupted`].
    pub interrupt: Option<&'a AtomicBool>,
}

impl LoadOptions<'_> {
    /// Weights in their stored precision, nobody watching.
    pub fn new(compute: Arc<Compute>) -> Self {
        Self { compute, dtype: WeightDtype::Auto, progress: None, record: None, interrupt: None }
    }
}

/// An encoder-decoder with its weights.
pub struct EncoderDecoder {
    spec: Spec,
    compute: Arc<Compute>,
    encoder: Encoder,
    decoder: Decoder,
    head: LogitsHead,
    parameters: usize,
    spare: SpareBuffers,
}

impl EncoderDecoder {
    /// Builds the network that `config` describes from the weights of `checkpoint`.
    ///
    /// `config_path` is named in errors only. Fails when the family is unknown, a field cannot be, or a tensor is missing
    /// or has another shape than the configuration says.
    pub fn load(
        config: &serde_json::Value,
        config_path: &Path,
        checkpoint: &Checkpoint,
        options: &LoadOptions<'_>,
    ) -> Result<Self, Error> {
        let blueprint = arch::blueprint(config, config_path)?;
        let weights = Weights::new(checkpoint, &blueprint, config_path, options);
        let mut spec = blueprint.spec.clone();
        let Network { encoder, decoder, head } =
            load::network(&weights, &mut spec, blueprint.tables, blueprint.head)?;
        weights.finish();
        Ok(Self {
            spec,
            compute: options.compute.clone(),
            encoder,
            decoder,
            head,
            parameters: weights.loaded(),
            spare: SpareBuffers::default(),
        })
    }

    /// The network's shape.
    pub fn spec(&self) -> &Spec {
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

    /// Bytes of all weights that one decoding step reads, whatever the number of rows.
    pub fn weight_bytes_per_step(&self) -> usize {
        self.decoder.bytes_per_step() + self.head.bytes()
    }

    /// The most tokens that a source may have; `None` for no limit.
    pub fn max_source_tokens(&self) -> Option<usize> {
        self.spec.max_positions()
    }

    /// The most tokens that a target may have, its start token included; `None` for no limit.
    pub fn max_target_tokens(&self) -> Option<usize> {
        self.spec.max_positions()
    }

    /// [`LanguageModel::start`], with a recorder that hears the encoder's intermediates.
    pub fn start_tapped<R: Recorder>(
        &self,
        sources: &[Vec<TokenId>],
        room: Room,
        recorder: &mut R,
    ) -> Result<State, Error> {
        self.read(sources, self.spec.padding, room, recorder)
    }

    fn read<R: Recorder>(
        &self,
        sources: &[Vec<TokenId>],
        padding: Option<TokenId>,
        room: Room,
        recorder: &mut R,
    ) -> Result<State, Error> {
        let batch = Sources::new(sources, padding, self.spec.source_vocabulary, self.max_source_tokens())?;
        let mut buffers = self.spare.take();
        self.encoder.encode(&self.compute, &batch, &mut buffers, recorder);
        let Buffers { memory, scratch: Scratch { x, projected, .. }, .. } = &mut buffers;
        let encoded = x.at_least(batch.tokens.len() * self.spec.d_model); // [tokens, d_model]
        self.decoder.project(&self.compute, encoded, &batch, projected, memory);
        let (keep, spare) = (self.decoder.keep(), self.spare.clone());
        let mut state = State::new(&self.spec, keep, sources.len(), buffers, spare, room);
        self.decoder.fill_bias(&mut state);
        Ok(state)
    }

    /// [`LanguageModel::step`], with a recorder that hears the decoder's intermediates.
    pub fn step_tapped<R: Recorder>(
        &self,
        state: &mut State,
        last: &[TokenId],
        logits: &mut [f32],
        recorder: &mut R,
    ) -> Result<(), Error> {
        let vocabulary = self.spec.target_vocabulary;
        assert_eq!(last.len(), state.rows(), "one token for each row");
        assert_eq!(logits.len(), last.len() * vocabulary, "one row of logits for each row");
        if let Some(&token) = last.iter().find(|&&token| token as usize >= vocabulary) {
            return Err(Error::UnknownToken { token, side: "target", vocabulary });
        }
        if let Some(limit) = self.max_target_tokens().filter(|&limit| state.steps() >= limit) {
            return Err(Error::TargetTooLong { limit });
        }
        let x = self.decoder.step(&self.compute, state, last, recorder); // [rows, d_model]
        self.head.apply(&self.compute, x, logits); // [rows, vocabulary]
        recorder.record(TapName::of_stack(Side::Decoder, Place::Logits), &[last.len(), vocabulary], logits);
        Ok(())
    }
}

/// The shape; the weights would fill a book.
impl fmt::Debug for EncoderDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncoderDecoder").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl LanguageModel for EncoderDecoder {
    type State = State;

    fn vocab_size(&self) -> usize {
        self.spec.target_vocabulary
    }

    fn start(&self, sources: &[Vec<TokenId>], room: Room) -> Result<State, ModelError> {
        Ok(self.start_tapped(sources, room, &mut ())?)
    }

    fn start_texts(&self, sources: &[Vec<TokenId>], room: Room) -> Result<State, ModelError> {
        Ok(self.read(sources, None, room, &mut ())?)
    }

    fn step(&self, state: &mut State, last: &[TokenId], logits: &mut [f32]) -> Result<(), ModelError> {
        Ok(self.step_tapped(state, last, logits, &mut ())?)
    }

    fn max_positions(&self) -> Option<usize> {
        self.max_target_tokens()
    }

    fn log_softmax(&self, logits: &mut [f32]) {
        self.compute().log_softmax(logits, self.vocab_size());
    }

    fn select(&self, state: &mut State, rows: &[usize]) {
        state.select(rows);
    }
}
