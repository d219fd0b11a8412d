//! Tests over all networks: fused operations agree with plain ones, and gradients with differences of losses.

use burn::tensor::Device;

use crate::chance::Chance;
use crate::ops::plainly;
use crate::{
    AnyNetwork, AttentionKind, Batch, CellKind, Dropout, GradientSum, Grid, Network, NetworkConfig, Pass,
    RecurrentConfig, Seq2SeqConfig, TransformerConfig, Weight,
};

const VOCABULARY: usize = 19;

/// Every network, tiny, with everything that can be switched on.
fn networks(dropout: f64) -> Vec<(String, NetworkConfig)> {
    let recurrent = RecurrentConfig { dropout, ..RecurrentConfig::new(VOCABULARY, 6, 9, 2) };
    let tied = RecurrentConfig { dropout, tie_embeddings: true, ..RecurrentConfig::new(VOCABULARY, 8, 8, 1) };
    let mut all = vec![
        ("rnn".into(), NetworkConfig::Rnn(recurrent.clone())),
        ("lstm".into(), NetworkConfig::Lstm(recurrent)),
        ("tied gru".into(), NetworkConfig::Gru(tied)),
        (
            "transformer".into(),
            NetworkConfig::Transformer(TransformerConfig {
                dropout,
                ..TransformerConfig::new(VOCABULARY, 12, 3, 10, 2)
            }),
        ),
    ];
    for cell in [CellKind::Rnn, CellKind::Lstm, CellKind::Gru] {
        for attention in [AttentionKind::None, AttentionKind::Bahdanau, AttentionKind::Luong] {
            let config =
                Seq2SeqConfig { dropout, ..Seq2SeqConfig::new(cell, attention, VOCABULARY, 5, 7, 2) };
            all.push((format!("{cell:?} with {attention:?}"), NetworkConfig::Seq2Seq(config)));
        }
    }
    all
}

fn batch(config: &NetworkConfig) -> Batch {
    match config {
        NetworkConfig::Seq2Seq(_) | NetworkConfig::Transformer(_) => Batch::Pairs {
            sources: Grid::new(&[&[4, 5, 6, 2], &[7, 2], &[8, 9, 10, 11, 12, 2]], 3),
            targets: Grid::new(&[&[3, 13, 14, 2], &[3, 15, 16, 17, 18, 4, 2], &[3, 2]], 3),
        },
        _ => Batch::Text {
            tokens: Grid::new(&[&[1, 5, 6, 7, 8, 2], &[1, 9, 2], &[1, 10, 11, 12, 2]], 3),
            continues: false,
        },
    }
}

fn pass() -> Pass {
    let mut pass = Pass::train(Dropout { seed: 3, step: 1, part: 0 });
    pass.label_smoothing = 0.1;
    pass
}

fn gradients(network: &AnyNetwork, batch: &Batch) -> (f64, Vec<Weight>) {
    let loss = network.loss(batch, &mut pass());
    let mean = loss.mean();
    let mut sum = GradientSum::default();
    sum.add(network, loss.mean);
    (mean, sum.by_name(network))
}

fn network(config: &NetworkConfig) -> AnyNetwork {
    AnyNetwork::new(config, 5, &Device::flex().autodiff()).unwrap()
}

#[test]
fn fused_operations_equal_plain_ones() {
    for (name, config) in networks(0.2) {
        let (network, batch) = (network(&config), batch(&config));
        let (loss, fused) = gradients(&network, &batch);
        let (plain_loss, plain) = plainly(|| gradients(&network, &batch));
        assert!((loss - plain_loss).abs() < 1e-5, "{name}: {loss} and {plain_loss}");
        for (fused, plain) in fused.iter().zip(&plain) {
            let largest = plain.values.iter().fold(1e-3f32, |largest, x| largest.max(x.abs()));
            for (i, (a, b)) in fused.values.iter().zip(&plain.values).enumerate() {
                let difference = (a - b).abs() / largest;
                assert!(difference < 1e-4, "{name}: gradient of {} at {i}: {a} and {b}", fused.name);
            }
        }
        let nats = network.loss(&batch, &mut Pass::evaluate()).nats();
        let plain = plainly(|| network.loss(&batch, &mut Pass::evaluate()).nats());
        assert!((nats - plain).abs() < 1e-4 * plain, "{name}: {nats} and {plain} nats");
    }
}

#[test]
fn gradients_equal_differences_of_losses() {
    for (name, config) in networks(0.2) {
        let (network, batch) = (network(&config), batch(&config));
        let (_, gradients) = gradients(&network, &batch);
        for (index, gradient) in gradients.iter().enumerate() {
            let chance = Chance::new(7).at(index as u64);
            // The transformer's padding token, which is also its first, learns from the output alone: it stays where it is.
            let still = |i: usize| gradient.name == "model.shared.weight" && i / gradient.shape[1] == 3;
            let along = |i: usize| if still(i) { 0.0 } else { chance.normal(i as u32) };
            let slope = gradient.values.iter().enumerate().map(|(i, g)| f64::from(g * along(i))).sum::<f64>();
            let at = |step: f32| {
                let mut weights = crate::weights(&network).into_iter().enumerate();
                let moved = network.clone().with_weights(&mut |_, _| {
                    let (k, weight) = weights.next().unwrap();
                    let values = weight.values.iter().enumerate();
                    Ok(values.map(|(i, w)| if k == index { w + step * along(i) } else { *w }).collect())
                });
                moved.unwrap().loss(&batch, &mut pass()).mean()
            };
            // Small, because of the kinks of rectifiers; rounding then costs about 0.002.
            let step = 1e-4;
            let difference = (at(step) - at(-step)) / f64::from(2.0 * step);
            let bound = 0.005 + 0.02 * slope.abs();
            let name = format!("{name}: {}", gradient.name);
            assert!((slope - difference).abs() < bound, "{name}: {slope} along, {difference} between");
        }
    }
}

#[test]
fn filling_changes_nothing() {
    for (name, config) in networks(0.0) {
        let network = network(&config);
        let nats = |batch: &Batch| network.loss(batch, &mut Pass::evaluate()).nats();
        let rows = |grid: &Grid| -> Vec<Grid> {
            (0..grid.rows).map(|row| Grid::new(&[&grid.row(row)[..grid.lengths[row]]], 3)).collect()
        };
        let together = batch(&config);
        let alone: f64 = match &together {
            Batch::Text { tokens, .. } => {
                rows(tokens).into_iter().map(|tokens| nats(&Batch::Text { tokens, continues: false })).sum()
            }
            Batch::Pairs { sources, targets } => rows(sources)
                .into_iter()
                .zip(rows(targets))
                .map(|(sources, targets)| nats(&Batch::Pairs { sources, targets }))
                .sum(),
        };
        assert!((nats(&together) - alone).abs() < 1e-4 * alone, "{name}: {} and {alone}", nats(&together));
    }
}
