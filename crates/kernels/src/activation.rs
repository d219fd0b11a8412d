//! The non-linearities of feed-forward layers and of recurrent cells.

/// A non-linearity, applied element by element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `max(0, x)`.
    Relu,
    /// `x Φ(x)` with the exact Gaussian distribution function (through erf).
    Gelu,
    /// `x Φ(x)` in the tanh approximation of the original BERT and GPT-2 code.
    GeluTanh,
    /// `x σ(x)`, also called swish.
    Silu,
    /// `tanh(x)`.
    Tanh,
    /// `σ(x) = 1 / (1 + exp(−x))`, the gate of recurrent cells.
    Sigmoid,
}
