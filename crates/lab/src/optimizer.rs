//! From gradients to better weights: Adam (Kingma & Ba, 2015) with decoupled weight decay (Loshchilov & Hutter, 2019).
//!
//! ```text
//! m ← β₁ m + (1-β₁) g        v ← β₂ v + (1-β₂) g²
//! θ ← θ - η λ θ              where weights decay: matrices only
//! θ ← θ - η · m / (1-β₁ᵗ) / (√(v / (1-β₂ᵗ)) + ε)
//! ```
//!
//! Gradients are added up over micro-batches in a [`GradientSum`] and cut back to a norm (Pascanu, Mikolov & Bengio, 2013) before the step. On the
//! processor a step is one walk over the four arrays of each parameter; elsewhere it is tensor arithmetic.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};
use papo_kernels::vectorized;

use crate::ops::{self, math};
use crate::{AnyNetwork, Error, Weight};

/// The settings of [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
    /// β₁: how much of the mean of gradients stays.
    pub beta1: f64,
    /// β₂: how much of the mean of their squares stays.
    pub beta2: f64,
    /// ε.
    pub epsilon: f64,
    /// λ: decoupled weight decay of matrices; 0 is Adam, anything else AdamW.
    pub weight_decay: f64,
    /// The norm that all gradients together are cut back to; none: they are taken as they come.
    pub clip_norm: Option<f64>,
}

impl Default for AdamSettings {
    /// β 0.9 and 0.999, ε 1e-8, no decay, no clipping: PyTorch's.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, clip_norm: None }
    }
}

/// The gradients of a network, added up over any number of losses.
#[derive(Debug, Default)]
pub struct GradientSum {
    /// Of each parameter in the network's order, flat.
    sums: Vec<Option<Tensor<1>>>,
}

impl GradientSum {
    /// Adds the gradients of a loss, `[1]`, of this network.
    pub fn add(&mut self, network: &AnyNetwork, loss: Tensor<1>) {
        struct Collector<'a> {
            gradients: Gradients,
            sums: &'a mut Vec<Option<Tensor<1>>>,
            index: usize,
        }
        impl ModuleVisitor for Collector<'_> {
            fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
                let gradient = parameter.val().grad_remove(&mut self.gradients);
                let gradient = gradient.map(|gradient| gradient.reshape([-1]));
                if self.sums.len() == self.index {
                    self.sums.push(gradient);
                } else if let Some(gradient) = gradient {
                    let sum = &mut self.sums[self.index];
                    *sum = Some(match sum.take() {
                        Some(sum) => sum + gradient,
                        None => gradient,
                    });
                }
                self.index += 1;
            }
        }
        let gradients = loss.backward();
        network.visit(&mut Collector { gradients, sums: &mut self.sums, index: 0 });
    }

    /// Multiplies all gradients.
    pub fn scale(&mut self, factor: f64) {
        for sum in &mut self.sums {
            *sum = sum.take().map(|sum| sum * factor);
        }
    }

    /// The length of all gradients taken as one vector.
    pub fn norm(&self) -> f64 {
        self.sums.iter().flatten().map(|sum| squares(sum.clone())).sum::<f64>().sqrt()
    }

    /// The gradients on the host under their parameters' names; zeros where a parameter had no part in the loss.
    pub fn by_name(&self, network: &AnyNetwork) -> Vec<Weight> {
        let sums = self.sums.iter().map(Option::as_ref).chain(std::iter::repeat(None));
        let named = crate::parameters::weights(network).into_iter().zip(sums);
        named
            .map(|(weight, sum)| {
                let values = match sum {
                    Some(sum) => to_host(sum.clone()),
                    None => vec![0.0; weight.values.len()],
                };
                Weight { values, ..weight }
            })
            .collect()
    }
}

fn to_host(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("gradients and moments are f32")
}

/// Σ x², in an order that does not depend on the number of threads.
fn squares(x: Tensor<1>) -> f64 {
    /// Numbers that are added up in f32.
    const RUN: usize = 1 << 14;
    match x.clone().try_into_primitive::<Flex>() {
        Ok(x) if x.is_contiguous() => {
            let x = x.as_slice::<f32>().expect("contiguous tensors of f32");
            let mut sums = vec![0.0f64; x.len().div_ceil(RUN)];
            let work = sums.iter_mut().zip(x.chunks(RUN)).collect();
            ops::share(work, |_, (sum, x)| {
                **sum = f64::from(vectorized(
                    #[inline(always)]
                    || math::dot(x, x),
                ));
            });
            sums.into_iter().sum()
        }
        _ => f64::from((x.clone() * x).sum().into_scalar::<f32>()),
    }
}

