//! Scaled dot-product attention of many heads over ragged rows.
//!
//! ```text
//! S = Q Kᵀ / √d      P = softmax(S)      O = P V            head by head, row by row; P is kept
//!
//! dV = Pᵀ dO         dP = dO Vᵀ          dS = P ∘ (dP - Σ_j P ∘ dP)
//! dQ = dS K / √d     dK = dSᵀ Q / √d
//! ```
//!
//! The tokens of all rows of a batch stand one after another, so nothing is computed for fillings. The six products of a head are too small for the
//! blocked ones of `papo-kernels`: they are loops over rows of the right factor, four at a time, that stay in the first cache.

use burn::tensor::{Bool, Int, Tensor, TensorData, activation::softmax};
use papo_kernels::vectorized;

use super::fused::{self, Back, Fused, Keep, Made};
use super::math;
use super::threads::share;

/// Which keys a query sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    /// All of its row.
    Everywhere,
    /// Those up to its own place.
    Back,
}

/// The shape of an attention.
#[derive(Clone, Debug)]
pub(crate) struct Attention {
    pub(crate) heads: usize,
    /// Queries of each row.
    pub(crate) queries: Vec<usize>,
    /// Keys of each row.
    pub(crate) keys: Vec<usize>,
    pub(crate) looks: Looks,
}

/// `q` is `[queries, d_model]`, `k` and `v` are `[keys, d_model]`, rows one after another; the result is as `q`.
pub(crate) fn attend(attention: Attention, q: Tensor<2>, k: Tensor<2>, v: Tensor<2>) -> Tensor<2> {
    let shape = q.dims();
    if fused::fuses(&q) {
        let operation = Attend::new(attention, shape[1]);
        return fused::run(operation, [q.into_dispatch(), k.into_dispatch(), v.into_dispatch()], shape);
    }
    plain(&attention, q, k, v)
}

fn plain(attention: &Attention, q: Tensor<2>, k: Tensor<2>, v: Tensor<2>) -> Tensor<2> {
    let (device, d_model, heads) = (q.device(), q.dims()[1], attention.heads);
    let (rows, size) = (attention.queries.len(), d_model / heads);
    let ints = |values: Vec<i64>| -> Tensor<1, Int> {
        let count = values.len();
        Tensor::from_data(TensorData::new(values, [count]), &device)
    };
    let longest = |lengths: &[usize]| lengths.iter().copied().max().unwrap_or(0);
    let (most_queries, most_keys) = (longest(&attention.queries), longest(&attention.keys));
    // Rows filled up with whatever stands at 0, as [rows, heads, tokens, size].
    let filled = |x: Tensor<2>, lengths: &[usize], most: usize| {
        let mut first = 0;
        let mut places = Vec::with_capacity(rows * most);
        for &length in lengths {
            places.extend((0..most).map(|i| if i < length { (first + i) as i64 } else { 0 }));
            first += length;
        }
        x.select(0, ints(places)).reshape([rows, most, heads, size]).swap_dims(1, 2)
    };
    let q = filled(q, &attention.queries, most_queries);
    let k = filled(k, &attention.keys, most_keys);
    let v = filled(v, &attention.keys, most_keys);
    let hidden: Vec<bool> = attention
        .keys
        .iter()
        .flat_map(|&length| (0..most_queries).map(move |i| (length, i)))
        .flat_map(|(length, i)| {
            let sees = if attention.looks == Looks::Back { length.min(i + 1) } else { length };
            (0..most_keys).map(move |j| j >= sees)
        })
        .collect();
    let hidden: Tensor<4, Bool> =
        Tensor::from_data(TensorData::new(hidden, [rows, 1, most_queries, most_keys]), &device);
    let s = q.matmul(k.swap_dims(2, 3)) / (size as f64).sqrt(); // [rows, heads, queries, keys]
    let hidden = hidden.expand([rows, heads, most_queries, most_keys]);
    let p = softmax(s.mask_fill(hidden, -1e30), 3);
    let o = p.matmul(v).swap_dims(1, 2).reshape([rows * most_queries, d_model]);
    let real = attention
        .queries
        .iter()
        .enumerate()
        .flat_map(|(row, &length)| (0..length).map(move |i| (row * most_queries + i) as i64));
    o.select(0, ints(real.collect()))
}

struct Attend {
    heads: usize,
    d_model: usize,
    looks: Looks,
    rows: Vec<Row>,
    /// Numbers of all P.
    weights: usize,
}

