//! Rows of a table.

use burn::tensor::{Int, Tensor, TensorData};

/// The rows `ids` of the table `[V, E]`: `[ids, E]`.
pub(crate) fn embed(table: Tensor<2>, ids: Vec<u32>) -> Tensor<2> {
    let ids: Vec<i64> = ids.into_iter().map(i64::from).collect();
    let count = ids.len();
    let ids: Tensor<1, Int> = Tensor::from_data(TensorData::new(ids, [count]), &table.device());
    table.select(0, ids)
}
