//! `papo show`: what a model is, told from its files without loading its weights.

use std::io;
use std::path::Path;

use indicatif::{HumanBytes, HumanCount};
use papo::ModelRef;
use papo::description::{Description, NgramShape, RetrievalShape, Shape};
use papo::files::ModelFiles;
use papo::network::{Architecture, RecurrentSpec, Seq2SeqSpec, Spec, StackShape};
use papo_ngram::{ArpaWriter, Layout};
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};
use crate::language::{label, sentence};
use crate::output_file::{ExistingFile, OutputFile};
use crate::request::{Format, Show};
use crate::terminal::{Output, printable};

/// Describes one model.
pub fn run(request: Show) -> Outcome {
    let reference = match &request.model {
        Some(name) => ModelRef::parse(name)?,
        None => ModelRef::BuiltIn(papo::built_in::default_model()?),
    };
    // Looking at a model is no reason to download it.
    let files = reference.files_at_hand()?;
    if let Some(path) = &request.arpa {
        return write_arpa(&files, path, request.existing);
    }
    let description = Description::read(&files)?;
    let place = files.place().display().to_string();
    let mut output = Output::standard();
    match request.format {
        Format::Json => output.line(as_json(&reference.name(), &place, &description))?,
        Format::Text => print_table(&mut output, &reference.name(), &place, &description)?,
    }
    output.flush()
}

/// Writes the n-grams of the model to a file, or to standard output for `-`.
fn write_arpa(files: &ModelFiles, path: &Path, existing: ExistingFile) -> Outcome {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if path == Path::new("-") {
        let mut arpa = ArpaWriter::to(Box::new(io::stdout()), Path::new("standard output"), threads);
        let listed = papo::files::list_ngrams(files, &mut arpa)
            .map_err(Failure::from)
            .and_then(|()| Ok(arpa.finish()?));
        // Nobody may read to the end.
        return match listed {
            Err(Failure::Error(error)) if is_closed_pipe(&error) => Err(Failure::ClosedPipe),
            other => other,
        };
    }
    let place = OutputFile::claim(path, existing)?;
    let mut arpa = ArpaWriter::create(place.path(), threads)?;
    papo::files::list_ngrams(files, &mut arpa)?;
    Ok(arpa.finish()?)
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

fn as_json(name: &str, place: &str, description: &Description) -> Value {
    let files: Vec<Value> =
        description.files.iter().map(|(name, bytes)| json!({"name": name, "bytes": bytes})).collect();
    let mut shown = json!({
        "name": name,
        "place": place,
        "family": description.family,
        "model_type": description.model_type,
        "parameters": description.parameters,
        "dtypes": description.precisions,
        "generation_config": description.generation_config,
        "files": files,
    });
    if let (Value::Object(all), Value::Object(shape)) = (&mut shown, shape_as_json(&description.shape)) {
        all.extend(shape);
    }
    shown
}

/// The fields that depend on the kind of network.
fn shape_as_json(shape: &Shape) -> Value {
    match shape {
        Shape::Neural(architecture) => architecture_as_json(architecture),
        Shape::Ngram(NgramShape { counts, words, layout, quantised }) => json!({
            "order": counts.len(),
            "vocabulary": words,
            "ngrams": counts,
            "layout": name_of(*layout),
            "quantised_bits": quantised,
        }),
        Shape::Retrieval(RetrievalShape { replies, turns, words, vocabulary }) => json!({
            "replies": replies,
            "turns": turns,
            "words": words,
            "vocabulary": vocabulary,
        }),
    }
}

fn name_of(layout: Layout) -> &'static str {
    match layout {
        Layout::Trie => "trie",
        Layout::Hashed => "hashed",
    }
}

fn architecture_as_json(architecture: &Architecture) -> Value {
    let stack = |stack: &StackShape| json!({"layers": stack.layers, "heads": stack.heads.count, "d_head": stack.heads.size, "d_ff": stack.d_ff});
    match architecture {
        Architecture::EncoderDecoder(spec) => json!({
            "d_model": spec.d_model,
            "source_vocabulary": spec.source_vocabulary,
            "vocabulary": spec.target_vocabulary,
            "max_positions": spec.max_positions(),
            "encoder": stack(&spec.encoder),
            "decoder": stack(&spec.decoder),
        }),
        Architecture::RecurrentLm(RecurrentSpec {
            cell, vocabulary, d_embedding, d_hidden, layers, ..
        }) => json!({
            "cell": cell.to_string(),
            "vocabulary": vocabulary,
            "d_embedding": d_embedding,
            "d_hidden": d_hidden,
            "layers": layers,
        }),
        Architecture::RecurrentSeq2Seq(spec) => json!({
            "cell": spec.cell.to_string(),
            "attention": spec.attention.to_string(),
            "vocabulary": spec.vocabulary,
            "d_embedding": spec.d_embedding,
            "d_hidden": spec.d_hidden,
            "layers": spec.layers,
        }),
    }
}

