//! The words and tables of `docs/lineage.md`.

use std::fmt::Write;

use anyhow::Result;
use papo::compare::Machine;
use serde_json::Value;

use super::ladder::Rung;
use crate::record::{Point, Record};
use crate::talk::{HeldOut, Talk};

/// Draws curves under a name and gives the picture's place.
type Draw<'a> = dyn FnMut(&str, &[(&str, &[Point])], &str) -> Result<String> + 'a;

/// The rungs of the translation ladder: the record, what it is, what public tutorials of this ladder report.
const TRANSLATORS: [(&str, &str, &str); 4] = [
    ("multi30k-lstm", "LSTM without attention", "14 to 20"),
    ("multi30k-gru", "GRU without attention", "about 20"),
    ("multi30k-bahdanau", "GRU with Bahdanau's attention", "about 28"),
    ("multi30k-transformer", "transformer", "36.5"),
];

/// Trainings on characters: the record, what it is, the bar.
const CHARACTERS: [(&str, &str, &str); 2] = [
    ("shakespeare", "tiny Shakespeare, the last tenth held out", "1.75"),
    ("names", "32,033 first names, a tenth held out", "1.95"),
];

/// Writes the page.
pub fn written(rungs: &[Rung], records: &[Record], told: &HeldOut, draw: &mut Draw<'_>) -> Result<String> {
    let mut page = String::from(
        "# The lineage\n\nGenerations of text models, each trained by Papo on the same small talk, measured and talked to. This page is \
         written by one command, `recipes/lineage`; nothing in it is typed or chosen by hand. The models come from `recipes/NAME`, \
         the data from `xtask dialogues`.\n\n",
    );
    let machine = Machine::this();
    writeln!(page, "Measured on {} ({}).\n", machine.processor, machine.system)?;
    ladder(&mut page, rungs, records, draw)?;
    in_conversation(&mut page, rungs)?;
    translators(&mut page, records, draw)?;
    characters(&mut page, records, draw)?;
    talks(&mut page, rungs, told)?;
    Ok(page)
}

fn record<'a>(records: &'a [Record], name: &str) -> Option<&'a Record> {
    records.iter().find(|record| record.name == name)
}

fn ladder(page: &mut String, rungs: &[Rung], records: &[Record], draw: &mut Draw<'_>) -> Result<()> {
    page.push_str(
        "## The ladder\n\nPerplexity is per *word* of the replies in held-out conversations of the public sets, given the turns before, so \
         that tokenizations can be compared: what all tokens of a reply and its end cost, for each word between white space. distinct-1 and \
         distinct-2 (different words and word pairs for each word) are of 200 replies with the model's own settings; a reply's \
         tokens a second likewise, one at a time.\n\n\
         | model | weights | files | training | tokens/s in training | perplexity per word | distinct-1 | distinct-2 | tokens/s in chat |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for rung in rungs {
        let known = record(records, &rung.name);
        writeln!(
            page,
            "| `{}` ({}) | {} | {:.1} MB | {} | {} | {:.1} | {:.3} | {:.3} | {:.0} |",
            rung.name,
            rung.model_type,
            known.and_then(|record| record.parameters).map_or("–".to_owned(), millions),
            rung.bytes as f64 / 1e6,
            known.map_or("–".to_owned(), time),
            known
                .and_then(|record| record.tokens_per_s)
                .map_or("–".to_owned(), |speed| format!("{speed:.0}")),
            rung.likelihood.perplexity_per_word(),
            rung.distinct[0],
            rung.distinct[1],
            rung.tokens_per_s
        )?;
    }
    if let Some(rung) = rungs.first() {
        writeln!(
            page,
            "\nThe held-out replies: {} with {} words.\n",
            rung.likelihood.texts, rung.likelihood.words
        )?;
    }
    let trained: Vec<&Record> = rungs.iter().filter_map(|rung| record(records, &rung.name)).collect();
    curves(page, "small-talk", &trained, draw)?;
    commands(page, &trained)
}

fn translators(page: &mut String, records: &[Record], draw: &mut Draw<'_>) -> Result<()> {
    let found: Vec<_> = TRANSLATORS.iter().filter_map(|row| Some((row, record(records, row.0)?))).collect();
    if found.is_empty() {
        return Ok(());
    }
    page.push_str(
        "## German to English\n\nMulti30k, test_2016_flickr, lower-cased BLEU as sacreBLEU counts it (13a), five beams. The data name no \
         licence, so these models are not part of the program.\n\n\
         | model | weights | training | BLEU | chrF2 | tutorials report |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for ((_, what, reported), record) in &found {
        let figure = |name: &str| {
            let number = record
                .evaluation
                .as_ref()
                .and_then(|evaluation| evaluation.get(name))
                .and_then(Value::as_f64);
            number.map_or("–".to_owned(), |number| format!("{number:.2}"))
        };
        writeln!(
            page,
            "| {what} | {} | {} | {} | {} | {reported} |",
            record.parameters.map_or("–".to_owned(), millions),
            time(record),
            figure("bleu"),
            figure("chrf")
        )?;
    }
    page.push('\n');
    let trained: Vec<&Record> = found.iter().map(|(_, record)| *record).collect();
    curves(page, "multi30k", &trained, draw)?;
    commands(page, &trained)
}

