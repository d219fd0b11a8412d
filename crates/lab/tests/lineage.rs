//! Each network beside PyTorch: logits, gradients, and the losses of the first ten steps, from the same weights and batch.
//!
//! The fixtures are made by `tools/make_lineage_goldens.py`.

use std::path::{Path, PathBuf};

use papo_checkpoint::{Checkpoint, Dtype};
use papo_lab::{
    Adam, AdamSettings, AnyNetwork, Batch, Dropout, Error, GradientSum, Grid, Network, NetworkConfig, Pass,
    Weight,
};

const TOLERANCE: f64 = 1e-4;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn floats(file: &Checkpoint, name: &str) -> Vec<f32> {
    let tensor = file.get(name).unwrap().unwrap_or_else(|| panic!("no {name}"));
    match tensor.dtype {
        Dtype::F32 => {
            tensor.bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
        }
        Dtype::F64 => {
            tensor.bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap()) as f32).collect()
        }
        other => panic!("{name} is {other:?}"),
    }
}

fn whole(file: &Checkpoint, name: &str) -> Option<(Vec<u32>, Vec<usize>)> {
    let tensor = file.get(name).unwrap()?;
    assert_eq!(tensor.dtype, Dtype::I64, "{name}");
    let ids =
        tensor.bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as u32).collect();
    Some((ids, tensor.shape.to_vec()))
}

fn grid(file: &Checkpoint, ids: &str, lengths: &str) -> Option<Grid> {
    let (ids, shape) = whole(file, ids)?;
    let lengths = match whole(file, lengths) {
        Some((lengths, _)) => lengths.into_iter().map(|length| length as usize).collect(),
        None => vec![shape[1]; shape[0]],
    };
    Some(Grid { rows: shape[0], columns: shape[1], ids, lengths })
}

struct Golden {
    file: Checkpoint,
    network: AnyNetwork,
    batch: Batch,
}

fn open(name: &str) -> Golden {
    let folder = fixtures().join("checkpoints").join(name);
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
    let config = NetworkConfig::from_json(&config).unwrap();
    let device = burn::tensor::Device::flex().autodiff();
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let network = AnyNetwork::new(&config, 1, &device).unwrap();
    let network = network
        .with_weights(&mut |name, shape| {
            let tensor = checkpoint.get(name).unwrap();
            let tensor = tensor.ok_or_else(|| Error::MissingWeight { name: name.to_owned() })?;
            assert_eq!(tensor.shape, shape, "{name}");
            Ok(floats(&checkpoint, name))
        })
        .unwrap();
    let file =
        Checkpoint::open_file(&fixtures().join("goldens").join(name).join("training.safetensors")).unwrap();
    let targets = grid(&file, "target_ids", "target_lengths").unwrap();
    let batch = match grid(&file, "source_ids", "source_lengths") {
        Some(sources) => Batch::Pairs { sources, targets },
        None => Batch::Text { tokens: targets, continues: false },
    };
    Golden { file, network, batch }
}

fn pass() -> Pass {
    Pass::train(Dropout { seed: 1, step: 0, part: 0 })
}

/// Compares vectors by the largest difference relative to the largest number.
#[track_caller]
fn assert_close(what: &str, actual: &[f32], expected: &[f32]) {
    assert_eq!(actual.len(), expected.len(), "{what}: numbers");
    // Below 1e-3 it is rounding that is compared: the gradient of a bias of keys is nothing but that.
    let largest = expected.iter().fold(1e-3f32, |largest, x| largest.max(x.abs()));
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        let difference = f64::from((a - e).abs() / largest);
        assert!(difference < TOLERANCE, "{what}: number {i} is {a}, not {e} (largest {largest})");
    }
}

fn real_logits(golden: &Golden, logits: Vec<f32>) -> Vec<f32> {
    let (Batch::Text { tokens: targets, .. } | Batch::Pairs { targets, .. }) = &golden.batch;
    let steps = targets.columns - 1;
    let vocabulary = logits.len() / targets.rows / steps;
    let real = |i: usize| i % steps + 1 < targets.lengths[i / steps];
    let rows = logits.chunks_exact(vocabulary).enumerate();
    rows.flat_map(|(i, row)| row.iter().map(move |x| if real(i) { *x } else { 0.0 })).collect()
}

