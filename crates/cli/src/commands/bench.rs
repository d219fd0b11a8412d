//! `papo bench`: the same work several times, measured.
//!
//! The work is what the flags say and nothing else: input ids are arbitrary but always the same, the end token cannot
//! come before the last step, and the checkpoint's own options (beams, n-gram bans …) do not apply. So figures of
//! different programs and models can be laid side by side.

use std::time::{Duration, Instant};

use indicatif::HumanCount;
use papo::{GenerationConfig, ModelRef, TokenId, built_in};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::language::{label, sentence};
use crate::loading::{load_network, refuse_idle_options};
use crate::memory::peak_resident_bytes;
use crate::request::{Bench, Format};
use crate::terminal::{Notes, Output};

/// One measured run.
#[derive(Serialize)]
struct Run {
    tokens_per_s: f64,
    first_token_ms: f64,
    encode_ms: f64,
    total_ms: f64,
}

/// What is printed: medians over the runs, the runs, and what was measured.
#[derive(Serialize)]
struct Figures {
    model: String,
    dtype: &'static str,
    kernels: String,
    threads: usize,
    input_tokens: usize,
    new_tokens: usize,
    batch: usize,
    beams: usize,
    /// Tokens of all returned sequences of one run.
    made_tokens: usize,
    tokens_per_s: f64,
    first_token_ms: f64,
    encode_ms: f64,
    total_ms: f64,
    load_ms: f64,
    peak_rss_bytes: Option<u64>,
    weight_bytes_per_step: usize,
    parameters: usize,
    runs: Vec<Run>,
}

/// Loads the model, warms up, measures and prints.
pub fn run(request: Bench, notes: Notes) -> Outcome {
    let name = match &request.model {
        Some(name) => ModelRef::parse(name)?.name(),
        None => built_in::default_model()?.name.to_owned(),
    };
    let begin = Instant::now();
    let model = load_network(request.model.as_deref(), &request.loading, notes)?;
    let load_time = begin.elapsed();
    let network = model.network();
    let sources = sources(&request, papo::generate::LanguageModel::vocab_size(network));
    let config = config(&request, model.generation_config());
    refuse_idle_options(&request.config, &config)?;
    let mut made_tokens = 0;
    let mut measure = || -> Result<Run, Failure> {
        let generated = papo::generate::generate(network, &sources, &config)?;
        let expected = generated.sequences.len() * request.new_tokens;
        if generated.new_tokens != expected {
            return Err(Failure::new(format_args!(
                "the options ended the replies after {} tokens instead of {expected}, so the figures would mean \
                 nothing; leave out the options that end a reply",
                generated.new_tokens
            )));
        }
        made_tokens = generated.new_tokens;
        Ok(Run {
            tokens_per_s: generated.new_tokens as f64 / generated.total_time.as_secs_f64(),
            first_token_ms: milliseconds(generated.first_token_time),
            encode_ms: milliseconds(generated.encode_time),
            total_ms: milliseconds(generated.total_time),
        })
    };
    measure()?;
    let runs = (0..request.runs).map(|_| measure()).collect::<Result<Vec<_>, _>>()?;
    let figures = Figures {
        model: name,
        dtype: request.loading.dtype_name(),
        kernels: network.compute().map_or("no", |compute| compute.kernels().name()).to_owned(),
        threads: network.compute().map_or(1, |compute| compute.threads()),
        input_tokens: request.input_tokens,
        new_tokens: request.new_tokens,
        batch: request.batch,
        beams: request.beams,
        made_tokens,
        tokens_per_s: median(&runs, |run| run.tokens_per_s),
        first_token_ms: median(&runs, |run| run.first_token_ms),
        encode_ms: median(&runs, |run| run.encode_ms),
        total_ms: median(&runs, |run| run.total_ms),
        load_ms: milliseconds(load_time),
        peak_rss_bytes: peak_resident_bytes(),
        weight_bytes_per_step: network.weight_bytes_per_step(),
        parameters: network.parameters(),
        runs,
    };
    let mut output = Output::standard();
    match request.format {
        Format::Json => output.line(serde_json::to_string(&figures)?)?,
        Format::Text => print_table(&mut output, &figures)?,
    }
    output.flush()
}

