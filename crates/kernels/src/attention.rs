//! What attention reads: packed keys and values of whole sources, and caches that grow by a step.

/// A matrix of rows inside a wider buffer, such as the queries in a fused query/key/value product.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a> {
    /// The buffer, from the first row's first number on.
    pub data: &'a [f32],
    /// Numbers from one row's start to the next.
    pub stride: usize,
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
#[derive(Debug, Default)]
pub struct KeyValues {
    pub(crate) heads: usize,
    pub(crate) size: usize,
    pub(crate) offsets: Vec<usize>,
    pub(crate) keys: Vec<f32>,
    pub(crate) values: Vec<f32>,
    pub(crate) masked: Vec<bool>,
}

impl KeyValues {
    /// An empty memory; [`Compute::pack_key_values`](crate::Compute::pack_key_values) fills it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of sources.
    pub fn sources(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Tokens of one source.
    pub fn source_len(&self, source: usize) -> usize {
        self.offsets[source + 1] - self.offsets[source]
    }
}

/// The keys and values that a decoder has appended so far, and which of them each row sees.
///
/// Rows never move: a beam that is re-ordered only copies its line of slot numbers.
#[derive(Clone, Copy, Debug)]
pub struct CachedKeys<'a> {
    /// `[slots, heads.width()]`.
    pub keys: &'a [f32],
    /// `[slots, heads.width()]`.
    pub values: &'a [f32],
    /// The slots of row `r` are `history[r * stride..][..len]`, oldest first.
    pub history: &'a [u32],
    /// Numbers in a row's line of `history`.
    pub stride: usize,
    /// Steps cached, the same for all rows.
    pub len: usize,
}
