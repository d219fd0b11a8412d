//! Indices of sharded checkpoints: every shard of an accepted index is a plain file name.
#![no_main]

use std::path::{Component, Path};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(index) = papo_checkpoint::Index::parse(input, Path::new("model.safetensors.index.json")) else {
        return;
    };
    for shard in index.shards() {
        let parts: Vec<_> = Path::new(shard).components().collect();
        assert!(matches!(parts[..], [Component::Normal(_)]), "{shard:?}");
        assert!(!shard.contains(['/', '\\', '\0', ':']), "{shard:?}");
    }
    for (name, shard) in index.tensors() {
        assert_eq!(index.shard_of(name), Some(shard));
    }
});
