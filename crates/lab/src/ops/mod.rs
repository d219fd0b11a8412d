//! The operations that networks are made of.

mod cross_entropy;
mod dropout;
mod embedding;
mod linear;
mod recur;

pub(crate) use cross_entropy::{Targets, cross_entropy};
pub(crate) use dropout::dropout;
pub(crate) use embedding::embed;
pub(crate) use linear::linear;
pub(crate) use recur::{LayerWeights, Run, recur};