/// Where a row stands.
#[derive(Clone, Copy)]
struct Row {
    first_query: usize,
    queries: usize,
    first_key: usize,
    keys: usize,
    /// The first number of its P, `[heads, queries, keys]`.
    first_weight: usize,
}

impl Attend {
    fn new(attention: Attention, d_model: usize) -> Self {
        let Attention { heads, queries, keys, looks } = attention;
        let (mut first_query, mut first_key, mut first_weight) = (0, 0, 0);
        let rows = queries
            .into_iter()
            .zip(keys)
            .map(|(queries, keys)| {
                let row = Row { first_query, queries, first_key, keys, first_weight };
                first_query += queries;
                first_key += keys;
                first_weight += heads * queries * keys;
                row
            })
            .collect();
        Self { heads, d_model, looks, rows, weights: first_weight }
    }

    fn size(&self) -> usize {
        self.d_model / self.heads
    }

    /// The keys that query `i` of a row sees.
    #[inline(always)]
    fn sees(&self, row: Row, i: usize) -> usize {
        match self.looks {
            Looks::Everywhere => row.keys,
            Looks::Back => row.keys.min(i + 1),
        }
    }

    /// Cuts a buffer into the pieces of the rows.
    fn by_row<'a>(&self, data: &'a mut [f32], length: impl Fn(&Row) -> usize) -> Vec<&'a mut [f32]> {
        let mut rest = data;
        self.rows
            .iter()
            .map(|row| {
                let (piece, after) = std::mem::take(&mut rest).split_at_mut(length(row));
                rest = after;
                piece
            })
            .collect()
    }
}

/// The left factor of a small product: number `(i, k)` stands at `i · row + k · column`.
#[derive(Clone, Copy)]
struct Left<'a> {
    data: &'a [f32],
    row: usize,
    column: usize,
    /// How deep the product is: k < `depth`.
    depth: usize,
    /// Whether line `i` is only `i + 1` deep.
    looks: Looks,
}

/// Rows of `width` numbers, `stride` apart.
#[derive(Clone, Copy)]
struct Right<'a> {
    data: &'a [f32],
    stride: usize,
    width: usize,
}

/// `c[i] += Σ_k a(i, k) b[k]` for `i < rows`; the rows of `c` stand `stride` apart.
#[inline(always)]
fn accumulate(rows: usize, a: Left<'_>, b: Right<'_>, c: &mut [f32], stride: usize) {
    let width = b.width;
    for i in 0..rows {
        let c = &mut c[i * stride..][..width];
        let depth = if a.looks == Looks::Back { a.depth.min(i + 1) } else { a.depth };
        let left = |k: usize| a.data[i * a.row + k * a.column];
        let right = |k: usize| &b.data[k * b.stride..][..width];
        let mut k = 0;
        while k + 4 <= depth {
            let (a0, a1, a2, a3) = (left(k), left(k + 1), left(k + 2), left(k + 3));
            let (b0, b1, b2, b3) = (right(k), right(k + 1), right(k + 2), right(k + 3));
            for j in 0..width {
                let sum = a0.mul_add(b0[j], c[j]);
                let sum = a1.mul_add(b1[j], sum);
                let sum = a2.mul_add(b2[j], sum);
                c[j] = a3.mul_add(b3[j], sum);
            }
            k += 4;
        }
        while k < depth {
            let (a, b) = (left(k), right(k));
            for j in 0..width {
                c[j] = a.mul_add(b[j], c[j]);
            }
            k += 1;
        }
    }
}

/// `x`, rows of `width` numbers `stride` apart, the other way around: `[width, rows]`.
#[inline(always)]
fn turn(x: &[f32], stride: usize, rows: usize, width: usize, y: &mut Vec<f32>) {
    y.resize(rows * width, 0.0);
    for j in 0..rows {
        let x = &x[j * stride..][..width];
        for (k, x) in x.iter().enumerate() {
            y[k * rows + j] = *x;
        }
    }
}

impl Fused<3> for Attend {
    /// P of all rows.
    type Kept = Vec<f32>;

