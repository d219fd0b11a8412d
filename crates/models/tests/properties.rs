//! What must hold for every network, whatever its weights.

mod support;

use papo_generate::{LanguageModel, Room, TokenId};
use papo_models::WeightDtype;
use support::{forced, load, load_as, names, rebuild, start, step, tensors};

const SOURCES: [&[TokenId]; 3] = [&[5, 9, 20, 31, 7, 40], &[11, 12], &[8, 60, 61, 62, 33, 44, 55, 66, 77, 3]];
const TARGETS: [&[TokenId]; 3] = [&[3, 14, 15, 92, 65], &[2, 71, 82, 81, 8], &[3, 16, 18, 33, 98]];

fn owned(tokens: &[&[TokenId]]) -> Vec<Vec<TokenId>> {
    tokens.iter().map(|tokens| tokens.to_vec()).collect()
}

#[test]
fn a_batch_gives_what_its_rows_give_alone_to_the_last_bit() {
    for name in names() {
        let model = load(&name);
        let vocabulary = model.vocab_size();
        let together = forced(&model, &owned(&SOURCES), &owned(&TARGETS));
        for row in 0..SOURCES.len() {
            let alone = forced(&model, &[SOURCES[row].to_vec()], &[TARGETS[row].to_vec()]);
            for (at, (together, alone)) in together.iter().zip(&alone).enumerate() {
                assert_eq!(
                    together[row * vocabulary..][..vocabulary],
                    alone[..],
                    "{name}: row {row}, step {at}"
                );
            }
        }
    }
}

#[test]
fn selecting_each_row_once_in_order_changes_nothing() {
    for name in names() {
        let model = load(&name);
        let (sources, targets) = (owned(&SOURCES), owned(&TARGETS));
        let plain = forced(&model, &sources, &targets);
        let mut state = start(&model, &sources, Room { rows: 3, steps: 5 });
        for (at, plain) in plain.iter().enumerate() {
            model.select(&mut state, &[0, 1, 2]);
            let last: Vec<_> = targets.iter().map(|target| target[at]).collect();
            assert_eq!(step(&model, &mut state, &last), *plain, "{name}: step {at}");
        }
    }
}

/// Beams are repeated, re-ordered and dropped; each must go on as if its own tokens had been fed from the start.
#[test]
fn selected_rows_go_on_as_if_they_had_been_alone() {
    for name in names() {
        let model = load(&name);
        let sources = owned(&SOURCES[..2]);
        // For each row its source and its tokens so far.
        let mut rows: Vec<(usize, Vec<TokenId>)> = vec![(0, vec![]), (1, vec![])];
        let mut state = start(&model, &sources, Room { rows: 5, steps: 4 });
        let mut logits = Vec::new();
        let selections: [&[usize]; 4] = [&[0, 0, 0, 1, 1], &[2, 0, 0, 4, 3], &[1, 1, 4], &[0, 2]];
        for (at, selection) in selections.iter().enumerate() {
            model.select(&mut state, selection);
            rows = selection.iter().map(|&row| rows[row].clone()).collect();
            for (row, (_, tokens)) in rows.iter_mut().enumerate() {
                tokens.push((10 + 7 * at + row) as TokenId);
            }
            let last: Vec<_> = rows.iter().map(|(_, tokens)| tokens[at]).collect();
            logits = step(&model, &mut state, &last);
        }
        for (row, (source, tokens)) in rows.iter().enumerate() {
            let alone = forced(&model, &[sources[*source].clone()], std::slice::from_ref(tokens));
            let vocabulary = model.vocab_size();
            assert_eq!(logits[row * vocabulary..][..vocabulary], alone[3][..], "{name}: row {row}");
        }
    }
}

#[test]
fn a_state_may_outgrow_its_room() {
    for name in names() {
        let model = load(&name);
        let (sources, targets) = (owned(&SOURCES), owned(&TARGETS));
        let plain = forced(&model, &sources, &targets);
        let mut state = start(&model, &sources, Room { rows: 0, steps: 0 });
        for (at, plain) in plain.iter().enumerate() {
            let last: Vec<_> = targets.iter().map(|target| target[at]).collect();
            assert_eq!(step(&model, &mut state, &last), *plain, "{name}: step {at}");
        }
    }
}

#[test]
fn a_checkpoint_in_sixteen_bits_loses_nothing_by_staying_so() {
    for name in ["blenderbot-bin", "t5-tied-copies", "t5-bf16", "marian-positions-bin"] {
        let (sources, targets) = (owned(&SOURCES), owned(&TARGETS));
        let (kept, widened) = (load(name), load_as(name, WeightDtype::F32));
        assert_eq!(forced(&kept, &sources, &targets), forced(&widened, &sources, &targets), "{name}");
        assert!(kept.weight_bytes_per_step() < widened.weight_bytes_per_step(), "{name}");
    }
}

