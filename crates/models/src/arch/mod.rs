//! Adapters: each translates one family's `config.json` and key names; nothing else knows these words.
//!
//! A family is added by a file with its configuration, its spec and its keys, and a line in [`families`].

mod bart;
mod blenderbot;
mod fields;
mod marian;
mod recurrent;
mod t5;

use std::fmt;
use std::path::Path;

use papo_kernels::Activation;
use serde_json::Value;

use self::fields::{Fields, SecondNames};
use crate::Error;
use crate::recurrent::{Cell, RecurrentSpec, Seq2SeqSpec};
use crate::spec::Spec;
use crate::weights::Part;

/// A family of checkpoints that can be loaded.
#[derive(Debug)]
pub struct Family {
    /// What `model_type` says in its configurations.
    pub model_type: &'static str,
    /// What people call it.
    pub title: &'static str,
    adapter: Adapter,
    /// Second names of its fields.
    names: SecondNames,
}

/// What reads the configurations of a family.
#[derive(Debug)]
enum Adapter {
    EncoderDecoder(fn(&Fields<'_>) -> Result<Blueprint, Error>),
    /// Papo's own recurrent language models.
    RecurrentLm(Cell),
    /// Papo's own recurrent encoder-decoders.
    RecurrentSeq2Seq,
}

/// The families that can be loaded.
pub fn families() -> &'static [Family] {
    use Adapter::{EncoderDecoder, RecurrentLm, RecurrentSeq2Seq};
    const fn family(
        model_type: &'static str,
        title: &'static str,
        adapter: Adapter,
        names: SecondNames,
    ) -> Family {
        Family { model_type, title, adapter, names }
    }
    const FAMILIES: [Family; 9] = [
        family("bart", "BART", EncoderDecoder(bart::blueprint), bart::SECOND_NAMES),
        family("blenderbot", "Blenderbot", EncoderDecoder(blenderbot::blueprint), bart::SECOND_NAMES),
        family("marian", "Marian", EncoderDecoder(marian::blueprint), bart::SECOND_NAMES),
        family("mt5", "mT5", EncoderDecoder(t5::multilingual_blueprint), t5::SECOND_NAMES),
        family("papo_gru", "GRU", RecurrentLm(Cell::Gru), &[]),
        family("papo_lstm", "LSTM", RecurrentLm(Cell::Lstm), &[]),
        family("papo_rnn", "Elman network", RecurrentLm(Cell::Elman), &[]),
        family("papo_seq2seq", "Recurrent encoder-decoder", RecurrentSeq2Seq, &[]),
        family("t5", "T5", EncoderDecoder(t5::blueprint), t5::SECOND_NAMES),
    ];
    &FAMILIES
}

/// What a configuration describes, as far as it tells without its checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub enum Architecture {
    /// A transformer, loaded as an [`EncoderDecoder`](crate::EncoderDecoder).
    EncoderDecoder(Spec),
    /// Loaded as a [`RecurrentLm`](crate::RecurrentLm).
    RecurrentLm(RecurrentSpec),
    /// Loaded as a [`RecurrentSeq2Seq`](crate::RecurrentSeq2Seq).
    RecurrentSeq2Seq(Seq2SeqSpec),
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Architecture::EncoderDecoder(spec) => spec.fmt(f),
            Architecture::RecurrentLm(spec) => spec.fmt(f),
            Architecture::RecurrentSeq2Seq(spec) => spec.fmt(f),
        }
    }
}

/// What an adapter makes of a configuration.
#[derive(Debug)]
pub(crate) struct Blueprint {
    pub(crate) spec: Spec,
    pub(crate) tables: TokenTables,
    pub(crate) head: HeadRule,
    /// The keys under which a part may be stored, without `.weight` or `.bias`, likeliest first.
    pub(crate) keys: fn(Part) -> Vec<String>,
    /// Whether a part's products overflow in f16, so that it stays in f32 when weights are converted.
    pub(crate) overflows_f16: fn(Part) -> bool,
}

/// Whether the stacks read the same token table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenTables {
    Shared,
    Separate,
}

/// How a configuration says where the head's weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadRule {
    /// From the decoder's token table, whatever else is stored.
    Tied,
    /// From weights of its own, which must be stored.
    Separate,
    /// From weights of its own where they are stored and differ, else from the token table.
    AsStored,
}

