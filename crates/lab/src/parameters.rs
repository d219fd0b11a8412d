//! The parameters of a network by name, on the host: what a safetensors file holds.
//!
//! burn names a parameter by the fields that lead to it (`rnn.0.weight_ih`); a checkpoint by PyTorch's custom
//! (`rnn.weight_ih_l0`). [`Network::checkpoint_name`] maps the one to the other.

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use papo_checkpoint::{Checkpoint, Dtype};

use crate::{Error, Network};

/// A parameter's values on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// The name in a checkpoint.
    pub name: String,
    /// Rows first.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// All parameters of a network in the order of its fields, which never changes.
pub fn weights<N: Network>(network: &N) -> Vec<Weight> {
    struct Visitor<N> {
        path: Vec<String>,
        weights: Vec<Weight>,
        network: std::marker::PhantomData<N>,
    }
    impl<N: Network> ModuleVisitor for Visitor<N> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            let tensor = parameter.val().inner();
            self.weights.push(Weight {
                name: N::checkpoint_name(&self.path.join(".")),
                shape: tensor.dims().to_vec(),
                values: tensor.into_data().try_into_vec().expect("parameters are f32"),
            });
        }
    }
    let mut visitor =
        Visitor::<N> { path: Vec::new(), weights: Vec::new(), network: std::marker::PhantomData };
    network.visit(&mut visitor);
    visitor.weights
}

/// The weights in a checkpoint of 32- or 16-bit floats, to begin a training with; tensors of other types are no weights.
///
/// # Errors
/// A checkpoint that cannot be read.
pub fn read_weights(checkpoint: &Checkpoint) -> Result<Vec<Weight>, Error> {
    let mut weights = Vec::new();
    for name in checkpoint.names() {
        let Some(tensor) = checkpoint.get(name)? else { continue };
        let values: Vec<f32> = match tensor.dtype {
            Dtype::F32 => tensor
                .bytes
                .chunks_exact(4)
                .map(|it| f32::from_le_bytes([it[0], it[1], it[2], it[3]]))
                .collect(),
            Dtype::F16 => tensor
                .bytes
                .chunks_exact(2)
                .map(|it| half::f16::from_le_bytes([it[0], it[1]]).to_f32())
                .collect(),
            Dtype::Bf16 => tensor
                .bytes
                .chunks_exact(2)
                .map(|it| half::bf16::from_le_bytes([it[0], it[1]]).to_f32())
                .collect(),
            _ => continue,
        };
        weights.push(Weight { name: name.to_owned(), shape: tensor.shape.to_vec(), values });
    }
    Ok(weights)
}

/// A number that tells weights from others: FNV-1a over the bits of all values, in the order of their names.
pub fn checksum(weights: &[Weight]) -> u64 {
    let mut ordered: Vec<&Weight> = weights.iter().collect();
    ordered.sort_by(|a, b| a.name.cmp(&b.name));
    let values = ordered.iter().flat_map(|weight| &weight.values);
    values.fold(0xcbf2_9ce4_8422_2325, |hash: u64, value| {
        (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Finds a weight's values by its name and shape.
pub type FindWeight<'a> = dyn FnMut(&str, &[usize]) -> Result<Vec<f32>, Error> + 'a;

/// Replaces all parameters by what `find` gives for their names and shapes.
pub(crate) fn load<N: Network>(network: N, find: &mut FindWeight<'_>) -> Result<N, Error> {
    struct Loader<'a, N> {
        path: Vec<String>,
        find: &'a mut FindWeight<'a>,
        failure: Option<Error>,
        network: std::marker::PhantomData<N>,
    }
    impl<N: Network> ModuleMapper for Loader<'_, N> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if self.failure.is_some() {
                return parameter;
            }
            let shape = parameter.val().dims();
            let name = N::checkpoint_name(&self.path.join("."));
            match (self.find)(&name, &shape) {
                Ok(values) => parameter.map(|old| {
                    let new = Tensor::from_data(TensorData::new(values, shape), &old.device());
                    new.require_grad()
                }),
                Err(failure) => {
                    self.failure = Some(failure);
                    parameter
                }
            }
        }
    }
    let mut loader = Loader::<N> { path: Vec::new(), find, failure: None, network: std::marker::PhantomData };
    let network = network.map(&mut loader);
    match loader.failure {
        None => Ok(network),
        Some(failure) => Err(failure),
    }
}
