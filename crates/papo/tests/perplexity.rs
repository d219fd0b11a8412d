//! Perplexity is what PyTorch's logits say: the named intermediates of the fixtures hold them.

use std::path::{Path, PathBuf};

use papo::LoadOptions;
use papo::eval::{Sample, likelihood};
use papo_checkpoint::Checkpoint;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn numbers(taps: &Checkpoint, name: &str) -> Vec<u32> {
    let tensor = taps.get(name).unwrap().unwrap();
    tensor.bytes.chunks_exact(8).map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap()) as u32).collect()
}

fn floats(taps: &Checkpoint, name: &str) -> Vec<f32> {
    let tensor = taps.get(name).unwrap().unwrap();
    tensor.bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[test]
fn a_forced_target_costs_what_pytorch_says() {
    for name in ["t5-flan", "bart-full", "marian", "blenderbot-bin"] {
        let taps =
            Checkpoint::open_file(&fixtures().join("goldens").join(name).join("taps.safetensors")).unwrap();
        let (source, decoder) = (numbers(&taps, "input_ids"), numbers(&taps, "decoder_input_ids"));
        let logits = floats(&taps, "logits");
        let vocabulary = logits.len() / decoder.len();
        let nats = |(row, &token): (&[f32], &u32)| {
            let sum: f64 = row.iter().map(|&logit| f64::from(logit).exp()).sum();
            sum.ln() - f64::from(row[token as usize])
        };
        let expected: f64 = logits.chunks(vocabulary).zip(&decoder[1..]).map(nats).sum();

        let folder = fixtures().join("checkpoints").join(name);
        let model = papo::AutoModelForSeq2SeqLM::from_folder(&folder, &LoadOptions::default()).unwrap();
        let sample = Sample { source, target: decoder[1..].to_vec(), ..Sample::default() };
        let short = Sample { target: sample.target[..2].to_vec(), ..sample.clone() };
        let found = likelihood(model.network(), decoder[0], None, &[short, sample]).unwrap();
        let alone: f64 = logits.chunks(vocabulary).zip(&decoder[1..3]).map(nats).sum();
        assert!((found.nats - expected - alone).abs() < 1e-3, "{name}: {} and not {expected}", found.nats);
        assert_eq!(found.tokens, decoder.len() - 1 + 2);
    }
}
