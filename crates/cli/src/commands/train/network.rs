//! `papo train rnn|lstm|gru|seq2seq|transformer`: from files to a model folder.
//!
//! The order of things: what the files hold decides the task; a tokenizer is trained, or found again on resuming; the texts become
//! ids; `papo_lab::train` does the rest. `network/plan.rs` translates the request into the recipe, `network/progress.rs` shows how it goes.

mod init;
mod plan;
mod progress;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use papo::files::{Claim, Existing};
use papo::tokenizer::{Framing as Frame, LetterCase, TokenizerKind, TokenizerTraining};
use papo::{AutoTokenizer, Tokenizer};
use papo_data::Purpose;
use papo_lab::data::{
    DataFile, Examples, Fingerprint, Framing, HeldOut, Reading, Split, TextUnit, documents,
};
use papo_lab::{Ending, Log, ModelFolder, Recipe, Resume, SaveDtype, Summary, Training};
use serde_json::Value;

use crate::arguments::{DeviceKind, SaveAs, TaskName};
use crate::command_line::command_line;
use crate::failure::{Failure, Outcome};
use crate::output_file::{ExistingFile, OutputFile};
use crate::request::NetworkTraining;
use crate::terminal::{Interrupt, Notes};

use init::Beginning;
use progress::TrainingProgress;

/// Trains the network and leaves the best weights in the folder.
pub fn run(request: &NetworkTraining, notes: Notes) -> Outcome {
    if let Some(threads) = request.threads {
        // The first to set it in this process, so it cannot fail.
        let _ = papo_lab::set_threads(threads);
    }
    let device = device(request.device)?;
    let (mut data, mut valid) = (request.data.clone(), request.valid.clone());
    for file in data.iter_mut().chain(&mut valid) {
        // The tokenizer reads it, the network does, and its checksum tells whether it is the same when the training goes on.
        file.hold(&std::env::temp_dir())?;
    }
    let (data, valid) = (&data, &valid);
    let task = plan::task(request, data)?;
    let dtype = match request.save_dtype {
        SaveAs::F16 => SaveDtype::F16,
        SaveAs::F32 => SaveDtype::F32,
    };
    // Before the folder is touched, so that Ctrl-C leaves it as it was.
    let interrupt = Interrupt::install();
    let claim = Claim::new(&request.out, request.existing)?;
    let folder = ModelFolder::new(claim.folder(), dtype);
    let begun = folder.begun_recipe()?;
    let report = request
        .report
        .as_deref()
        .map(|path| OutputFile::claim(path, existing_report(request, path)))
        .transpose()?;
    let beginning = Beginning::read(request)?;
    let fitted = match &beginning {
        Beginning::New => None,
        Beginning::With(init) => Some(init.fitted(request, notes)),
    };
    let request = fitted.as_ref().unwrap_or(request);
    folder.create()?;
    let tokenizer = tokenizer(request, task, data, &folder, &beginning, interrupt, notes)?;
    let mut recipe = plan::recipe(request, task, &beginning, tokenizer.vocab_size());
    recipe.network.check()?;
    let split = read(request, data, valid, task, &tokenizer, interrupt)?;
    describe(request, &split, &tokenizer, notes);
    let limits = plan::limits(request);
    let planned = papo_lab::planned_steps(&recipe, &limits, &split);
    let begun_warm_up = begun.as_ref().and_then(|recipe| recipe.get("warm_up")).and_then(Value::as_u64);
    recipe.warm_up = plan::warm_up(request, begun_warm_up, planned);
    describe_warm_up(&recipe, planned, notes);

    let all: Vec<DataFile> = data.iter().chain(valid).cloned().collect();
    let training = Training {
        recipe: &recipe,
        limits,
        data: &split,
        fingerprint: Fingerprint::of(&all)?,
        begin_with: match &beginning {
            Beginning::New => None,
            Beginning::With(init) => Some(init.weights()),
        },
        folder: &folder,
        resume: if request.resume { Resume::Yes } else { Resume::No },
        save_every: request.save_every,
        device: &device,
        interrupt: interrupt.flag(),
    };
    let mut progress = TrainingProgress::new(notes);
    let summary = papo_lab::train(&training, &mut progress);
    drop(progress);
    let summary = summary?;
    let log = Log::read(&folder.log())?;
    let is_whole = summary.best.is_some() && summary.ending != Ending::Interrupted;
    let replaces = claim.replaces();
    if is_whole {
        claim.keep()?;
    }
    conclude(request, &summary, &recipe, replaces, notes);
    if let Some(page) = report {
        let title = request.out.file_name().unwrap_or(request.out.as_os_str()).to_string_lossy();
        let place = page.path().display().to_string();
        page.write(papo_lab::report(&title, &command_line(), &recipe, &summary, &log).as_bytes())?;
        notes.say(format_args!("curves: {place}"));
    }
    Ok(())
}

