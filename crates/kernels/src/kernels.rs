//! One table of kernels for each instruction set, and the choice among them.

use crate::reference;

/// The single-threaded kernels of one instruction set.
#[derive(Debug)]
pub struct Kernels {
    name: &'static str,
}

static SCALAR: Kernels = Kernels { name: "scalar" };

impl Kernels {
    /// The fastest table that this machine can run.
    pub fn best() -> &'static Kernels {
        &SCALAR
    }

    /// Every table that this machine can run, slowest first.
    pub fn available() -> Vec<&'static Kernels> {
        vec![&SCALAR]
    }

    /// The instruction set, as in `avx512`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Replaces a row of logits by its log-probabilities.
    pub fn log_softmax(&self, row: &mut [f32]) {
        reference::log_softmax(row);
    }

    /// Replaces a row of scores by its softmax.
    pub fn softmax(&self, row: &mut [f32]) {
        reference::softmax(row);
    }

    /// The index of the largest value, the first of equals; 0 for an empty row.
    pub fn argmax(&self, row: &[f32]) -> usize {
        reference::argmax(row)
    }
}
