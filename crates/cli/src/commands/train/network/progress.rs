//! How a training goes, on standard error: a bar where somebody can see it move, and a line for each validation.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use papo_lab::{Observer, StepEntry, ValidationEntry};

use crate::language::sentence;
use crate::terminal::Notes;

/// The bar counts in these, as the whole is 1.
const TICKS: u64 = 100_000;

/// Steps before which no network reads its source.
const BLIND: u64 = 500;

/// Shows how a training goes.
pub struct TrainingProgress {
    notes: Notes,
    bar: ProgressBar,
    /// Part of the whole and seconds when this run began, for the time that is left.
    begun: Option<(f64, f64)>,
}

impl TrainingProgress {
    /// A bar that is hidden where it has no place.
    pub fn new(notes: Notes) -> TrainingProgress {
        let target =
            if notes.may_animate() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(TICKS), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent}% {msg}") {
            bar.set_style(style.progress_chars("━━─"));
        }
        TrainingProgress { notes, bar, begun: None }
    }
}

impl Observer for TrainingProgress {
    fn resumed(&mut self, step: u64, seconds: f64) {
        self.notes.say(format_args!("going on after step {step} and {}", clock(seconds)));
    }

    fn stepped(&mut self, entry: &StepEntry, part: f64) {
        let (first, since) = *self.begun.get_or_insert((part, entry.seconds));
        let left = match part - first {
            done if done > 0.0 => {
                format!(", {} left", clock((entry.seconds - since) / done * (1.0 - part)))
            }
            _ => String::new(),
        };
        self.bar.set_position((part * TICKS as f64) as u64);
        let line = format!(
            "epoch {:.2}, step {}, loss {:.3}, {:.0} tokens/s{left}",
            entry.epoch, entry.step, entry.loss, entry.tokens_per_s
        );
        self.bar.set_message(sentence(&line).into_owned());
    }

    fn validated(&mut self, entry: &ValidationEntry) {
        let mark = if entry.best { ", the best so far" } else { "" };
        let line = format!(
            "step {}, epoch {:.1}, {}: validation loss {:.4}, perplexity {:.2}{mark}",
            entry.step,
            entry.epoch,
            clock(entry.seconds),
            entry.validation_loss,
            entry.validation_loss.exp()
        );
        let reads = entry.source.map(|source| {
            format!(
                "  its source tells it {:.3} nats a token, {:.3} of tokens that it could copy",
                source.source_gain, source.copy_gain
            )
        });
        let blind = entry.step >= BLIND && entry.source.is_some_and(|source| source.is_nil());
        self.bar.suspend(|| {
            self.notes.say(line);
            if let Some(reads) = reads {
                self.notes.say(reads);
            }
            if blind {
                self.notes.say(
                    "  warning: the network does not read its source: with the sources of other examples its loss is the same. \
                     If this lasts, a lower --learning-rate or a longer --warm-up helps",
                );
            }
        });
    }
}

impl Drop for TrainingProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Seconds as people say them: `42 s`, `3 min 20 s`, `2 h 5 min`.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::clock;

    #[test]
    fn times_are_told_in_two_units() {
        assert_eq!([clock(41.7), clock(200.0), clock(7500.0)], ["42 s", "3 min 20 s", "2 h 5 min"]);
    }
}
