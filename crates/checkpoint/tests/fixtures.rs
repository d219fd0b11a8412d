//! The tiny checkpoints that PyTorch and `transformers` wrote, in every layout of the hub: all open, and all numbers are numbers.

use std::path::Path;

use half::{bf16, f16};
use papo_checkpoint::{Checkpoint, Dtype};

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/checkpoints").join(name))
        .unwrap()
}

#[test]
fn every_checkpoint_opens_and_holds_finite_numbers() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/checkpoints");
    for folder in
        std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        let checkpoint = Checkpoint::open(&folder).unwrap();
        assert!(checkpoint.parameter_count() > 1000, "{}", folder.display());
        for name in checkpoint.names() {
            let tensor = checkpoint.get(name).unwrap().unwrap();
            assert_eq!(tensor.elements(), tensor.shape.iter().product::<usize>(), "{name}");
            let finite = match tensor.dtype {
                Dtype::F32 => {
                    tensor.bytes.as_chunks::<4>().0.iter().all(|&bytes| f32::from_le_bytes(bytes).is_finite())
                }
                Dtype::F16 => {
                    tensor.bytes.as_chunks::<2>().0.iter().all(|&bytes| f16::from_le_bytes(bytes).is_finite())
                }
                Dtype::Bf16 => tensor
                    .bytes
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .all(|&bytes| bf16::from_le_bytes(bytes).is_finite()),
                _ => true,
            };
            assert!(finite, "{name} of {}", folder.display());
        }
    }
}

#[test]
fn the_same_tied_embedding_is_found_under_each_of_its_names() {
    let checkpoint = open("t5-tied-copies");
    let shared = checkpoint.get("shared.weight").unwrap().unwrap();
    let encoder = checkpoint.get("encoder.embed_tokens.weight").unwrap().unwrap();
    assert_eq!((shared.shape, &shared.bytes), (encoder.shape, &encoder.bytes));
}

#[test]
fn shards_of_both_kinds_hold_the_same_names() {
    let (safetensors, bin) = (open("t5-sharded"), open("t5-sharded-bin"));
    assert_eq!(safetensors.files().count(), 3);
    assert_eq!(bin.files().count(), 3);
    assert!(bin.names().count() >= safetensors.names().count());
    assert!(safetensors.names().all(|name| bin.get(name).unwrap().is_some()));
}
