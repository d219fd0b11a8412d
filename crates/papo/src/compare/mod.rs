//! The same prompts to several models, answers and times side by side.
//!
//! Models take part one after the other, so that only one of them needs to be in memory: load it, [`Comparison::add`] it, let it
//! go. Each prompt stands alone, as in a chat without memory. `table.rs` draws the result for a terminal, `page.rs` as a page to
//! show.

mod machine;
mod page;
mod table;

use std::time::Duration;

use papo_generate::{Finish, GenerationConfig, Hooks};
use serde_json::{Value, json};

pub use machine::Machine;

use crate::conversation::with_reply_length;
use crate::{ChatModel, Conversation, Error, Memory};

/// Prompts, and what each model made of them.
#[derive(Clone, Debug)]
pub struct Comparison {
    prompts: Vec<String>,
    columns: Vec<Column>,
    machine: Machine,
    command: Option<String>,
}

/// One model's part.
#[derive(Clone, Debug)]
pub struct Column {
    /// The model's name.
    pub model: String,
    /// Its `model_type`, as in `t5`.
    pub family: String,
    /// Number of its weights.
    pub parameters: usize,
    /// Threads that it computed on.
    pub threads: usize,
    /// The kernels that it computed with, as in `avx2`.
    pub kernels: &'static str,
    /// The settings in force, the checkpoint's own with those given over them.
    pub settings: GenerationConfig,
    /// An answer for each prompt, in order; fewer if it was interrupted. An error is a sentence.
    pub answers: Vec<Result<Answer, String>>,
}

/// What a model answered to a prompt.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// Ids that the model read.
    pub source_tokens: usize,
    /// Ids cut from the beginning of the prompt because there are more than the model can read.
    pub cut_tokens: usize,
    /// Ids that the model wrote.
    pub new_tokens: usize,
    /// Time until the first token.
    pub first_token_time: Duration,
    /// Time of the whole answer.
    pub time: Duration,
    /// What a person should know besides the text: a sentence each.
    pub remarks: Vec<String>,
}

impl Answer {
    /// New tokens in a second, reading the prompt included.
    pub fn tokens_per_second(&self) -> f64 {
        speed(self.new_tokens, self.time)
    }
}

impl Column {
    /// Number of new tokens of all answers.
    pub fn new_tokens(&self) -> usize {
        self.answers.iter().flatten().map(|answer| answer.new_tokens).sum()
    }

    /// Time of all answers together.
    pub fn time(&self) -> Duration {
        self.answers.iter().flatten().map(|answer| answer.time).sum()
    }

    /// New tokens in a second over all answers.
    pub fn tokens_per_second(&self) -> f64 {
        speed(self.new_tokens(), self.time())
    }
}

fn speed(tokens: usize, time: Duration) -> f64 {
    tokens as f64 / time.as_secs_f64().max(1e-9)
}

impl Comparison {
    /// Begins a comparison on these prompts.
    ///
    /// An error is [`Error::NothingToCompare`] if there are none.
    pub fn new(prompts: Vec<String>) -> Result<Self, Error> {
        if prompts.is_empty() {
            return Err(Error::NothingToCompare { what: "there are no prompts" });
        }
        Ok(Self { prompts, columns: Vec::new(), machine: Machine::this(), command: None })
    }

    /// Puts all prompts to a model and adds its answers as the next column.
    ///
    /// `config` overrides the checkpoint's settings; the length of an answer is that of a chat's reply unless it is set. A prompt that
    /// fails has a sentence in place of an answer.
    pub fn add(&mut self, model: &ChatModel, config: &GenerationConfig) {
        self.add_with(model, config, Hooks::default(), &mut |_| ());
    }

    /// As [`add`](Self::add), with hooks; `answered` is called with the number of the prompt after each answer. An interrupt (see
    /// [`Hooks::interrupt`]) leaves the prompts after it out.
    pub fn add_with(
        &mut self,
        model: &ChatModel,
        config: &GenerationConfig,
        mut hooks: Hooks<'_>,
        answered: &mut dyn FnMut(usize),
    ) {
        let network = model.model().network();
        let mut column = Column {
            model: model.name().to_owned(),
            family: model.model().model_type().to_owned(),
            parameters: network.parameters(),
            threads: network.compute().map_or(1, papo_kernels::Compute::threads),
            kernels: network.compute().map_or("no", |compute| compute.kernels().name()),
            settings: model.model().generation_config().merged(&with_reply_length(config)),
            answers: Vec::new(),
        };
        for (number, prompt) in self.prompts.iter().enumerate() {
            let reply = Conversation::new(model, Memory::Off).reply_with(prompt, config, hooks.reborrow());
            let interrupted = reply.as_ref().is_ok_and(|reply| reply.finish == Finish::Interrupted);
            column.answers.push(match reply {
                Ok(reply) => Ok(Answer {
                    remarks: reply.remarks(),
                    text: reply.text,
                    source_tokens: reply.source_tokens,
                    cut_tokens: reply.cut_tokens,
                    new_tokens: reply.new_tokens,
                    first_token_time: reply.first_token_time,
                    time: reply.total_time,
                }),
                Err(error) => Err(error.to_string()),
            });
            answered(number);
            if interrupted {
                break;
            }
        }
        self.columns.push(column);
    }

    /// The prompts, in order.
    pub fn prompts(&self) -> &[String] {
        &self.prompts
    }

    /// The models, in the order in which they were added.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Notes the command that makes this comparison, for whoever wants to make it again.
    pub fn set_command(&mut self, command: &str) {
        self.command = Some(command.to_owned());
    }

