//! Attention of every level against the reference.

mod support;

use half::f16;
use papo_kernels::{
    Bias, CachedSteps, Compute, Group, Heads, Keep, KeyValues, StepCache, Strided, reference,
};
use support::{assert_close, assert_same_bits, compute, for_each_level, numbers};

/// Scores are rounded in f32 before the softmax, weights sum to one, values are below one.
const BOUND: f32 = 3e-6;

struct Case {
    heads: Heads,
    lengths: Vec<usize>,
    /// Query rows of each source.
    rows: Vec<usize>,
    masked: Vec<bool>,
    scale: f32,
    relative: bool,
    keep: Keep,
}

/// Numbers that keeping does not change, so that what is left to compare is the arithmetic.
fn kept(mut numbers: Vec<f32>, keep: Keep) -> Vec<f32> {
    if keep == Keep::Rounded {
        numbers.iter_mut().for_each(|x| *x = f16::from_f32(*x).to_f32());
    }
    numbers
}

struct Answer {
    y: Vec<f32>,
    weights: Vec<f32>,
}

impl Case {
    fn groups(&self) -> Vec<Group> {
        let mut first_row = 0;
        let mut groups = Vec::new();
        for (source, &rows) in self.rows.iter().enumerate() {
            groups.push(Group { first_row, rows, source });
            first_row += rows;
        }
        groups
    }

    /// The same attention by the kernels and by the reference; keys and values lie in one fused buffer.
    fn answers(&self, compute: &Compute) -> (Answer, Answer) {
        let width = self.heads.width();
        let tokens: usize = self.lengths.iter().sum();
        let rows: usize = self.rows.iter().sum();
        let fused = kept(numbers(tokens * 2 * width + 3, 11), self.keep);
        let keys = Strided { data: &fused[3..], stride: 2 * width };
        let values = Strided { data: &fused[3 + width..], stride: 2 * width };
        let queries = numbers(rows * (width + 5), 12);
        let queries = Strided { data: &queries, stride: width + 5 };
        let longest = self.rows.iter().chain(&self.lengths).max().unwrap() + 1;
        let lines = numbers(self.heads.count * 2 * longest, 13);
        let bias = self.relative.then_some(Bias { values: &lines, stride: 2 * longest, origin: longest });
        let groups = self.groups();
        let softmaxes: usize =
            self.heads.count * self.rows.iter().zip(&self.lengths).map(|(r, l)| r * l).sum::<usize>();
        let nan = || Answer { y: vec![f32::NAN; rows * width], weights: vec![f32::NAN; softmaxes] };
        let (mut actual, mut expected) = (nan(), nan());
        let mut memory = KeyValues::new(self.keep);
        compute.pack_key_values(keys, values, &self.lengths, &self.masked, self.heads, &mut memory);
        compute.attend(queries, &groups, &memory, self.scale, bias, &mut actual.y, Some(&mut actual.weights));
        let mut without = vec![f32::NAN; rows * width];
        compute.attend(queries, &groups, &memory, self.scale, bias, &mut without, None);
        assert_same_bits("watching the weights changes nothing", &without, &actual.y);
        let plain = reference::PlainKeyValues {
            keys,
            values,
            lengths: &self.lengths,
            masked: &self.masked,
            heads: self.heads,
        };
        let weights = Some(&mut expected.weights[..]);
        reference::attend(queries, &groups, plain, self.scale, bias, &mut expected.y, weights);
        (actual, expected)
    }
}

