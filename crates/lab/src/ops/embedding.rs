//! Rows of a table, scaled, with something added that depends on the position.

use burn::tensor::{Int, Tensor, TensorData};

use super::fused::{self, Back, Fused, Keep, Made};

/// The rows `ids` of the table `[V, E]`: `[ids, E]`.
pub(crate) fn embed(table: Tensor<2>, ids: Vec<u32>) -> Tensor<2> {
    lookup(table, ids, 1.0, None, None)
}

/// `scale` times the rows `ids`, plus `positions`, `[ids, E]`. No gradient goes into the row of `pad`, as with PyTorch's `padding_idx`.
pub(crate) fn embed_at(
    table: Tensor<2>,
    ids: Vec<u32>,
    scale: f32,
    positions: Vec<f32>,
    pad: u32,
) -> Tensor<2> {
    lookup(table, ids, scale, Some(positions), Some(pad))
}

fn lookup(
    table: Tensor<2>,
    ids: Vec<u32>,
    scale: f32,
    positions: Option<Vec<f32>>,
    pad: Option<u32>,
) -> Tensor<2> {
    let [vocabulary, width] = table.dims();
    let shape = [ids.len(), width];
    if let Some(id) = ids.iter().find(|&&id| id as usize >= vocabulary) {
        panic!("token {id} of a vocabulary of {vocabulary}");
    }
    if fused::fuses(&table) {
        let lookup = Lookup { ids, scale, positions, pad, vocabulary, width };
        return fused::run(lookup, [table.into_dispatch()], shape);
    }
    let device = table.device();
    let learns: Vec<f32> = ids.iter().map(|&id| if pad == Some(id) { 0.0 } else { 1.0 }).collect();
    let ids: Vec<i64> = ids.into_iter().map(i64::from).collect();
    let ids: Tensor<1, Int> = Tensor::from_data(TensorData::new(ids, [shape[0]]), &device);
    let mut rows = table.select(0, ids) * scale;
    if pad.is_some() {
        let learns: Tensor<2> = Tensor::from_data(TensorData::new(learns, [shape[0], 1]), &device);
        rows = rows.clone().detach() * (learns.ones_like() - learns.clone()) + rows * learns;
    }
    match positions {
        Some(positions) => rows + Tensor::from_data(TensorData::new(positions, shape), &device),
        None => rows,
    }
}

struct Lookup {
    ids: Vec<u32>,
    scale: f32,
    positions: Option<Vec<f32>>,
    /// The row that does not learn.
    pad: Option<u32>,
    vocabulary: usize,
    width: usize,
}

impl Fused<1> for Lookup {
    type Kept = ();

    fn forward(&self, [table]: [&[f32]; 1], _: Keep) -> Made<()> {
        let mut y = Vec::with_capacity(self.ids.len() * self.width);
        for (i, &id) in self.ids.iter().enumerate() {
            let row = &table[id as usize * self.width..][..self.width];
            match &self.positions {
                Some(positions) => {
                    let positions = &positions[i * self.width..][..self.width];
                    y.extend(row.iter().zip(positions).map(|(x, p)| x * self.scale + p));
                }
                None => y.extend(row.iter().map(|x| x * self.scale)),
            }
        }
        Made { output: y, kept: () }
    }

    fn backward(&self, back: Back<'_, (), 1>) -> [Option<Vec<f32>>; 1] {
        let mut d_table = vec![0.0; self.vocabulary * self.width];
        for (&id, dy) in self.ids.iter().zip(back.d_output.chunks_exact(self.width)) {
            if self.pad == Some(id) {
                continue;
            }
            let row = &mut d_table[id as usize * self.width..][..self.width];
            row.iter_mut().zip(dy).for_each(|(d, dy)| *d += self.scale * dy);
        }
        [Some(d_table)]
    }
}