    fn forward(&self, [q, k, v]: [&[f32]; 3], _: Keep) -> Made<Vec<f32>> {
        let (d, size) = (self.d_model, self.size());
        let mut output = vec![0.0; q.len()];
        let mut weights = vec![0.0; self.weights];
        let scale = (size as f32).sqrt().recip();
        let work = self.by_row(&mut output, |row| row.queries * d).into_iter();
        let work = work.zip(self.by_row(&mut weights, |row| self.heads * row.queries * row.keys)).collect();
        share(work, |i, (output, weights)| {
            let row = self.rows[i];
            if row.queries == 0 || row.keys == 0 {
                return;
            }
            let (q, k, v) = (&q[row.first_query * d..], &k[row.first_key * d..], &v[row.first_key * d..]);
            let mut turned = Vec::new();
            for (head, p) in weights.chunks_exact_mut(row.queries * row.keys).enumerate() {
                let at = head * size;
                vectorized(
                    #[inline(always)]
                    || {
                        turn(&k[at..], d, row.keys, size, &mut turned);
                        let everywhere = Looks::Everywhere;
                        let a = Left { data: &q[at..], row: d, column: 1, depth: size, looks: everywhere };
                        let b = Right { data: &turned, stride: row.keys, width: row.keys };
                        accumulate(row.queries, a, b, p, row.keys);
                        for (i, p) in p.chunks_exact_mut(row.keys).enumerate() {
                            let (seen, unseen) = p.split_at_mut(self.sees(row, i));
                            let largest = math::largest(seen);
                            seen.iter_mut().for_each(|s| *s = math::exp((*s - largest) * scale));
                            let sum = math::sum(seen, |p| p);
                            math::scale(sum.recip(), seen);
                            unseen.fill(0.0);
                        }
                        let (looks, depth) = (self.looks, row.keys);
                        let a = Left { data: p, row: row.keys, column: 1, depth, looks };
                        let b = Right { data: &v[at..], stride: d, width: size };
                        accumulate(row.queries, a, b, &mut output[at..], d);
                    },
                );
            }
        });
        Made { output, kept: weights }
    }

    fn backward(&self, back: Back<'_, Vec<f32>, 3>) -> [Option<Vec<f32>>; 3] {
        let (d, size) = (self.d_model, self.size());
        let [q, k, v] = back.arguments;
        let d_output = &back.d_output;
        let mut dq = vec![0.0; q.len()];
        let mut dk = vec![0.0; k.len()];
        let mut dv = vec![0.0; v.len()];
        let scale = (size as f32).sqrt().recip();
        let work = self.by_row(&mut dq, |row| row.queries * d).into_iter();
        let work = work.zip(self.by_row(&mut dk, |row| row.keys * d));
        let work = work.zip(self.by_row(&mut dv, |row| row.keys * d)).collect();
        share(work, |i, ((dq, dk), dv)| {
            let row = self.rows[i];
            if row.queries == 0 || row.keys == 0 {
                return;
            }
            let (queries, keys) = (row.queries, row.keys);
            let (q, d_out) = (&q[row.first_query * d..], &d_output[row.first_query * d..]);
            let (k, v) = (&k[row.first_key * d..], &v[row.first_key * d..]);
            let weights = &back.kept[row.first_weight..];
            let (mut turned, mut ds) = (Vec::new(), vec![0.0; queries * keys]);
            for (head, p) in weights.chunks_exact(queries * keys).take(self.heads).enumerate() {
                let at = head * size;
                vectorized(
                    #[inline(always)]
                    || {
                        // dP = dO Vᵀ
                        turn(&v[at..], d, keys, size, &mut turned);
                        ds.fill(0.0);
                        let everywhere = Looks::Everywhere;
                        let a =
                            Left { data: &d_out[at..], row: d, column: 1, depth: size, looks: everywhere };
                        let b = Right { data: &turned, stride: keys, width: keys };
                        accumulate(queries, a, b, &mut ds, keys);
                        // dS, with the scale
                        for (ds, p) in ds.chunks_exact_mut(keys).zip(p.chunks_exact(keys)) {
                            let along = math::dot(ds, p);
                            for (ds, p) in ds.iter_mut().zip(p) {
                                *ds = p * (*ds - along) * scale;
                            }
                        }
                        // dQ = dS K
                        let a = Left { data: &ds, row: keys, column: 1, depth: keys, looks: self.looks };
                        let b = Right { data: &k[at..], stride: d, width: size };
                        accumulate(queries, a, b, &mut dq[at..], d);
                        // dV = Pᵀ dO and dK = dSᵀ Q
                        let a = Left { data: p, row: 1, column: keys, depth: queries, looks: everywhere };
                        let b = Right { data: &d_out[at..], stride: d, width: size };
                        accumulate(keys, a, b, &mut dv[at..], d);
                        let a = Left { data: &ds, ..a };
                        let b = Right { data: &q[at..], ..b };
                        accumulate(keys, a, b, &mut dk[at..], d);
                    },
                );
            }
        });
        [Some(dq), Some(dk), Some(dv)]
    }
}
