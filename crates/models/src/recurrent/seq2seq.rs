//! The recurrent encoder-decoder: Sutskever et al., "Sequence to Sequence Learning with Neural Networks", 2014, and Cho et al., 2014;
//! with attention Bahdanau et al. and Luong et al., 2015.
//!
//! `encoder.rs` reads, `decoder.rs` writes, `attention.rs` is the look back from one to the other.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use papo_checkpoint::Checkpoint;
use papo_generate::{LanguageModel, ModelError, Room, TokenId};
use papo_kernels::{Compute, PackedMatrix};

use super::attention::Attention;
use super::decoder::{Bridge, Decoder, Seq2SeqState};
use super::encoder::{BothWays, Encoded, Encoder};
use super::language_model::check_tokens;
use super::load::{EMBEDDING, Loader};
use super::time_major::TimeMajor;
use super::{Cell, RecurrentAttention, Seq2SeqSpec};
use crate::head::LogitsHead;
use crate::model::LoadOptions;
use crate::taps::{Place, Recorder, Side, TapName};
use crate::tensors::Tensors;
use crate::{Error, arch};

/// A recurrent encoder-decoder with its weights.
pub struct RecurrentSeq2Seq {
    spec: Seq2SeqSpec,
    compute: Arc<Compute>,
    /// `[vocabulary, d_embedding]`, of source and target, the head's too where it is tied.
    embedding: Arc<PackedMatrix>,
    encoder: Encoder,
    decoder: Decoder,
    head: LogitsHead,
    parameters: usize,
}

impl RecurrentSeq2Seq {
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
        let spec = arch::recurrent_seq2seq(config, config_path)?;
        let compute = &options.compute;
        let tensors = Tensors::new(checkpoint, config_path, options);
        let loader = Loader { tensors: &tensors, cell: spec.cell, d_hidden: spec.d_hidden };
        let embedding = Arc::new(loader.matrix(EMBEDDING, spec.vocabulary, spec.d_embedding)?);
        let encoder = encoder(&loader, &spec)?;
        let decoder = decoder(&loader, &spec)?;
        let width = decoder.readout.weights.outputs();
        let head = loader.head(spec.head, &embedding, spec.vocabulary, width)?;
        tensors.finish();
        let parameters = tensors.loaded();
        Ok(Self { spec, compute: compute.clone(), embedding, encoder, decoder, head, parameters })
    }

    /// The network's shape.
    pub fn config(&self) -> &Seq2SeqSpec {
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

    /// [`LanguageModel::start`], with a recorder that hears the encoder's intermediates.
    pub fn start_tapped<R: Recorder>(
        &self,
        sources: &[Vec<TokenId>],
        room: Room,
        recorder: &mut R,
    ) -> Result<Seq2SeqState, Error> {
        if sources.is_empty() {
            return Err(Error::NoSources);
        }
        if let Some(index) = sources.iter().position(Vec::is_empty) {
            return Err(Error::EmptySource { index });
        }
        check_tokens(sources.iter().flatten(), "source", self.spec.vocabulary)?;
        let time = TimeMajor::new(&[], sources);
        let Encoded { vectors, finals } =
            self.encoder.encode(&self.compute, &self.embedding, &time, recorder);
        let memory = self.decoder.attention.remember(&self.compute, vectors, &finals, time.lengths());
        let rows = room.rows.max(sources.len());
        let width = self.spec.d_embedding;
        Ok(self.decoder.begin(&self.compute, &finals, memory, sources.len(), rows, width))
    }

    /// [`LanguageModel::step`], with a recorder that hears the decoder's intermediates.
    pub fn step_tapped<R: Recorder>(
        &self,
        state: &mut Seq2SeqState,
        last: &[TokenId],
        logits: &mut [f32],
        recorder: &mut R,
    ) -> Result<(), Error> {
        let vocabulary = self.spec.vocabulary;
        assert_eq!(last.len(), state.rows(), "one token for each row");
        assert_eq!(logits.len(), last.len() * vocabulary, "one row of logits for each row");
        check_tokens(last, "target", vocabulary)?;
        let t = self.decoder.step(&self.compute, &self.embedding, state, last, recorder);
        self.head.apply(&self.compute, t, logits); // [rows, vocabulary]
        recorder.record(TapName::of_stack(Side::Decoder, Place::Logits), &[last.len(), vocabulary], logits);
        Ok(())
    }
}

