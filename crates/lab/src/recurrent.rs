//! Recurrent layers, and the language model that is a stack of them.
//!
//! ```text
//! tokens → embedding → dropout → layer 0 → dropout → layer 1 → … → dropout → output → logits
//! ```
//!
//! Activations are time-major, `[steps · rows, width]`, so that a step's rows stand together. The dropout is that of Zaremba, Sutskever & Vinyals
//! (2014), on what goes up and not on what goes on in time; tied embeddings are those of Press & Wolf (2017). The cells are in `rnn.rs`, `lstm.rs` and `gru.rs`.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

use crate::initial::Initial;
use crate::ops::{self, Targets};
use crate::{Batch, Carried, CellKind, Loss, Network, Pass, RecurrentConfig};

impl CellKind {
    /// Matrices on top of each other in a layer's weights.
    pub(crate) fn gates(self) -> usize {
        match self {
            Self::Rnn => 1,
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }

    /// Vectors in a layer's state: h, and c for an LSTM.
    pub(crate) fn states(self) -> usize {
        match self {
            Self::Rnn | Self::Gru => 1,
            Self::Lstm => 2,
        }
    }
}

/// The weights of one layer in one direction.
#[derive(Module, Debug)]
pub(crate) struct Layer {
    /// `[G·H, inputs]`.
    pub(crate) weight_ih: Param<Tensor<2>>,
    /// `[G·H, H]`.
    pub(crate) weight_hh: Param<Tensor<2>>,
    /// `[G·H]`.
    pub(crate) bias_ih: Param<Tensor<1>>,
    /// `[G·H]`.
    pub(crate) bias_hh: Param<Tensor<1>>,
}

impl Layer {
    pub(crate) fn new(cell: CellKind, inputs: usize, hidden: usize, initial: &Initial<'_>) -> Self {
        let gates = cell.gates();
        let mut bias = vec![0.0; gates * hidden];
        if cell == CellKind::Lstm {
            bias[hidden..2 * hidden].fill(1.0);
        }
        Self {
            weight_ih: initial.xavier("weight_ih", [gates * hidden, inputs], gates),
            weight_hh: initial.orthogonal("weight_hh", hidden, gates),
            bias_ih: initial.vector(bias),
            bias_hh: initial.constant(gates * hidden, 0.0),
        }
    }

    /// The tensors for a pass.
    pub(crate) fn weights(&self, pass: &Pass) -> ops::LayerWeights {
        ops::LayerWeights {
            w_ih: pass.weight(&self.weight_ih),
            w_hh: pass.weight(&self.weight_hh),
            b_ih: pass.weight(&self.bias_ih),
            b_hh: pass.weight(&self.bias_hh),
        }
    }
}

/// A language model of recurrent layers.
#[derive(Module, Debug)]
pub struct RecurrentModel {
    /// `[V, E]`.
    embedding: Param<Tensor<2>>,
    /// From the bottom up.
    rnn: Vec<Layer>,
    output: Output,
    #[module(skip)]
    cell: CellKind,
    #[module(skip)]
    config: RecurrentConfig,
}

/// The projection to the vocabulary.
#[derive(Module, Debug)]
pub(crate) struct Output {
    /// `[V, H]`; the embedding where there is none.
    pub(crate) weight: Option<Param<Tensor<2>>>,
    /// `[V]`.
    pub(crate) bias: Param<Tensor<1>>,
}

impl RecurrentModel {
    /// A new model; the configuration is possible.
    pub(crate) fn new(cell: CellKind, config: &RecurrentConfig, seed: u64, device: &Device) -> Self {
        let initial = Initial::new(seed, device);
        let RecurrentConfig { vocab_size, d_embedding, d_hidden, n_layers, .. } = *config;
        let layer = |k: usize| {
            let inputs = if k == 0 { d_embedding } else { d_hidden };
            Layer::new(cell, inputs, d_hidden, &initial.part("rnn").part(&k.to_string()))
        };
        Self {
            embedding: embedding(&initial, [vocab_size, d_embedding], config.tie_embeddings),
            rnn: (0..n_layers).map(layer).collect(),
            output: Output {
                weight: (!config.tie_embeddings).then(|| initial.xavier("output", [vocab_size, d_hidden], 1)),
                bias: initial.constant(vocab_size, 0.0),
            },
            cell,
            config: config.clone(),
        }
    }

