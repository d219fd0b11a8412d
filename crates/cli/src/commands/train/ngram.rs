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
use papo::tokenizer::{Framing, TokenizerKind};
use papo_data::Purpose;
use papo_ngram::{ArpaWriter, Error, ModelWriter, Settings, Step, Summary, WriteOptions, estimate};

use crate::failure::{Failure, Outcome};
use crate::output_file::OutputFile;
use crate::request::{NgramTask, NgramTraining, SmallText};
use crate::terminal::{Interrupt, Notes, Working};
use tokens::Tokens;

/// Makes the model folder.
pub fn run(mut request: NgramTraining, notes: Notes) -> Outcome {
    // Before the folder is touched, so that Ctrl-C leaves it as it was.
    let interrupt = Interrupt::install();
    interrupt.reset();
    if let Some(arpa) = &request.from_arpa {
        return import::run(arpa, &request, interrupt, notes);
    }
    let begin = Instant::now();
    let task = request.task()?;
    let framing = if task == NgramTask::Text { Framing::Plain } else { Framing::Closed };
    let mut settings = settings(&request);
    settings.thresholds().map_err(|error| Failure::Usage(error.to_string()))?;
    let claim = Claim::new(&request.out, request.existing)?;
    let arpa =
        request.arpa.as_ref().map(|path| OutputFile::claim(path, request.existing_files())).transpose()?;
    if !matches!(request.tokenizer, TokenizerKind::Words { .. }) {
        // The tokenizer reads it, and what is counted is read again.
        request.data.iter_mut().try_for_each(|file| file.hold(&settings.temporary))?;
    }
    let working = Working::begin(notes);
    let check = || if interrupt.came() { Err(Error::Interrupted) } else { Ok(()) };
    let read = Cell::new(0);
    let mut tokens = tokens::read(&request, &settings.temporary, framing, &mut |bytes| {
        read.set(read.get() + bytes);
        working.show(format_args!("reading, {} MB", read.get() / 1_000_000));
        check()
    })?;
    for remark in tokens.remarks.sentences(Purpose::Learning, request.reading.special_words) {
        notes.say(remark);
    }
    fit_order(&mut request, &mut settings, &tokens, notes);
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
    // It may lie in the folder itself; whatever becomes of it, the model is kept.
    let arpa = arpa.map_or(Ok(()), ArpaWriter::finish);
    folder::save(&request, claim.folder(), task, framing, &tokens, &summary)?;
    claim.keep()?;
    drop(working);
    report(&summary, count, begin, notes);
    remark_fallback(&summary, request.discount_fallback, notes);
    notes.say(format_args!("saved in {}", request.out.display()));
    Ok(arpa?)
}

/// Lowers an order that no sentence is long enough for, unless that is to be an error.
fn fit_order(request: &mut NgramTraining, settings: &mut Settings, tokens: &Tokens, notes: Notes) {
    let longest = usize::try_from(tokens.corpus.longest()).unwrap_or(usize::MAX).saturating_add(2);
    if request.small_text == SmallText::Stop || tokens.corpus.tokens() == 0 || settings.order <= longest {
        return;
    }
    notes.say(format_args!(
        "no sentence is as long as {} words with <s> and </s>, so the order is {longest} (--strict refuses such texts)",
        settings.order
    ));
    (request.order, settings.order) = (longest, longest);
    settings.prune.truncate(longest);
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

/// Tells which orders have discounts that are not their own.
fn remark_fallback(summary: &Summary, discounts: Option<[f32; 3]>, notes: Notes) {
    let (Some([one, two, more]), false) = (discounts, summary.fell_back.is_empty()) else { return };
    let orders: Vec<String> = summary.fell_back.iter().map(ToString::to_string).collect();
    notes.say(format_args!(
        "the text is too small or too uniform for discounts of its own at order {}; {one}, {two} and {more} stand in (--strict refuses \
         such texts, --discount-fallback names others)",
        orders.join(", ")
    ));
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