/// The rows of the table that depend on the kind of network.
fn shape_as_rows(shape: &Shape) -> Vec<(&'static str, String)> {
    match shape {
        Shape::Neural(architecture) => architecture_as_rows(architecture),
        Shape::Ngram(NgramShape { counts, words, layout, quantised }) => {
            let counts: Vec<String> = counts.iter().map(|&count| HumanCount(count).to_string()).collect();
            let numbers = match quantised {
                Some(bits) => format!("numbers of {bits} bits"),
                None => "exact numbers".to_owned(),
            };
            vec![
                ("order", format!("{}, {} words in the vocabulary", counts.len(), HumanCount(*words as u64))),
                ("n-grams", format!("{} by order", counts.join(" + "))),
                ("layout", format!("{}, {}", name_of(*layout), sentence(&numbers))),
            ]
        }
        Shape::Retrieval(RetrievalShape { replies, turns, words, vocabulary }) => vec![
            ("width", format!("{vocabulary} tokens in the vocabulary, any number of tokens")),
            (
                "replies",
                format!(
                    "{} to {} turns, with {} different words",
                    HumanCount(*replies as u64),
                    HumanCount(*turns as u64),
                    HumanCount(*words as u64)
                ),
            ),
        ],
    }
}

fn architecture_as_rows(architecture: &Architecture) -> Vec<(&'static str, String)> {
    match architecture {
        Architecture::EncoderDecoder(spec) => {
            let Spec { d_model, target_vocabulary, encoder, decoder, .. } = spec;
            let positions = match spec.max_positions() {
                Some(most) => format!("at most {most} tokens in, and as many out"),
                None => "any number of tokens".to_owned(),
            };
            let stack = |stack: &StackShape| {
                format!(
                    "{} layers of {} heads × {}, {} wide inside",
                    stack.layers, stack.heads.count, stack.heads.size, stack.d_ff
                )
            };
            vec![
                ("width", format!("{d_model}, {target_vocabulary} tokens in the vocabulary, {positions}")),
                ("encoder", stack(encoder)),
                ("decoder", stack(decoder)),
            ]
        }
        Architecture::RecurrentLm(RecurrentSpec {
            cell, vocabulary, d_embedding, d_hidden, layers, ..
        }) => vec![
            ("width", format!("{d_embedding}, {vocabulary} tokens in the vocabulary, any number of tokens")),
            ("layers", format!("{layers} of {cell}, {d_hidden} wide")),
        ],
        Architecture::RecurrentSeq2Seq(Seq2SeqSpec {
            cell,
            attention,
            vocabulary,
            d_embedding,
            d_hidden,
            layers,
            ..
        }) => vec![
            ("width", format!("{d_embedding}, {vocabulary} tokens in the vocabulary, any number of tokens")),
            ("encoder", format!("{layers} layers of {cell}, {d_hidden} wide in each direction")),
            ("decoder", format!("{layers} layers of {cell}, {d_hidden} wide")),
            ("attention", attention.to_string()),
        ],
    }
}

fn print_table(output: &mut Output, name: &str, place: &str, description: &Description) -> Outcome {
    let precisions: Vec<String> =
        description.precisions.iter().map(|(name, tensors)| format!("{tensors} tensors in {name}")).collect();
    let parameters = [HumanCount(description.parameters as u64).to_string()].into_iter().chain(precisions);
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let mut rows = vec![
        ("name", name.to_owned()),
        ("place", place.to_owned()),
        ("family", format!("{} ({})", sentence(description.family), description.model_type)),
        ("parameters", parameters),
    ];
    rows.extend(shape_as_rows(&description.shape));
    for (name, value) in rows {
        output.line(format_args!("{:<12} {}", label(name), printable(&sentence(&value))))?;
    }
    output.line(format_args!("\n{}", sentence("its own generation options")))?;
    let options = description.generation_config.to_json();
    for (name, value) in options.as_object().into_iter().flatten() {
        output.line(format_args!("  {name} {}", printable(&value.to_string())))?;
    }
    output.line(format_args!("\n{}", label("files")))?;
    for (name, bytes) in &description.files {
        output.line(format_args!("{:>12}  {}", HumanBytes(*bytes).to_string(), printable(name)))?;
    }
    Ok(())
}
