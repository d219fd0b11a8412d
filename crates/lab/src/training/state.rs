//! All that an interrupted training needs to go on as if nothing had been: `training/state.safetensors`.
//!
//! One file, so that there is nothing to fit together: weights, both moments of Adam, the running mean of weights, the carried
//! state of a recurrent model, and a small JSON object with the counters, the recipe and the fingerprint of the data. It is
//! written beside the old one and renamed, so a kill or a full disk leaves the old one whole.

use std::path::Path;

use papo_checkpoint::{Checkpoint, Dtype, NewTensor, Tensor, write_safetensors};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;
use crate::data::Fingerprint;
use crate::network::Carried;
use crate::optimizer::AdamState;
use crate::parameters::Weight;

/// Where a training is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Steps taken.
    pub(super) step: u64,
    /// The epoch under way, counted from 0.
    pub(super) epoch: u64,
    /// Epochs gone through, the one under way as a fraction.
    #[serde(default)]
    pub(super) epochs: f64,
    /// Batches of the epoch that are done.
    pub(super) place: usize,
    /// The lowest validation loss. An f32, which JSON gives back to the last bit.
    pub(super) best: Option<f32>,
    /// The step it was found at.
    pub(super) best_step: u64,
    /// The last validation loss.
    pub(super) latest: Option<f32>,
    /// Steps at the last validation.
    pub(super) validated: u64,
    /// Validations since the best one.
    pub(super) stale: u64,
    /// Validations since the best one or the last halving of the learning rate.
    pub(super) flat: u64,
    /// Halvings of the learning rate.
    pub(super) plateaus: u32,
    /// Seconds of training, all runs together.
    pub(super) seconds: f64,
    /// Tokens through the network, all runs together.
    pub(super) tokens: u64,
}

/// What a file holds besides tensors.
#[derive(Serialize, Deserialize)]
struct Notes {
    progress: Progress,
    adam_steps: u64,
    carried_rows: Option<usize>,
    carried_layers: usize,
    recipe: Value,
    data: Fingerprint,
}

/// The state of a training between two steps.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) progress: Progress,
    pub(super) weights: Vec<Weight>,
    pub(super) adam: AdamState,
    /// The running mean of weights, if there is one.
    pub(super) average: Option<Vec<Weight>>,
    pub(super) carried: Option<Carried>,
    pub(super) recipe: Value,
    pub(super) data: Fingerprint,
}

/// The kinds of tensors that each parameter has, as the first part of their names.
const KINDS: [&str; 4] = ["weight", "first", "second", "average"];

impl State {
    /// Puts the state in the place of the one before.
    pub(super) fn save(&self, path: &Path) -> Result<(), Error> {
        let notes = Notes {
            progress: self.progress.clone(),
            adam_steps: self.adam.step,
            carried_rows: self.carried.as_ref().map(|carried| carried.rows),
            carried_layers: self.carried.as_ref().map_or(0, |carried| carried.layers.len()),
            recipe: self.recipe.clone(),
            data: self.data.clone(),
        };
        let notes = serde_json::to_vec(&notes).map_err(|error| damaged(path, error))?;
        let mut floats: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        let mut push = |name: String, shape: &[usize], values: &[f32]| {
            floats.push((
                name,
                shape.to_vec(),
                values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            ));
        };
        let none = Vec::new();
        let average = self.average.as_ref().unwrap_or(&none);
        for (kind, weights) in KINDS.iter().zip([&self.weights, &self.adam.first, &self.adam.second, average])
        {
            for weight in weights {
                push(format!("{kind}.{}", weight.name), &weight.shape, &weight.values);
            }
        }
        for (layer, values) in self.carried.iter().flat_map(|carried| carried.layers.iter().enumerate()) {
            push(format!("carried.{layer}"), &[values.len()], values);
        }
        let note_shape = [notes.len()];
        let mut tensors: Vec<NewTensor<'_>> = floats
            .iter()
            .map(|(name, shape, bytes)| NewTensor { name, dtype: Dtype::F32, shape, bytes })
            .collect();
        tensors.push(NewTensor { name: "notes", dtype: Dtype::U8, shape: &note_shape, bytes: &notes });
        Ok(write_safetensors(path, &tensors, &Default::default())?)
    }

