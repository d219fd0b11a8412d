//! The transformer: Vaswani et al., "Attention Is All You Need" (NeurIPS 2017), as it stands in the paper.
//!
//! ```text
//! Attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V          in each of h heads, d_k = d_model / h
//! FFN(x)             = max(0, x W_1 + b_1) W_2 + b_2
//! each sub-layer     LayerNorm(x + Dropout(Sublayer(x)))
//! PE(pos, 2i)        = sin(pos / 10000^(2i/d_model)),  PE(pos, 2i+1) = cos(…)
//! input              Dropout(√d_model · E[token] + PE(pos))
//! ```
//!
//! No recurrence: every position sees every other at once, in the decoder every earlier one. Fields are named as in a Marian checkpoint, which is this very
//! network (its sines stand in the first half of a position, its cosines in the second); embeddings and output projection are one table.
//!
//! Rows of a batch are not filled up: the tokens of all rows stand one after another, `[tokens, d_model]`, and only attention (`ops/attention.rs`)
//! knows where a row begins.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::config::TransformerConfig;
use crate::initial::Initial;
use crate::ops::{self, Attention, Looks, Residual, Targets};
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

#[derive(Module, Debug)]
struct LayerNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
}

impl LayerNorm {
    fn new(width: usize, initial: &Initial<'_>) -> Self {
        Self { weight: initial.constant(width, 1.0), bias: initial.constant(width, 0.0) }
    }

    /// LayerNorm(x + Dropout(y)).
    fn join(&self, x: Tensor<2>, y: Tensor<2>, place: &Place<'_>, site: u64) -> Tensor<2> {
        let residual = Residual { p: place.dropout, chance: place.pass.chance(place.site + site) };
        let (weight, bias) = (place.pass.weight(&self.weight), place.pass.weight(&self.bias));
        ops::join(residual, x, y, weight, bias)
    }
}

/// Where in the network a block stands, for its dropout.
struct Place<'a> {
    pass: &'a Pass,
    dropout: f64,
    site: u64,
}

#[derive(Module, Debug)]
struct MultiHead {
    k_proj: Affine,
    v_proj: Affine,
    q_proj: Affine,
    out_proj: Affine,
}

impl MultiHead {
    fn new(d_model: usize, initial: &Initial<'_>) -> Self {
        let square = |name: &str| Affine::new(name, d_model, d_model, initial);
        Self {
            k_proj: square("k_proj"),
            v_proj: square("v_proj"),
            q_proj: square("q_proj"),
            out_proj: square("out_proj"),
        }
    }

    /// Attention of `x`, `[queries, d_model]`, over `memory`, `[keys, d_model]`.
    fn forward(&self, x: Tensor<2>, memory: Tensor<2>, attention: Attention, pass: &Pass) -> Tensor<2> {
        let q = self.q_proj.forward(x, pass);
        let k = self.k_proj.forward(memory.clone(), pass);
        let v = self.v_proj.forward(memory, pass);
        self.out_proj.forward(ops::attend(attention, q, k, v), pass)
    }
}

#[derive(Module, Debug)]
struct EncoderLayer {
    self_attn: MultiHead,
    self_attn_layer_norm: LayerNorm,
    fc1: Affine,
    fc2: Affine,
    final_layer_norm: LayerNorm,
}

#[derive(Module, Debug)]
struct DecoderLayer {
    self_attn: MultiHead,
    self_attn_layer_norm: LayerNorm,
    encoder_attn: MultiHead,
    encoder_attn_layer_norm: LayerNorm,
    fc1: Affine,
    fc2: Affine,
    final_layer_norm: LayerNorm,
}

fn feed_forward(fc1: &Affine, fc2: &Affine, x: Tensor<2>, pass: &Pass) -> Tensor<2> {
    let inner = ops::linear_relu(x, pass.weight(&fc1.weight), pass.weight(&fc1.bias));
    fc2.forward(inner, pass)
}

#[derive(Module, Debug)]
struct Table {
    /// `[V, d_model]`.
    weight: Param<Tensor<2>>,
}

