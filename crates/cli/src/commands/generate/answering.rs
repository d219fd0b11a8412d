//! From lines to answers: what can be refused is refused before the model runs, the rest is answered in groups.

use papo::conversation::Fitted;
use papo::generate::{Origin, Padding};
use papo::{GenerationConfig, Hooks, SpecialTokens, TokenId};

use super::grouping::{Key, groups};
use super::protocol::{self, Answer, Id, Job, Refusal, Source, Truncations};
use crate::failure::Failure;
use crate::loading::{AnyModel, Generates, check_options};
use crate::terminal::{BadLine, Notes};
use crate::truncated::Truncated;

/// Answers lines with one model and one set of options.
pub struct Answering<'a> {
    model: &'a AnyModel,
    /// The checkpoint's options with those of the command line over them.
    config: GenerationConfig,
    notes: Notes,
    told_of_loss: bool,
    all_good: bool,
}

/// A line that only needs the model.
struct Ready {
    id: Id,
    sources: Vec<Vec<TokenId>>,
    /// Tokens of each source that did not fit.
    dropped: Vec<usize>,
    config: GenerationConfig,
    padding: Padding,
    key: Key,
}

impl<'a> Answering<'a> {
    /// Refuses options that contradict each other.
    pub fn new(
        model: &'a AnyModel,
        given: &GenerationConfig,
        notes: Notes,
    ) -> Result<Answering<'a>, Failure> {
        check_options(model, given, notes)?;
        let config = model.network().generation_config().merged(given);
        Ok(Answering { model, config, notes, told_of_loss: false, all_good: true })
    }

    /// Whether every line so far had an answer.
    pub fn all_good(&self) -> bool {
        self.all_good
    }

    /// One output line for each line of the window, in order.
    pub fn answer(&mut self, window: Vec<Result<String, BadLine>>) -> Vec<String> {
        let ready: Vec<Result<Ready, Refusal>> = window.into_iter().map(|line| self.prepare(line)).collect();
        let mut answers: Vec<Option<Result<Answer, Refusal>>> = ready.iter().map(|_| None).collect();
        let mut waiting = Vec::new();
        for (position, line) in ready.into_iter().enumerate() {
            match line {
                Ok(line) => waiting.push((position, line)),
                Err(refusal) => answers[position] = Some(Err(refusal)),
            }
        }
        for group in groups(waiting.iter().map(|(_, line)| &line.key)) {
            let lines: Vec<&Ready> = group.iter().map(|&member| &waiting[member].1).collect();
            for (member, answer) in group.iter().zip(self.run(&lines)) {
                answers[waiting[*member].0] = Some(answer);
            }
        }
        answers.into_iter().flatten().map(|answer| self.write(answer)).collect()
    }

    fn prepare(&mut self, line: Result<String, BadLine>) -> Result<Ready, Refusal> {
        let line = line.map_err(|bad| Refusal { id: None, error: bad.to_string() })?;
        let Job { id, sources, overrides } = protocol::parse(&line)?;
        // A line has texts or ids, never both.
        let texts = sources.iter().any(|source| matches!(source, Source::Text(_)));
        let padding = if texts { Padding::Read } else { Padding::Masked };
        match self.prepare_job(sources, overrides) {
            Ok((sources, config)) => {
                let (sources, dropped) = sources.into_iter().map(|source| (source.ids, source.cut)).unzip();
                let alone = config.do_sample == Some(true) || config.max_time.is_some();
                let key = (!alone).then(|| format!("{padding:?} {}", config.to_json()));
                Ok(Ready { id, sources, dropped, config, padding, key })
            }
            Err(error) => Err(Refusal { id, error }),
        }
    }

    fn prepare_job(
        &mut self,
        sources: Vec<Source>,
        overrides: Option<serde_json::Value>,
    ) -> Result<(Vec<Fitted>, GenerationConfig), String> {
        let config = match overrides {
            None => self.config.clone(),
            Some(overrides) => {
                let overrides = GenerationConfig::from_json(&overrides, Origin::Request)
                    .map_err(|error| error.to_string())?;
                self.config.merged(&overrides)
            }
        };
        let sources = sources.into_iter().map(|source| self.encode(source)).collect::<Result<_, _>>()?;
        Ok((sources, config))
    }

    fn encode(&mut self, source: Source) -> Result<Fitted, String> {
        let text = match source {
            Source::Ids(ids) => return Ok(Fitted { ids, cut: 0 }),
            Source::Text(text) => text,
        };
        let model = match self.model {
            AnyModel::WithText(model) => model,
            AnyModel::IdsOnly(_, why) => {
                return Err(format!("the model takes input_ids only, no text: {why}"));
            }
        };
        if !self.told_of_loss
            && let Some(note) = model.tokenizer().lossy_note(&text)
        {
            self.told_of_loss = true;
            self.notes.say(note);
        }
        let ids = model.tokenizer().encode(&text).map_err(|error| error.to_string())?;
        let fitted = model.fit(ids);
        if let Some(truncated) = Truncated::of(fitted.cut) {
            self.notes.say(truncated);
        }
        Ok(fitted)
    }

    /// Answers lines that share one config; should that fail, each alone, so that none suffers for another.
    fn run(&self, lines: &[&Ready]) -> Vec<Result<Answer, Refusal>> {
        match self.run_together(lines) {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(_) if lines.len() > 1 => lines.iter().flat_map(|line| self.run(&[line])).collect(),
            Err(error) => {
                lines.iter().map(|line| Err(Refusal { id: line.id.clone(), error: error.clone() })).collect()
            }
        }
    }

    fn run_together(&self, lines: &[&Ready]) -> Result<Vec<Answer>, String> {
        let Some(first) = lines.first() else { return Ok(Vec::new()) };
        let sources: Vec<Vec<TokenId>> = lines.iter().flat_map(|line| line.sources.iter().cloned()).collect();
        let generated = self
            .model
            .generate(&sources, &first.config, Hooks::default().padding(first.padding))
            .map_err(|error| error.to_string())?;
        let rows_per_source = generated.sequences.len() / sources.len();
        let mut sequences = generated.sequences.into_iter();
        let mut answers = Vec::new();
        for line in lines {
            let rows: Vec<_> = sequences.by_ref().take(line.sources.len() * rows_per_source).collect();
            let decode = |model: &papo::ChatModel| {
                rows.iter().map(|row| model.tokenizer().decode(&row.tokens, SpecialTokens::Skip)).collect()
            };
            let texts = self
                .model
                .with_text()
                .map(decode)
                .transpose()
                .map_err(|error: papo::Error| error.to_string())?;
            answers.push(Answer {
                id: line.id.clone(),
                texts,
                scores: rows.iter().map(|row| row.score).collect(),
                // Every row begins with the decoder start token, which nobody made.
                new_tokens: rows.iter().map(|row| row.tokens.len() - 1).sum(),
                truncated: Truncations::of(&line.dropped),
                sequences: rows.into_iter().map(|row| row.tokens).collect(),
            });
        }
        Ok(answers)
    }

    fn write(&mut self, answer: Result<Answer, Refusal>) -> String {
        let line = match &answer {
            Ok(answer) => serde_json::to_string(answer),
            Err(refusal) => serde_json::to_string(refusal),
        };
        self.all_good &= answer.is_ok();
        // Neither type has anything that JSON could not hold; a sentence is better than a panic all the same.
        line.unwrap_or_else(|error| format!("{{\"id\":null,\"error\":\"the answer is not JSON: {error}\"}}"))
    }
}
