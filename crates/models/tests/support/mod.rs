//! What the tests of this crate share: the fixtures, and a recorder that keeps what it hears.

// Each test file uses its own selection.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use papo_checkpoint::{Checkpoint, Dtype};
use papo_generate::{LanguageModel, Room, TokenId};
use papo_kernels::Compute;
use papo_models::{
    EncoderDecoder, Error, LoadOptions, Recorder, RecurrentLm, RecurrentSeq2Seq, TapName, WeightDtype,
};
use serde_json::{Value, json};

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// The folder of one tiny checkpoint.
pub fn folder(name: &str) -> PathBuf {
    fixtures().join("checkpoints").join(name)
}

/// The tiny checkpoints of pretrained families, by name; those of Papo's own lineage have goldens of another kind.
pub fn names() -> Vec<String> {
    let folders = std::fs::read_dir(fixtures().join("checkpoints")).unwrap();
    let names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with("lineage-")).collect();
    names.sort();
    names
}

pub fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
        .unwrap()
}

pub fn load(name: &str) -> EncoderDecoder {
    load_as(name, WeightDtype::Auto)
}

pub fn load_as(name: &str, dtype: WeightDtype) -> EncoderDecoder {
    load_by(EncoderDecoder::load, name, dtype)
}

/// What loads a network of one kind.
pub type Load<M> = fn(&Value, &Path, &Checkpoint, &LoadOptions<'_>) -> Result<M, Error>;

/// A tiny checkpoint as a network of any kind.
pub fn load_by<M>(load: Load<M>, name: &str, dtype: WeightDtype) -> M {
    let checkpoint = Checkpoint::open(&folder(name)).unwrap();
    let path = folder(name).join("config.json");
    let options = LoadOptions { dtype, ..LoadOptions::new(compute()) };
    load(&read_json(&path), &path, &checkpoint, &options).unwrap()
}

/// The tiny causal models of Papo's own lineage.
pub const CAUSAL: [&str; 3] = ["lineage-rnn", "lineage-lstm", "lineage-gru"];

/// Its tiny recurrent encoder-decoders.
pub const SEQ2SEQ: [&str; 3] =
    ["lineage-seq2seq-none-lstm", "lineage-seq2seq-bahdanau-gru", "lineage-seq2seq-luong-lstm"];

pub fn causal(name: &str) -> RecurrentLm {
    load_by(RecurrentLm::load, name, WeightDtype::Auto)
}

pub fn seq2seq(name: &str) -> RecurrentSeq2Seq {
    load_by(RecurrentSeq2Seq::load, name, WeightDtype::Auto)
}

/// Runs a check that is the same for every kind of network on the whole lineage.
#[macro_export]
macro_rules! for_each_of_the_lineage {
    ($check:ident) => {
        for name in support::CAUSAL {
            $check(name, &support::causal(name));
        }
        for name in support::SEQ2SEQ {
            $check(name, &support::seq2seq(name));
        }
        $check("lineage-transformer", &support::load("lineage-transformer"));
    };
}

pub fn compute() -> Arc<Compute> {
    Arc::new(Compute::new(NonZeroUsize::new(2).unwrap()))
}

pub fn start<M: LanguageModel>(model: &M, sources: &[Vec<TokenId>], room: Room) -> M::State {
    model.start(sources, room).unwrap()
}

/// One step, its logits returned.
pub fn step<M: LanguageModel>(model: &M, state: &mut M::State, last: &[TokenId]) -> Vec<f32> {
    let mut logits = vec![0.0; last.len() * model.vocab_size()];
    model.step(state, last, &mut logits).unwrap();
    logits
}

/// Feeds `targets[row][step]` step by step and returns the logits of each step.
pub fn forced<M: LanguageModel>(
    model: &M,
    sources: &[Vec<TokenId>],
    targets: &[Vec<TokenId>],
) -> Vec<Vec<f32>> {
    let steps = targets[0].len();
    let mut state = start(model, sources, Room { rows: sources.len(), steps });
    let last = |at: usize| targets.iter().map(|target| target[at]).collect::<Vec<_>>();
    (0..steps).map(|at| step(model, &mut state, &last(at))).collect()
}

/// Keeps what it hears of one source, steps joined: each value with its shape.
#[derive(Default)]
pub struct Kept {
    pub values: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    /// Attention weights of the decoder, step by step: heads, and a `[heads, keys]` for each step.
    steps: BTreeMap<String, (usize, Vec<Vec<f32>>)>,
}

impl Recorder for Kept {
    fn record(&mut self, name: TapName, shape: &[usize], values: &[f32]) {
        let name = name.to_string();
        if name.starts_with("encoder") {
            self.values.insert(name, (shape.to_vec(), values.to_vec()));
        } else if name.ends_with("weights") {
            let heads = if name.ends_with("self_attention.weights") { shape[1] } else { shape[0] };
            let (_, steps) = self.steps.entry(name).or_insert((heads, Vec::new()));
            steps.push(values.to_vec());
        } else {
            let (joined, rows) = self.values.entry(name).or_insert((vec![0, shape[1]], Vec::new()));
            joined[0] += 1;
            rows.extend_from_slice(values);
        }
    }
}

impl Kept {
    /// All values, the decoder's attention weights as `[heads, steps, keys]`, zeros where a step had not come.
    pub fn joined(mut self) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
        for (name, (heads, steps)) in self.steps {
            let keys = steps.iter().map(|step| step.len() / heads).max().unwrap();
            let mut values = vec![0.0; heads * steps.len() * keys];
            for (at, step) in steps.iter().enumerate() {
                for (head, weights) in step.chunks_exact(step.len() / heads).enumerate() {
                    values[(head * steps.len() + at) * keys..][..weights.len()].copy_from_slice(weights);
                }
            }
            self.values.insert(name, (vec![heads, steps.len(), keys], values));
        }
        self.values
    }
}

/// The tensors of a checkpoint, to be changed and written anew: dtype, shape, bytes.
pub type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

pub fn tensors(name: &str) -> Tensors {
    let checkpoint = Checkpoint::open(&folder(name)).unwrap();
    let read = |key: &str| {
        let tensor = checkpoint.get(key).unwrap().unwrap();
        (key.to_owned(), (tensor.dtype, tensor.shape.to_vec(), tensor.bytes.into_owned()))
    };
    checkpoint.names().map(read).collect()
}

/// A network from changed tensors and a changed configuration.
pub fn rebuild(config: &Value, tensors: &Tensors, dtype: WeightDtype) -> Result<EncoderDecoder, Error> {
    rebuild_by(EncoderDecoder::load, config, tensors, dtype)
}

/// A network of any kind from changed tensors and a changed configuration.
pub fn rebuild_by<M>(
    load: Load<M>,
    config: &Value,
    tensors: &Tensors,
    dtype: WeightDtype,
) -> Result<M, Error> {
    let folder = tempfile::tempdir().unwrap();
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (key, (dtype, shape, bytes)) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        data.extend_from_slice(bytes);
        header.insert(key.clone(), json!({ "dtype": dtype.name(), "shape": shape, "data_offsets": offsets }));
    }
    let header = serde_json::to_vec(&header).unwrap();
    let file = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
    std::fs::write(folder.path().join("model.safetensors"), file).unwrap();

    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let options = LoadOptions { dtype, ..LoadOptions::new(compute()) };
    load(config, Path::new("config.json"), &checkpoint, &options)
}

/// A checkpoint's own configuration.
pub fn config(name: &str) -> Value {
    read_json(&folder(name).join("config.json"))
}
