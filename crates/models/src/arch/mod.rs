//! Adapters: each translates one family's `config.json` and key names; nothing else knows these words.
//!
//! A family is added by a file with its configuration, its spec and its keys, and a line in [`families`].

mod bart;
mod blenderbot;
mod fields;
mod marian;
mod t5;

use std::path::Path;

use papo_kernels::Activation;
use serde_json::Value;

use self::fields::Fields;
use crate::Error;
use crate::spec::Spec;
use crate::weights::Part;

/// A family of checkpoints that can be loaded.
#[derive(Debug)]
pub struct Family {
    /// What `model_type` says in its configurations.
    pub model_type: &'static str,
    /// What people call it.
    pub title: &'static str,
    blueprint: fn(&Fields<'_>) -> Result<Blueprint, Error>,
}

/// The families that can be loaded.
pub fn families() -> &'static [Family] {
    &[
        Family { model_type: "bart", title: "BART", blueprint: bart::blueprint },
        Family { model_type: "blenderbot", title: "Blenderbot", blueprint: blenderbot::blueprint },
        Family { model_type: "marian", title: "Marian", blueprint: marian::blueprint },
        Family { model_type: "mt5", title: "mT5", blueprint: t5::multilingual_blueprint },
        Family { model_type: "t5", title: "T5", blueprint: t5::blueprint },
    ]
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

/// The shape that a configuration describes, as far as it tells without its checkpoint.
///
/// `path` is named in errors only.
pub fn read_config(config: &Value, path: &Path) -> Result<Spec, Error> {
    blueprint(config, path).map(|blueprint| blueprint.spec)
}

pub(crate) fn blueprint(config: &Value, path: &Path) -> Result<Blueprint, Error> {
    let fields = Fields::new(config, path)?;
    let known = || families().iter().map(|family| family.model_type).collect::<Vec<_>>().join(", ");
    let Some(model_type) = fields.text("model_type")? else {
        return Err(Error::NoFamily { file: path.to_path_buf(), known: known() });
    };
    match families().iter().find(|family| family.model_type == model_type) {
        Some(family) => (family.blueprint)(&fields),
        None => Err(Error::UnknownFamily { file: path.to_path_buf(), found: model_type, known: known() }),
    }
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