fn check(name: &str) {
    let golden = open(name);
    let logits = golden.network.logits(&golden.batch, &mut Pass::evaluate());
    let logits = real_logits(&golden, logits.into_data().try_into_vec().unwrap());
    assert_close(&format!("{name}: logits"), &logits, &floats(&golden.file, "logits"));

    let loss = golden.network.loss(&golden.batch, &mut pass());
    let expected = floats(&golden.file, "loss");
    assert_close(&format!("{name}: loss"), &[loss.mean() as f32], &expected);
    let nats = (loss.nats() / loss.tokens as f64) as f32;
    assert_close(&format!("{name}: nats"), &[nats], &expected);
    let mut gradients = GradientSum::default();
    gradients.add(&golden.network, loss.mean);
    let mut compared = 0;
    for gradient in gradients.by_name(&golden.network) {
        let expected = floats(&golden.file, &format!("grad.{}", gradient.name));
        assert_close(&format!("{name}: gradient of {}", gradient.name), &gradient.values, &expected);
        compared += 1;
    }
    assert!(compared > 3);

    if golden.file.get("smoothed_loss").unwrap().is_some() {
        let mut pass = pass();
        pass.label_smoothing = 0.1;
        let loss = golden.network.loss(&golden.batch, &mut pass);
        assert_close("smoothed loss", &[loss.mean() as f32], &floats(&golden.file, "smoothed_loss"));
    }
    let expected = floats(&golden.file, "losses");
    let losses = ten_steps(golden.network, &golden.batch, |network, gradients| {
        let mut steps = gradients.by_name(&network).into_iter();
        let weights: Vec<Weight> = papo_lab::weights(&network);
        let mut weights = weights.into_iter();
        network
            .with_weights(&mut |_, _| {
                let (weight, step) = (weights.next().unwrap(), steps.next().unwrap());
                Ok(weight.values.iter().zip(&step.values).map(|(w, g)| w - 0.1 * g).collect())
            })
            .unwrap()
    });
    assert_close(&format!("{name}: losses"), &losses, &expected);

    let golden = open(name);
    let mut adam = Adam::new(AdamSettings::default());
    let expected = floats(&golden.file, "adam_losses");
    let losses =
        ten_steps(golden.network, &golden.batch, |network, gradients| adam.step(network, gradients, 1e-2).0);
    assert_close(&format!("{name}: Adam's losses"), &losses, &expected);
}

fn ten_steps(
    mut network: AnyNetwork,
    batch: &Batch,
    mut step: impl FnMut(AnyNetwork, GradientSum) -> AnyNetwork,
) -> Vec<f32> {
    let mut losses = Vec::new();
    for _ in 0..10 {
        let loss = network.loss(batch, &mut pass());
        losses.push(loss.mean() as f32);
        let mut gradients = GradientSum::default();
        gradients.add(&network, loss.mean);
        network = step(network, gradients);
    }
    losses
}

fn check_carried(name: &str) {
    check(name);
    let golden = open(name);
    let mut pass = Pass::evaluate();
    golden.network.logits(&golden.batch, &mut pass);
    let tokens = grid(&golden.file, "target_ids_2", "target_lengths").unwrap();
    let batch = Batch::Text { tokens, continues: true };
    let logits = golden.network.logits(&batch, &mut pass).into_data().try_into_vec::<f32>().unwrap();
    assert_close(&format!("{name}: carried"), &logits, &floats(&golden.file, "carried_logits"));
}

#[test]
fn elman_equals_pytorch() {
    check_carried("lineage-rnn");
}

#[test]
fn lstm_equals_pytorch() {
    check_carried("lineage-lstm");
}

#[test]
fn gru_equals_pytorch() {
    check_carried("lineage-gru");
}

#[test]
fn seq2seq_without_attention_equals_pytorch() {
    check("lineage-seq2seq-none-lstm");
}

#[test]
fn seq2seq_with_bahdanaus_attention_equals_pytorch() {
    check("lineage-seq2seq-bahdanau-gru");
}

#[test]
fn seq2seq_with_luongs_attention_equals_pytorch() {
    check("lineage-seq2seq-luong-lstm");
}

#[test]
fn transformer_equals_pytorch() {
    check("lineage-transformer");
}
