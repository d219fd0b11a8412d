//! `papo train ngram`: counts, estimates and saves an n-gram model.
//!
//! Everything before the saving goes through nameless temporary files, and every file of the model gets its name when it is
//! whole, `config.json` last: whatever stops the program, nothing half-written remains. The folder is held meanwhile (`papo::Claim`), and
//! a model that is to be replaced stays until the new one is whole.

mod folder;
mod import;
mod tokens;

use std::cell::Cell;
use std::time::Instant;

use papo::files::Claim;
use papo::tokenizer::Framing;
use papo_ngram::{ArpaWriter, Error, ModelWriter, Settings, Step, Summary, WriteOptions, estimate};

use crate::failure::{Failure, Outcome};
use crate::output_file::OutputFile;
use crate::request::{NgramTask, NgramTraining};
use crate::terminal::{Interrupt, Notes, Working};

/// Makes the model folder.
pub fn run(request: NgramTraining, notes: Notes) -> Outcome {
    // Before the folder is touched, so that Ctrl-C leaves it as it was.
    let interrupt = Interrupt::install();
    interrupt.reset();
    if let Some(arpa) = &request.from_arpa {
        return import::run(arpa, &request, interrupt, notes);
    }
    let begin = Instant::now();
    let task = request.task()?;
    let framing = if task == NgramTask::Text { Framing::Plain } else { Framing::Closed };
    let settings = settings(&request);
    settings.thresholds().map_err(|error| Failure::Usage(error.to_string()))?;
    let claim = Claim::new(&request.out, request.existing)?;
    let arpa =
        request.arpa.as_ref().map(|path| OutputFile::claim(path, request.existing_files())).transpose()?;
    let working = Working::begin(notes);
    let check = || if interrupt.came() { Err(Error::Interrupted) } else { Ok(()) };
    let read = Cell::new(0);
    let mut tokens = tokens::read(&request, &settings.temporary, framing, &mut |bytes| {
        read.set(read.get() + bytes);
        working.show(format_args!("reading, {} MB", read.get() / 1_000_000));
        check()
    })?;
    if tokens.further_references > 0 {
        notes.say(format_args!(
            "{} pairs have further columns; the first target is counted",
            tokens.further_references
        ));
    }
    let count = (tokens.corpus.sentences(), tokens.corpus.tokens(), tokens.vocabulary.len());
    let writing = writing(&request);
    let model = ModelWriter::new(&claim.folder().join("model.ngram"), writing)?;
    let arpa = arpa.map(|place| ArpaWriter::create(place.path(), settings.threads)).transpose()?;
    let mut sinks = (model, arpa);
    let mut observe = |step| {
        working.show(match step {
            Step::Counting => "counting".to_owned(),
            Step::Adjusting => "adjusting counts".to_owned(),
            Step::Estimating(order) => format!("estimating {order}-grams"),
        });
        check()
    };
    let summary = estimate(&mut tokens.corpus, &tokens.vocabulary, &settings, &mut observe, &mut sinks)?;
    working.show("saving");
    let (model, arpa) = sinks;
    model.finish()?;
    folder::save(&request, claim.folder(), task, framing, &tokens, &summary)?;
    claim.keep()?;
    drop(working);
    report(&summary, count, begin, notes);
    notes.say(format_args!("saved in {}", request.out.display()));
    Ok(arpa.map_or(Ok(()), ArpaWriter::finish)?)
}

/// How `model.ngram` is written: beside the half of the buffers that estimation keeps while entries are written, so that
/// together they stay below the limit.
fn writing(request: &NgramTraining) -> WriteOptions {
    WriteOptions { layout: request.layout, quantise: request.quantise, memory: request.memory / 3 }
}

fn settings(request: &NgramTraining) -> Settings {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    Settings {
        prune: request.prune.clone(),
        discount_fallback: request.discount_fallback,
        memory: request.memory,
        threads: request.threads.map_or_else(cores, usize::from),
        temporary: request.temporary.clone().unwrap_or_else(std::env::temp_dir),
        ..Settings::new(request.order)
    }
}

/// Tells what was counted and estimated.
fn report(summary: &Summary, (sentences, tokens, words): (u64, u64, usize), begin: Instant, notes: Notes) {
    notes.say(format_args!("{sentences} sentences, {tokens} tokens, a vocabulary of {words}"));
    for (order, count) in (1..).zip(&summary.counts) {
        let [one, two, more] = summary.discounts[order - 1].0;
        let origin = if summary.fell_back.contains(&order) { " (fallback)" } else { "" };
        notes.say(format_args!("{order}-grams: {count}; discounts {one:.4} {two:.4} {more:.4}{origin}"));
    }
    notes.say(format_args!("{:.1} s", begin.elapsed().as_secs_f64()));
}