#[test]
fn weights_in_sixteen_bits_give_nearly_the_same() {
    for name in ["bart-full", "t5-flan", "t5-v1_0", "marian"] {
        let (sources, targets) = (owned(&SOURCES), owned(&TARGETS));
        let stored = load(name);
        let exact = forced(&stored, &sources, &targets);
        for (dtype, tolerance) in [(WeightDtype::F16, 0.03), (WeightDtype::Bf16, 0.25)] {
            let model = load_as(name, dtype);
            assert!(model.weight_bytes_per_step() < stored.weight_bytes_per_step(), "{name} as {dtype:?}");
            for (exact, near) in exact.iter().zip(forced(&model, &sources, &targets)) {
                let energy = |x: f32| f64::from(x).powi(2);
                let scale = exact.iter().map(|&x| energy(x)).sum::<f64>().sqrt();
                let error = exact.iter().zip(&near).map(|(a, b)| energy(a - b)).sum::<f64>().sqrt();
                assert!(error <= tolerance * scale, "{name} as {dtype:?}: {error} of {scale}");
            }
        }
    }
}

/// The tied matrix stored under one name or another, or four times, is the same network.
#[test]
fn a_tied_table_may_be_stored_under_any_of_its_names() {
    let (sources, targets) = (owned(&SOURCES), owned(&TARGETS));
    for (name, prefixes) in [("bart-full", &["model.", ""][..]), ("t5-v1_0", &[""])] {
        let plain = forced(&load(name), &sources, &targets);
        let mut stored = tensors(name);
        let names =
            ["shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"];
        let mut taken = Vec::new();
        for key in names.iter().flat_map(|key| [format!("model.{key}"), key.to_string()]) {
            taken.extend(stored.remove(&key));
        }
        for key in names.iter().flat_map(|key| prefixes.iter().map(move |prefix| format!("{prefix}{key}"))) {
            let key = if key == "model.lm_head.weight" { "lm_head.weight".to_owned() } else { key };
            let mut renamed = stored.clone();
            renamed.insert(key.clone(), taken[0].clone());
            let model = rebuild(&support::config(name), &renamed, WeightDtype::Auto).unwrap();
            assert_eq!(forced(&model, &sources, &targets), plain, "{name} with its table under {key}");
        }
    }
}

#[test]
fn double_precision_is_read_as_single() {
    let mut stored = tensors("t5-flan");
    for (dtype, _, bytes) in stored.values_mut() {
        *dtype = papo_checkpoint::Dtype::F64;
        let wide = bytes.as_chunks().0.iter().flat_map(|b| f64::from(f32::from_le_bytes(*b)).to_le_bytes());
        *bytes = wide.collect();
    }
    let model = rebuild(&support::config("t5-flan"), &stored, WeightDtype::Auto).unwrap();
    let (sources, targets) = (owned(&SOURCES), owned(&TARGETS));
    assert_eq!(forced(&model, &sources, &targets), forced(&load("t5-flan"), &sources, &targets));
}

#[test]
fn weights_are_counted_as_the_reference_counts_them() {
    let parameters = |name| load(name).parameters();
    assert_eq!(parameters("bart-bare"), 41192);
    assert_eq!(parameters("blenderbot-bin"), 69760);
    assert_eq!(parameters("t5-flan"), 39264);
    // The reference counts its two tables of 64 sinusoidal positions as weights.
    assert_eq!(parameters("marian"), 45480 - 2 * 64 * 32);
    // The copies of a tied table count once.
    assert_eq!(parameters("t5-tied-copies"), 32096);
}

/// Whatever stands in the padding's row of the token table, nobody sees it; but padding before or between other
/// tokens keeps its position, and padding at the end is not there.
#[test]
fn padding_inside_a_source_holds_its_place_and_is_seen_by_nobody() {
    for (name, pad) in [("bart-full", 1), ("blenderbot-legacy-bin", 0), ("t5-flan", 0), ("marian", 200)] {
        let mut stored = tensors(name);
        for (key, (dtype, shape, bytes)) in &mut stored {
            if key.ends_with("shared.weight") || key.ends_with("embed_tokens.weight") {
                let row = shape[1] * dtype.size();
                let (pad, other) = (pad as usize * row, 7 * row);
                bytes.copy_within(other..other + row, pad);
            }
        }
        let target = [vec![3, 12]];
        let logits = |model: &papo_models::EncoderDecoder, source: &[TokenId]| {
            // A tied head reads the changed row too: that one logit is left out.
            let mut logits = forced(model, &[source.to_vec()], &target).remove(1);
            logits.remove(pad as usize);
            logits
        };
        let (plain, changed) =
            (load(name), rebuild(&support::config(name), &stored, WeightDtype::Auto).unwrap());
        for source in
            [vec![5, pad, 9, 8, pad, 9, 11], vec![pad, pad, 20, 21, 22], vec![30, pad, 31, pad, pad]]
        {
            assert_eq!(logits(&plain, &source), logits(&changed, &source), "{name}, {source:?}");
        }
        assert_eq!(logits(&plain, &[30, pad, 31, pad, pad]), logits(&plain, &[30, pad, 31]), "{name}");
        assert_ne!(logits(&plain, &[30, pad, 31]), logits(&plain, &[30, 31]), "{name}");
    }
}
