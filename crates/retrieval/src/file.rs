//! The index as a file: `model.safetensors` with one array of whole numbers for each of its own.
//!
//! | array | elements |
//! | --- | --- |
//! | `pieces.items`, `pieces.lengths` | what each token spells |
//! | `words.items`, `words.lengths` | the words, sorted, in UTF-8 |
//! | `postings.items`, `postings.lengths` | for each word the turns that have it |
//! | `turns.depth` | for each turn how many of its conversation stand before it |
//! | `exchanges.turn` | for each exchange the turn that is answered |
//! | `replies.items`, `replies.lengths` | for each exchange the tokens of its reply; sorted |
//!
//! Numbers are kept in the narrowest of 8, 16 and 32 bits that holds all of an array, unsigned; lists by their lengths, which are small numbers.
//! Nothing that could be computed is kept: the weights of words and the lengths of vectors take a pass over the postings.
//!
//! A file is a stranger's: an array is read for what the file holds of it, and checked before anything is looked up (`Index::problem`).

use std::collections::BTreeMap;
use std::path::Path;

use papo_checkpoint::{Checkpoint, Dtype, NewTensor, write_safetensors};

use crate::lists::Lists;
use crate::{Error, Index};

impl Index {
    /// Writes the index to a file, which appears whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let text = |items: &[u8]| (Dtype::U8, items.to_vec());
        let arrays = [
            ("pieces.items", text(&self.pieces.items)),
            ("pieces.lengths", narrow(&self.pieces.lengths())),
            ("words.items", text(&self.words.items)),
            ("words.lengths", narrow(&self.words.lengths())),
            ("postings.items", narrow(&self.postings.items)),
            ("postings.lengths", narrow(&self.postings.lengths())),
            ("turns.depth", text(&self.depths)),
            ("exchanges.turn", narrow(&self.answered)),
            ("replies.items", narrow(&self.replies.items)),
            ("replies.lengths", narrow(&self.replies.lengths())),
        ];
        let shapes = arrays.each_ref().map(|(_, (dtype, bytes))| [bytes.len() / dtype.size()]);
        let tensors: Vec<NewTensor<'_>> = arrays
            .iter()
            .zip(&shapes)
            .map(|((name, (dtype, bytes)), shape)| NewTensor { name, dtype: *dtype, shape, bytes })
            .collect();
        Ok(write_safetensors(path, &tensors, &BTreeMap::new())?)
    }

    /// Opens a file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::read(&Checkpoint::open_file(path)?, path)
    }

    /// Reads the index from an open file; `path` stands for it in messages.
    pub fn read(checkpoint: &Checkpoint, path: &Path) -> Result<Self, Error> {
        let numbers = |name: &str| numbers(checkpoint, path, name);
        let bytes = |name: &str| -> Result<Vec<u8>, Error> {
            // Of a wider type they are no bytes.
            let narrow = numbers(name)?.into_iter().map(u8::try_from).collect::<Result<_, _>>();
            narrow.map_err(|_| damaged(path, format!("{name} holds more than bytes")))
        };
        let index = Index {
            pieces: Lists::new(bytes("pieces.items")?, &numbers("pieces.lengths")?),
            words: Lists::new(bytes("words.items")?, &numbers("words.lengths")?),
            postings: Lists::new(numbers("postings.items")?, &numbers("postings.lengths")?),
            depths: bytes("turns.depth")?,
            answered: numbers("exchanges.turn")?,
            replies: Lists::new(numbers("replies.items")?, &numbers("replies.lengths")?),
        };
        match index.problem() {
            Some(problem) => Err(damaged(path, problem)),
            None => Ok(index),
        }
    }
}

fn damaged(path: &Path, problem: String) -> Error {
    Error::Store { path: path.to_owned(), problem }
}

/// The numbers as bytes, in the narrowest type that holds them.
fn narrow(numbers: &[u32]) -> (Dtype, Vec<u8>) {
    match numbers.iter().copied().max().unwrap_or(0) {
        0..=0xff => (Dtype::U8, numbers.iter().map(|&number| number as u8).collect()),
        0x100..=0xffff => {
            (Dtype::U16, numbers.iter().flat_map(|&number| (number as u16).to_le_bytes()).collect())
        }
        _ => (Dtype::U32, numbers.iter().flat_map(|number| number.to_le_bytes()).collect()),
    }
}

/// The numbers of an array, of whichever width.
fn numbers(checkpoint: &Checkpoint, path: &Path, name: &str) -> Result<Vec<u32>, Error> {
    let tensor =
        checkpoint.get(name)?.ok_or_else(|| damaged(path, format!("the array {name} is missing")))?;
    if tensor.shape.len() != 1 {
        return Err(damaged(
            path,
            format!("the array {name} has {} axes instead of one", tensor.shape.len()),
        ));
    }
    let bytes = tensor.bytes.as_ref();
    Ok(match tensor.dtype {
        Dtype::U8 => bytes.iter().map(|&byte| byte.into()).collect(),
        Dtype::U16 => bytes.as_chunks().0.iter().map(|&both| u16::from_le_bytes(both).into()).collect(),
        Dtype::U32 => bytes.as_chunks().0.iter().map(|&four| u32::from_le_bytes(four)).collect(),
        other => {
            return Err(damaged(
                path,
                format!("the array {name} is of type {other} instead of U8, U16 or U32"),
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_narrowest_type_that_holds_them() {
        for (most, dtype) in
            [(0, Dtype::U8), (255, Dtype::U8), (256, Dtype::U16), (65_535, Dtype::U16), (65_536, Dtype::U32)]
        {
            assert_eq!(narrow(&[0, most]).0, dtype, "{most}");
        }
        assert_eq!(narrow(&[1, 0x0102]).1, [1, 0, 2, 1]);
    }
}
