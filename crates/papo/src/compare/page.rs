//! A comparison as one HTML page that a teacher would project: self-contained, escaped, light and dark, readable by a screen reader.
//!
//! The page asks for nothing from outside (its own content policy forbids it) and runs no script. Its looks are `page.css`.
//! Everything that comes from a model, a file or a user goes through [`Escaped`].

use std::fmt::{self, Display, Write};

use papo_generate::GenerationConfig;
use serde_json::Value;

use super::{Answer, Comparison, harmless, millions, per_second, seconds};

/// Models that stand side by side in large print.
const FEW: usize = 4;

const STYLE: &str = include_str!("page.css");

/// Text made safe for HTML, in content and in quoted attributes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in harmless(self.0).chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl Comparison {
    /// The comparison as one HTML page without outside resources, in UTF-8.
    pub fn to_html(&self) -> String {
        Page(self).to_string()
    }
}

struct Page<'a>(&'a Comparison);

impl Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Page(comparison) = self;
        let (prompts, models) = (comparison.prompts().len(), comparison.columns().len());
        writeln!(f, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
        writeln!(
            f,
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        )?;
        writeln!(f, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        writeln!(f, "<meta name=\"color-scheme\" content=\"light dark\">")?;
        writeln!(
            f,
            "<title>{} compared</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>",
            counted(models, "model")
        )?;
        writeln!(f, "<h1>Same question, {}</h1>", counted(models, "answer"))?;
        writeln!(
            f,
            "<p class=\"lead\">{} put to {}. Below each answer: how long it took, its length, its speed. Times are of one run and vary from \
             run to run; small differences mean nothing.</p>",
            counted(prompts, "prompt"),
            counted(models, "model")
        )?;
        writeln!(f, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Answers\">")?;
        // Columns of equal width, none too narrow to read: the table scrolls. Many models are set closer, so that six stand side by side on
        // a laptop's screen. On a phone each prompt is a card with its answers below it; the roles are named, because a table that is
        // laid out otherwise loses them.
        let (class, column) = if models > FEW { (" class=\"many\"", 10) } else { ("", 15) };
        writeln!(f, "<table{class} role=\"table\" style=\"--least:{}rem\">", column * (models + 1))?;
        self.head(f)?;
        self.body(f)?;
        self.foot(f)?;
        writeln!(f, "</table>\n</div>")?;
        self.settings(f)?;
        writeln!(f, "</main>\n</body>\n</html>")
    }
}

impl Page<'_> {
    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "<caption>Prompts down, models across</caption>\n<thead role=\"rowgroup\">\n<tr role=\"row\">\n<th scope=\"col\" role=\"columnheader\">Prompt</th>"
        )?;
        for column in self.0.columns() {
            writeln!(
                f,
                "<th scope=\"col\" role=\"columnheader\"><span class=\"model\">{}</span> <span class=\"size\">{} weights</span></th>",
                Escaped(&column.model),
                millions(column.parameters)
            )?;
        }
        writeln!(f, "</tr>\n</thead>")
    }

    fn body(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<tbody role=\"rowgroup\">")?;
        for (row, prompt) in self.0.prompts().iter().enumerate() {
            writeln!(
                f,
                "<tr role=\"row\">\n<th scope=\"row\" role=\"rowheader\" dir=\"auto\">{}</th>",
                Escaped(prompt)
            )?;
            for column in self.0.columns() {
                writeln!(f, "<td role=\"cell\" data-model=\"{}\">", Escaped(&column.model))?;
                match column.answers.get(row) {
                    None => writeln!(f, "<p class=\"none\">not asked</p>")?,
                    Some(Err(error)) => writeln!(f, "<p class=\"failed\">failed: {}</p>", Escaped(error))?,
                    Some(Ok(answer)) => cell(f, answer)?,
                }
                writeln!(f, "</td>")?;
            }
            writeln!(f, "</tr>")?;
        }
        writeln!(f, "</tbody>")
    }

    fn foot(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "<tfoot role=\"rowgroup\">\n<tr role=\"row\">\n<th scope=\"row\" role=\"rowheader\">All prompts</th>"
        )?;
        for column in self.0.columns() {
            writeln!(
                f,
                "<td role=\"cell\" data-model=\"{}\"><span class=\"speed\">{}</span><br>{} in {}</td>",
                Escaped(&column.model),
                per_second(column.tokens_per_second()),
                counted(column.new_tokens(), "token"),
                seconds(column.time())
            )?;
        }
        writeln!(f, "</tr>\n</tfoot>")
    }

    fn settings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<h2>How it was made</h2>\n<dl>")?;
        if let Some(command) = self.0.command() {
            writeln!(f, "<dt>Command</dt><dd><code>{}</code></dd>", Escaped(command))?;
        }
        let mut seeds = self.0.columns().iter().filter(|column| samples(&column.settings));
        if let Some(column) = seeds.next() {
            let seed = match column.settings.seed {
                Some(seed) => format!("{seed}; with it the models that sample answer the same again"),
                None => "none; the models that sample answer differently each time".to_owned(),
            };
            writeln!(f, "<dt>Seed</dt><dd>{seed}</dd>")?;
        }
        writeln!(f, "<dt>Machine</dt><dd>{}</dd>", Escaped(&self.0.machine().to_string()))?;
        for column in self.0.columns() {
            writeln!(
                f,
                "<dt>{}</dt><dd>{}, {}, {} kernels<br><code>{}</code></dd>",
                Escaped(&column.model),
                Escaped(&column.family),
                counted(column.threads, "thread"),
                Escaped(column.kernels),
                Escaped(&words(&column.settings))
            )?;
        }
        writeln!(
            f,
            "</dl>\n<p class=\"made\">Every prompt stands alone. Times include reading the prompt. Made by <code>papo compare</code>.</p>"
        )
    }
}

