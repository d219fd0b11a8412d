//! What a training tells while it goes on, and what it says at its end.
//!
//! The loop knows no terminal: whoever runs it passes an [`Observer`].

use super::log::{StepEntry, ValidationEntry};

/// Somebody who watches.
pub trait Observer {
    /// A training goes on from a state.
    fn resumed(&mut self, step: u64, seconds: f64);
    /// A step was taken; `part` is the part of the whole training that is done, as far as limits tell.
    fn stepped(&mut self, entry: &StepEntry, part: f64);
    /// The held-out data were measured.
    fn validated(&mut self, entry: &ValidationEntry);
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All epochs or steps are done.
    Done,
    /// The time is up.
    Time,
    /// The validation loss has not become better for long enough.
    Patience,
    /// The interrupt was raised.
    Interrupted,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Why it ended.
    pub ending: Ending,
    /// Steps taken.
    pub steps: u64,
    /// Epochs gone through.
    pub epochs: f64,
    /// The lowest validation loss, whose weights were kept.
    pub best: Option<f32>,
    /// The step it was found at.
    pub best_step: u64,
    /// Seconds of training, all runs together.
    pub seconds: f64,
    /// Tokens through the network, all runs together.
    pub tokens: u64,
    /// Weights of the network.
    pub parameters: usize,
}
