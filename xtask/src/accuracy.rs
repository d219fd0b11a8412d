//! docs/accuracy.md: what rounding weights to eight and four bits costs.
//!
//! A model with rounded weights reads the same texts as the model itself, and at every token both say what they expect next: held-out dialogues or
//! translations for models that were trained on such data, for all others (checkpoints of random weights in true shapes, say) what the model itself
//! writes after arbitrary ids.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use papo::eval::{Agreement, EvaluationOptions, Sample, Sampler, agreement, evaluate};
use papo::network::Task;
use papo::tokenizer::LetterCase;
use papo::{ChatModel, GenerationConfig, LoadOptions, PretrainedModel, TokenId, WeightDtype};
use papo_data::{DataFile, DataFormat, Documents, Reading};

/// Texts that are read: lines of dialogues, or pairs.
const LINES: usize = 400;
/// Texts that are read together.
const BATCH: usize = 16;
/// Of a model without data: how many sources it is given, and how many ids each.
const SOURCES: [u32; 2] = [8, 20];
/// Tokens that it then writes.
const WRITTEN: &str = "48";
const DTYPES: [(WeightDtype, &str); 2] = [(WeightDtype::Int8, "int8"), (WeightDtype::Int4, "int4")];

/// Where held-out data is.
pub struct Data {
    /// A file of dialogues.
    pub dialogues: Option<PathBuf>,
    /// A file of pairs.
    pub pairs: Option<PathBuf>,
}

/// A line of the table.
struct Row {
    model: String,
    dtype: &'static str,
    bytes: usize,
    bytes_f32: usize,
    agreement: Agreement,
    text: &'static str,
    bleu: Option<(f64, f64)>,
}

/// Measures the models, names or folders, and writes the page.
pub fn write(models: &[String], data: &Data, out: &Path) -> Result<()> {
    if models.is_empty() {
        bail!("name the models to measure; the built-in ones are rnn, lstm, gru, seq2seq and transformer");
    }
    let mut rows = Vec::new();
    for name in models {
        eprintln!("{name}");
        rows.extend(measure(name, data).with_context(|| name.clone())?);
    }
    std::fs::write(out, page(&rows)).with_context(|| out.display().to_string())?;
    Ok(())
}

fn measure(name: &str, data: &Data) -> Result<Vec<Row>> {
    let load =
        |dtype| PretrainedModel::from_pretrained(name, &LoadOptions { dtype, ..LoadOptions::default() });
    let exact = load(WeightDtype::F32)?;
    let (samples, text) = match (exact.training().task, &data.dialogues, &data.pairs) {
        (Some(Task::Dialogue), Some(file), _) => {
            (read(name, file, DataFormat::Dialogues)?, "held-out dialogues")
        }
        (Some(Task::Pairs), _, Some(file)) => (read(name, file, DataFormat::Pairs)?, "held-out translations"),
        _ => (made(&exact)?, "its own text after arbitrary ids"),
    };
    let pairs = data.pairs.as_ref().filter(|_| exact.training().task == Some(Task::Pairs));
    let bleu_exact = pairs.map(|file| bleu(name, WeightDtype::F32, file)).transpose()?;
    let settings = exact.generation_config();
    let start = settings.decoder_start_token_id.or(settings.bos_token_id).context("no start token")?;
    let mut rows = Vec::new();
    for (dtype, dtype_name) in DTYPES {
        let rounded = load(dtype)?;
        let mut sum = Agreement::default();
        for batch in samples.chunks(BATCH) {
            sum += agreement(exact.network(), rounded.network(), start, batch)?;
        }
        let bleu = match (pairs, bleu_exact) {
            (Some(file), Some(exact)) => Some((exact, bleu(name, dtype, file)?)),
            _ => None,
        };
        rows.push(Row {
            model: Path::new(name)
                .file_name()
                .map_or(name.into(), |name| name.to_string_lossy().into_owned()),
            dtype: dtype_name,
            bytes: rounded.network().weight_bytes_per_step(),
            bytes_f32: exact.network().weight_bytes_per_step(),
            agreement: sum,
            text,
            bleu,
        });
    }
    Ok(rows)
}

