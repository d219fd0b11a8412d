//! Configurations: any JSON is refused in a sentence or becomes a shape that can be, without memory for what it claims.
#![no_main]

use std::path::Path;

use papo_models::{Positions, StackShape};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(config) = serde_json::from_slice(input) else { return };
    let spec = match papo_models::read_config(&config, Path::new("config.json")) {
        Ok(spec) => spec,
        Err(error) => {
            let sentence = error.to_string();
            assert!(sentence.starts_with("config.json: ") && sentence.ends_with('.'), "{sentence}");
            return;
        }
    };
    let sizes = [spec.d_model, spec.source_vocabulary, spec.target_vocabulary];
    let of_stack = |StackShape { layers, heads, d_ff }| [layers, heads.count, heads.size, d_ff];
    let mut sizes = sizes.into_iter().chain(of_stack(spec.encoder)).chain(of_stack(spec.decoder));
    assert!(sizes.all(|size| (1..=i32::MAX as usize).contains(&size)), "{spec:?}");
    if let Positions::RelativeBias { buckets, max_distance } = spec.positions {
        assert!(buckets >= 4 && max_distance > buckets / 2, "{spec:?}");
    }
    assert!(spec.scale.embedding.is_finite() && spec.scale.output.is_finite());
    assert!(!spec.to_string().is_empty());
});