/// The report of a training that goes on takes the place of its earlier one.
fn existing_report(request: &NetworkTraining, path: &Path) -> ExistingFile {
    let is_page = || {
        let mut first = [0; 15];
        File::open(path).is_ok_and(|mut file| file.read_exact(&mut first).is_ok())
            && first.eq_ignore_ascii_case(b"<!DOCTYPE html>")
    };
    match request.existing {
        Existing::Replace | Existing::GoOnOrReplace => ExistingFile::Replace,
        Existing::GoOn if is_page() => ExistingFile::Replace,
        Existing::GoOn | Existing::Refuse => ExistingFile::Refuse,
    }
}

/// The tokenizer: that of the folder where a training goes on, else a new one, saved there.
fn tokenizer(
    request: &NetworkTraining,
    task: TaskName,
    data: &[DataFile],
    folder: &ModelFolder,
    beginning: &Beginning,
    interrupt: Interrupt,
    notes: Notes,
) -> Result<Tokenizer, Failure> {
    if folder.state().exists() {
        return Ok(AutoTokenizer::from_folder(folder.path())?);
    }
    let training = TokenizerTraining {
        kind: match beginning {
            Beginning::New => request.tokenizer.clone(),
            Beginning::With(init) => TokenizerKind::Folder(init.tokenizer().to_owned()),
        },
        letter_case: if request.lowercase { LetterCase::Lower } else { LetterCase::Keep },
        minimum_count: request.min_count,
        framing: if task == TaskName::Text { Frame::Plain } else { Frame::Closed },
    };
    match &request.init_from {
        Some(model) => notes.say(format_args!("beginning with the weights and the tokenizer of {model}")),
        None => notes.say(format_args!("making the tokenizer, {}", request.tokenizer)),
    }
    // Lines in blocks, too: a tokenizer does not care, and it is quicker.
    let unit = match plan::framing(request, task) {
        Framing::Stream => TextUnit::Stream,
        _ => TextUnit::LineBlocks,
    };
    let how = Reading { unit, ..request.reading };
    let texts = documents(data, how).flat_map(|document| match document {
        _ if interrupt.came() => vec![Err(stopped())],
        Ok(document) => document.texts().into_iter().map(|text| Ok(text.to_owned())).collect::<Vec<_>>(),
        Err(error) => vec![Err(Failure::from(error))],
    });
    let trained =
        training.train::<Trouble>(texts.map(|text| text.map_err(Trouble))).map_err(|trouble| trouble.0)?;
    trained.save(folder.path())?;
    Ok(trained.ready(folder.path())?)
}

/// A failure on the way to a tokenizer, whichever crate it came from.
struct Trouble(Failure);

impl From<papo::Error> for Trouble {
    fn from(error: papo::Error) -> Trouble {
        Trouble(error.into())
    }
}

/// An interrupt that comes before there is anything to save.
fn stopped() -> Failure {
    Failure::new("interrupted before the training began; nothing was written")
}

/// The examples to learn from and to measure by.
fn read(
    request: &NetworkTraining,
    data: &[DataFile],
    valid: &[DataFile],
    task: TaskName,
    tokenizer: &Tokenizer,
    interrupt: Interrupt,
) -> Result<Split, Failure> {
    let framing = plan::framing(request, task);
    let encode = |text: &str| match interrupt.came() {
        true => Err("it was interrupted".to_owned()),
        false => tokenizer.encode_plain(text).map_err(|error| error.to_string()),
    };
    let share = if valid.is_empty() { request.hold_out } else { 0.0 };
    let read = |files: &[DataFile], framing, held_out| {
        Examples::read(files, request.reading, framing, held_out, &encode)
            .map_err(|error| if interrupt.came() { stopped() } else { error.into() })
    };
    let mut split = read(data, framing, HeldOut { share, seed: request.seed })?;
    if !valid.is_empty() {
        let none = HeldOut { share: 0.0, seed: request.seed };
        split.valid = read(valid, framing, none)?.train;
    }
    if split.train.is_empty() {
        let found =
            if split.valid.is_empty() { "no text" } else { "too little text to hold a part of it out" };
        return Err(papo_lab::Error::NoExamples { found: found.into() }.into());
    }
    if !valid.is_empty() && split.valid.is_empty() {
        return Err(Failure::new(
            "the files of --valid hold nothing to measure by; give files with text of the same kind as --data, or leave --valid out and a \
             part of the data is held out",
        ));
    }
    Ok(split)
}

