//! The commands of a chat: what each one does and what it answers.

use std::collections::HashSet;
use std::path::Path;

use indicatif::HumanCount;
use papo::{ChatModel, Conversation, GenerationConfig, Memory, Reply};

use super::slash::{HELP, Slash};
use crate::failure::Failure;
use crate::loading::{check_options, load, warnings};
use crate::request::{Chat, Loading};
use crate::terminal::Notes;

/// What lies on the table during a chat, whatever the model: the settings and the last reply.
pub struct Table {
    config: GenerationConfig,
    memory: Memory,
    loading: Loading,
    notes: Notes,
    last: Option<Reply>,
    told: HashSet<String>,
}

/// What a command led to.
pub enum Obeyed {
    /// A few lines to show.
    Said(String),
    /// Another model to talk to.
    OtherModel(Box<ChatModel>),
}

impl Table {
    /// The settings as the command line gave them.
    pub fn new(request: Chat, notes: Notes) -> Table {
        Table {
            config: request.config,
            memory: request.memory,
            loading: request.loading,
            notes,
            last: None,
            told: HashSet::new(),
        }
    }

    /// The options given so far, which go before the checkpoint's own.
    pub fn config(&self) -> &GenerationConfig {
        &self.config
    }

    /// Whether the model sees earlier turns.
    pub fn memory(&self) -> Memory {
        self.memory
    }

    /// Keeps the last reply for `/stats`, and tells what one should know of it besides its words, but not twice.
    pub fn remember(&mut self, reply: Reply) {
        for remark in reply.remarks() {
            if !self.told.contains(&remark) {
                self.notes.say(&remark);
                self.told.insert(remark);
            }
        }
        self.last = Some(reply);
    }

    /// Does what a command says; whatever fails leaves everything as it was.
    pub fn obey(
        &mut self,
        command: Slash,
        model: &ChatModel,
        conversation: &mut Conversation<'_>,
    ) -> Result<Obeyed, Failure> {
        let said = match command {
            Slash::Help => HELP.to_owned(),
            Slash::Clear => {
                conversation.clear();
                "The conversation is forgotten.".to_owned()
            }
            Slash::Set { name, value } => self.set(&name, &value, model)?,
            Slash::Settings => listed(&self.config),
            Slash::Show => self.show(model, conversation),
            Slash::Save(file) => {
                conversation.save(&file)?;
                format!("The conversation is in {}.", file.display())
            }
            Slash::Load(file) => load_conversation(conversation, &file)?,
            Slash::Model(name) => {
                let other = load(Some(&name), &self.loading, self.notes)?;
                self.last = None;
                return Ok(Obeyed::OtherModel(Box::new(other)));
            }
            Slash::Stats => self.stats(),
        };
        Ok(Obeyed::Said(said))
    }

    fn set(&mut self, name: &str, value: &str, model: &ChatModel) -> Result<String, Failure> {
        self.config.set(name, value)?;
        let mut said = vec![format!("{} is {value} from here on.", name.replace('-', "_"))];
        // Two options may need each other, so the first of them is taken with a word and not refused.
        if let Err(contradiction) = check_options(model, &self.config, Notes::silent()) {
            said.extend(contradiction.message().map(|message| format!("But {message}.")));
        }
        said.extend(warnings(model, &self.config));
        Ok(said.join("\n"))
    }

    fn show(&self, model: &ChatModel, conversation: &Conversation<'_>) -> String {
        let network = model.model().network();
        let memory = if conversation.remembers() { "on" } else { "off" };
        format!(
            "{}, {} parameters\nmemory is {memory}, {} turns so far\nits own options\n{}\nyour options, which go \
             before them\n{}",
            model.name(),
            HumanCount(network.parameters() as u64),
            conversation.turns().len(),
            listed(model.model().generation_config()),
            listed(&self.config),
        )
    }

    fn stats(&self) -> String {
        let Some(reply) = &self.last else { return "There has been no reply yet.".to_owned() };
        format!(
            "{} tokens read, {} tokens made in {:.2} s: {:.1} tokens/s, the first after {:.0} ms",
            reply.source_tokens,
            reply.new_tokens,
            reply.total_time.as_secs_f64(),
            reply.tokens_per_second(),
            reply.first_token_time.as_secs_f64() * 1e3,
        )
    }
}

/// The options that are set, a line each.
fn listed(config: &GenerationConfig) -> String {
    let json = config.to_json();
    let lines: Vec<_> =
        json.as_object().into_iter().flatten().map(|(name, value)| format!("  {name} {value}")).collect();
    if lines.is_empty() { "  none".to_owned() } else { lines.join("\n") }
}

fn load_conversation(conversation: &mut Conversation<'_>, file: &Path) -> Result<String, Failure> {
    conversation.load(file)?;
    let turns: Vec<String> =
        conversation.turns().iter().map(|turn| format!("{}: {}", turn.speaker_name(), turn.text)).collect();
    Ok(turns.join("\n"))
}
