//! Times training steps for `tools/bench_training.py`, which runs PyTorch beside it.
//!
//! `training_speed lstm|gru|rnn|transformer|seq2seq [THREADS]` reads numbers from standard input, a line each; for each it takes so many training steps
//! (loss, gradients, clipping, Adam) on random tokens, 32 rows of 48, and prints the seconds that they took.

use std::io::BufRead;
use std::num::NonZeroUsize;
use std::time::Instant;

use papo_lab::{
    Adam, AdamSettings, AnyNetwork, AttentionKind, Batch, CellKind, Dropout, GradientSum, Grid, Network,
    NetworkConfig, Pass, RecurrentConfig, Seq2SeqConfig, TransformerConfig,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VOCABULARY: usize = 8000;
const ROWS: usize = 32;
const COLUMNS: usize = 48;

/// Tokens without a pattern, after a first one.
fn grid(first: u32, columns: usize, seed: usize) -> Grid {
    let ids: Vec<u32> = (0..ROWS * columns)
        .map(|i| match i % columns {
            0 => first,
            _ => 4 + ((i + seed).wrapping_mul(2_654_435_761) >> 7) as u32 % (VOCABULARY as u32 - 4),
        })
        .collect();
    Grid { rows: ROWS, columns, ids, lengths: vec![columns; ROWS] }
}

fn main() {
    let kind = std::env::args().nth(1).expect("the kind of network");
    let threads = std::env::args().nth(2).map_or(2, |threads| threads.parse().expect("a number of threads"));
    papo_lab::set_threads(NonZeroUsize::new(threads).expect("a thread")).expect("nothing has run yet");
    let dropout = 0.1;
    let recurrent = RecurrentConfig { dropout, ..RecurrentConfig::new(VOCABULARY, 512, 512, 2) };
    let config = match kind.as_str() {
        "rnn" => NetworkConfig::Rnn(recurrent),
        "gru" => NetworkConfig::Gru(recurrent),
        "lstm" => NetworkConfig::Lstm(recurrent),
        "transformer" => NetworkConfig::Transformer(TransformerConfig {
            dropout,
            ..TransformerConfig::new(VOCABULARY, 256, 8, 1024, 3)
        }),
        "seq2seq" => NetworkConfig::Seq2Seq(Seq2SeqConfig {
            dropout,
            ..Seq2SeqConfig::new(CellKind::Gru, AttentionKind::Bahdanau, VOCABULARY, 256, 512, 1)
        }),
        other => panic!("no network is called {other}"),
    };
    let batch = match config {
        NetworkConfig::Seq2Seq(_) | NetworkConfig::Transformer(_) => {
            Batch::Pairs { sources: grid(5, COLUMNS, 1), targets: grid(3, COLUMNS + 1, 2) }
        }
        _ => Batch::Text { tokens: grid(1, COLUMNS + 1, 3), continues: false },
    };
    let device = burn::tensor::Device::flex().autodiff();
    let mut network = AnyNetwork::new(&config, 1, &device).expect("a possible network");
    let mut adam = Adam::new(AdamSettings { clip_norm: Some(1.0), ..AdamSettings::default() });
    let mut pass = Pass::train(Dropout { seed: 1, step: 0, part: 0 });
    if matches!(config, NetworkConfig::Transformer(_)) {
        pass.label_smoothing = 0.1;
    }
    for line in std::io::stdin().lock().lines() {
        let steps: u64 = line.expect("a line").trim().parse().expect("a number of steps");
        let begin = Instant::now();
        let mut last = 0.0;
        for _ in 0..steps {
            let loss = network.loss(&batch, &mut pass);
            last = loss.mean();
            let mut gradients = GradientSum::default();
            gradients.add(&network, loss.mean);
            network = adam.step(network, gradients, 1e-4).0;
            pass = Pass { carried: None, ..Pass::train(Dropout { seed: 1, step: adam.steps(), part: 0 }) };
        }
        eprintln!("loss {last:.4}");
        println!("{}", begin.elapsed().as_secs_f64());
    }
}