    /// Reads the state that was saved last; weights come in the order of their names.
    pub(super) fn load(path: &Path) -> Result<State, Error> {
        let file = open(path)?;
        let tensor = |name: &str| tensor(&file, path, name);
        let values = |name: &str| -> Result<(Vec<usize>, Vec<f32>), Error> {
            let tensor = tensor(name)?;
            let float = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            Ok((tensor.shape.to_vec(), tensor.bytes.chunks_exact(4).map(float).collect()))
        };
        let notes = notes(&file, path)?;
        let of = |kind: &str| -> Result<Vec<Weight>, Error> {
            let mut names: Vec<&str> =
                file.names().filter_map(|name| name.strip_prefix(kind)?.strip_prefix('.')).collect();
            names.sort_unstable();
            let found = names.into_iter().map(|name| {
                let (shape, values) = values(&format!("{kind}.{name}"))?;
                Ok(Weight { name: name.to_owned(), shape, values })
            });
            found.collect()
        };
        let carried = match notes.carried_rows {
            None => None,
            Some(rows) => {
                let layers =
                    (0..notes.carried_layers).map(|layer| Ok(values(&format!("carried.{layer}"))?.1));
                Some(Carried { rows, layers: layers.collect::<Result<_, Error>>()? })
            }
        };
        Ok(State {
            weights: of("weight")?,
            adam: AdamState { step: notes.adam_steps, first: of("first")?, second: of("second")? },
            average: Some(of("average")?).filter(|average| !average.is_empty()),
            progress: notes.progress,
            carried,
            recipe: notes.recipe,
            data: notes.data,
        })
    }
}

/// The recipe in a state, without the weights.
pub(super) fn recipe(path: &Path) -> Result<Value, Error> {
    Ok(notes(&open(path)?, path)?.recipe)
}

/// Opens a state; nobody can download it again, whatever is wrong with it.
fn open(path: &Path) -> Result<Checkpoint, Error> {
    Checkpoint::open_file(path).map_err(|error| unreadable(path, error))
}

fn tensor<'a>(file: &'a Checkpoint, path: &Path, name: &str) -> Result<Tensor<'a>, Error> {
    let found = file.get(name).map_err(|error| unreadable(path, error))?;
    found.ok_or_else(|| damaged(path, format_args!("{name} is missing")))
}

fn notes(file: &Checkpoint, path: &Path) -> Result<Notes, Error> {
    serde_json::from_slice(&tensor(file, path, "notes")?.bytes).map_err(|error| damaged(path, error))
}

fn unreadable(path: &Path, error: papo_checkpoint::Error) -> Error {
    match error {
        papo_checkpoint::Error::Damaged { problem, .. } => {
            damaged(path, format_args!("it is damaged, {problem}"))
        }
        papo_checkpoint::Error::DamagedTensor { key, problem, .. } => {
            damaged(path, format_args!("it is damaged, tensor {key:?} {problem}"))
        }
        papo_checkpoint::Error::LfsPointer { .. } => damaged(path, "it is a pointer of git-lfs"),
        other => other.into(),
    }
}

fn damaged(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::State { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        let weight = |name: &str, values: &[f32]| Weight {
            name: name.into(),
            shape: vec![values.len()],
            values: values.to_vec(),
        };
        let both = |a: &[f32], b: &[f32]| vec![weight("a", a), weight("b", b)];
        let state = State {
            progress: Progress { step: 7, best: Some(0.1 + 0.2), seconds: 1.5, ..Progress::default() },
            weights: both(&[1.0, f32::MIN_POSITIVE], &[1e-30]),
            adam: AdamState { step: 7, first: both(&[0.3, 0.1], &[0.2]), second: both(&[1.0, 2.0], &[3.0]) },
            average: Some(both(&[5.0, 6.0], &[7.0])),
            carried: Some(Carried { rows: 1, layers: vec![vec![0.5], vec![0.25]] }),
            recipe: serde_json::json!({ "seed": 1 }),
            data: Fingerprint::of(&[]).unwrap(),
        };
        state.save(&path).unwrap();
        let found = State::load(&path).unwrap();
        assert_eq!((found.progress, found.adam), (state.progress, state.adam));
        assert_eq!(
            (found.weights, found.average, found.carried),
            (state.weights, state.average, state.carried)
        );
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        std::fs::write(&path, b"not this").unwrap();
        let sentence = State::load(&path).unwrap_err().to_string();
        assert!(sentence.contains("state.safetensors") && !sentence.contains("download"), "{sentence}");
    }
}
