//! The threads and kernels of all fused operations.

use std::num::NonZeroUsize;
use std::sync::{Mutex, OnceLock, PoisonError};

use papo_kernels::Compute;

static COMPUTE: OnceLock<Compute> = OnceLock::new();

/// Sets the number of threads that training uses on the processor, and says whether it could: the first training operation fixes
/// the number, to all that the machine has where nobody has set it.
pub fn set_threads(threads: NonZeroUsize) -> Result<(), NonZeroUsize> {
    COMPUTE.set(Compute::new(threads)).map_err(|_| threads)
}

/// The kernels and threads.
pub(crate) fn compute() -> &'static Compute {
    COMPUTE.get_or_init(|| Compute::new(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)))
}

/// Pieces of work to cut a loop into that touches `numbers` numbers and cannot be cut into more than `most`.
pub(crate) fn pieces(numbers: usize, most: usize) -> usize {
    /// Below this a fork costs more than it gains.
    const WORTH: usize = 16 << 10;
    let threads = compute().threads();
    if threads == 1 { 1 } else { (numbers / WORTH).min(4 * threads).min(most).max(1) }
}

/// Does each piece's work on any thread; a piece is usually a few exclusive slices of what is written.
pub(crate) fn share<P: Send>(pieces: Vec<P>, work: impl Fn(usize, &mut P) + Sync) {
    let pieces: Vec<Mutex<P>> = pieces.into_iter().map(Mutex::new).collect();
    compute().for_each(pieces.len(), &|i| {
        let mut piece = pieces[i].lock().unwrap_or_else(PoisonError::into_inner);
        work(i, &mut piece);
    });
}

/// The `i`-th of `pieces` pieces of `count` things.
pub(crate) fn range(i: usize, pieces: usize, count: usize) -> std::ops::Range<usize> {
    count * i / pieces..count * (i + 1) / pieces
}

/// Cuts `data`, rows of `width` numbers, into `pieces` pieces of whole rows.
pub(crate) fn cut(data: &mut [f32], pieces: usize, width: usize) -> Vec<&mut [f32]> {
    let rows = data.len() / width.max(1);
    let mut rest = data;
    (0..pieces)
        .map(|i| {
            let (piece, after) = std::mem::take(&mut rest).split_at_mut(range(i, pieces, rows).len() * width);
            rest = after;
            piece
        })
        .collect()
}
