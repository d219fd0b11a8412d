//! `papo compare`: the same prompts to several models, answers side by side.
//!
//! Models are loaded one after the other and let go, so that only the largest needs to fit into memory. The page is
//! begun before anything is computed: a place where it cannot be written is told at once and not after an hour.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};

use papo::compare::Comparison;
use papo::{Hooks, ModelRef, built_in};
use tempfile::NamedTempFile;

use crate::failure::{Failure, Outcome};
use crate::loading::{check_options, load};
use crate::request::{Compare, Format};
use crate::terminal::{Interrupt, Lines, LoadingBar, Notes, Output};

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
    let page = request.html.as_deref().map(Page::begin).transpose()?;
    let mut comparison = Comparison::new(prompts(request.prompts.as_deref(), notes)?)?;
    let mut all_good = true;
    let interrupt = Interrupt::install();
    for name in &names {
        if interrupt.came() {
            break;
        }
        let model = match load(Some(name), &request.loading, notes) {
            Ok(model) => model,
            Err(failure) => {
                all_good = false;
                failure.report();
                continue;
            }
        };
        check_options(&model, &request.config, notes)?;
        let bar = LoadingBar::answers(notes, model.name());
        let prompts = comparison.prompts().len() as u64;
        bar.show(0, prompts);
        let hooks = Hooks::default().interrupt(interrupt.flag());
        comparison
            .add(&model, &request.config, hooks, &mut |answered| bar.show(answered as u64 + 1, prompts));
    }
    if comparison.columns().is_empty() {
        return Err(Failure::Reported);
    }
    let mut output = Output::standard();
    match request.format {
        Format::Json => output.line(comparison.to_json())?,
        Format::Text => output.text(comparison.to_table(width()))?,
    }
    output.flush()?;
    if let Some(page) = page {
        page.finish(&comparison.to_html())?;
    }
    if all_good && !comparison.has_failures() && !interrupt.came() { Ok(()) } else { Err(Failure::Reported) }
}

/// The prompts: the lines of a file or of standard input that are not blank.
fn prompts(file: Option<&Path>, notes: Notes) -> Result<Vec<String>, Failure> {
    let Some(path) = file else {
        if io::stdin().is_terminal() {
            notes.say("Type a prompt a line; Ctrl-D begins the comparison.");
        }
        return read_prompts(Lines::new(io::stdin().lock()), "standard input");
    };
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|error| {
        Failure::new(format_args!("cannot read {shown}: {error}; check the name of the file"))
    })?;
    read_prompts(Lines::new(BufReader::new(file)), &shown)
}

fn read_prompts(lines: Lines<impl io::BufRead>, place: &str) -> Result<Vec<String>, Failure> {
    let mut prompts = Vec::new();
    for line in lines {
        let line = line
            .map_err(|error| {
                Failure::new(format_args!("cannot read {place}: {error}; check that it is a text file"))
            })?
            .map_err(|bad| Failure::new(format_args!("{place}: {bad}")))?;
        if !line.trim().is_empty() {
            prompts.push(line.trim_end_matches('\r').to_owned());
        }
    }
    Ok(prompts)
}

fn width() -> usize {
    let terminal = console::Term::stdout();
    if terminal.is_term() { terminal.size().1.into() } else { WIDTH }
}

/// The page that is being made: beside its place until it is whole, so that a reader never sees half of one.
struct Page {
    file: NamedTempFile,
    path: PathBuf,
}

impl Page {
    fn begin(path: &Path) -> Result<Page, Failure> {
        if path.is_dir() {
            return Err(unwritable(path, "it is a folder"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = NamedTempFile::new_in(folder).map_err(|error| unwritable(path, &error.to_string()))?;
        Ok(Page { file, path: path.to_owned() })
    }

    fn finish(mut self, html: &str) -> Outcome {
        let written = self.file.write_all(html.as_bytes()).and_then(|()| self.file.as_file().sync_all());
        written.map_err(|error| unwritable(&self.path, &error.to_string()))?;
        readable_by_others(self.file.as_file())
            .map_err(|error| unwritable(&self.path, &error.to_string()))?;
        self.file.persist(&self.path).map_err(|error| unwritable(&self.path, &error.to_string()))?;
        Ok(())
    }
}

fn unwritable(path: &Path, reason: &str) -> Failure {
    Failure::new(format_args!(
        "cannot write {}: {reason}; choose another place or mend its permissions",
        path.display()
    ))
}

/// Temporary files are their owner's alone; a page is there to be shown.
#[cfg(unix)]
fn readable_by_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_others(_: &File) -> io::Result<()> {
    Ok(())
}