/// The optimiser and what it remembers.
#[derive(Debug)]
pub struct Adam {
    settings: AdamSettings,
    step: u64,
    /// m and v of each parameter in the network's order, flat.
    moments: Vec<Option<[Tensor<1>; 2]>>,
}

/// What an optimiser remembers, on the host: what a resumed run needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdamState {
    /// Steps taken.
    pub step: u64,
    /// m of each parameter, under its name.
    pub first: Vec<Weight>,
    /// v of each parameter, under its name.
    pub second: Vec<Weight>,
}

impl Adam {
    /// An optimiser that has not taken a step.
    pub fn new(settings: AdamSettings) -> Self {
        Self { settings, step: 0, moments: Vec::new() }
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Takes a step down the gradients; gives the better network and the gradients' norm before it was cut back.
    ///
    /// Gradients that are not finite (an overflow) leave everything as it is; the norm says so.
    pub fn step(
        &mut self,
        network: AnyNetwork,
        gradients: GradientSum,
        learning_rate: f64,
    ) -> (AnyNetwork, f64) {
        let norm = gradients.norm();
        if !norm.is_finite() {
            return (network, norm);
        }
        let cut = self.settings.clip_norm.filter(|&most| norm > most).map_or(1.0, |most| most / norm);
        self.step += 1;
        let settings = self.settings;
        let t = self.step as i32;
        let rates = Rates {
            beta1: settings.beta1 as f32,
            beta2: settings.beta2 as f32,
            epsilon: settings.epsilon as f32,
            cut: cut as f32,
            rate: (learning_rate / (1.0 - settings.beta1.powi(t))) as f32,
            root: (1.0 - settings.beta2.powi(t)).sqrt().recip() as f32,
            keep: 1.0,
        };
        let decayed = (1.0 - learning_rate * settings.weight_decay) as f32;
        let gradients = gradients.sums.into_iter();
        let mut walk = Walk { rates, decayed, gradients, moments: &mut self.moments, index: 0 };
        let network = network.map(&mut walk);
        (network, norm)
    }

    /// What a resumed run needs.
    pub fn state(&self, network: &AnyNetwork) -> AdamState {
        let moment = |which: usize| {
            let moments = self.moments.iter().map(Option::as_ref).chain(std::iter::repeat(None));
            let named = crate::parameters::weights(network).into_iter().zip(moments);
            let host = |(weight, moments): (Weight, Option<&[Tensor<1>; 2]>)| {
                let values = match moments {
                    Some(moments) => to_host(moments[which].clone()),
                    None => vec![0.0; weight.values.len()],
                };
                Weight { values, ..weight }
            };
            named.map(host).collect()
        };
        AdamState { step: self.step, first: moment(0), second: moment(1) }
    }

    /// An optimiser that goes on where another stopped.
    ///
    /// # Errors
    /// Where the state is that of another network.
    pub fn resume(settings: AdamSettings, state: AdamState, network: &AnyNetwork) -> Result<Self, Error> {
        let device =
            network.devices().into_iter().next().expect("a network has parameters").without_autodiff();
        let expected = crate::parameters::weights(network);
        let find = |weights: &[Weight], expected: &Weight| -> Result<Tensor<1>, Error> {
            let found = weights.iter().find(|weight| weight.name == expected.name);
            let found = found.ok_or_else(|| Error::MissingWeight { name: expected.name.clone() })?;
            if found.shape != expected.shape || found.values.len() != expected.values.len() {
                return Err(Error::WeightShape {
                    name: expected.name.clone(),
                    found: found.shape.clone(),
                    expected: expected.shape.clone(),
                });
            }
            let data = TensorData::new(found.values.clone(), [found.values.len()]);
            Ok(Tensor::from_data(data, &device))
        };
        let moments = expected
            .iter()
            .map(|expected| Ok(Some([find(&state.first, expected)?, find(&state.second, expected)?])))
            .collect::<Result<_, Error>>()?;
        Ok(Self { settings, step: state.step, moments })
    }
}

/// The numbers of one step.
#[derive(Clone, Copy)]
struct Rates {
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    /// What gradients are multiplied by.
    cut: f32,
    /// η / (1-β₁ᵗ).
    rate: f32,
    /// 1 / √(1-β₂ᵗ).
    root: f32,
    /// What weights are multiplied by.
    keep: f32,
}

struct Walk<'a> {
    rates: Rates,
    decayed: f32,
    gradients: std::vec::IntoIter<Option<Tensor<1>>>,
    moments: &'a mut Vec<Option<[Tensor<1>; 2]>>,
    index: usize,
}