#[derive(Module, Debug)]
struct Encoder {
    layers: Vec<EncoderLayer>,
}

#[derive(Module, Debug)]
struct Decoder {
    layers: Vec<DecoderLayer>,
}

#[derive(Module, Debug)]
struct Body {
    shared: Table,
    encoder: Encoder,
    decoder: Decoder,
}

/// The network.
#[derive(Module, Debug)]
pub struct Transformer {
    model: Body,
    #[module(skip)]
    config: TransformerConfig,
}

/// Sites of dropout; a block has ten.
const SOURCE: u64 = 0;
const TARGET: u64 = 1;
const ENCODER: u64 = 1_000;
const DECODER: u64 = 100_000;

impl Transformer {
    /// A new network; the configuration is possible.
    pub(crate) fn new(config: &TransformerConfig, seed: u64, device: &Device) -> Self {
        let initial = Initial::new(seed, device);
        let d = config.d_model;
        let encoder_layer = |k: usize| {
            let initial = initial.part("encoder").part(&k.to_string());
            EncoderLayer {
                self_attn: MultiHead::new(d, &initial.part("self")),
                self_attn_layer_norm: LayerNorm::new(d, &initial),
                fc1: Affine::new("fc1", config.encoder_ffn_dim, d, &initial),
                fc2: Affine::new("fc2", d, config.encoder_ffn_dim, &initial),
                final_layer_norm: LayerNorm::new(d, &initial),
            }
        };
        let decoder_layer = |k: usize| {
            let initial = initial.part("decoder").part(&k.to_string());
            DecoderLayer {
                self_attn: MultiHead::new(d, &initial.part("self")),
                self_attn_layer_norm: LayerNorm::new(d, &initial),
                encoder_attn: MultiHead::new(d, &initial.part("cross")),
                encoder_attn_layer_norm: LayerNorm::new(d, &initial),
                fc1: Affine::new("fc1", config.decoder_ffn_dim, d, &initial),
                fc2: Affine::new("fc2", d, config.decoder_ffn_dim, &initial),
                final_layer_norm: LayerNorm::new(d, &initial),
            }
        };
        let deviation = (d as f32).sqrt().recip();
        Self {
            model: Body {
                shared: Table { weight: initial.normal("shared", [config.vocab_size, d], deviation) },
                encoder: Encoder { layers: (0..config.encoder_layers).map(encoder_layer).collect() },
                decoder: Decoder { layers: (0..config.decoder_layers).map(decoder_layer).collect() },
            },
            config: config.clone(),
        }
    }

    /// Dropout(√d_model · E\[token\] + PE(pos)) of rows of `lengths` tokens: `[tokens, d_model]`.
    fn embed(&self, grid: &Grid, lengths: &[usize], site: u64, pass: &Pass) -> Tensor<2> {
        let longest = lengths.iter().copied().max().unwrap_or(0);
        assert!(
            longest <= self.config.max_position_embeddings,
            "a row of {longest} tokens, where the network has {} positions",
            self.config.max_position_embeddings
        );
        let rows = || lengths.iter().enumerate();
        let ids = rows().flat_map(|(row, &length)| grid.row(row)[..length].iter().copied()).collect();
        let d = self.config.d_model;
        let sines = sines(longest, d);
        let positions = rows().flat_map(|(_, &length)| sines[..length * d].iter().copied()).collect();
        let scale = (d as f32).sqrt();
        let table = pass.weight(&self.model.shared.weight);
        let x = ops::embed_at(table, ids, scale, positions, self.config.pad_token_id);
        ops::dropout(x, self.config.dropout, pass.chance(site))
    }