fn characters(page: &mut String, records: &[Record], draw: &mut Draw<'_>) -> Result<()> {
    let found: Vec<_> = CHARACTERS.iter().filter_map(|row| Some((row, record(records, row.0)?))).collect();
    if found.is_empty() {
        return Ok(());
    }
    page.push_str(
        "## Characters\n\n| data | weights | training | held-out nats per character | the bar |\n| --- | --- | --- | --- | --- |\n",
    );
    for ((_, what, bar), record) in &found {
        let loss = record.validation_loss.map_or("–".to_owned(), |loss| format!("{loss:.3}"));
        let weights = record.parameters.map_or("–".to_owned(), millions);
        writeln!(page, "| {what} | {weights} | {} | {loss} | {bar} |", time(record))?;
    }
    page.push('\n');
    let trained: Vec<&Record> = found.iter().map(|(_, record)| *record).collect();
    curves(page, "characters", &trained, draw)?;
    commands(page, &trained)
}

/// What was counted in the held-out conversations, and what people thought of them.
fn in_conversation(page: &mut String, rungs: &[Rung]) -> Result<()> {
    page.push_str(
        "## In conversation\n\nThe conversations below, with each model's own settings. *Names*: of a hundred that no model has learnt from, 30 with \
         accents, half in Portuguese, how many it greets when they are told, and how many it knows when asked three turns later. *Facts*: things told \
         that come back when asked for. *Takes up*: replies that mention something of what was said. *Mark*: 0 beside the point, 1 will do, 2 good, by \
         whoever read all of them (`recipes/talk/held-out/marks`), the mean in English and in Portuguese.\n\n\
         | model | names greeted | names known later | facts known later | takes up | in the turn's language | not said before | first token | reply | \
         mark in English | in Portuguese |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for rung in rungs {
        let Talk { counts, greeted, remembered, first_token, whole_reply, means, .. } = &rung.talk;
        writeln!(
            page,
            "| `{}` | {greeted} | {remembered} | {} | {} | {} | {} | {:.0} ms | {:.0} ms | {} | {} |",
            rung.name,
            counts.recalled,
            counts.mentioned,
            counts.language,
            counts.new,
            first_token.as_secs_f64() * 1e3,
            whole_reply.as_secs_f64() * 1e3,
            means[0],
            means[1]
        )?;
    }
    page.push('\n');
    Ok(())
}

/// Conversations turn by turn, every model's reply below the turn. Each model follows its own conversation.
fn talks(page: &mut String, rungs: &[Rung], told: &HeldOut) -> Result<()> {
    writeln!(
        page,
        "## {} conversations\n\nWritten before the models were trained and never learnt from, answered once with each model's own settings. Each model \
         has its own conversation: it sees its own replies.\n",
        told.conversations.len()
    )?;
    for (number, conversation) in told.conversations.iter().enumerate() {
        writeln!(page, "### {}\n", conversation.slug.replace('-', " "))?;
        for (place, turn) in conversation.turns.iter().enumerate() {
            writeln!(page, "**You:** {}\n", plain(&turn.says))?;
            for rung in rungs {
                let reply = rung.talk.replies.get(number).and_then(|replies| replies.get(place));
                writeln!(page, "* `{}`: {}", rung.name, plain(reply.map_or("", String::as_str)))?;
            }
            page.push('\n');
        }
    }
    Ok(())
}

/// The curves of trainings that have some: held-out data, and without such the training's own.
fn curves(page: &mut String, name: &str, records: &[&Record], draw: &mut Draw<'_>) -> Result<()> {
    let lines: Vec<(&str, &[Point])> = records
        .iter()
        .map(|record| {
            let held_out = record.validation_curve.len() > 1;
            (
                record.name.as_str(),
                if held_out { &record.validation_curve[..] } else { &record.train_curve[..] },
            )
        })
        .filter(|(_, curve)| curve.len() > 1)
        .collect();
    if !lines.is_empty() {
        let place = draw(name, &lines, "nats per token of held-out data")?;
        writeln!(page, "![held-out loss over time]({place})\n")?;
    }
    Ok(())
}

fn commands(page: &mut String, records: &[&Record]) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    page.push_str("```sh\n");
    for record in records {
        writeln!(page, "# {}: on {} ({})\n{}", record.name, record.device, record.processor, record.command)?;
    }
    page.push_str("```\n\n");
    Ok(())
}

fn millions(weights: u64) -> String {
    format!("{:.1} M", weights as f64 / 1e6)
}

fn time(record: &Record) -> String {
    let epochs = record.epochs.map_or(String::new(), |epochs| format!(", {epochs:.1} epochs"));
    match record.seconds {
        None => "–".to_owned(),
        Some(seconds) if seconds < 90.0 => format!("{seconds:.0} s{epochs}"),
        Some(seconds) => format!("{:.0} min on {}{epochs}", seconds / 60.0, record.device),
    }
}

/// Text that is nothing but text to Markdown.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }) {
        if "\\`*_[]<>#|~".contains(letter) {
            plain.push('\\');
        }
        plain.push(letter);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_cannot_write_markdown() {
        assert_eq!(plain("*a* <b>\n| `c`"), "\\*a\\* \\<b\\> \\| \\`c\\`");
    }
}
