//! `papo show`: what a model is, told from its files without loading its weights.

use indicatif::{HumanBytes, HumanCount};
use papo::{Description, ModelRef, Spec};
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};
use crate::request::{Format, Show};
use crate::terminal::{Output, printable};

/// Describes one model.
pub fn run(request: Show) -> Outcome {
    let reference = match &request.model {
        Some(name) => ModelRef::parse(name)?,
        None => ModelRef::BuiltIn(papo::built_in::default_model()?),
    };
    // Looking at a model is no reason to download it.
    let files = reference.files_at_hand()?.ok_or_else(|| {
        let name = reference.name();
        Failure::new(format_args!("{name} is not in the cache; fetch it with papo pull {name}"))
    })?;
    let description = Description::read(&files)?;
    let place = files.place().display().to_string();
    let mut output = Output::standard();
    match request.format {
        Format::Json => output.line(as_json(&reference.name(), &place, &description))?,
        Format::Text => print_table(&mut output, &reference.name(), &place, &description)?,
    }
    output.flush()
}

fn as_json(name: &str, place: &str, description: &Description) -> Value {
    let Spec { d_model, source_vocabulary, target_vocabulary, encoder, decoder, .. } = description.spec;
    let stack = |stack: papo::StackShape| json!({"layers": stack.layers, "heads": stack.heads.count, "d_head": stack.heads.size, "d_ff": stack.d_ff});
    let files: Vec<Value> =
        description.files.iter().map(|(name, bytes)| json!({"name": name, "bytes": bytes})).collect();
    json!({
        "name": name,
        "place": place,
        "family": description.family,
        "model_type": description.model_type,
        "parameters": description.parameters,
        "dtypes": description.precisions,
        "d_model": d_model,
        "source_vocabulary": source_vocabulary,
        "vocabulary": target_vocabulary,
        "max_positions": description.spec.max_positions(),
        "encoder": stack(encoder),
        "decoder": stack(decoder),
        "generation_config": description.generation_config,
        "files": files,
    })
}

fn print_table(output: &mut Output, name: &str, place: &str, description: &Description) -> Outcome {
    let Spec { d_model, target_vocabulary, encoder, decoder, .. } = description.spec;
    let precisions: Vec<String> =
        description.precisions.iter().map(|(name, tensors)| format!("{tensors} tensors in {name}")).collect();
    let positions = match description.spec.max_positions() {
        Some(most) => format!("at most {most} tokens in, and as many out"),
        None => "any number of tokens".to_owned(),
    };
    let stack = |stack: papo::StackShape| {
        format!(
            "{} layers of {} heads × {}, {} wide inside",
            stack.layers, stack.heads.count, stack.heads.size, stack.d_ff
        )
    };
    let rows = [
        ("name", name.to_owned()),
        ("place", place.to_owned()),
        ("family", format!("{} ({})", description.family, description.model_type)),
        ("parameters", format!("{}, {}", HumanCount(description.parameters as u64), precisions.join(", "))),
        ("width", format!("{d_model}, {target_vocabulary} tokens in the vocabulary, {positions}")),
        ("encoder", stack(encoder)),
        ("decoder", stack(decoder)),
    ];
    for (name, value) in rows {
        output.line(format_args!("{name:<12} {}", printable(&value)))?;
    }
    output.line("\nits own generation options")?;
    let options = description.generation_config.to_json();
    for (name, value) in options.as_object().into_iter().flatten() {
        output.line(format_args!("  {name} {}", printable(&value.to_string())))?;
    }
    output.line("\nfiles")?;
    for (name, bytes) in &description.files {
        output.line(format_args!("{:>12}  {}", HumanBytes(*bytes).to_string(), printable(name)))?;
    }
    Ok(())
}