impl ModuleMapper for Walk<'_> {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.moments.len() == self.index {
            self.moments.push(None);
        }
        let moments = &mut self.moments[self.index];
        self.index += 1;
        let Some(gradient) = self.gradients.next().flatten() else { return parameter };
        let rates = Rates { keep: if D > 1 { self.decayed } else { 1.0 }, ..self.rates };
        let [m, v] = moments.take().unwrap_or_else(|| {
            let zeros = || Tensor::zeros(gradient.dims(), &gradient.device());
            [zeros(), zeros()]
        });
        parameter.map(|weight| {
            let shape = weight.dims();
            let (weight, m, v) = rates.apply(weight.inner().reshape([-1]), gradient, m, v);
            *moments = Some([m, v]);
            weight.reshape(shape).autodiff().require_grad()
        })
    }
}

impl Rates {
    fn apply(
        self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        m: Tensor<1>,
        v: Tensor<1>,
    ) -> (Tensor<1>, Tensor<1>, Tensor<1>) {
        if ops::fuses(&weight) {
            let mut arrays = [weight, m, v].map(primitive);
            let gradient = primitive(gradient);
            let [weight, m, v] = &mut arrays;
            self.walk(
                weight.storage_mut(),
                gradient.as_slice().expect("contiguous"),
                m.storage_mut(),
                v.storage_mut(),
            );
            let [weight, m, v] = arrays.map(Tensor::from_primitive::<Flex>);
            return (weight, m, v);
        }
        let gradient = gradient * self.cut;
        let m = m * self.beta1 + gradient.clone() * (1.0 - self.beta1);
        let v = v * self.beta2 + gradient.clone() * gradient * (1.0 - self.beta2);
        let step = m.clone() / (v.clone().sqrt() * self.root + self.epsilon);
        (weight * self.keep - step * self.rate, m, v)
    }

    fn walk(self, weight: &mut [f32], gradient: &[f32], m: &mut [f32], v: &mut [f32]) {
        let parts = ops::pieces(4 * weight.len(), weight.len());
        let count = weight.len();
        let work = ops::cut(weight, parts, 1).into_iter().zip(ops::cut(m, parts, 1));
        let work = work.zip(ops::cut(v, parts, 1)).collect();
        ops::share(work, |i, ((weight, m), v)| {
            let gradient = &gradient[ops::range(i, parts, count)];
            vectorized(
                #[inline(always)]
                || {
                    let arrays = weight.iter_mut().zip(gradient).zip(m.iter_mut()).zip(v.iter_mut());
                    for (((weight, gradient), m), v) in arrays {
                        let gradient = gradient * self.cut;
                        *m = self.beta1 * *m + (1.0 - self.beta1) * gradient;
                        *v = self.beta2 * *v + (1.0 - self.beta2) * gradient * gradient;
                        let step = *m / (v.sqrt() * self.root + self.epsilon);
                        *weight = *weight * self.keep - step * self.rate;
                    }
                },
            );
        });
    }
}

/// The array of a tensor, starting at its first number and no longer than it.
fn primitive(tensor: Tensor<1>) -> FlexTensor {
    let tensor = tensor.try_into_primitive::<Flex>().expect("a tensor of the processor's backend");
    let whole =
        tensor.is_contiguous() && tensor.bytes().len() == tensor.layout().num_elements() * size_of::<f32>();
    if whole {
        return tensor;
    }
    let shape = tensor.layout().shape().clone();
    let values = tensor.to_contiguous().as_slice::<f32>().expect("contiguous tensors of f32").to_vec();
    FlexTensor::from_data(TensorData::new(values, shape))
}