#[test]
fn attention_over_sources_equals_the_reference() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        for (count, size) in [(1, 1), (2, 7), (3, 16), (2, 40), (4, 64), (1, 80)] {
            for (lengths, rows) in [
                (vec![1], vec![1]),
                (vec![5, 33], vec![5, 33]),
                (vec![31, 16, 65], vec![1, 4, 13]),
                (vec![300], vec![50]),
            ] {
                for (relative, mask, keep) in [
                    (false, false, Keep::Exact),
                    (false, true, Keep::Rounded),
                    (true, false, Keep::Rounded),
                    (true, true, Keep::Exact),
                ] {
                    {
                        let tokens: usize = lengths.iter().sum();
                        let masked: Vec<bool> =
                            if mask { (0..tokens).map(|i| i % 3 == 1).collect() } else { vec![] };
                        let heads = Heads { count, size };
                        let case = Case {
                            heads,
                            lengths: lengths.clone(),
                            rows: rows.clone(),
                            masked,
                            scale: 0.3,
                            relative,
                            keep,
                        };
                        let (actual, expected) = case.answers(&compute);
                        let what = format!(
                            "{} {heads:?} {lengths:?} {rows:?} {relative} {mask} {keep:?}",
                            kernels.name()
                        );
                        assert_close(&what, &actual.weights, &expected.weights, |_| BOUND);
                        assert_close(&what, &actual.y, &expected.y, |_| BOUND);
                    }
                }
            }
        }
    });
}

#[test]
fn a_source_that_is_masked_altogether_gives_zeros() {
    for_each_level(|kernels| {
        let heads = Heads { count: 2, size: 8 };
        let masked = vec![true; 9];
        let case = Case {
            heads,
            lengths: vec![9],
            rows: vec![3],
            masked,
            scale: 1.0,
            relative: false,
            keep: Keep::Exact,
        };
        let (actual, _) = case.answers(&compute(kernels, 1));
        assert!(actual.y.iter().chain(&actual.weights).all(|&x| x == 0.0), "{:?}", actual.y);
    });
}

#[test]
fn a_row_attends_the_same_to_the_last_bit_alone_in_a_group_and_on_any_number_of_threads() {
    for_each_level(|kernels| {
        let heads = Heads { count: 4, size: 40 };
        let width = heads.width();
        let (keys, values) = (numbers(600 * width, 1), numbers(600 * width, 2));
        let queries = numbers(64 * width, 3);
        let strided = |data| Strided { data, stride: width };
        let mut whole = vec![0.0; 64 * width];
        for threads in [1, 2, 5] {
            let compute = compute(kernels, threads);
            let mut memory = KeyValues::new(Keep::Exact);
            compute.pack_key_values(strided(&keys), strided(&values), &[600], &[], heads, &mut memory);
            for rows in [64, 1, 2, 12, 13, 31] {
                let mut y = vec![0.0; rows * width];
                let group = Group { first_row: 0, rows, source: 0 };
                compute.attend(strided(&queries), &[group], &memory, 0.2, None, &mut y, None);
                if threads == 1 && rows == 64 {
                    whole.copy_from_slice(&y);
                }
                let what = format!("{} {rows} rows on {threads} threads", kernels.name());
                assert_same_bits(&what, &y, &whole[..rows * width]);
            }
        }
    });
}

#[test]
fn a_memory_can_be_packed_again_with_other_shapes() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 2);
        let mut memory = KeyValues::new(Keep::Exact);
        for (tokens, heads) in [(50, Heads { count: 2, size: 40 }), (3, Heads { count: 1, size: 5 })] {
            let (keys, values) = (numbers(tokens * heads.width(), 1), numbers(tokens * heads.width(), 2));
            let queries = numbers(heads.width(), 3);
            let strided = |data| Strided { data, stride: heads.width() };
            let groups = [Group { first_row: 0, rows: 1, source: 0 }];
            let (mut actual, mut expected) = (vec![0.0; heads.width()], vec![0.0; heads.width()]);
            compute.pack_key_values(strided(&keys), strided(&values), &[tokens], &[], heads, &mut memory);
            compute.attend(strided(&queries), &groups, &memory, 1.0, None, &mut actual, None);
            let (keys, values) = (strided(&keys), strided(&values));
            let plain = reference::PlainKeyValues { keys, values, lengths: &[tokens], masked: &[], heads };
            reference::attend(strided(&queries), &groups, plain, 1.0, None, &mut expected, None);
            assert_close(kernels.name(), &actual, &expected, |_| BOUND);
        }
    });
}

