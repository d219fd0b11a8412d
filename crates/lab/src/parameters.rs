//! The parameters of a network by name, on the host: what a safetensors file holds.
//!
//! burn names a parameter by the fields that lead to it (`rnn.0.weight_ih`); a checkpoint by PyTorch's custom
//! (`rnn.weight_ih_l0`). [`Network::checkpoint_name`] maps the one to the other.

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

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
