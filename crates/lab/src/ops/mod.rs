//! The operations that networks are made of, each twice.
//!
//! **Plain**: burn's tensor arithmetic, for any device and differentiated by burn. It is the definition. **Fused**: for tensors of the processor's
//! backend (`flex`), one operation in burn's graph with a backward pass written by hand over slices (`fused.rs`), on the
//! products and threads of `papo-kernels`. Tests compare the two, number for number and gradient for gradient.
//!
//! Which one runs is decided by where the tensors live, and, for those tests, by [`plainly`].

mod attention;
mod cross_entropy;
mod dropout;
mod embedding;
mod fused;
mod join;
mod linear;
pub(crate) mod math;
mod recur;
mod threads;
mod unrolled;

pub(crate) use attention::{Attention, Looks, attend};
pub(crate) use cross_entropy::{Targets, cross_entropy};
pub(crate) use dropout::dropout;
pub(crate) use embedding::{embed, embed_at};
pub(crate) use fused::fuses;
#[cfg(test)]
pub(crate) use fused::plainly;
pub(crate) use join::{Residual, join};
pub(crate) use linear::{linear, linear_relu};
pub(crate) use recur::{Direction, LayerWeights, Run, recur};
pub use threads::set_threads;
pub(crate) use threads::{cut, pieces, range, share};
