//! Encoder and decoder, both recurrent: Sutskever, Vinyals & Le (2014) and Cho et al. (2014); with attention, Bahdanau, Cho & Bengio (2015)
//! and Luong, Pham & Manning (2015).
//!
//! ```text
//! encoder     h_j = [→h_j ; ←h_j]                              both directions, stacked
//! bridge      s_0 = tanh(W_s [→h_T ; ←h_1] + b)                each layer from the encoder's final states of the same layer
//!             (an LSTM besides: c_0 = W_c [→c_T ; ←c_1] + b)
//! decoder     none      s_t = f(s_{t-1}, [E y_{t-1} ; c])      c = [→h_T ; ←h_1] of the top layer
//!             Bahdanau  s_t = f(s_{t-1}, [E y_{t-1} ; c_t])    c_t attended with the top layer's s_{t-1}
//!             Luong     s_t = f(s_{t-1}, [E y_{t-1} ; h̃_{t-1}]) h̃_t from s_t and what it attends
//! readout     none, Bahdanau: t = tanh(W_o [s_t ; c_t ; E y_{t-1}] + b_o);  Luong: h̃_t itself
//! output      W t + b
//! ```
//!
//! In training the decoder is fed the target whatever it would have said (teacher forcing). Source and target share one embedding table.
//! Next to read: `attention/`, then `transformer.rs`, which keeps the attention and drops the recurrence.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::attention::{Bahdanau, Luong, Memory};
use crate::config::{AttentionKind, CellKind, Seq2SeqConfig};
use crate::initial::Initial;
use crate::ops::{self, Direction, Run, Targets};
use crate::recurrent::{Layer, Output, embedding, initial_state, layer_name};
use crate::{Batch, Grid, Loss, Network, Pass};

/// A matrix and a bias.
#[derive(Module, Debug)]
struct Affine {
    /// `[outputs, inputs]`.
    weight: Param<Tensor<2>>,
    /// `[outputs]`.
    bias: Param<Tensor<1>>,
}

impl Affine {
    fn new(name: &str, outputs: usize, inputs: usize, initial: &Initial<'_>) -> Self {
        Self { weight: initial.xavier(name, [outputs, inputs], 1), bias: initial.constant(outputs, 0.0) }
    }

    fn forward(&self, x: Tensor<2>, pass: &Pass) -> Tensor<2> {
        ops::linear(x, pass.weight(&self.weight), Some(pass.weight(&self.bias)))
    }
}

/// An encoder's layer.
#[derive(Module, Debug)]
struct BothWays {
    forward: Layer,
    reverse: Layer,
}

/// The network.
#[derive(Module, Debug)]
pub struct Seq2Seq {
    /// `[V, E]`.
    embedding: Param<Tensor<2>>,
    encoder: Vec<BothWays>,
    bridge: Vec<Affine>,
    /// For LSTM cells; empty otherwise.
    bridge_cell: Vec<Affine>,
    decoder: Vec<Layer>,
    bahdanau: Option<Bahdanau>,
    luong: Option<Luong>,
    readout: Affine,
    output: Output,
    #[module(skip)]
    config: Seq2SeqConfig,
}

/// What the encoder leaves behind.
struct Encoded {
    /// h_j: `[tokens · rows, 2H]`, time-major.
    states: Tensor<2>,
    /// For each layer the final states (h, and c for an LSTM) of both directions, side by side: `[rows, 2H]`.
    last: Vec<Vec<Tensor<2>>>,
}

/// Sites of dropout.
const SOURCE: u64 = 0;
const TARGET: u64 = 1;
const READOUT: u64 = 2;
const ENCODER: u64 = 100;
const DECODER: u64 = 200;

impl Seq2Seq {
    /// A new network; the configuration is possible.
    pub(crate) fn new(config: &Seq2SeqConfig, seed: u64, device: &Device) -> Self {
        let initial = Initial::new(seed, device);
        let Seq2SeqConfig { cell, attention, vocab_size, d_embedding: e, d_hidden: h, n_layers, .. } =
            *config;
        let layer = |stack: &str, k: usize, inputs: usize| {
            Layer::new(cell, inputs, h, &initial.part(stack).part(&k.to_string()))
        };
        let bridge = |name: &str| {
            (0..n_layers).map(|k| Affine::new(&format!("{name}{k}"), h, 2 * h, &initial)).collect()
        };
        let fed = if attention == AttentionKind::Luong { h } else { 2 * h };
        let readout = match attention {
            AttentionKind::Luong => Affine::new("readout", h, 3 * h, &initial),
            _ => Affine::new("readout", e, 3 * h + e, &initial),
        };
        let both = |k: usize| {
            let inputs = if k == 0 { e } else { 2 * h };
            BothWays { forward: layer("encoder", k, inputs), reverse: layer("reverse", k, inputs) }
        };
        let part = initial.part("attention");
        Self {
            embedding: embedding(&initial, [vocab_size, e], config.tie_embeddings),
            encoder: (0..n_layers).map(both).collect(),
            bridge: bridge("bridge"),
            bridge_cell: if cell == CellKind::Lstm { bridge("bridge_cell") } else { Vec::new() },
            decoder: (0..n_layers).map(|k| layer("decoder", k, if k == 0 { e + fed } else { h })).collect(),
            bahdanau: (attention == AttentionKind::Bahdanau)
                .then(|| Bahdanau::new(config.d_attention, h, &part)),
            luong: (attention == AttentionKind::Luong).then(|| Luong::new(h, &part)),
            readout,
            output: Output {
                weight: (!config.tie_embeddings)
                    .then(|| initial.xavier("output", [vocab_size, config.d_readout()], 1)),
                bias: initial.constant(vocab_size, 0.0),
            },
            config: config.clone(),
        }
    }