    /// The decoder's output: `[target tokens, d_model]`, the last column of each row left out.
    fn hidden(&self, batch: &Batch, pass: &Pass) -> Tensor<2> {
        let Batch::Pairs { sources, targets } = batch else {
            panic!("an encoder-decoder is trained on pairs, not on plain text");
        };
        let source_lengths = &sources.lengths;
        let target_lengths = target_lengths(targets);
        let place = |site| Place { pass, dropout: self.config.dropout, site };
        let look = |queries: &[usize], keys: &[usize], heads: usize, looks: Looks| Attention {
            heads,
            queries: queries.to_vec(),
            keys: keys.to_vec(),
            looks,
        };

        let heads = self.config.encoder_attention_heads;
        let mut x = self.embed(sources, source_lengths, SOURCE, pass);
        for (k, layer) in self.model.encoder.layers.iter().enumerate() {
            let place = place(ENCODER + 10 * k as u64);
            let attention = look(source_lengths, source_lengths, heads, Looks::Everywhere);
            let y = layer.self_attn.forward(x.clone(), x.clone(), attention, pass);
            x = layer.self_attn_layer_norm.join(x, y, &place, 0);
            let y = feed_forward(&layer.fc1, &layer.fc2, x.clone(), pass);
            x = layer.final_layer_norm.join(x, y, &place, 1);
        }
        let memory = x;

        let heads = self.config.decoder_attention_heads;
        let mut x = self.embed(targets, &target_lengths, TARGET, pass);
        for (k, layer) in self.model.decoder.layers.iter().enumerate() {
            let place = place(DECODER + 10 * k as u64);
            let attention = look(&target_lengths, &target_lengths, heads, Looks::Back);
            let y = layer.self_attn.forward(x.clone(), x.clone(), attention, pass);
            x = layer.self_attn_layer_norm.join(x, y, &place, 0);
            let attention = look(&target_lengths, source_lengths, heads, Looks::Everywhere);
            let y = layer.encoder_attn.forward(x.clone(), memory.clone(), attention, pass);
            x = layer.encoder_attn_layer_norm.join(x, y, &place, 1);
            let y = feed_forward(&layer.fc1, &layer.fc2, x.clone(), pass);
            x = layer.final_layer_norm.join(x, y, &place, 2);
        }
        x
    }
}

/// The tokens of each row that the decoder reads: all but the last.
fn target_lengths(targets: &Grid) -> Vec<usize> {
    targets.lengths.iter().map(|length| length.saturating_sub(1)).collect()
}

/// PE of the first positions, sines in the first half and cosines in the second: `[positions, d_model]`.
fn sines(positions: usize, d_model: usize) -> Vec<f32> {
    let half = d_model / 2;
    let mut table = vec![0.0; positions * d_model];
    for (position, row) in table.chunks_exact_mut(d_model).enumerate() {
        for i in 0..half {
            let angle = position as f64 / 10_000f64.powf(2.0 * i as f64 / d_model as f64);
            row[i] = angle.sin() as f32;
            row[half + i] = angle.cos() as f32;
        }
    }
    table
}

impl Network for Transformer {
    fn loss(&self, batch: &Batch, pass: &mut Pass) -> Loss {
        let hidden = self.hidden(batch, pass);
        let targets = Targets::without_filling(batch.targets());
        let weight = pass.weight(&self.model.shared.weight);
        ops::cross_entropy(hidden, weight, None, targets, pass.label_smoothing)
    }

    fn logits(&self, batch: &Batch, pass: &mut Pass) -> Tensor<3> {
        let hidden = self.hidden(batch, pass);
        let logits = ops::linear(hidden, pass.weight(&self.model.shared.weight), None); // [tokens, V]
        // Back to rows of one length; what fills them up repeats a row's last logits.
        let lengths = target_lengths(batch.targets());
        let steps = lengths.iter().copied().max().unwrap_or(0);
        let mut first = 0;
        let mut places = Vec::with_capacity(lengths.len() * steps);
        for &length in &lengths {
            places.extend((0..steps).map(|t| (first + t.min(length.saturating_sub(1))) as i64));
            first += length;
        }
        let count = places.len();
        let places: Tensor<1, Int> = Tensor::from_data(TensorData::new(places, [count]), &logits.device());
        let vocabulary = logits.dims()[1];
        logits.select(0, places).reshape([lengths.len(), steps, vocabulary])
    }

    fn checkpoint_name(path: &str) -> String {
        path.to_owned()
    }
}
