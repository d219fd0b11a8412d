//! From checkpoint bytes to panels.
//!
//! ```text
//! checkpoint, row-major               packed, panels of `width` outputs, k-major
//! output 0:  w00 w01 w02 …            panel 0:  w00 w10 w20 … | w01 w11 w21 … | …
//! output 1:  w10 w11 w12 …            panel 1:  w(width)0 …
//! ```
//!
//! A number that keeps its format keeps its bits. The transposition walks [`STRIP`] inputs of all outputs of a panel at a time: long
//! enough for whole cache lines of the checkpoint, short enough for the strip to stay in the L1 cache.

use half::{bf16, f16};

use super::{Dtype, FloatMatrix, WeightView};
use crate::memory::{Block, Shared};
use crate::pool::Pool;

const STRIP: usize = 32;

/// A number format as it stands in a checkpoint: little-endian, unaligned.
trait Stored: Copy + Send + Sync {
    fn read(bytes: &[u8], index: usize) -> Self;
}

impl Stored for f32 {
    #[inline(always)]
    fn read(bytes: &[u8], index: usize) -> Self {
        let b = &bytes[index * 4..][..4];
        f32::from_le_bytes([b[0], b[1], b[2], b[3]])
    }
}

impl Stored for f16 {
    #[inline(always)]
    fn read(bytes: &[u8], index: usize) -> Self {
        let b = &bytes[index * 2..][..2];
        f16::from_le_bytes([b[0], b[1]])
    }
}

impl Stored for bf16 {
    #[inline(always)]
    fn read(bytes: &[u8], index: usize) -> Self {
        let b = &bytes[index * 2..][..2];
        bf16::from_le_bytes([b[0], b[1]])
    }
}

/// Packs matrices stacked on top of each other into panels of `width` outputs.
///
/// # Panics
/// Where there is no matrix, the inputs differ or are 0, or the bytes are not as many as the shape says.
pub(crate) fn pack(pool: &Pool, parts: &[WeightView<'_>], dtype: Dtype, width: usize) -> FloatMatrix {
    let inputs = parts.first().expect("at least one matrix to pack").inputs;
    assert!(inputs > 0, "a matrix with inputs");
    for part in parts {
        assert_eq!(part.inputs, inputs, "stacked matrices share their inputs");
        let bytes = part.outputs.checked_mul(inputs).and_then(|n| n.checked_mul(part.dtype.size()));
        assert_eq!(bytes, Some(part.bytes.len()), "bytes of a {} x {inputs} matrix", part.outputs);
    }
    let outputs: usize = parts.iter().map(|part| part.outputs).sum();
    let panels = outputs.div_ceil(width);
    let block = Block::new(panels * width * inputs * dtype.size());
    let packed = FloatMatrix { outputs, inputs, dtype, width, block };
    match dtype {
        Dtype::F32 => pack_as::<f32>(pool, parts, &packed, |x| x, f16::to_f32, bf16::to_f32, 0.0),
        Dtype::F16 => {
            let from_bf16 = |x: bf16| f16::from_f32(x.to_f32());
            pack_as::<f16>(pool, parts, &packed, f16::from_f32, |x| x, from_bf16, f16::ZERO);
        }
        Dtype::Bf16 => {
            let from_f16 = |x: f16| bf16::from_f32(x.to_f32());
            pack_as::<bf16>(pool, parts, &packed, bf16::from_f32, from_f16, |x| x, bf16::ZERO);
        }
    }
    packed
}

fn pack_as<T: Copy + Send + Sync>(
    pool: &Pool,
    parts: &[WeightView<'_>],
    packed: &FloatMatrix,
    from_f32: impl Fn(f32) -> T + Sync,
    from_f16: impl Fn(f16) -> T + Sync,
    from_bf16: impl Fn(bf16) -> T + Sync,
    zero: T,
) {
    let (inputs, width) = (packed.inputs, packed.width);
    let panels = packed.outputs.div_ceil(width);
    let target = Shared(packed.block.start().cast::<T>());
    // A part begins where the one before it ends.
    let starts: Vec<usize> =
        parts.iter().scan(0, |next, part| Some(std::mem::replace(next, *next + part.outputs))).collect();
    pool.run(panels, &|panel| {
        // SAFETY: the block holds `panels * width * inputs` numbers, and this task alone touches panel `panel` of them.
        let target = unsafe { target.get().add(panel * width * inputs) };
        for first in (0..inputs).step_by(STRIP) {
            let strip = first..(first + STRIP).min(inputs);
            for lane in 0..width {
                let put = |input: usize, x: T| {
                    // SAFETY: `input < inputs` and `lane < width`, inside the panel.
                    unsafe { target.add(input * width + lane).write(x) }
                };
                let output = panel * width + lane;
                if output >= packed.outputs {
                    strip.clone().for_each(|input| put(input, zero));
                    continue;
                }
                let index = starts.partition_point(|&start| start <= output) - 1;
                let part = &parts[index];
                let row_bytes = inputs * part.dtype.size();
                let row = &part.bytes[(output - starts[index]) * row_bytes..][..row_bytes];
                match part.dtype {
                    Dtype::F32 => strip.clone().for_each(|i| put(i, from_f32(f32::read(row, i)))),
                    Dtype::F16 => strip.clone().for_each(|i| put(i, from_f16(f16::read(row, i)))),
                    Dtype::Bf16 => strip.clone().for_each(|i| put(i, from_bf16(bf16::read(row, i)))),
                }
            }
        }
    });
}
