//! From stored rows to panels.

use half::f16;

use super::rows::LINE_SHARE;
use super::{
    DEPTH, FOUR_BIT_BLOCK, GROUP, LINE, Precision, QuantizedMatrix, QuantizedView, WIDTH, scale_bytes,
};
use crate::memory::{Block, Shared};
use crate::pool::Pool;
use crate::simd::dots::{BIAS_EIGHT, BIAS_FOUR};

/// Packs matrices of one precision, stacked on top of each other.
///
/// # Panics
/// Where there is no matrix, the inputs or precisions differ, or the bytes are not as many as the shape says.
pub(crate) fn pack(pool: &Pool, parts: &[QuantizedView<'_>]) -> QuantizedMatrix {
    let &QuantizedView { precision, inputs, .. } = parts.first().expect("at least one matrix to pack");
    assert!(inputs > 0, "a matrix with inputs");
    for part in parts {
        assert_eq!(part.inputs, inputs, "stacked matrices share their inputs");
        assert_eq!(part.precision, precision, "stacked matrices share their number format");
        part.check();
    }
    let outputs = parts.iter().map(|part| part.outputs).sum();
    let mut matrix = QuantizedMatrix { outputs, inputs, precision, block: Block::new(0) };
    matrix.block = Block::new(matrix.bytes());
    // A part begins where the one before it ends.
    let starts: Vec<usize> =
        parts.iter().scan(0, |next, part| Some(std::mem::replace(next, *next + part.outputs))).collect();
    let (row_bytes, panel_bytes) = (precision.row_bytes(inputs), matrix.panel_bytes());
    let row_scales = precision.row_scales(inputs) * precision.scale_size();
    let target = Shared(matrix.block.start());
    pool.run(outputs.div_ceil(WIDTH), &|panel| {
        // SAFETY: the block holds `panel_bytes` bytes for each panel, and this task alone touches this one.
        let panel_bytes = unsafe {
            let start = target.get().add(panel * panel_bytes);
            start.write_bytes(0, panel_bytes);
            std::slice::from_raw_parts_mut(start, panel_bytes)
        };
        for lane in 0..WIDTH {
            let output = panel * WIDTH + lane;
            // Lanes that fill up the last panel have no weights and no scales.
            let (row, scales) = if output < outputs {
                let index = starts.partition_point(|&start| start <= output) - 1;
                let (part, output) = (&parts[index], output - starts[index]);
                (
                    &part.bytes[output * row_bytes..][..row_bytes],
                    &part.scales[output * row_scales..][..row_scales],
                )
            } else {
                (&[][..], &[][..])
            };
            match precision {
                Precision::Int8 => {
                    let (lines, target) = panel_bytes.split_at_mut(matrix.offset(matrix.depth()));
                    put_scales(size_of::<f32>(), lane, scales, target);
                    put_weights(BIAS_EIGHT, BIAS_EIGHT, lane, row, lines);
                }
                Precision::Int4 => {
                    let mut rows = row.chunks(DEPTH / 2);
                    let mut scales = scales.chunks(DEPTH / GROUP * size_of::<f16>());
                    let mut left = matrix.depth();
                    for block in panel_bytes.chunks_mut(FOUR_BIT_BLOCK) {
                        let (target, lines) = block.split_at_mut(scale_bytes(left.min(DEPTH)));
                        put_scales(size_of::<f16>(), lane, scales.next().unwrap_or(&[]), target);
                        // The bias is in the stored form already.
                        put_weights(0, BIAS_FOUR << 4 | BIAS_FOUR, lane, rows.next().unwrap_or(&[]), lines);
                        left -= left.min(DEPTH);
                    }
                }
            }
        }
    });
    matrix
}

/// Writes a row's share of every line, with `bias` added to its bytes; what no row fills is `nothing`.
fn put_weights(bias: u8, nothing: u8, lane: usize, row: &[u8], lines: &mut [u8]) {
    let whole = row.chunks_exact(LINE_SHARE);
    let rest = whole.remainder();
    let mut lines = lines.chunks_exact_mut(LINE).map(|line| &mut line[LINE_SHARE * lane..][..LINE_SHARE]);
    for (bytes, target) in whole.zip(&mut lines) {
        let biased: [u8; LINE_SHARE] = std::array::from_fn(|i| bytes[i].wrapping_add(bias));
        target.copy_from_slice(&biased);
    }
    for (at, target) in lines.enumerate() {
        target.fill(nothing);
        if at == 0 {
            target.iter_mut().zip(rest).for_each(|(target, byte)| *target = byte.wrapping_add(bias));
        }
    }
}

/// Writes a row's scales: those of all lanes stand side by side for each group.
fn put_scales(size: usize, lane: usize, row: &[u8], scales: &mut [u8]) {
    for (scale, target) in row.chunks_exact(size).zip(scales.chunks_mut(WIDTH * size)) {
        let target = &mut target[lane * size..][..size];
        target.copy_from_slice(scale);
        if cfg!(target_endian = "big") {
            target.reverse();
        }
    }
}