    /// What goes into the output projection: `[steps · rows, H]`, time-major.
    fn hidden(&self, batch: &Batch, pass: &mut Pass) -> Tensor<2> {
        let Batch::Text { tokens, continues } = batch else {
            panic!("a language model is trained on plain text, not on pairs");
        };
        let (rows, steps) = (tokens.rows, tokens.columns.saturating_sub(1));
        let before = if *continues { pass.carried.take() } else { None };
        if let Some(before) = &before {
            assert_eq!(before.rows, rows, "the state goes on with as many rows as before");
        }
        let ids = (0..steps).flat_map(|t| (0..rows).map(move |row| tokens.row(row)[t])).collect();
        let embedding = pass.weight(&self.embedding);
        let device = embedding.device();
        let mut x = ops::embed(embedding, ids); // [steps · rows, E]
        x = ops::dropout(x, self.config.dropout, pass.chance(0));
        let mut after = Carried { rows, layers: Vec::new() };
        for (k, layer) in self.rnn.iter().enumerate() {
            let state = before.as_ref().map(|before| before.layers[k].as_slice());
            let state = initial_state(self.cell, state, [rows, self.config.d_hidden], &device);
            let run = ops::Run::whole(self.cell, steps, rows);
            let (h, last) = ops::recur(&run, x, state, layer.weights(pass));
            after.layers.push(last.into_iter().flat_map(to_host).collect());
            x = ops::dropout(h, self.config.dropout, pass.chance(1 + k as u64));
        }
        pass.carried = Some(after);
        x
    }

    fn output_weights(&self, pass: &Pass) -> (Tensor<2>, Tensor<1>) {
        let weight = self.output.weight.as_ref().unwrap_or(&self.embedding);
        (pass.weight(weight), pass.weight(&self.output.bias))
    }
}

/// An embedding table `[V, E]` that begins with numbers of deviation 1, as the weights that are multiplied by it expect; with a smaller one a GRU
/// hardly hears its input beside its state, and takes four times as long to a given loss. A table that is the output projection besides begins
/// with logits of deviation 1 instead.
pub(crate) fn embedding(initial: &Initial<'_>, shape: [usize; 2], tied: bool) -> Param<Tensor<2>> {
    let deviation = if tied { (shape[1] as f32).sqrt().recip() } else { 1.0 };
    initial.normal("embedding", shape, deviation)
}

/// The state before the first step: what is given, or zeros.
pub(crate) fn initial_state(
    cell: CellKind,
    given: Option<&[f32]>,
    shape: [usize; 2],
    device: &Device,
) -> Vec<Tensor<2>> {
    let size = shape[0] * shape[1];
    let from = |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), shape), device);
    match given {
        Some(given) => given.chunks_exact(size).map(from).collect(),
        None => (0..cell.states()).map(|_| Tensor::zeros(shape, device)).collect(),
    }
}

fn to_host(tensor: Tensor<2>) -> Vec<f32> {
    tensor.inner().into_data().try_into_vec().expect("states are f32")
}

impl Network for RecurrentModel {
    fn loss(&self, batch: &Batch, pass: &mut Pass) -> Loss {
        let hidden = self.hidden(batch, pass);
        let (weight, bias) = self.output_weights(pass);
        ops::cross_entropy(
            hidden,
            weight,
            Some(bias),
            Targets::time_major(batch.targets()),
            pass.label_smoothing,
        )
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
        layer_name(path)
    }
}

/// `rnn.0.weight_ih` is called `rnn.weight_ih_l0`, as PyTorch calls it, and `embedding` `embedding.weight`.
pub(crate) fn layer_name(path: &str) -> String {
    let parts: Vec<&str> = path.split('.').collect();
    match parts[..] {
        [stack, layer, weight] => format!("{stack}.{weight}_l{layer}"),
        [table] => format!("{table}.weight"),
        _ => path.to_owned(),
    }
}