fn describe(request: &NetworkTraining, split: &Split, tokenizer: &Tokenizer, notes: Notes) {
    let unknown = match split.train.unknown() {
        0.0 => String::new(),
        share => format!(", {:.1}% of them unknown", 100.0 * share),
    };
    notes.say(format_args!(
        "{} tokens to learn, {} to measure by, of {} kinds{unknown}",
        split.train.targets(),
        split.valid.targets(),
        tokenizer.vocab_size()
    ));
    if split.train.cut() > 0 {
        notes.say(format_args!(
            "{} sources or targets were too long and were cut (--context-tokens, --target-tokens)",
            split.train.cut()
        ));
    }
    for remark in split.remarks.sentences(Purpose::Learning, request.reading.special_words) {
        notes.say(remark);
    }
    if split.valid.is_empty() {
        notes.say("nothing is held out: losses are those of what was learnt");
    }
}

/// Tells how far a planned training gets beyond its warm-up, where that is not far.
fn describe_warm_up(recipe: &Recipe, planned: Option<u64>, notes: Notes) {
    let (Some(planned), warm_up) = (planned, recipe.warm_up) else { return };
    if warm_up >= planned && warm_up > 0 {
        notes.say(format_args!(
            "this training of {planned} steps ends inside its warm-up of {warm_up}: the learning rate gets no higher than {:.2} % of \
             --learning-rate; train longer (--epochs), or give a --warm-up below {planned}",
            100.0 * planned as f64 / warm_up as f64
        ));
    }
}

fn conclude(request: &NetworkTraining, summary: &Summary, recipe: &Recipe, replaces: bool, notes: Notes) {
    let out = request.out.display();
    // Where only time or patience is the limit, nobody could tell before.
    if request.epochs.is_none()
        && request.max_steps.is_none()
        && summary.ending != Ending::Interrupted
        && summary.steps < recipe.warm_up
    {
        notes.say(format_args!(
            "the training has ended inside its warm-up of {} steps, at {:.2} % of --learning-rate; train longer, or give a --warm-up below {}",
            recipe.warm_up,
            100.0 * summary.steps as f64 / recipe.warm_up as f64,
            summary.steps.max(1)
        ));
    }
    let why = match summary.ending {
        Ending::Done => "done",
        Ending::Time => "the time is up",
        Ending::Patience => "it has stopped getting better",
        Ending::Interrupted => "interrupted; the same command with --resume goes on",
    };
    notes.say(format_args!(
        "{why}: {} steps, {} in all, {} weights",
        summary.steps,
        progress::clock(summary.seconds),
        summary.parameters
    ));
    match summary.best {
        Some(best) if replaces && summary.ending == Ending::Interrupted => notes.say(format_args!(
            "best validation loss {best:.4} at step {}; {out} keeps the model that it has until this training has ended",
            summary.best_step
        )),
        Some(best) => notes.say(format_args!(
            "best validation loss {best:.4} (perplexity {:.2} a token) at step {}; try `papo chat {out}`",
            best.exp(),
            summary.best_step
        )),
        None => notes.say("no validation yet, so no model was saved"),
    }
}

/// The device, which differentiates.
fn device(kind: DeviceKind) -> Result<papo_lab::Device, Failure> {
    let missing = |name: &str| {
        Failure::new(format_args!(
            "this papo was built without --device {name}; build it with `cargo build --release --features {name}`, or compute on \
             the processor with --device cpu"
        ))
    };
    match kind {
        DeviceKind::Cpu => Ok(papo_lab::device::cpu()),
        DeviceKind::Cuda => papo_lab::device::cuda().ok_or_else(|| missing("cuda")),
        DeviceKind::Wgpu => papo_lab::device::wgpu().ok_or_else(|| missing("wgpu")),
        DeviceKind::Metal => papo_lab::device::metal().ok_or_else(|| missing("metal")),
    }
}
