//! What attention reads: packed keys and values of whole sources, and caches that grow by a step.
//!
//! `sources.rs` attends to whole sources (the encoder's self-attention, and cross-attention), `cached.rs` to a decoder's own
//! steps; `key_values.rs` packs sources, `steps.rs` keeps steps, both in a format of `stored.rs`. `align.rs` is the attention of
//! recurrent decoders, which reads plain vectors.

pub(crate) mod align;
pub(crate) mod cached;
mod key_values;
mod sources;
mod steps;
mod stored;

pub use align::{Alignment, SourceVectors};
pub(crate) use key_values::pack_key_values;
pub(crate) use sources::attend;
pub use steps::{CachedSteps, StepCache};
pub use stored::Keep;
use stored::Stored;

/// A matrix of rows inside a wider buffer, such as the queries in a fused query/key/value product.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a> {
    /// The buffer, from the first row's first number on.
    pub data: &'a [f32],
    /// Numbers from one row's start to the next.
    pub stride: usize,
}

impl Strided<'_> {
    /// Panics where the buffer does not hold `rows` rows of `width` numbers.
    pub(crate) fn check(&self, what: &str, rows: usize, width: usize) {
        let needed = if rows == 0 { 0 } else { (rows - 1) * self.stride + width };
        assert!(
            self.stride >= width && self.data.len() >= needed,
            "{what} are [{rows}, {width}], {} apart, in a buffer of {}",
            self.stride,
            self.data.len()
        );
    }
}

/// How a row of width `count * size` splits into attention heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Number of heads.
    pub count: usize,
    /// Width of one head.
    pub size: usize,
}

impl Heads {
    /// Width of all heads together.
    pub fn width(self) -> usize {
        self.count * self.size
    }
}

/// A score added before the softmax that depends on head and distance alone (T5's relative bias).
///
/// For the query at index `i` of its group and the key at index `j` the bias is
/// `values[head * stride + origin - i + j]`.
#[derive(Clone, Copy, Debug)]
pub struct Bias<'a> {
    /// One line of `stride` numbers for each head.
    pub values: &'a [f32],
    /// Numbers in a head's line.
    pub stride: usize,
    /// Where query 0 meets key 0.
    pub origin: usize,
}

impl Bias<'_> {
    /// Panics where the lines do not reach from the last row's first key to the first row's last.
    pub(crate) fn check(&self, heads: usize, rows: usize, tokens: usize) {
        assert!(
            self.values.len() >= heads * self.stride
                && self.origin + 1 >= rows
                && (tokens == 0 || self.origin + tokens <= self.stride),
            "a bias for {heads} heads, {rows} rows and {tokens} tokens: {} numbers, {} a head, origin {}",
            self.values.len(),
            self.stride,
            self.origin
        );
    }
}

/// Consecutive query rows that look at the same source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// First query row.
    pub first_row: usize,
    /// Number of query rows.
    pub rows: usize,
    /// Index of the source in the [`KeyValues`].
    pub source: usize,
}

/// Keys and values of one or more whole sources, packed once and attended to many times.
///
/// Sources may differ in length; nothing is padded. Masked tokens take part in no softmax.
#[derive(Debug)]
pub struct KeyValues {
    heads: usize,
    size: usize,
    /// Positions in a panel of keys, and numbers in a panel of values; 0 before the first packing.
    width: usize,
    sources: Vec<Source>,
    stored: Stored,
    /// 0 for a token that may be attended to, −∞ for one that may not; empty where all may.
    mask: Vec<f32>,
}

/// One source's place in a [`KeyValues`].
#[derive(Clone, Copy, Debug)]
struct Source {
    first_token: usize,
    tokens: usize,
    /// Where the first head's keys and values begin, and how far it is to the next head's.
    first_key: usize,
    keys_per_head: usize,
    first_value: usize,
    values_per_head: usize,
}

impl Default for KeyValues {
    fn default() -> Self {
        Self::new(Keep::default())
    }
}

impl KeyValues {
    /// An empty memory; [`Compute::pack_key_values`](crate::Compute::pack_key_values) fills it.
    pub fn new(keep: Keep) -> Self {
        Self { heads: 0, size: 0, width: 0, sources: vec![], stored: Stored::new(keep), mask: vec![] }
    }

    /// Number of sources.
    pub fn sources(&self) -> usize {
        self.sources.len()
    }

    /// How the rows split into heads.
    pub fn heads(&self) -> Heads {
        Heads { count: self.heads, size: self.size }
    }

    /// Tokens of one source.
    pub fn source_len(&self, source: usize) -> usize {
        self.sources[source].tokens
    }
}
