//! candle's T5 behind the line protocol of `tools/peers/worker.py`.
//!
//!     candle_t5 serve CONFIG WEIGHTS     WEIGHTS: model.safetensors (f32), or a .gguf file (q8_0)
//!     candle_t5 quantize IN OUT          model.safetensors → .gguf: matrices in q8_0, all else in f32
//!
//! The loop is that of candle's own T5 example, with the cache; the end token is suppressed by leaving the first two ids out of the arg-max.

use std::fs::{self, File};
use std::io::{BufRead, Write};
use std::time::Instant;

use candle::quantized::{GgmlDType, QTensor, gguf_file};
use candle::{D, DType, Device, Tensor};
use candle_transformers::models::{quantized_t5, t5};
use candle_transformers::quantized_var_builder;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Pad and end: ids that are never chosen.
const SPECIAL: usize = 2;

enum Model {
    Exact(t5::T5ForConditionalGeneration),
    Rounded(quantized_t5::T5ForConditionalGeneration),
}

impl Model {
    fn load(config: &str, weights: &str) -> Result<Self> {
        let config = fs::read_to_string(config)?;
        if weights.ends_with(".gguf") {
            let weights = quantized_var_builder::VarBuilder::from_gguf(weights, &Device::Cpu)?;
            let config = serde_json::from_str(&config)?;
            return Ok(Self::Rounded(quantized_t5::T5ForConditionalGeneration::load(weights, &config)?));
        }
        // SAFETY: nobody changes the file while it is mapped.
        let weights =
            unsafe { candle_nn::VarBuilder::from_mmaped_safetensors(&[weights], DType::F32, &Device::Cpu)? };
        Ok(Self::Exact(t5::T5ForConditionalGeneration::load(weights, &serde_json::from_str(&config)?)?))
    }

    fn encode(&mut self, ids: &Tensor) -> candle::Result<Tensor> {
        match self {
            Self::Exact(model) => model.encode(ids),
            Self::Rounded(model) => model.encode(ids),
        }
    }

    fn decode(&mut self, last: &Tensor, encoded: &Tensor) -> candle::Result<Tensor> {
        match self {
            Self::Exact(model) => model.decode(last, encoded),
            Self::Rounded(model) => model.decode(last, encoded),
        }
    }

    fn forget(&mut self) {
        match self {
            Self::Exact(model) => model.clear_kv_cache(),
            Self::Rounded(model) => model.clear_kv_cache(),
        }
    }

    /// Seconds of one greedy generation.
    fn generate(&mut self, batch: usize, input: usize, new: usize) -> Result<f64> {
        let ids: Vec<u32> = (0..batch * input).map(|i| 100 + (i as u32 * 7919) % 7000).collect();
        let start = Instant::now();
        self.forget();
        let encoded = self.encode(&Tensor::from_vec(ids, (batch, input), &Device::Cpu)?)?; // [batch, input, d_model]
        let mut last = Tensor::zeros((batch, 1), DType::U32, &Device::Cpu)?;
        for _ in 0..new {
            let logits = self.decode(&last, &encoded)?; // [batch, vocabulary]
            let allowed = logits.narrow(D::Minus1, SPECIAL, logits.dim(D::Minus1)? - SPECIAL)?;
            let best = (allowed.argmax(D::Minus1)?.to_dtype(DType::F64)? + SPECIAL as f64)?;
            last = best.to_dtype(DType::U32)?.reshape((batch, 1))?;
        }
        last.to_vec2::<u32>()?;
        Ok(start.elapsed().as_secs_f64())
    }
}

fn say(answer: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}

fn serve(config: &str, weights: &str) -> Result<()> {
    say(&json!({"ready": true}))?;
    let mut model = None;
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        if request.get("load").is_some() {
            let start = Instant::now();
            model = Some(Model::load(config, weights)?);
            say(&json!({"load_s": start.elapsed().as_secs_f64(), "versions": {"candle": version()}}))?;
            continue;
        }
        let number =
            |name: &str| request[name].as_u64().map(|n| n as usize).ok_or(format!("{name} is missing"));
        let (batch, input, new) = (number("batch")?, number("input")?, number("new")?);
        if number("beams")? != 1 {
            return Err("candle's T5 has no beams".into());
        }
        let seconds = model.as_mut().ok_or("not loaded")?.generate(batch, input, new)?;
        say(&json!({"seconds": seconds, "tokens": batch * new}))?;
    }
    Ok(())
}

/// The version of candle that this program was built with.
fn version() -> &'static str {
    let after = include_str!("../../Cargo.lock").split("name = \"candle-core\"\nversion = \"").nth(1);
    after.and_then(|rest| rest.split('"').next()).unwrap_or("unknown")
}

fn quantize(from: &str, to: &str) -> Result<()> {
    let mut tensors = Vec::new();
    for (name, tensor) in candle::safetensors::load(from, &Device::Cpu)? {
        let is_matrix = tensor.rank() == 2 && tensor.dim(1)? % GgmlDType::Q8_0.block_size() == 0;
        let dtype = if is_matrix { GgmlDType::Q8_0 } else { GgmlDType::F32 };
        tensors.push((name, QTensor::quantize(&tensor, dtype)?));
    }
    let named: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    Ok(gguf_file::write(&mut File::create(to)?, &[], &named)?)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", config, weights] => serve(config, weights),
        ["quantize", from, to] => quantize(from, to),
        _ => Err("usage: candle_t5 serve CONFIG WEIGHTS | candle_t5 quantize IN OUT".into()),
    }
}
