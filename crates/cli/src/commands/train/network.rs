//! `papo train rnn|lstm|gru|seq2seq|transformer`: from files to a model folder.
//!
//! The order of things: what the files hold decides the task; a tokenizer is trained, or found again on resuming; the texts become
//! ids; `papo_lab::train` does the rest. `network/plan.rs` translates the request into the recipe, `network/progress.rs` shows how it goes.

mod plan;
mod progress;

use papo::tokenizer::{Framing as Frame, LetterCase, TokenizerTraining};
use papo::{AutoTokenizer, Tokenizer};
use papo_lab::data::{DataFile, Examples, Fingerprint, HeldOut, Split, TextUnit, documents};
use papo_lab::{Ending, Log, ModelFolder, Resume, SaveDtype, Summary, Training};

use crate::arguments::{DeviceKind, SaveAs, TaskName};
use crate::command_line::command_line;
use crate::failure::{Failure, Outcome};
use crate::request::NetworkTraining;
use crate::terminal::{Interrupt, Notes};

use progress::TrainingProgress;

/// Trains the network and leaves the best weights in the folder.
pub fn run(request: &NetworkTraining, notes: Notes) -> Outcome {
    if let Some(threads) = request.threads {
        // The first to set it in this process, so it cannot fail.
        let _ = papo_lab::set_threads(threads);
    }
    let device = device(request.device)?;
    let (data, valid) = (&request.data, &request.valid);
    let task = plan::task(request, data)?;
    let dtype = match request.save_dtype {
        SaveAs::F16 => SaveDtype::F16,
        SaveAs::F32 => SaveDtype::F32,
    };
    let folder = ModelFolder::new(&request.out, dtype);
    let begun = folder.state().exists();
    if begun && !request.resume {
        return Err(papo_lab::Error::AlreadyBegun { folder: request.out.clone() }.into());
    }
    folder.create()?;
    let tokenizer = tokenizer(request, task, data, &folder, notes)?;
    let recipe = plan::recipe(request, task, tokenizer.vocab_size());
    recipe.network.check()?;
    let split = read(request, data, valid, task, &tokenizer)?;
    describe(&split, &tokenizer, notes);

    let interrupt = Interrupt::install();
    let all: Vec<DataFile> = data.iter().chain(valid).cloned().collect();
    let training = Training {
        recipe: &recipe,
        limits: plan::limits(request),
        data: &split,
        fingerprint: Fingerprint::of(&all)?,
        begin_with: None,
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
    conclude(request, &summary, notes);
    if let Some(page) = &request.report {
        let title = request.out.file_name().unwrap_or(request.out.as_os_str()).to_string_lossy();
        let html = papo_lab::report(&title, &command_line(), &recipe, &summary, &Log::read(&folder.log())?);
        std::fs::write(page, html).map_err(|source| papo_lab::Error::Write { path: page.clone(), source })?;
        notes.say(format_args!("curves: {}", page.display()));
    }
    Ok(())
}

/// The tokenizer: that of the folder where a training goes on, else a new one, saved there.
fn tokenizer(
    request: &NetworkTraining,
    task: TaskName,
    data: &[DataFile],
    folder: &ModelFolder,
    notes: Notes,
) -> Result<Tokenizer, Failure> {
    if folder.state().exists() {
        return Ok(AutoTokenizer::from_folder(folder.path())?);
    }
    let training = TokenizerTraining {
        kind: request.tokenizer.clone(),
        letter_case: if request.lowercase { LetterCase::Lower } else { LetterCase::Keep },
        minimum_count: request.min_count,
        framing: if task == TaskName::Text { Frame::Plain } else { Frame::Closed },
    };
    notes.say(format_args!("making the tokenizer, {}", request.tokenizer));
    let texts = documents(data, TextUnit::Stream).flat_map(|document| match document {
        Ok(document) => document.texts().into_iter().map(|text| Ok(text.to_owned())).collect::<Vec<_>>(),
        Err(error) => vec![Err(Failure::from(error))],
    });
    training
        .train::<Trouble>(texts.map(|text| text.map_err(Trouble)))
        .map_err(|trouble| trouble.0)?
        .save(folder.path())?;
    Ok(AutoTokenizer::from_folder(folder.path())?)
}

/// A failure on the way to a tokenizer, whichever crate it came from.
struct Trouble(Failure);

impl From<papo::Error> for Trouble {
    fn from(error: papo::Error) -> Trouble {
        Trouble(error.into())
    }
}

/// The examples to learn from and to measure by.
fn read(
    request: &NetworkTraining,
    data: &[DataFile],
    valid: &[DataFile],
    task: TaskName,
    tokenizer: &Tokenizer,
) -> Result<Split, Failure> {
    let framing = plan::framing(request, task);
    let encode = |text: &str| tokenizer.encode_plain(text).map_err(|error| error.to_string());
    let share = if valid.is_empty() { request.hold_out } else { 0.0 };
    let mut split = Examples::read(data, framing, HeldOut { share, seed: request.seed }, &encode)?;
    if !valid.is_empty() {
        let none = HeldOut { share: 0.0, seed: request.seed };
        split.valid = Examples::read(valid, framing, none, &encode)?.train;
    }
    if split.train.is_empty() {
        let found =
            if split.valid.is_empty() { "no text" } else { "too little text to hold a part of it out" };
        return Err(papo_lab::Error::NoExamples { found: found.into() }.into());
    }
    Ok(split)
}

fn describe(split: &Split, tokenizer: &Tokenizer, notes: Notes) {
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
    if split.train.further_references() > 0 {
        notes.say(format_args!(
            "{} pairs have further columns; the first target is learnt",
            split.train.further_references()
        ));
    }
    if split.valid.is_empty() {
        notes.say("nothing is held out: losses are those of what was learnt");
    }
}

fn conclude(request: &NetworkTraining, summary: &Summary, notes: Notes) {
    let out = request.out.display();
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
