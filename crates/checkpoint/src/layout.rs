//! Where a tensor's elements lie in a file: the checks that make reading safe, and the copy that makes strides contiguous.
//!
//! safetensors stores every tensor contiguously, row-major. PyTorch stores *storages*, and a tensor is a window on one:
//! element `(i, j, …)` stands at `offset + i·stride₀ + j·stride₁ + …`, counted in elements. Several tensors may look at the same
//! storage (tied embeddings), and a transposed tensor has its strides swapped. [`Layout::strided`] proves once that every
//! element lies inside the storage and that the storage lies inside the file; after that, reading cannot fail.

use std::borrow::Cow;
use std::ops::Range;

use crate::Dtype;

/// Most dimensions that a tensor may have; PyTorch stops at 64, weights at 4.
pub(crate) const MAX_RANK: usize = 16;

/// A tensor without contiguous elements may repeat some of them (stride 0), up to this number of elements in total, as
/// the copy would else be as large as the file cares to claim.
const MAX_REPEATED: usize = 1 << 20;

/// A proven window on the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bytes of the file that hold the elements, first to last.
    range: Range<usize>,
    /// Distance between neighbours along each axis in elements, or `None` when row-major without gaps.
    strides: Option<Vec<usize>>,
}

impl Layout {
    /// Row-major elements that fill `range`; the caller has checked it against the file and the shape.
    pub(crate) fn contiguous(range: Range<usize>) -> Self {
        Layout { range, strides: None }
    }

    /// A window on a storage that fills the bytes `storage` of a file; the error says what does not fit.
    pub(crate) fn strided(
        dtype: Dtype,
        shape: &[usize],
        strides: &[usize],
        offset: usize,
        storage: Range<usize>,
    ) -> Result<Self, String> {
        if shape.len() != strides.len() {
            return Err(format!("has {} dimensions but {} strides", shape.len(), strides.len()));
        }
        let too_large = || format!("of shape {shape:?} and strides {strides:?} is larger than any memory");
        let elements = elements(shape).ok_or_else(too_large)?;
        if elements == 0 {
            return Ok(Layout::contiguous(storage.start..storage.start));
        }
        let last = shape
            .iter()
            .zip(strides)
            .try_fold(0_usize, |sum, (&size, &stride)| sum.checked_add((size - 1).checked_mul(stride)?))
            .ok_or_else(too_large)?;
        let end = last.checked_add(offset).and_then(|end| end.checked_add(1)).ok_or_else(too_large)?;
        let held = storage.len() / dtype.size();
        if end > held {
            return Err(format!(
                "of shape {shape:?}, strides {strides:?} and offset {offset} needs {end} elements, but its storage holds {held}"
            ));
        }
        let start = storage.start + offset * dtype.size();
        let range = start..start + (last + 1) * dtype.size();
        if is_contiguous(shape, strides) {
            return Ok(Layout::contiguous(range));
        }
        if elements > held.max(MAX_REPEATED) {
            return Err(format!(
                "of shape {shape:?} and strides {strides:?} repeats the {held} elements of its storage {elements} times over"
            ));
        }
        Ok(Layout { range, strides: Some(strides.to_vec()) })
    }

    /// Bytes of the file that the tensor covers.
    pub(crate) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The elements, row-major: borrowed where they lie so in the file, else gathered.
    pub(crate) fn read<'a>(&self, file: &'a [u8], dtype: Dtype, shape: &[usize]) -> Cow<'a, [u8]> {
        let window = &file[self.range.clone()];
        let Some(strides) = &self.strides else { return Cow::Borrowed(window) };
        let mut gathered = Vec::with_capacity(shape.iter().product::<usize>() * dtype.size());
        let mut index = vec![0_usize; shape.len()];
        loop {
            let at = index.iter().zip(strides).map(|(i, stride)| i * stride).sum::<usize>() * dtype.size();
            gathered.extend_from_slice(&window[at..at + dtype.size()]);
            // Counts up like an odometer; when the first axis overflows, every element has been visited.
            let Some(axis) = (0..shape.len()).rev().find(|&axis| index[axis] + 1 < shape[axis]) else {
                return Cow::Owned(gathered);
            };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }
}

/// Number of elements of a shape, or `None` when it has too many dimensions or its sizes overflow.
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    if shape.len() > MAX_RANK {
        return None;
    }
    shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
}

/// Whether the strides are those of a row-major tensor; an axis of size 1 may have any stride.
fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == expected;
        expected *= size;
        fits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_window_is_gathered_row_major() {
        let file: Vec<u8> = (0..20).collect();
        let layout = Layout::strided(Dtype::U8, &[3, 2], &[1, 3], 2, 4..14).unwrap();
        assert_eq!(*layout.read(&file, Dtype::U8, &[3, 2]), [6, 9, 7, 10, 8, 11]);
    }

    #[test]
    fn a_contiguous_window_is_borrowed_whatever_the_stride_of_an_axis_of_one() {
        let file: Vec<u8> = (0..20).collect();
        let layout = Layout::strided(Dtype::I16, &[1, 2, 2], &[77, 2, 1], 1, 4..14).unwrap();
        let bytes = layout.read(&file, Dtype::I16, &[1, 2, 2]);
        assert!(matches!(bytes, Cow::Borrowed(_)));
        assert_eq!(*bytes, [6, 7, 8, 9, 10, 11, 12, 13]);
    }

    #[test]
    fn a_scalar_is_one_element_and_a_zero_size_none() {
        let file: Vec<u8> = (0..20).collect();
        let scalar = Layout::strided(Dtype::U8, &[], &[], 3, 4..14).unwrap();
        assert_eq!(*scalar.read(&file, Dtype::U8, &[]), [7]);
        let empty = Layout::strided(Dtype::U8, &[0, 5], &[5, 1], 0, 4..4).unwrap();
        assert!(empty.read(&file, Dtype::U8, &[0, 5]).is_empty());
    }

    #[test]
    fn windows_that_leave_their_storage_are_refused() {
        for (shape, strides, offset) in [
            (vec![3, 3], vec![3, 1], 1),
            (vec![2], vec![9], 0),
            (vec![2], vec![usize::MAX], 0),
            (vec![1], vec![1], usize::MAX),
            (vec![usize::MAX, 2], vec![0, 0], 0),
            (vec![1 << 40], vec![0], 0),
            (vec![1, 1], vec![1], 0),
            (vec![1; 40], vec![1; 40], 0),
        ] {
            let refused = Layout::strided(Dtype::U8, &shape, &strides, offset, 4..13);
            assert!(refused.is_err(), "{shape:?} {strides:?} {offset} gave {refused:?}");
        }
    }

    #[test]
    fn a_repeated_row_is_read_where_it_is_small() {
        let file = [5_u8, 6];
        let layout = Layout::strided(Dtype::U8, &[2, 2], &[0, 1], 0, 0..2).unwrap();
        assert_eq!(*layout.read(&file, Dtype::U8, &[2, 2]), [5, 6, 5, 6]);
    }
}