/// Ids that mean nothing, spread over the vocabulary, and different in each row.
fn sources(request: &Bench, vocabulary: usize) -> Vec<Vec<TokenId>> {
    let id = |i: usize| ((100 + (i * 7919) % 7000) % vocabulary) as TokenId;
    (0..request.batch)
        .map(|row| (0..request.input_tokens).map(|column| id(row * request.input_tokens + column)).collect())
        .collect()
}

/// The options of the command line over nothing but the checkpoint's special tokens, with the exact length on top.
fn config(request: &Bench, own: &GenerationConfig) -> GenerationConfig {
    let special = GenerationConfig {
        decoder_start_token_id: own.decoder_start_token_id,
        bos_token_id: own.bos_token_id,
        eos_token_id: own.eos_token_id.clone(),
        pad_token_id: own.pad_token_id,
        ..GenerationConfig::default()
    };
    let exact = GenerationConfig {
        num_beams: Some(request.beams),
        max_new_tokens: Some(request.new_tokens),
        min_new_tokens: Some(request.new_tokens),
        ..GenerationConfig::default()
    };
    special.merged(&request.config).merged(&exact)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The middle of the runs by one figure; of an even number the mean of the two in the middle.
fn median(runs: &[Run], figure: impl Fn(&Run) -> f64) -> f64 {
    let mut figures: Vec<f64> = runs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 { figures[middle] } else { (figures[middle - 1] + figures[middle]) / 2.0 }
}

fn print_table(output: &mut Output, figures: &Figures) -> Outcome {
    let mebibytes = |bytes: f64| format!("{:.1} MiB", bytes / (1 << 20) as f64);
    let speeds = || figures.runs.iter().map(|run| run.tokens_per_s);
    let slowest = speeds().fold(f64::INFINITY, f64::min);
    let fastest = speeds().fold(0.0, f64::max);
    let search = if figures.beams == 1 { "greedy".to_owned() } else { format!("{} beams", figures.beams) };
    let rows = [
        ("model", format!("{}, {} parameters", figures.model, HumanCount(figures.parameters as u64))),
        (
            "work",
            format!(
                "{} × {} tokens in, {} out, {search}",
                figures.batch, figures.input_tokens, figures.new_tokens
            ),
        ),
        (
            "machine",
            format!("{} kernels, {} threads, weights in {}", figures.kernels, figures.threads, figures.dtype),
        ),
        (
            "speed",
            format!(
                "{:.1} tokens/s ({slowest:.1} to {fastest:.1} over {} runs)",
                figures.tokens_per_s,
                figures.runs.len()
            ),
        ),
        (
            "first token",
            format!(
                "{:.2} ms, of which reading the input {:.2} ms",
                figures.first_token_ms, figures.encode_ms
            ),
        ),
        ("loading", format!("{:.0} ms", figures.load_ms)),
        (
            "memory",
            format!(
                "{} at its peak, {} of weights read in each step",
                figures.peak_rss_bytes.map_or("unknown".to_owned(), |bytes| mebibytes(bytes as f64)),
                mebibytes(figures.weight_bytes_per_step as f64)
            ),
        ),
    ];
    rows.iter()
        .try_for_each(|(name, value)| output.line(format_args!("{:<12} {}", label(name), sentence(value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        let runs = |speeds: &[f64]| -> Vec<Run> {
            let run =
                |&speed| Run { tokens_per_s: speed, first_token_ms: 0.0, encode_ms: 0.0, total_ms: 0.0 };
            speeds.iter().map(run).collect()
        };
        assert_eq!(median(&runs(&[9.0, 1.0, 2.0]), |run| run.tokens_per_s), 2.0);
        assert_eq!(median(&runs(&[9.0, 1.0, 2.0, 4.0]), |run| run.tokens_per_s), 3.0);
    }
}
