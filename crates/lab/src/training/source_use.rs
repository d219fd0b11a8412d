//! Does an encoder-decoder read its source, and does it copy from it?
//!
//! A decoder that knows its language can foretell much of a reply without a look at what was said. Such a network stands still for
//! thousands of steps, everyone is called by the commonest name, and the loss alone does not show why. So each target is also
//! measured behind the source of another example of its batch: what the loss grows by is what the source tells. The same is told of
//! the tokens that stand in the own source and not in the other: those can be copied.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::data::{Batching, Examples, Plan};
use crate::network::{AnyNetwork, Batch, Grid, Network, Pass};

/// What its source tells a network, in nats a target token: how much the loss grows with the sources of other examples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceUse {
    /// Over all target tokens.
    pub source_gain: f64,
    /// Over those tokens that stand in the own source and not in the other.
    pub copy_gain: f64,
}

impl SourceUse {
    /// Whether the source makes no difference worth the name: it is not read, or not yet.
    pub fn is_nil(&self) -> bool {
        self.source_gain < 0.02
    }
}

/// Batches that are looked at: enough to see a difference, few beside the validation itself.
const BATCHES: usize = 24;

/// Looks at some batches of pairs; `None` where examples have no sources, or stand alone in their batches.
pub(super) fn source_use(network: &AnyNetwork, examples: &Examples, batching: Batching) -> Option<SourceUse> {
    // Shuffled: neighbours in order are often turns of one conversation, and the next turn's source holds this one's reply.
    let plan = Plan::shuffled(examples, batching, 1, 0);
    let mut all = Sum::default();
    let mut copied = Sum::default();
    for place in 0..plan.len().min(BATCHES) {
        let batch = plan.batch(place);
        let Some(other) = exchanged(&batch) else { continue };
        let (Batch::Pairs { sources, targets }, Batch::Pairs { sources: others, .. }) = (&batch, &other)
        else {
            continue;
        };
        let (own, strange) = (nats(network, &batch), nats(network, &other));
        let steps = targets.columns - 1;
        for row in 0..targets.rows {
            let of = |grid: &Grid, id: u32| grid.row(row)[..grid.lengths[row]].contains(&id);
            for step in 0..targets.lengths[row].saturating_sub(1) {
                let id = targets.row(row)[step + 1];
                let gain = f64::from(strange[row * steps + step] - own[row * steps + step]);
                all.add(gain);
                if of(sources, id) && !of(others, id) {
                    copied.add(gain);
                }
            }
        }
    }
    Some(SourceUse { source_gain: all.mean()?, copy_gain: copied.mean().unwrap_or(0.0) })
}

#[derive(Default)]
struct Sum {
    total: f64,
    count: usize,
}

impl Sum {
    fn add(&mut self, value: f64) {
        self.total += value;
        self.count += 1;
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.total / self.count as f64)
    }
}

/// The batch with each target behind the source of the row after it; `None` where there is no other.
fn exchanged(batch: &Batch) -> Option<Batch> {
    let Batch::Pairs { sources, targets } = batch else { return None };
    if sources.rows < 2 {
        return None;
    }
    let mut others = sources.clone();
    others.ids.rotate_left(sources.columns);
    others.lengths.rotate_left(1);
    Some(Batch::Pairs { sources: others, targets: targets.clone() })
}

/// `-ln p` of each target token, `[rows, target columns - 1]`; filling holds anything.
fn nats(network: &AnyNetwork, batch: &Batch) -> Vec<f32> {
    let logits = network.logits(batch, &mut Pass::evaluate());
    let [rows, steps, vocabulary] = logits.dims();
    let scores: Tensor<2> = log_softmax(logits.reshape([rows * steps, vocabulary]), 1);
    let targets = batch.targets();
    let wanted: Vec<i64> =
        (0..rows).flat_map(|row| targets.row(row)[1..].iter().map(|&id| i64::from(id))).collect();
    let wanted: Tensor<2, Int> =
        Tensor::from_data(TensorData::new(wanted, [rows * steps, 1]), &scores.device());
    scores.gather(1, wanted).neg().into_data().try_into_vec().expect("scores are f32")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NetworkConfig, TransformerConfig};
    use burn::tensor::Device;

    #[test]
    fn sources_change_places_and_targets_stay() {
        let sources = Grid::new(&[&[4, 5, 2], &[6, 2]], 3);
        let targets = Grid::new(&[&[3, 7, 2], &[3, 8, 2]], 3);
        let batch = Batch::Pairs { sources, targets: targets.clone() };
        let expected = Batch::Pairs { sources: Grid::new(&[&[6, 2], &[4, 5, 2]], 3), targets };
        assert_eq!(exchanged(&batch), Some(expected));
        let alone = Batch::Pairs { sources: Grid::new(&[&[4, 2]], 3), targets: Grid::new(&[&[3, 2]], 3) };
        assert_eq!(exchanged(&alone), None);
        let text = Batch::Text { tokens: Grid::new(&[&[1, 2], &[1, 2]], 3), continues: false };
        assert_eq!(exchanged(&text), None);
    }

    #[test]
    fn nats_of_single_tokens_add_up_to_the_loss() {
        let config = NetworkConfig::Transformer(TransformerConfig::new(19, 12, 3, 10, 1));
        let network = AnyNetwork::new(&config, 5, &Device::flex().autodiff()).unwrap();
        let sources = Grid::new(&[&[4, 5, 2], &[6, 2]], 3);
        let batch = Batch::Pairs { sources, targets: Grid::new(&[&[3, 7, 8, 2], &[3, 8, 2]], 3) };
        let single = nats(&network, &batch);
        assert_eq!(single.len(), 6);
        let sum: f32 = single[..5].iter().sum();
        let loss = network.loss(&batch, &mut Pass::evaluate()).nats();
        assert!((f64::from(sum) - loss).abs() < 1e-4, "{sum} and {loss}");
    }

    #[test]
    fn a_gain_near_nothing_is_nil() {
        assert!(SourceUse { source_gain: 0.001, copy_gain: 0.0 }.is_nil());
        assert!(!SourceUse { source_gain: 0.5, copy_gain: 1.0 }.is_nil());
    }
}
