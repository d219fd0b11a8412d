//! What must hold for every network of Papo's own lineage, whatever its weights.

mod support;

use papo_checkpoint::Checkpoint;
use papo_generate::{GenerationConfig, LanguageModel, Origin, Room, TokenId, generate};
use papo_models::{RecurrentLm, RecurrentSeq2Seq, WeightDtype};
use serde_json::json;
use support::{
    CAUSAL, Kept, Load, SEQ2SEQ, causal, config, folder, forced, load_by, rebuild_by, seq2seq, start, step,
    tensors,
};

fn sources() -> Vec<Vec<TokenId>> {
    vec![vec![5, 9, 20, 31, 7, 30], vec![11, 12], vec![8, 6, 36, 22, 33, 14, 15, 16, 27, 2]]
}

fn targets() -> Vec<Vec<TokenId>> {
    vec![vec![1, 14, 15, 32, 25], vec![1, 31, 2, 21, 8], vec![1, 16, 18, 33, 28]]
}

#[test]
fn a_batch_gives_what_its_rows_give_alone_to_the_last_bit() {
    fn check<M: LanguageModel>(name: &str, model: &M) {
        let together = forced(model, &sources(), &targets());
        for (row, (source, target)) in sources().into_iter().zip(targets()).enumerate() {
            let alone = forced(model, &[source], &[target]);
            for (at, (together, alone)) in together.iter().zip(&alone).enumerate() {
                let row_of = &together[row * model.vocab_size()..][..model.vocab_size()];
                assert_eq!(row_of, &alone[..], "{name}: row {row}, step {at}");
            }
        }
    }
    for_each_of_the_lineage!(check);
}

#[test]
fn selecting_each_row_once_in_order_changes_nothing() {
    fn check<M: LanguageModel>(name: &str, model: &M) {
        let plain = forced(model, &sources(), &targets());
        let mut state = start(model, &sources(), Room { rows: 3, steps: 5 });
        for (at, plain) in plain.iter().enumerate() {
            model.select(&mut state, &[0, 1, 2]);
            let last: Vec<_> = targets().iter().map(|target| target[at]).collect();
            assert_eq!(step(model, &mut state, &last), *plain, "{name}: step {at}");
        }
    }
    for_each_of_the_lineage!(check);
}

/// Beams are repeated, re-ordered and dropped; each must go on as if its own tokens had been fed from the start. The
/// state outgrows its room on the way.
#[test]
fn selected_rows_go_on_as_if_they_had_been_alone() {
    fn check<M: LanguageModel>(name: &str, model: &M) {
        let sources = &sources()[..2];
        // For each row its source and its tokens so far.
        let mut rows: Vec<(usize, Vec<TokenId>)> = vec![(0, vec![]), (1, vec![])];
        let mut state = start(model, sources, Room { rows: 0, steps: 0 });
        let mut logits = Vec::new();
        let selections: [&[usize]; 4] = [&[0, 0, 0, 1, 1], &[2, 0, 0, 4, 3], &[1, 1, 4], &[0, 2]];
        for (at, selection) in selections.iter().enumerate() {
            model.select(&mut state, selection);
            rows = selection.iter().map(|&row| rows[row].clone()).collect();
            for (row, (_, tokens)) in rows.iter_mut().enumerate() {
                tokens.push((4 + 7 * at + row) as TokenId);
            }
            let last: Vec<_> = rows.iter().map(|(_, tokens)| tokens[at]).collect();
            logits = step(model, &mut state, &last);
        }
        for (row, (source, tokens)) in rows.iter().enumerate() {
            let alone = forced(model, &[sources[*source].clone()], std::slice::from_ref(tokens));
            let vocabulary = model.vocab_size();
            assert_eq!(logits[row * vocabulary..][..vocabulary], alone[3][..], "{name}: row {row}");
        }
    }
    for_each_of_the_lineage!(check);
}

#[test]
fn beam_of_one_equals_greedy_and_a_beams_score_is_the_likelihood_of_its_tokens() {
    fn check<M: LanguageModel>(name: &str, model: &M) {
        let run = |overrides: serde_json::Value| {
            let mut settings = json!({
                "eos_token_id": 2, "pad_token_id": 3, "decoder_start_token_id": 1, "max_new_tokens": 8,
                "min_new_tokens": 8, "length_penalty": 0.0,
            });
            settings.as_object_mut().unwrap().extend(overrides.as_object().unwrap().clone());
            let settings = GenerationConfig::from_json(&settings, Origin::Request).unwrap();
            generate(model, &sources(), &settings).unwrap().sequences
        };
        let greedy = run(json!({}));
        let beams = run(json!({ "num_beams": 5, "num_return_sequences": 5 }));
        let one = run(json!({ "num_beams": 1 }));
        for (source, (greedy, one)) in greedy.iter().zip(&one).enumerate() {
            assert_eq!(greedy.tokens, one.tokens, "{name}");
            let likelihood = |tokens: &[TokenId]| likelihood(model, &sources()[source], tokens);
            // Each beam's score is what its own tokens get when they are fed alone.
            for beam in &beams[5 * source..][..5] {
                let (score, alone) = (beam.score.unwrap(), likelihood(&beam.tokens));
                assert!((score - alone).abs() < 1e-3, "{name}: {score} for {alone}");
            }
        }
    }
    for name in CAUSAL {
        check(name, &causal(name));
    }
    for name in SEQ2SEQ {
        check(name, &seq2seq(name));
    }
}

