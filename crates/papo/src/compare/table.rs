//! A comparison for a terminal: prompts down, models across, as wide as the terminal; models one below the other where that is
//! too narrow.

use comfy_table::presets::UTF8_FULL;
use comfy_table::{ContentArrangement, Table};

use super::{Answer, Column, Comparison, harmless, millions, per_second, seconds};

/// A column narrower than this is not worth reading.
const NARROWEST: usize = 18;

impl Comparison {
    /// The comparison as plain text of at most `width` characters in a line, as far as single words allow.
    ///
    /// Control characters in prompts and answers are replaced, so that none of them reaches the terminal.
    pub fn to_table(&self, width: usize) -> String {
        self.to_table_in(width, &str::to_owned)
    }

    /// As [`to_table`](Self::to_table), with the table's own words put through `words`, which may translate them.
    pub fn to_table_in(&self, width: usize, words: &Words) -> String {
        let models = self.columns().len();
        let is_wide = width / (models + 1) >= NARROWEST;
        let table = if is_wide { self.wide(width, words) } else { self.narrow(width, words) };
        let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
        format!("{}\n{}\n", lines.join("\n"), harmless(&self.machine().to_string()))
    }

    /// Models across.
    fn wide(&self, width: usize, words: &Words) -> String {
        let mut table = new_table(width);
        let mut header = vec![words("Prompt")];
        header.extend(self.columns().iter().map(|column| title(column, words)));
        table.set_header(header);
        for (row, prompt) in self.prompts().iter().enumerate() {
            let mut cells = vec![harmless(prompt)];
            cells.extend(self.columns().iter().map(|column| cell(column, row, words)));
            table.add_row(cells);
        }
        let mut sums = vec![words("All prompts")];
        sums.extend(self.columns().iter().map(sum));
        table.add_row(sums);
        table.to_string()
    }

    /// Models below each other under each prompt.
    fn narrow(&self, width: usize, words: &Words) -> String {
        let mut text = String::new();
        for (row, prompt) in self.prompts().iter().enumerate() {
            let mut table = new_table(width);
            table.set_header([harmless(prompt)]);
            for column in self.columns() {
                table.add_row([format!("{}:\n{}", harmless(&column.model), cell(column, row, words))]);
            }
            text.push_str(&table.to_string());
            text.push_str("\n\n");
        }
        let mut table = new_table(width);
        table.set_header([words("All prompts")]);
        for column in self.columns() {
            table.add_row([format!("{}\n{}", title(column, words), sum(column))]);
        }
        text.push_str(&table.to_string());
        text
    }
}

/// What gives the table's own words, as they are or in another language.
type Words = dyn Fn(&str) -> String;

fn new_table(width: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table
}

fn title(column: &Column, words: &Words) -> String {
    let weights = format!("{} weights", millions(column.parameters));
    format!("{}\n{}", harmless(&column.model), words(&weights))
}

fn cell(column: &Column, row: usize, words: &Words) -> String {
    match column.answers.get(row) {
        None => words("(not asked)"),
        Some(Err(error)) => words(&format!("failed: {}", harmless(error))),
        Some(Ok(answer)) => {
            let text = harmless(&answer.text);
            let text = if text.is_empty() { words("(nothing)") } else { text };
            format!("{text}\n{}", figures(answer))
        }
    }
}

fn figures(answer: &Answer) -> String {
    let tokens =
        if answer.new_tokens == 1 { "1 token".to_owned() } else { format!("{} tokens", answer.new_tokens) };
    whole(&[tokens, seconds(answer.time), per_second(answer.tokens_per_second())])
}

fn sum(column: &Column) -> String {
    let tokens = format!("{} tokens", column.new_tokens());
    whole(&[tokens, seconds(column.time()), per_second(column.tokens_per_second())])
}

/// Figures with their units, which no line break may part.
fn whole(figures: &[String]) -> String {
    figures.iter().map(|figure| figure.replace(' ', "\u{a0}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [40, 60, 80, 120, 200] {
            let table = example().to_table(width);
            for line in table.lines() {
                assert!(line.width() <= width, "{} columns in a table of {width}: {line}", line.width());
            }
            assert!(
                table.contains("smalltalk") && table.contains("eine Katze") && table.contains("Test <CPU>")
            );
        }
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        let table = example().to_table(100);
        assert!(!table.contains('\u{1b}') && !table.contains('\u{202e}'));
        assert!(table.contains("(nothing)") && table.contains("failed: Source 0"));
    }
}
