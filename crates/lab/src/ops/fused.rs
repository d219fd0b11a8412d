//! How a fused operation becomes a node of burn's graph.
//!
//! An operation says what it computes from contiguous slices ([`Fused::forward`]) and how a gradient goes back through it
//! ([`Fused::backward`]); this file finds the slices of burn's tensors, registers the step, and hands the gradients on. What
//! is not a tensor, such as token ids, is part of the operation itself.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{
    Autodiff, BackendTensor, DispatchAutodiffContext, DispatchKindConversion, DispatchTensor,
    DispatchTensorKind, Flex,
};
use burn::tensor::{Tensor, TensorData};

thread_local! {
    static PLAINLY: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with plain tensor arithmetic in place of fused operations, on this thread.
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) fn plainly<R>(work: impl FnOnce() -> R) -> R {
    let before = PLAINLY.replace(true);
    let result = work();
    PLAINLY.set(before);
    result
}

/// A result and what the way back needs of it.
pub(crate) struct Made<K> {
    /// The result's numbers, row-major.
    pub(crate) output: Vec<f32>,
    /// What is kept for the way back.
    pub(crate) kept: K,
}

/// An operation over slices with a backward pass of its own.
pub(crate) trait Fused<const N: usize>: Send + Sync + 'static {
    /// What the forward pass keeps for the backward pass.
    type Kept: Send + Sync + 'static;

    /// The result for the arguments. `Keep::Nothing` says that there will be no way back.
    fn forward(&self, arguments: [&[f32]; N], keep: Keep) -> Made<Self::Kept>;

    /// The gradients of the arguments that are wanted, given the result's.
    fn backward(&self, back: Back<'_, Self::Kept, N>) -> [Option<Vec<f32>>; N];
}

/// Whether a forward pass is followed by a backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It may be.
    Everything,
    /// It is not.
    Nothing,
}

/// What a backward pass is given.
pub(crate) struct Back<'a, K, const N: usize> {
    pub(crate) arguments: [&'a [f32]; N],
    pub(crate) output: &'a [f32],
    pub(crate) kept: &'a K,
    /// The gradient of the output, to be used up.
    pub(crate) d_output: Vec<f32>,
    /// Which arguments' gradients are wanted.
    pub(crate) wanted: [bool; N],
}

/// Whether the fused operations can take this tensor.
pub(crate) fn fuses<const D: usize>(tensor: &Tensor<D>) -> bool {
    if PLAINLY.get() {
        return false;
    }
    let tensor = tensor.clone().into_dispatch();
    match &tensor.kind {
        DispatchTensorKind::Flex(_) => true,
        DispatchTensorKind::Autodiff(inner) => matches!(**inner, DispatchTensorKind::Flex(_)),
        #[allow(unreachable_patterns)]
        _ => false,
    }
}

/// Runs an operation over tensors of the processor's backend; `shape` is the result's.
pub(crate) fn run<const N: usize, const D: usize, F: Fused<N>>(
    operation: F,
    arguments: [DispatchTensor; N],
    shape: [usize; D],
) -> Tensor<D> {
    let differentiated =
        arguments.iter().any(|argument| argument.autodiff != DispatchAutodiffContext::Disabled);
    if !differentiated {
        let arguments = arguments.map(|argument| contiguous(plain(argument)));
        let made = operation.forward(arguments.each_ref().map(slice), Keep::Nothing);
        return Tensor::from_primitive::<Flex>(tensor(made.output, &shape));
    }
    let arguments = arguments.map(differentiable);
    let guards = arguments.each_ref().map(|argument| argument.node());
    let slices = arguments.map(|argument| contiguous(argument.into_primitive()));
    let prepared = Step::<F, N>(PhantomData).prepare::<NoCheckpointing>(guards).compute_bound().stateful();
    let keep = match prepared {
        OpsKind::Tracked(_) => Keep::Everything,
        OpsKind::UnTracked(_) => Keep::Nothing,
    };
    let made = operation.forward(slices.each_ref().map(slice), keep);
    let output = tensor(made.output, &shape);
    let result = match prepared {
        OpsKind::Tracked(prepared) => {
            let state = State { operation, arguments: slices, output: output.clone(), kept: made.kept };
            prepared.finish(Remembered(Arc::new(state)), output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(result)
}

fn plain(argument: DispatchTensor) -> FlexTensor {
    let backend = <DispatchTensor as DispatchKindConversion<Flex>>::try_into_backend(argument);
    let BackendTensor::Float(tensor) = backend.expect("a tensor of the processor's backend") else {
        panic!("a tensor of floats");
    };
    tensor
}

type Differentiable = <Autodiff<Flex> as burn::backend::BackendTypes>::FloatTensorPrimitive;

fn differentiable(argument: DispatchTensor) -> Differentiable {
    if argument.autodiff == DispatchAutodiffContext::Disabled {
        return Differentiable::new(plain(argument));
    }
    let backend = <DispatchTensor as DispatchKindConversion<Autodiff<Flex>>>::try_into_backend(argument);
    let BackendTensor::Float(tensor) = backend.expect("a tensor of the processor's backend") else {
        panic!("a tensor of floats");
    };
    tensor
}

fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

fn slice(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous tensors of f32")
}

fn tensor(data: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(data, shape.to_vec()))
}

/// The step in burn's graph.
struct Step<F, const N: usize>(PhantomData<fn() -> F>);

impl<F, const N: usize> fmt::Debug for Step<F, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<F>())
    }
}

struct State<F: Fused<N>, const N: usize> {
    operation: F,
    arguments: [FlexTensor; N],
    output: FlexTensor,
    kept: F::Kept,
}

struct Remembered<F: Fused<N>, const N: usize>(Arc<State<F, N>>);

impl<F: Fused<N>, const N: usize> Clone for Remembered<F, N> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Fused<N>, const N: usize> fmt::Debug for Remembered<F, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<F>())
    }
}

impl<F: Fused<N>, const N: usize> Backward<Flex, N> for Step<F, N> {
    type State = Remembered<F, N>;

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let d_output = gradients.consume::<Flex>(&ops.node);
        let d_output = d_output.into_data().try_into_vec::<f32>().expect("gradients are f32");
        let state = &ops.state.0;
        let results = state.operation.backward(Back {
            arguments: state.arguments.each_ref().map(slice),
            output: slice(&state.output),
            kept: &state.kept,
            d_output,
            wanted: ops.parents.each_ref().map(Option::is_some),
        });
        for ((parent, result), argument) in ops.parents.iter().zip(results).zip(&state.arguments) {
            if let (Some(parent), Some(result)) = (parent, result) {
                gradients.register::<Flex>(parent.id, tensor(result, argument.layout().shape()));
            }
        }
    }
}
