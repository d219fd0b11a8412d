//! `papo compare`: the same prompts to several models, answers side by side.
//!
//! Models are loaded one after the other and let go, so that only the largest needs to fit into memory. The page's place is looked
//! at before anything is computed (`output_file.rs`).

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, IsTerminal};

use indicatif::HumanBytes;
use papo::compare::Comparison;
use papo::{Hooks, ModelRef, built_in};
use papo_data::{Input, Lines};

use crate::command_line::command_line;
use crate::environment;
use crate::failure::{Failure, Outcome};
use crate::language::sentence;
use crate::loading::{check_options, load_among};
use crate::output_file::OutputFile;
use crate::request::{Compare, Format, Prompts};
use crate::terminal::{self, Interrupt, LoadingBar, Notes, Output, printable};

/// Width of a table that nobody's terminal limits.
const WIDTH: usize = 120;

/// Compares and prints.
pub fn run(request: Compare, notes: Notes) -> Outcome {
    let names: Vec<String> = match &request.models[..] {
        [] => built_in::lineage().iter().map(|model| model.name.to_owned()).collect(),
        given => given.to_vec(),
    };
    if names.is_empty() {
        return Err(Failure::Usage(
            "this program has no model of its own; name the models to compare".to_owned(),
        ));
    }
    // A name that cannot be is told before an hour is spent on the others.
    names.iter().try_for_each(|name| ModelRef::parse(name).map(drop))?;
    let claim = |path| OutputFile::claim(path, request.existing);
    let page = request.html.as_deref().map(claim).transpose()?;
    let mut comparison = Comparison::new(prompts(request.prompts, notes)?)?;
    // A page names the seed, so that what it shows can be shown again.
    let mut config = request.config.clone();
    let drawn = page.is_some() && config.seed.is_none();
    if drawn {
        config.seed = Some(some_seed());
    }
    let mut all_good = true;
    let interrupt = Interrupt::install();
    for name in &names {
        if interrupt.came() {
            break;
        }
        let model = match load_among(Some(name), &request.loading, notes) {
            Ok(model) => model,
            Err(failure) => {
                all_good = false;
                failure.report();
                // The next round ends it, if it was Ctrl-C that stopped this one.
                continue;
            }
        };
        check_options(&model, &request.config, notes)?;
        let bar = LoadingBar::answers(notes, model.name());
        let prompts = comparison.prompts().len() as u64;
        bar.show(0, prompts);
        let hooks = Hooks::default().interrupt(interrupt.flag());
        comparison.add_with(&model, &config, hooks, &mut |answered| bar.show(answered as u64 + 1, prompts));
    }
    if comparison.columns().is_empty() {
        return Err(Failure::Reported);
    }
    let printed = print(&comparison, request.format, notes);
    // A reader who leaves early, or an output that is full, is no reason to lose the page.
    if let Some(page) = page {
        let mut command = command_line();
        if let Some(seed) = config.seed.filter(|_| drawn) {
            command.push_str(&format!(" --seed {seed}"));
        }
        comparison.set_command(&command);
        let (html, place) = (comparison.to_html(), page.path().display().to_string());
        page.write(html.as_bytes())?;
        notes.say(format_args!("wrote {} ({})", printable(&place), HumanBytes(html.len() as u64)));
    }
    printed?;
    if all_good && !comparison.has_failures() && !interrupt.came() { Ok(()) } else { Err(Failure::Reported) }
}

fn print(comparison: &Comparison, format: Format, notes: Notes) -> Outcome {
    let mut output = Output::standard();
    match format {
        Format::Json => output.line(comparison.to_json())?,
        Format::Text => {
            output.text(comparison.to_table_in(width(notes), &|words| sentence(words).into_owned()))?
        }
    }
    output.flush()
}

/// The prompts: those of the command line, or the lines of a file or of standard input that are not blank.
fn prompts(prompts: Prompts, notes: Notes) -> Result<Vec<String>, Failure> {
    let input = match prompts {
        Prompts::Given(prompts) => return Ok(prompts),
        Prompts::File(path) => Input::new(path),
        Prompts::StandardInput => {
            if io::stdin().is_terminal() {
                notes.say("Type a prompt a line; Ctrl-D begins the comparison.");
            }
            Input::new("-")
        }
    };
    let mut prompts: Vec<String> = Lines::open(&input)?.collect::<Result<_, _>>()?;
    if prompts.is_empty() && input.is_standard() {
        return Err(Failure::Usage(
            "there is no prompt to compare by; give one with --prompt TEXT, a file of them with --prompts FILE, or lines on \
             standard input"
                .to_owned(),
        ));
    }
    prompts.retain(|line| !line.trim().is_empty());
    Ok(prompts)
}

fn width(notes: Notes) -> usize {
    terminal::width().or_else(|| environment::columns(notes)).unwrap_or(WIDTH)
}

/// A seed that nobody chose, short enough to be typed.
fn some_seed() -> u64 {
    RandomState::new().build_hasher().finish() % 1_000_000
}