    /// The embeddings of the first `steps` columns, time-major: `[steps · rows, E]`.
    fn embed(&self, grid: &Grid, steps: usize, site: u64, pass: &Pass) -> Tensor<2> {
        let ids = (0..steps).flat_map(|t| (0..grid.rows).map(move |row| grid.row(row)[t])).collect();
        let x = ops::embed(pass.weight(&self.embedding), ids);
        ops::dropout(x, self.config.dropout, pass.chance(site))
    }

    fn encode(&self, sources: &Grid, pass: &Pass) -> Encoded {
        let (rows, steps, cell) = (sources.rows, sources.columns, self.config.cell);
        let mut x = self.embed(sources, steps, SOURCE, pass);
        let device = x.device();
        let mut last = Vec::with_capacity(self.encoder.len());
        for (k, layer) in self.encoder.iter().enumerate() {
            if k > 0 {
                x = ops::dropout(x, self.config.dropout, pass.chance(ENCODER + k as u64));
            }
            let run = |direction, layer: &Layer| {
                let lengths = Some(sources.lengths.clone());
                let run = Run { cell, steps, rows, direction, lengths };
                let state = initial_state(cell, None, [rows, self.config.d_hidden], &device);
                ops::recur(&run, x.clone(), state, layer.weights(pass))
            };
            let (forward, forward_last) = run(Direction::Forward, &layer.forward);
            let (reverse, reverse_last) = run(Direction::Backward, &layer.reverse);
            let beside = |(f, r)| Tensor::cat(vec![f, r], 1);
            last.push(forward_last.into_iter().zip(reverse_last).map(beside).collect());
            x = beside((forward, reverse)); // [steps · rows, 2H]
        }
        Encoded { states: x, last }
    }

    /// The decoder's states before the first step: for each layer s, and c for an LSTM.
    fn first_states(&self, encoded: &Encoded, pass: &Pass) -> Vec<Vec<Tensor<2>>> {
        let layer = |(k, last): (usize, &Vec<Tensor<2>>)| {
            let mut state = vec![self.bridge[k].forward(last[0].clone(), pass).tanh()];
            if let Some(cell) = self.bridge_cell.get(k) {
                state.push(cell.forward(last[1].clone(), pass));
            }
            state
        };
        encoded.last.iter().enumerate().map(layer).collect()
    }

    /// What goes into the output projection: `[steps · rows, readout]`, time-major.
    fn hidden(&self, batch: &Batch, pass: &Pass) -> Tensor<2> {
        let Batch::Pairs { sources, targets } = batch else {
            panic!("an encoder-decoder is trained on pairs, not on plain text");
        };
        let steps = targets.columns.saturating_sub(1);
        let encoded = self.encode(sources, pass);
        let states = self.first_states(&encoded, pass);
        let y = self.embed(targets, steps, TARGET, pass); // E y_{t-1}, [steps · rows, E]
        let t = match (&self.bahdanau, &self.luong) {
            (Some(attention), _) => {
                let memory = Memory::new(encoded.states, &sources.lengths);
                self.decode_bahdanau(attention, &memory, states, y, pass)
            }
            (_, Some(attention)) => {
                let memory = Memory::new(encoded.states, &sources.lengths);
                self.decode_luong(attention, &memory, states, y, pass)
            }
            _ => {
                let c = encoded.last[self.config.n_layers - 1][0].clone();
                self.decode_plain(c, states, y, pass)
            }
        };
        ops::dropout(t, self.config.dropout, pass.chance(READOUT))
    }