    /// The command that makes this comparison, if somebody has told it.
    pub fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// The machine that computed.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Tells whether some prompt has a sentence in place of an answer.
    pub fn has_failures(&self) -> bool {
        self.columns.iter().flat_map(|column| &column.answers).any(Result::is_err)
    }

    /// Everything, for programs: times are milliseconds.
    pub fn to_json(&self) -> Value {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let models = self.columns.iter().map(|column| {
            let answers = column.answers.iter().map(|answer| match answer {
                Ok(answer) => {
                    let mut object = json!({
                        "text": answer.text,
                        "source_tokens": answer.source_tokens,
                        "new_tokens": answer.new_tokens,
                        "first_token_ms": milliseconds(answer.first_token_time),
                        "total_ms": milliseconds(answer.time),
                        "tokens_per_s": answer.tokens_per_second(),
                        "remarks": answer.remarks,
                    });
                    if answer.cut_tokens > 0 {
                        object["truncated"] = json!({"kept": "end", "dropped": answer.cut_tokens});
                    }
                    object
                }
                Err(error) => json!({ "error": error }),
            });
            json!({
                "model": column.model,
                "family": column.family,
                "parameters": column.parameters,
                "threads": column.threads,
                "kernels": column.kernels,
                "generation_config": column.settings,
                "answers": answers.collect::<Vec<_>>(),
                "new_tokens": column.new_tokens(),
                "total_ms": milliseconds(column.time()),
                "tokens_per_s": column.tokens_per_second(),
            })
        });
        json!({ "machine": self.machine.to_string(), "prompts": self.prompts, "models": models.collect::<Vec<_>>() })
    }
}

/// Time as people read it: `0.4 ms`, `32 ms`, `0.31 s`, `2.1 s`, `75 s`.
fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s < 0.00995 => format!("{:.1} ms", s * 1e3),
        s if s < 0.0995 => format!("{:.0} ms", s * 1e3),
        s if s < 0.995 => format!("{s:.2} s"),
        s if s < 9.95 => format!("{s:.1} s"),
        s => format!("{s:.0} s"),
    }
}

/// A count of weights as people read it: `31 k`, `2.8 M`, `365 M`.
fn millions(count: usize) -> String {
    match count as f64 / 1e6 {
        m if m < 0.0995 => format!("{:.0} k", m * 1e3),
        m if m < 9.95 => format!("{m:.1} M"),
        m => format!("{m:.0} M"),
    }
}

/// A speed as people read it: `7.3 tokens/s`, `140 tokens/s`.
fn per_second(speed: f64) -> String {
    if speed < 9.95 { format!("{speed:.1} tokens/s") } else { format!("{speed:.0} tokens/s") }
}

/// Text from models and files without what could steer a terminal or turn the direction of writing around.
fn harmless(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two models, three prompts, one failure and nasty text.
    pub(crate) fn example() -> Comparison {
        let answer = |text: &str, new_tokens, milliseconds| {
            Ok(Answer {
                text: text.to_owned(),
                source_tokens: 7,
                cut_tokens: 0,
                new_tokens,
                first_token_time: Duration::from_millis(5),
                time: Duration::from_millis(milliseconds),
                remarks: Vec::new(),
            })
        };
        let column = |model: &str, parameters, answers| Column {
            model: model.to_owned(),
            family: "t5".to_owned(),
            parameters,
            threads: 2,
            kernels: "avx2",
            settings: GenerationConfig { num_beams: Some(4), ..Default::default() },
            answers,
        };
        Comparison {
            prompts: vec![
                "Hi Chat, how are you?".into(),
                "Translate English to German: <b>a \"cat\"</b> & dogs".into(),
                "日本語で話せますか？".into(),
            ],
            columns: vec![
                column(
                    "smalltalk",
                    2_803_264,
                    vec![
                        answer("I'm doing well, thank you. How are you this fine evening?", 14, 30),
                        Err("Source 0 has no tokens besides padding; give it at least one.".into()),
                        answer("\u{1b}[2J<script>alert(1)</script>\u{202e}", 9, 25),
                    ],
                ),
                column(
                    "google/flan-t5-small",
                    76_961_152,
                    vec![answer("well", 2, 310), answer("eine Katze und Hunde", 9, 1200), answer("", 1, 99)],
                ),
            ],
            machine: Machine { processor: "Test <CPU>".into(), system: "linux x86_64".into() },
            command: None,
        }
    }

    #[test]
    fn sums_are_over_the_answers_that_there_are() {
        let comparison = example();
        let column = &comparison.columns()[0];
        assert_eq!((column.new_tokens(), column.time()), (23, Duration::from_millis(55)));
        assert!(comparison.has_failures());
        let json = comparison.to_json();
        assert_eq!(json["models"][0]["answers"][1]["error"], column.answers[1].clone().unwrap_err());
        assert_eq!(json["models"][1]["generation_config"]["num_beams"], 4);
    }

    #[test]
    fn figures_are_short() {
        assert_eq!(seconds(Duration::from_micros(420)), "0.4 ms");
        assert_eq!(seconds(Duration::from_millis(32)), "32 ms");
        assert_eq!(seconds(Duration::from_millis(312)), "0.31 s");
        assert_eq!(seconds(Duration::from_millis(2140)), "2.1 s");
        assert_eq!((millions(31_250), millions(364_802_048)), ("31 k".into(), "365 M".into()));
        assert_eq!(per_second(140.4), "140 tokens/s");
    }
}