/// The texts of a file, as ids.
fn read(name: &str, file: &Path, holds: DataFormat) -> Result<Vec<Sample>> {
    let model = ChatModel::load(name, &LoadOptions::default())?;
    let sampler = Sampler::new(&model)?;
    let mut samples = Vec::new();
    for document in Documents::open(&data_file(file, holds), Reading::default())?.take(LINES) {
        samples.extend(sampler.replies(&document?)?);
    }
    // Texts of like length together.
    samples.sort_by_key(|sample| (sample.target.len(), sample.source.len()));
    Ok(samples)
}

/// What the model itself writes after arbitrary ids, the likeliest token each time.
fn made(model: &PretrainedModel) -> Result<Vec<Sample>> {
    let [count, width] = SOURCES;
    let sources: Vec<Vec<TokenId>> =
        (0..count).map(|i| (0..width).map(|j| 100 + (i * width + j) * 7919 % 900).collect()).collect();
    let mut config = GenerationConfig::default();
    for (option, value) in
        [("num_beams", "1"), ("do_sample", "false"), ("min_new_tokens", WRITTEN), ("max_new_tokens", WRITTEN)]
    {
        config.set(option, value)?;
    }
    let generated = model.generate_batch(&sources, &config)?;
    Ok(sources
        .into_iter()
        .zip(generated.sequences)
        .map(|(source, sequence)| Sample {
            source,
            target: sequence.tokens[1..].to_vec(),
            ..Sample::default()
        })
        .collect())
}

fn bleu(name: &str, dtype: WeightDtype, file: &Path) -> Result<f64> {
    let model = ChatModel::load(name, &LoadOptions { dtype, ..LoadOptions::default() })?;
    let mut config = GenerationConfig::default();
    for (option, value) in [("num_beams", "5"), ("max_new_tokens", "60")] {
        config.set(option, value)?;
    }
    let options = EvaluationOptions {
        unit: None,
        reading: Reading::default(),
        limit: usize::MAX,
        batch: BATCH,
        case: LetterCase::Lower,
        config,
    };
    let translations =
        evaluate(&model, &[data_file(file, DataFormat::Pairs)], &options, None, &|_| ())?.translations;
    Ok(translations.context("no pairs in the file")?.bleu.score)
}

fn data_file(path: &Path, holds: DataFormat) -> DataFile {
    DataFile { holds: Some(holds), ..DataFile::new(path) }
}

fn page(rows: &[Row]) -> String {
    let mut page = String::from(
        "# What rounding costs\n\n\
         A model whose weights are rounded to eight or four bits reads the same texts as the model itself, in f32, and at every token both say \
         what they expect next. *Same next token*: the share of tokens at which the likeliest one is the same. *Divergence*: Kullback–Leibler, in \
         nats, the mean over all tokens. *Of f32*: the bytes of weights that one step reads. BLEU is lower-cased, of translations by five beams.\n\n\
         With `int4` the token tables, the head and matrices of at most 65 536 weights stay in eight bits. Of `transformer` and `rnn` that is all \
         of them; `docs/kernels.md` has what four bits would cost.\n\n\
         Models that go on with their own text after arbitrary ids have random weights, in the true shapes: their next token hangs on so little \
         that bfloat16 changes it too (`papo generate bart-base --dtype bf16`). They show that every shape runs, not what a trained model loses.\n\n\
         `cargo run --release -p xtask -- accuracy MODEL… --dialogues FILE --pairs FILE` writes this page; nothing in it is typed by hand.\n\n\
         | model | weights | of f32 | same next token | divergence | BLEU, f32 → rounded | on |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let Row { model, dtype, bytes, bytes_f32, agreement, text, bleu } = row;
        let bleu = bleu.map_or("–".to_owned(), |(exact, rounded)| format!("{exact:.2} → {rounded:.2}"));
        let _ = writeln!(
            page,
            "| `{model}` | {dtype} | {:.0} % | {:.2} % | {:.5} | {bleu} | {} tokens of {text} |",
            *bytes as f64 / *bytes_f32 as f64 * 100.0,
            agreement.same_share() * 100.0,
            agreement.mean_divergence(),
            agreement.tokens,
        );
    }
    page
}