    fn decode_plain(
        &self,
        c: Tensor<2>,
        states: Vec<Vec<Tensor<2>>>,
        y: Tensor<2>,
        pass: &Pass,
    ) -> Tensor<2> {
        let rows = c.dims()[0];
        let steps = y.dims()[0] / rows;
        let c = c.repeat_dim(0, steps); // [steps · rows, 2H]
        let mut x = Tensor::cat(vec![y.clone(), c.clone()], 1);
        for (k, (layer, state)) in self.decoder.iter().zip(states).enumerate() {
            if k > 0 {
                x = ops::dropout(x, self.config.dropout, pass.chance(DECODER + k as u64));
            }
            x = ops::recur(&Run::whole(self.config.cell, steps, rows), x, state, layer.weights(pass)).0;
        }
        self.readout.forward(Tensor::cat(vec![x, c, y], 1), pass).tanh()
    }

    fn decode_bahdanau(
        &self,
        attention: &Bahdanau,
        memory: &Memory,
        mut states: Vec<Vec<Tensor<2>>>,
        y: Tensor<2>,
        pass: &Pass,
    ) -> Tensor<2> {
        let keys = attention.keys(memory, pass);
        let rows = memory.states.dims()[0];
        let steps = y.dims()[0] / rows;
        let top = self.config.n_layers - 1;
        let (mut s, mut c) = (Vec::with_capacity(steps), Vec::with_capacity(steps));
        for t in 0..steps {
            let c_t = memory.context(keys.scores(states[top][0].clone()));
            let x = Tensor::cat(vec![y.clone().narrow(0, t * rows, rows), c_t.clone()], 1);
            s.push(self.step(t, x, &mut states, pass));
            c.push(c_t);
        }
        self.readout.forward(Tensor::cat(vec![Tensor::cat(s, 0), Tensor::cat(c, 0), y], 1), pass).tanh()
    }

    fn decode_luong(
        &self,
        attention: &Luong,
        memory: &Memory,
        mut states: Vec<Vec<Tensor<2>>>,
        y: Tensor<2>,
        pass: &Pass,
    ) -> Tensor<2> {
        let keys = attention.keys(memory, pass);
        let rows = memory.states.dims()[0];
        let steps = y.dims()[0] / rows;
        let mut h = Tensor::zeros([rows, self.config.d_hidden], &y.device()); // h̃_{t-1}
        let mut all = Vec::with_capacity(steps);
        for t in 0..steps {
            let x = Tensor::cat(vec![y.clone().narrow(0, t * rows, rows), h], 1);
            let s_t = self.step(t, x, &mut states, pass);
            let c_t = memory.context(Luong::scores(&keys, s_t.clone()));
            h = self.readout.forward(Tensor::cat(vec![c_t, s_t], 1), pass).tanh();
            all.push(h.clone());
        }
        Tensor::cat(all, 0)
    }

    /// One step of all layers; gives the top layer's s_t.
    fn step(&self, t: usize, mut x: Tensor<2>, states: &mut [Vec<Tensor<2>>], pass: &Pass) -> Tensor<2> {
        let run = Run::whole(self.config.cell, 1, x.dims()[0]);
        for (k, (layer, state)) in self.decoder.iter().zip(states).enumerate() {
            if k > 0 {
                let site = DECODER + k as u64 + 1000 * (t as u64 + 1);
                x = ops::dropout(x, self.config.dropout, pass.chance(site));
            }
            *state = ops::recur(&run, x, std::mem::take(state), layer.weights(pass)).1;
            x = state[0].clone();
        }
        x
    }

    fn output_weights(&self, pass: &Pass) -> (Tensor<2>, Tensor<1>) {
        let weight = self.output.weight.as_ref().unwrap_or(&self.embedding);
        (pass.weight(weight), pass.weight(&self.output.bias))
    }
}

impl Network for Seq2Seq {
    fn loss(&self, batch: &Batch, pass: &mut Pass) -> Loss {
        let hidden = self.hidden(batch, pass);
        let (weight, bias) = self.output_weights(pass);
        let targets = Targets::time_major(batch.targets());
        ops::cross_entropy(hidden, weight, Some(bias), targets, pass.label_smoothing)
    }

    fn logits(&self, batch: &Batch, pass: &mut Pass) -> Tensor<3> {
        let hidden = self.hidden(batch, pass);
        let (weight, bias) = self.output_weights(pass);
        let rows = batch.targets().rows;
        let logits = ops::linear(hidden, weight, Some(bias)); // [steps · rows, V]
        let [all, vocabulary] = logits.dims();
        logits.reshape([all / rows, rows, vocabulary]).swap_dims(0, 1)
    }

    fn checkpoint_name(path: &str) -> String {
        let parts: Vec<&str> = path.split('.').collect();
        match parts[..] {
            ["encoder", k, "forward", weight] => format!("encoder.{weight}_l{k}"),
            ["encoder", k, "reverse", weight] => format!("encoder.{weight}_l{k}_reverse"),
            ["bahdanau", part, weight] => format!("attention.{part}.{weight}"),
            ["luong", "matrix", weight] => format!("attention.{weight}"),
            _ => layer_name(path),
        }
    }
}
