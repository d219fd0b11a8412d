//! `lab` and `models` write the same networks down twice and do not know each other: here each saved network is run by both.
#![cfg(feature = "train")]

mod program;

use std::fs;
use std::path::Path;

use papo::generate::{LanguageModel, Room};
use papo::{LoadOptions, PretrainedModel};
use papo_lab::{AnyNetwork, Batch, Grid, Network, NetworkConfig, Pass};
use program::run;
use safetensors::SafeTensors;

/// Three steps of training, so that no weight is as it was drawn; dialogues of few words.
fn train(kind: &str, flags: &[&str], folder: &Path) -> String {
    let data = folder.join("data.jsonl");
    let turns = ["hello there", "good morning to you", "how are you", "fine and you", "so so"];
    let line =
        |n: usize| serde_json::json!({ "turns": [turns[n % 5], turns[(n + 2) % 5], turns[(n * n) % 5]] });
    fs::write(&data, (0..24).map(|n| format!("{}\n", line(n))).collect::<String>())
        .expect("a writable folder");
    let out = folder.join(kind).to_str().expect("a plain path").to_owned();
    let mut arguments = vec!["train", kind, "--data", data.to_str().expect("a plain path"), "--out", &out];
    arguments.extend([
        "--tokenizer",
        "words",
        "--max-steps",
        "3",
        "--learning-rate",
        "0.05",
        "--warm-up",
        "0",
    ]);
    arguments.extend(flags);
    run(&arguments, "").exits(0);
    out
}

/// The network in a folder as `lab` knows it.
fn in_lab(folder: &Path) -> AnyNetwork {
    let config = serde_json::from_slice(&fs::read(folder.join("config.json")).expect("a configuration"))
        .expect("JSON");
    let config = NetworkConfig::from_json(&config).expect("a network of lab");
    let bytes = fs::read(folder.join("model.safetensors")).expect("weights");
    let weights = SafeTensors::deserialize(&bytes).expect("safetensors");
    let mut find = |name: &str, shape: &[usize]| {
        let tensor = weights.tensor(name).unwrap_or_else(|_| panic!("{name} is stored"));
        assert_eq!(tensor.shape(), shape, "{name}");
        let float = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("four bytes"));
        Ok(tensor.data().chunks_exact(4).map(float).collect())
    };
    let network = AnyNetwork::new(&config, 1, &papo_lab::device::cpu()).expect("a network");
    network.with_weights(&mut find).expect("all weights are there")
}

/// Logits of every target position by `lab`, then by `models`, and the largest difference.
fn difference(folder: &Path) -> f32 {
    let model =
        PretrainedModel::from_pretrained(folder.to_str().expect("a plain path"), &LoadOptions::default())
            .expect("a model of papo");
    let start = model.generation_config().decoder_start_token_id.expect("a start token");
    let (source, reply) = ([5, 4, 6, 2], [4, 7, 5, 2]);
    let target: Vec<u32> = [start].into_iter().chain(reply).collect();
    let causal = model.kind() == papo::network::Kind::Causal;
    let batch = if causal {
        let text: Vec<u32> = [1].into_iter().chain(source).chain(reply).collect();
        Batch::Text { tokens: Grid::new(&[&text], 3), continues: false }
    } else {
        Batch::Pairs { sources: Grid::new(&[&source], 3), targets: Grid::new(&[&target], 3) }
    };
    let logits = in_lab(folder).logits(&batch, &mut Pass::evaluate());
    let vocabulary = model.network().vocab_size();
    let expected = logits.into_data().try_to_vec::<f32>().expect("floats");
    // Of a causal model the first positions foretell the source, which nobody asks the other for.
    let expected = &expected[expected.len() - reply.len() * vocabulary..];
    let mut state = model.network().start(&[source.to_vec()], Room { rows: 1, steps: 8 }).expect("a state");
    let mut row = vec![0.0; vocabulary];
    let mut largest = 0.0f32;
    for (token, expected) in target.iter().zip(expected.chunks_exact(vocabulary)) {
        model.network().step(&mut state, &[*token], &mut row).expect("a step");
        assert!(expected.iter().any(|logit| logit.abs() > 1e-3), "a network that has something to say");
        let pairs = row.iter().zip(expected);
        largest = pairs.map(|(a, b)| (a - b).abs()).fold(largest, f32::max);
    }
    largest
}

#[test]
fn every_saved_network_has_the_same_logits_in_both_crates() {
    let lm = ["--hidden", "12", "--layers", "2"];
    let seq2seq = |attention, cell| {
        ["--hidden", "10", "--embedding", "10", "--layers", "2", "--attention", attention, "--cell", cell]
    };
    let transformer = ["--d-model", "16", "--heads", "2", "--layers", "2"];
    let networks: [(&str, &[&str]); 9] = [
        ("rnn", &lm),
        ("lstm", &lm),
        ("gru", &lm),
        ("gru", &["--hidden", "12", "--layers", "1", "--tie-embeddings"]),
        ("seq2seq", &seq2seq("none", "lstm")),
        ("seq2seq", &seq2seq("bahdanau", "gru")),
        ("seq2seq", &seq2seq("bahdanau", "rnn")),
        ("seq2seq", &seq2seq("luong", "lstm")),
        ("transformer", &transformer),
    ];
    for (kind, flags) in networks {
        let folder = tempfile::tempdir().expect("a folder");
        let out = train(kind, flags, folder.path());
        let difference = difference(Path::new(&out));
        assert!(difference < 1e-4, "{kind} {flags:?}: {difference}");
    }
}