/// A cache of slots that are appended in two goes.
fn filled(compute: &Compute, keep: Keep, width: usize, keys: &[f32], values: &[f32]) -> StepCache {
    let mut cache = StepCache::new(keep, width);
    let slots = keys.len() / width;
    for part in [0..slots / 3, slots / 3..slots] {
        let of = |data| Strided { data: <[f32]>::split_at(data, part.start * width).1, stride: width };
        compute.append(of(keys), of(values), part.len(), &mut cache);
    }
    assert_eq!(cache.slots(), slots);
    cache
}

#[test]
fn what_is_beyond_sixteen_bits_becomes_the_largest_number_and_what_is_none_stays_none() {
    for_each_level(|kernels| {
        let compute = compute(kernels, 1);
        let heads = Heads { count: 1, size: 19 };
        let keys = vec![0.0; 19];
        let values: Vec<f32> = (0..19)
            .map(|i| match i % 4 {
                0 => 1e30,
                1 => -1e30,
                2 => f32::NAN,
                _ => 0.1,
            })
            .collect();
        let cache = filled(&compute, Keep::Rounded, 19, &keys, &values);
        let steps = CachedSteps { cache: &cache, history: &[0], stride: 1, len: 1 };
        let mut y = vec![0.0; 19];
        let queries = Strided { data: &keys, stride: 19 };
        compute.attend_cached(queries, steps, heads, 1.0, None, &mut y, None);
        for (i, y) in y.into_iter().enumerate() {
            let right = match i % 4 {
                0 => y == 65504.0,
                1 => y == -65504.0,
                2 => y.is_nan(),
                _ => y == f16::from_f32(0.1).to_f32(),
            };
            assert!(right, "{} number {i}: {y}", kernels.name());
        }
    });
}

#[test]
fn cached_attention_equals_the_reference_and_does_not_depend_on_the_other_rows() {
    for_each_level(|kernels| {
        for (count, size) in [(1, 1), (2, 7), (3, 40), (2, 64), (1, 72)] {
            for len in [1, 2, 4, 5, 16, 61] {
                let heads = Heads { count, size };
                let width = heads.width();
                let (rows, stride) = (5, len + 2);
                let keep = if len % 2 == 0 { Keep::Exact } else { Keep::Rounded };
                let keys = kept(numbers(90 * width, 1), keep);
                let values = kept(numbers(90 * width, 2), keep);
                let history: Vec<u32> = (0..rows * stride).map(|i| (i * 37 % 90) as u32).collect();
                let plain =
                    reference::PlainSteps { keys: &keys, values: &values, history: &history, stride, len };
                let queries = numbers(rows * width, 3);
                let queries = Strided { data: &queries, stride: width };
                let lines = numbers(count * (len + 1), 4);
                for bias in [None, Some(Bias { values: &lines, stride: len + 1, origin: 1 })] {
                    let what = format!("{} {heads:?} {len} {keep:?}", kernels.name());
                    let (mut expected, mut expected_weights) =
                        (vec![0.0; rows * width], vec![0.0; rows * count * len]);
                    let weights = Some(&mut expected_weights[..]);
                    reference::attend_cached(queries, plain, heads, 0.25, bias, &mut expected, weights);
                    let mut first = vec![];
                    for threads in [1, 3] {
                        let compute = compute(kernels, threads);
                        let cache = filled(&compute, keep, width, &keys, &values);
                        let cache = CachedSteps { cache: &cache, history: &history, stride, len };
                        let (mut y, mut weights) =
                            (vec![f32::NAN; rows * width], vec![f32::NAN; rows * count * len]);
                        compute.attend_cached(queries, cache, heads, 0.25, bias, &mut y, Some(&mut weights));
                        assert_close(&what, &weights, &expected_weights, |_| BOUND);
                        assert_close(&what, &y, &expected, |_| BOUND);
                        let mut alone = vec![f32::NAN; width];
                        compute.attend_cached(queries, cache, heads, 0.25, bias, &mut alone, None);
                        assert_same_bits(&what, &alone, &y[..width]);
                        first = if first.is_empty() { y } else { first };
                        assert_same_bits(&what, &first[..width], &alone);
                    }
                }
            }
        }
    });
}
