//! Progress of what takes its time, on standard error, and only where somebody can see it move.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Notes;
use crate::language::sentence;

/// How often a moving picture moves.
const TICK: Duration = Duration::from_millis(100);

/// A bar for loading or fetching something of known size.
pub struct LoadingBar {
    bar: ProgressBar,
}

impl LoadingBar {
    /// A bar that counts weights; hidden where it has no place.
    pub fn weights(notes: Notes, name: &str) -> LoadingBar {
        LoadingBar::new(notes, name, "{prefix} {bar:32} {percent}%")
    }

    /// A bar that counts bytes.
    pub fn bytes(notes: Notes, name: &str) -> LoadingBar {
        LoadingBar::new(
            notes,
            name,
            "{prefix} {bar:32} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        )
    }

    /// A bar that counts answers.
    pub fn answers(notes: Notes, name: &str) -> LoadingBar {
        LoadingBar::new(notes, name, "{prefix} {bar:32} {pos} of {len} answers, {eta} left")
    }

    fn new(notes: Notes, name: &str, template: &str) -> LoadingBar {
        let target =
            if notes.may_animate() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target).with_prefix(name.to_owned());
        if let Ok(style) = ProgressStyle::with_template(&sentence(template)) {
            bar.set_style(style.progress_chars("━━─"));
        }
        LoadingBar { bar }
    }

    /// Shows how far it is.
    pub fn show(&self, done: u64, total: u64) {
        if self.bar.length() != Some(total) {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
    }
}

impl Drop for LoadingBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A sign that a reply is being thought about, for searches that have no words to show before the end.
pub struct Thinking {
    spinner: ProgressBar,
}

impl Thinking {
    /// Begins to move at once.
    pub fn begin(notes: Notes) -> Thinking {
        let target =
            if notes.may_animate() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let spinner = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg:.dim}") {
            spinner.set_style(style);
        }
        spinner.set_message(sentence("thinking"));
        spinner.enable_steady_tick(TICK);
        Thinking { spinner }
    }

    /// Shows how many tokens the search has looked at.
    pub fn show(&self, tokens: usize) {
        self.spinner.set_message(sentence(&format!("thinking, {tokens} tokens")).into_owned());
    }
}

impl Drop for Thinking {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}

/// A sign of what is being worked on, for work whose length nobody knows.
pub struct Working {
    spinner: ProgressBar,
}

impl Working {
    /// Begins to move at once.
    pub fn begin(notes: Notes) -> Working {
        let target =
            if notes.may_animate() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let spinner = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg:.dim} {elapsed:.dim}") {
            spinner.set_style(style);
        }
        spinner.enable_steady_tick(TICK);
        Working { spinner }
    }

    /// Shows what is being done.
    pub fn show(&self, what: impl std::fmt::Display) {
        if !self.spinner.is_hidden() {
            self.spinner.set_message(sentence(&what.to_string()).into_owned());
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}