fn encoder(loader: &Loader<'_>, spec: &Seq2SeqSpec) -> Result<Encoder, Error> {
    let layer = |k| {
        let inputs = if k == 0 { spec.d_embedding } else { 2 * spec.d_hidden };
        Ok(BothWays {
            forward: loader.layer("encoder", k, "", inputs)?,
            backward: loader.layer("encoder", k, "_reverse", inputs)?,
        })
    };
    Ok(Encoder { layers: (0..spec.layers).map(layer).collect::<Result<_, Error>>()? })
}

fn decoder(loader: &Loader<'_>, spec: &Seq2SeqSpec) -> Result<Decoder, Error> {
    let &Seq2SeqSpec { d_embedding, d_hidden, .. } = spec;
    let both = 2 * d_hidden;
    let (attention, fed) = match spec.attention {
        RecurrentAttention::None => (Attention::Summary, both),
        RecurrentAttention::Bahdanau { d_attention } => {
            let query = loader.matrix("attention.query.weight", d_attention, d_hidden)?;
            let key = loader.matrix("attention.key.weight", d_attention, both)?;
            (
                Attention::Bahdanau { query, key, v: loader.vector("attention.score.weight", d_attention)? },
                both,
            )
        }
        RecurrentAttention::Luong => {
            (Attention::Luong { key: loader.matrix("attention.weight", d_hidden, both)? }, d_hidden)
        }
    };
    let bridge = |name: &str, k: usize| {
        let (weight, bias) = (format!("{name}.weight_l{k}"), format!("{name}.bias_l{k}"));
        loader.linear(&weight, &bias, d_hidden, both)
    };
    let (mut layers, mut bridges) = (Vec::new(), Vec::new());
    for k in 0..spec.layers {
        let inputs = if k == 0 { d_embedding + fed } else { d_hidden };
        layers.push(loader.layer("decoder", k, "", inputs)?);
        let c = if spec.cell == Cell::Lstm { Some(bridge("bridge_cell", k)?) } else { None };
        bridges.push(Bridge { h: bridge("bridge", k)?, c });
    }
    let (outputs, inputs) = match spec.attention {
        RecurrentAttention::Luong => (d_hidden, both + d_hidden),
        _ => (d_embedding, d_hidden + both + d_embedding),
    };
    let readout = loader.linear("readout.weight", "readout.bias", outputs, inputs)?;
    Ok(Decoder { layers, bridges, attention, readout })
}

/// The shape; the weights would fill a book.
impl fmt::Debug for RecurrentSeq2Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecurrentSeq2Seq").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl LanguageModel for RecurrentSeq2Seq {
    type State = Seq2SeqState;

    fn vocab_size(&self) -> usize {
        self.spec.vocabulary
    }

    fn start(&self, sources: &[Vec<TokenId>], room: Room) -> Result<Seq2SeqState, ModelError> {
        Ok(self.start_tapped(sources, room, &mut ())?)
    }

    fn step(&self, state: &mut Seq2SeqState, last: &[TokenId], logits: &mut [f32]) -> Result<(), ModelError> {
        Ok(self.step_tapped(state, last, logits, &mut ())?)
    }

    fn log_softmax(&self, logits: &mut [f32]) {
        self.compute().log_softmax(logits, self.vocab_size());
    }

    fn select(&self, state: &mut Seq2SeqState, rows: &[usize]) {
        state.select(rows, self.spec.d_hidden);
    }
}