fn cell(f: &mut fmt::Formatter<'_>, answer: &Answer) -> fmt::Result {
    match answer.text.as_str() {
        "" => writeln!(f, "<p class=\"none\">(nothing)</p>")?,
        text => writeln!(f, "<p class=\"answer\" dir=\"auto\">{}</p>", Escaped(text))?,
    }
    for remark in &answer.remarks {
        writeln!(f, "<p class=\"remark\">{}</p>", Escaped(remark))?;
    }
    writeln!(
        f,
        "<p class=\"figures\"><span>{}</span> · <span>{}</span> · <span>{}</span></p>",
        seconds(answer.time),
        counted(answer.new_tokens, "token"),
        per_second(answer.tokens_per_second())
    )
}

/// Whether a model draws its tokens, so that a seed has a part in its answers.
fn samples(settings: &GenerationConfig) -> bool {
    settings.do_sample == Some(true)
}

/// `1 token`, `2 tokens`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Settings as people write them: `num_beams 4, length_penalty 0.65`.
///
/// Which ids begin and end an answer is the checkpoint's own business, and `max_length` says nothing beside `max_new_tokens`.
fn words(settings: &GenerationConfig) -> String {
    let Value::Object(map) = settings.to_json() else { return String::new() };
    let counts = |name: &str| {
        let own = ["pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"];
        !(own.contains(&name)
            || name == "seed" && !samples(settings)
            || name == "max_length" && settings.max_new_tokens.is_some())
    };
    let words = map.iter().filter(|(name, _)| counts(name)).map(|(name, value)| format!("{name} {value}"));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;

    #[test]
    fn nothing_of_a_prompt_or_an_answer_becomes_markup() {
        let page = example().to_html();
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<CPU>"));
        assert!(page.contains("&lt;b&gt;a &quot;cat&quot;&lt;/b&gt; &amp; dogs"));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }

    #[test]
    fn the_page_asks_for_nothing_from_outside() {
        let page = example().to_html();
        for word in ["http:", "https:", "src=", "url(", "@import", "<link", "href="] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn the_command_and_the_seed_of_what_was_drawn_are_told() {
        let mut comparison = example();
        assert!(!comparison.to_html().contains("<dt>Seed</dt>"), "nothing was drawn");
        comparison.set_command("papo compare --html 'a <b>.html'");
        comparison.columns[0].settings.do_sample = Some(true);
        comparison.columns[0].settings.seed = Some(31);
        let page = comparison.to_html();
        assert!(
            page.contains("<dt>Command</dt><dd><code>papo compare --html &#39;a &lt;b&gt;.html&#39;</code>")
        );
        assert!(page.contains("<dt>Seed</dt><dd>31;"));
        assert!(!page.contains("class=\"bar\"") && !page.contains("fastest"), "one run ranks nobody");
    }

    #[test]
    fn each_answer_names_its_model_for_a_screen_that_has_room_for_one_column() {
        let page = example().to_html();
        assert_eq!(page.matches("data-model=\"smalltalk\"").count(), 4, "three prompts and the sums");
    }

    #[test]
    fn tags_are_balanced() {
        let page = example().to_html();
        for tag in ["table", "thead", "tbody", "tfoot", "tr", "td", "dl", "dd", "main", "div", "code"] {
            let opened =
                page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
