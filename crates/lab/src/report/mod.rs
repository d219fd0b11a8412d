//! The curves of a training as one HTML page: self-contained, without scripts, light and dark, readable by a screen reader.
//!
//! The page asks for nothing from outside (its own content policy forbids it). `chart.rs` draws a chart as inline SVG; the looks are
//! `page.css`, in the manner of `papo compare --html`. What is shown is the log, `training/log.jsonl`.

mod chart;

use std::fmt::Write;

use serde_json::Value;

use crate::training::{Entry, Recipe, SourceUse, StepEntry, Summary, ValidationEntry};
use chart::{Best, Chart, Curve};

const STYLE: &str = include_str!("page.css");

/// Text made safe for HTML, in content and in quoted attributes.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
        safe
    })
}

/// The page of a training: its curves, its result, the command that made it and its recipe.
pub fn report(title: &str, command: &str, recipe: &Recipe, summary: &Summary, entries: &[Entry]) -> String {
    let steps: Vec<&StepEntry> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Step(step) => Some(step),
            Entry::Validation(_) => None,
        })
        .collect();
    let validations: Vec<&ValidationEntry> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Validation(validation) => Some(validation),
            Entry::Step(_) => None,
        })
        .collect();
    let curve = |name: &'static str, class: &'static str, of: fn(&StepEntry) -> f64| Curve {
        name,
        class,
        points: steps.iter().map(|step| (step.step as f64, of(step))).collect(),
    };
    let losses = vec![
        curve("training", "train", |step| step.loss),
        Curve {
            name: "validation",
            class: "valid",
            points: validations.iter().map(|it| (it.step as f64, it.validation_loss)).collect(),
        },
    ];
    let best = summary.best.map(|value| Best { step: summary.best_step as f64, value: f64::from(value) });
    let alone = |title, unit, name, of: fn(&StepEntry) -> f64| Chart {
        title,
        unit,
        curves: vec![curve(name, "train", of)],
        best: None,
    };
    let charts = [
        Chart { title: "Loss", unit: "nats a token", curves: losses, best },
        alone("Learning rate", "learning rate", "learning rate", |step| step.learning_rate),
        alone("Gradients, before they are clipped", "norm", "norm", |step| step.gradient_norm),
        alone("Speed", "tokens a second", "tokens/s", |step| step.tokens_per_s),
    ];
    let sources: Vec<(f64, SourceUse)> =
        validations.iter().filter_map(|it| Some((it.step as f64, it.source?))).collect();
    let gain = |name, class, of: fn(&SourceUse) -> f64| Curve {
        name,
        class,
        points: sources.iter().map(|(step, source)| (*step, of(source))).collect(),
    };
    let reads = Chart {
        title: "What the source tells: the loss with other sources, less the loss",
        unit: "nats a token",
        curves: vec![
            gain("all tokens", "train", |source| source.source_gain),
            gain("tokens that could be copied", "valid", |source| source.copy_gain),
        ],
        best: None,
    };
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Training of {0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Training of {0}</h1>\n\
         <p class=\"lead\">{1}</p>\n",
        escaped(title),
        escaped(&lead(summary))
    );
    for chart in charts.iter().chain((!sources.is_empty()).then_some(&reads)) {
        page.push_str(&chart.to_svg());
    }
    if sources.last().is_some_and(|(_, source)| source.is_nil()) {
        page.push_str(
            "<p><strong>The network does not read its source</strong>: with the sources of other examples its loss is the same.</p>\n",
        );
    }
    page.push_str(&validation_table(&validations));
    let _ = write!(
        page,
        "<h2>How it was made</h2>\n<dl>\n<dt>Command</dt><dd><code>{}</code></dd>\n<dt>Seed</dt><dd>{}</dd>\n</dl>\n",
        escaped(command),
        recipe.seed
    );
    page.push_str(&recipe_list(recipe));
    page.push_str(
        "<p class=\"made\">Made by <code>papo train --report</code>.</p>\n</main>\n</body>\n</html>\n",
    );
    page
}

fn lead(summary: &Summary) -> String {
    let result = match summary.best {
        Some(best) => format!(
            "The best validation loss is {best:.4} nats a token (perplexity {:.2}), at step {}. ",
            best.exp(),
            summary.best_step
        ),
        None => String::new(),
    };
    format!(
        "{result}{} weights, {} steps, {} tokens in {:.0} seconds: {:.0} tokens a second.",
        summary.parameters,
        summary.steps,
        summary.tokens,
        summary.seconds,
        summary.tokens as f64 / summary.seconds.max(1e-9)
    )
}