/// What a configuration of any family describes. `path` is named in errors only.
pub fn read_architecture(config: &Value, path: &Path) -> Result<Architecture, Error> {
    let fields = Fields::new(config, path)?;
    let family = family(&fields, path)?;
    let fields = fields.with_names(family.names);
    Ok(match family.adapter {
        Adapter::EncoderDecoder(read) => Architecture::EncoderDecoder(read(&fields)?.spec),
        Adapter::RecurrentLm(cell) => Architecture::RecurrentLm(recurrent::language_model(&fields, cell)?),
        Adapter::RecurrentSeq2Seq => Architecture::RecurrentSeq2Seq(recurrent::seq2seq(&fields)?),
    })
}

/// The shape that the configuration of an encoder-decoder transformer describes, as far as it tells without its checkpoint.
///
/// `path` is named in errors only.
pub fn read_config(config: &Value, path: &Path) -> Result<Spec, Error> {
    blueprint(config, path).map(|blueprint| blueprint.spec)
}

pub(crate) fn blueprint(config: &Value, path: &Path) -> Result<Blueprint, Error> {
    let fields = Fields::new(config, path)?;
    let family = family(&fields, path)?;
    let fields = fields.with_names(family.names);
    match family.adapter {
        Adapter::EncoderDecoder(read) => read(&fields),
        _ => Err(another_kind(&fields, |adapter| matches!(adapter, Adapter::EncoderDecoder(_)))),
    }
}

pub(crate) fn recurrent_lm(config: &Value, path: &Path) -> Result<RecurrentSpec, Error> {
    let fields = Fields::new(config, path)?;
    match family(&fields, path)?.adapter {
        Adapter::RecurrentLm(cell) => recurrent::language_model(&fields, cell),
        _ => Err(another_kind(&fields, |adapter| matches!(adapter, Adapter::RecurrentLm(_)))),
    }
}

pub(crate) fn recurrent_seq2seq(config: &Value, path: &Path) -> Result<Seq2SeqSpec, Error> {
    let fields = Fields::new(config, path)?;
    match family(&fields, path)?.adapter {
        Adapter::RecurrentSeq2Seq => recurrent::seq2seq(&fields),
        _ => Err(another_kind(&fields, |adapter| matches!(adapter, Adapter::RecurrentSeq2Seq))),
    }
}

/// The family that a configuration says it belongs to.
fn family(fields: &Fields<'_>, path: &Path) -> Result<&'static Family, Error> {
    let known = || listed(|_| true);
    let Some(model_type) = fields.text("model_type")? else {
        return Err(Error::NoFamily { file: path.to_path_buf(), known: known() });
    };
    let family = families().iter().find(|family| family.model_type == model_type);
    family.ok_or_else(|| Error::UnknownFamily { file: path.to_path_buf(), found: model_type, known: known() })
}

/// A family that is known, but not to the network that was to be loaded.
fn another_kind(fields: &Fields<'_>, fits: impl Fn(&Adapter) -> bool) -> Error {
    let found = fields.text("model_type").ok().flatten().unwrap_or_default();
    fields.refuse("model_type", format!("`{found}`"), format!("one of {} here", listed(fits)))
}

fn listed(fits: impl Fn(&Adapter) -> bool) -> String {
    let fitting = families().iter().filter(|family| fits(&family.adapter));
    fitting.map(|family| family.model_type).collect::<Vec<_>>().join(", ")
}

/// An activation by its name in `transformers`; several names mean the same formula.
fn activation(fields: &Fields<'_>, field: &'static str, name: &str) -> Result<Activation, Error> {
    Ok(match name {
        "relu" => Activation::Relu,
        "gelu" | "gelu_python" => Activation::Gelu,
        "gelu_new" | "gelu_fast" | "gelu_accurate" | "gelu_pytorch_tanh" | "gelu_python_tanh" => {
            Activation::GeluTanh
        }
        "silu" | "swish" => Activation::Silu,
        "tanh" => Activation::Tanh,
        _ => {
            let expected = "an activation that is supported: relu, gelu, gelu_new, silu, swish or tanh";
            return Err(fields.refuse(field, format!("`{name}`"), expected));
        }
    })
}