/// The log-probability of `tokens`, the decoder start first; the end token cannot come before the last.
fn likelihood<M: LanguageModel>(model: &M, source: &[TokenId], tokens: &[TokenId]) -> f32 {
    let logits = forced(model, &[source.to_vec()], &[tokens[..tokens.len() - 1].to_vec()]);
    let steps = logits.into_iter().zip(&tokens[1..]);
    steps
        .map(|(mut row, &token)| {
            papo_kernels::reference::log_softmax(&mut row);
            row[token as usize]
        })
        .sum()
}

/// Long enough to be read in several pieces.
#[test]
fn reading_a_source_is_feeding_its_tokens_one_by_one() {
    let source: Vec<TokenId> = (0..2500).map(|at| 4 + at * at % 33).collect();
    for name in CAUSAL {
        let model = causal(name);
        let mut read = start(&model, &[source.clone(), source[..9].to_vec()], Room { rows: 2, steps: 2 });
        let mut fed = start(&model, &[vec![], vec![]], Room { rows: 2, steps: 3000 });
        step(&model, &mut fed, &[1, 1]);
        let mut short = Vec::new();
        for (at, &token) in source.iter().enumerate() {
            let logits = step(&model, &mut fed, &[token, token]);
            if at == 8 {
                short = logits[model.vocab_size()..].to_vec();
            }
            if at + 1 == source.len() {
                let expected = [&logits[..model.vocab_size()], &short].concat();
                assert_eq!(step(&model, &mut read, &[1, 1]), expected, "{name}");
            }
        }
    }
}

#[test]
fn taps_tell_what_each_layer_carried() {
    for name in CAUSAL {
        let model = causal(name);
        let (layers, width) = (model.config().layers, model.config().d_hidden);
        let [mut whole, mut single] = [Kept::default(), Kept::default()];
        let source = sources()[0].clone();
        let room = Room { rows: 1, steps: 9 };
        model.start_tapped(std::slice::from_ref(&source), room, &mut whole).unwrap();
        let mut state = model.start(&[vec![]], room).unwrap();
        let mut logits = vec![0.0; model.vocab_size()];
        for &token in [1].iter().chain(&source) {
            model.step_tapped(&mut state, &[token], &mut logits, &mut single).unwrap();
        }
        for layer in 0..layers {
            let name = format!("rnn.{layer}.hidden");
            // The whole source has a row for `<s>`, which was not fed in the steps.
            let (fed, read) = (&single.values[&name].1, &whole.values[&name].1);
            assert_eq!(fed, &read[width..], "{name}");
        }
        assert_eq!(single.values["logits"].0, [7, model.vocab_size()]);
    }
}

#[test]
fn a_context_is_the_encoders_vectors_as_the_attention_weighs_them() {
    for name in SEQ2SEQ {
        let model = seq2seq(name);
        let (source, target) = (&sources()[2], &targets()[2]);
        let mut kept = Kept::default();
        let room = Room { rows: 1, steps: 5 };
        let mut state = model.start_tapped(std::slice::from_ref(source), room, &mut kept).unwrap();
        let mut logits = vec![0.0; model.vocab_size()];
        for &token in target {
            model.step_tapped(&mut state, &[token], &mut logits, &mut kept).unwrap();
        }
        let (width, tokens) = (2 * model.config().d_hidden, source.len());
        let kept = kept.joined();
        let vectors = &kept["encoder.1.hidden"];
        assert_eq!(vectors.0, [tokens, width], "{name}");
        assert_eq!(kept["decoder.1.hidden"].0, [target.len(), width / 2], "{name}");
        let Some((_, contexts)) = kept.get("decoder.attention.context") else {
            assert_eq!(name, "lineage-seq2seq-none-lstm");
            continue;
        };
        let (shape, weights) = &kept["decoder.attention.weights"];
        assert_eq!(shape, &[1, target.len(), tokens], "{name}");
        for (weights, context) in weights.chunks_exact(tokens).zip(contexts.chunks_exact(width)) {
            assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{name}");
            for (column, context) in context.iter().enumerate() {
                let sum: f32 = (0..tokens).map(|j| weights[j] * vectors.1[j * width + column]).sum();
                assert!((sum - context).abs() < 1e-5, "{name}");
            }
        }
    }
}

#[test]
fn weights_are_counted_and_sixteen_bits_halve_them() {
    fn check<M: LanguageModel>(load: Load<M>, name: &str, count: fn(&M) -> usize, bytes: fn(&M) -> usize) {
        let exact = load_by(load, name, WeightDtype::Auto);
        let stored = Checkpoint::open(&folder(name)).unwrap().parameter_count();
        assert_eq!(count(&exact), stored, "{name}");
        let expected = forced(&exact, &sources(), &targets());
        let half = rebuild_by(load, &config(name), &tensors(name), WeightDtype::F16).unwrap();
        assert!(bytes(&half) < bytes(&exact) * 3 / 4, "{name}");
        for (near, exact) in forced(&half, &sources(), &targets()).concat().iter().zip(expected.concat()) {
            assert!((near - exact).abs() < 0.05, "{name}: {near} for {exact}");
        }
    }
    for name in CAUSAL {
        check(RecurrentLm::load, name, RecurrentLm::parameters, RecurrentLm::weight_bytes_per_step);
    }
    for name in SEQ2SEQ {
        let (count, bytes) = (RecurrentSeq2Seq::parameters, RecurrentSeq2Seq::weight_bytes_per_step);
        check(RecurrentSeq2Seq::load, name, count, bytes);
    }
}