fn validation_table(validations: &[&ValidationEntry]) -> String {
    let mut table = String::from(
        "<h2>Validations</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Validations\">\n<table>\n<thead>\n\
         <tr><th scope=\"col\">Step</th><th scope=\"col\">Epochs</th><th scope=\"col\">Seconds</th><th scope=\"col\">Loss</th>\
         <th scope=\"col\">Perplexity</th></tr>\n</thead>\n<tbody>\n",
    );
    for it in validations {
        let mark = if it.best { " class=\"best\"" } else { "" };
        let _ = writeln!(
            table,
            "<tr{mark}><th scope=\"row\">{}</th><td>{:.2}</td><td>{:.0}</td><td>{:.4}</td><td>{:.2}</td></tr>",
            it.step,
            it.epoch,
            it.seconds,
            it.validation_loss,
            it.validation_loss.exp()
        );
    }
    table.push_str("</tbody>\n</table>\n</div>\n");
    table
}

fn recipe_list(recipe: &Recipe) -> String {
    let mut list = String::from("<h2>Recipe</h2>\n<dl>\n");
    if let Ok(Value::Object(fields)) = serde_json::to_value(recipe) {
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let _ = writeln!(
                list,
                "<dt>{}</dt><dd><code>{}</code></dd>",
                escaped(&name.replace('_', " ")),
                escaped(&words(value))
            );
        }
    }
    list.push_str("</dl>\n");
    list
}

/// A value as people write it: `d_hidden 512, n_layers 2`.
fn words(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let parts: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name} {}", words(value))).collect();
            parts.join(", ")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Ending, OptimizerSettings, Task};
    use crate::{NetworkConfig, RecurrentConfig, Schedule};

    fn example(title: &str, entries: &[Entry]) -> String {
        let recipe = Recipe {
            network: NetworkConfig::Lstm(RecurrentConfig::new(10, 4, 4, 1)),
            task: Task { task: "text".into(), unit: None, context_turns: 1, context_tokens: 1 },
            tokenizer: "<chars>".into(),
            begins_with: None,
            seed: 1,
            held_out: 0.1,
            batch_rows: Some(4),
            batch_tokens: None,
            columns: 8,
            target_tokens: 8,
            accumulate: 1,
            adam: OptimizerSettings::default(),
            learning_rate: 0.1,
            warm_up: 0,
            schedule: Schedule::Constant,
            label_smoothing: 0.0,
            average: None,
            validate_every: None,
        };
        let summary = Summary {
            ending: Ending::Done,
            steps: 20,
            epochs: 1.0,
            best: Some(1.5),
            best_step: 20,
            seconds: 10.0,
            tokens: 1000,
            parameters: 123,
        };
        report(title, "papo train lstm --out '<it>'", &recipe, &summary, entries)
    }

    fn entries() -> Vec<Entry> {
        let step = |step: u64| {
            Entry::Step(StepEntry {
                step,
                epoch: 0.1,
                loss: 3.0 / step as f64,
                learning_rate: 0.1,
                gradient_norm: 1.0,
                tokens_per_s: 100.0,
                seconds: step as f64,
            })
        };
        let validation = Entry::Validation(ValidationEntry {
            step: 20,
            epoch: 1.0,
            validation_loss: 1.5,
            best: true,
            source: None,
            seconds: 9.0,
        });
        (1..20).map(step).chain([validation]).collect()
    }

    #[test]
    fn a_network_that_does_not_read_its_source_is_told_of() {
        let with = |source| {
            let mut entries = entries();
            let Some(Entry::Validation(last)) = entries.last_mut() else {
                panic!("the last is a validation")
            };
            last.source = source;
            example("it", &entries)
        };
        let blind = with(Some(SourceUse { source_gain: 0.01, copy_gain: 0.0 }));
        assert!(blind.contains("What the source tells") && blind.contains("does not read its source"));
        let reads = with(Some(SourceUse { source_gain: 0.7, copy_gain: 2.0 }));
        assert!(reads.contains("What the source tells") && !reads.contains("does not read its source"));
        assert!(!with(None).contains("What the source tells"));
    }

    #[test]
    fn nothing_of_a_name_becomes_markup_and_nothing_is_asked_from_outside() {
        let page = example("<b>\"mine\"</b>", &entries());
        assert!(page.contains("&lt;b&gt;&quot;mine&quot;&lt;/b&gt;") && page.contains("&lt;chars&gt;"));
        for word in ["<b>", "<script", "http:", "https:", "src=", "url(", "@import", "<link", "href="] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn every_curve_is_drawn_and_an_empty_log_makes_a_page_too() {
        let page = example("mine", &entries());
        assert_eq!(page.matches("<svg").count(), 8, "four charts, for wide and for narrow screens");
        assert_eq!(page.matches("best 1.5 at step 20").count(), 2);
        assert_eq!(page.matches(">step</text>").count(), 8);
        assert!(
            page.contains("papo train lstm --out &#39;&lt;it&gt;&#39;")
                && page.contains("<dt>Seed</dt><dd>1</dd>")
        );
        assert!(page.contains("class=\"curve train\"") && page.contains("class=\"curve valid\""));
        assert!(!page.contains("NaN") && !page.contains("inf"));
        let empty = example("mine", &[]);
        assert!(empty.contains("</html>") && !empty.contains("NaN"));
    }
}
