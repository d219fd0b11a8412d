//! The commands of a chat: what each one does and what it answers.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use indicatif::HumanCount;
use papo::generate::LanguageModel;
use papo::{ChatModel, Conversation, GenerationConfig, Memory, ModelRef, Reply, Turn};

use super::listed;
use super::slash::{HELP, Slash, Source};
use crate::failure::Failure;
use crate::language::{label, sentence};
use crate::loading::{check_options, load_among, warnings};
use crate::output_file::ExistingFile;
use crate::request::{Chat, Loading};
use crate::terminal::{self, Notes};

/// Turns of a loaded conversation that are shown.
const SHOWN_TURNS: usize = 20;

/// What lies on the table during a chat, whatever the model: the settings and the last reply.
pub struct Table {
    asked: Option<String>,
    source: Source,
    config: GenerationConfig,
    memory: Memory,
    loading: Loading,
    notes: Notes,
    last: Option<Reply>,
    told: HashSet<String>,
    /// Files that this chat has written, which it may write again.
    own_files: HashSet<PathBuf>,
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
    pub fn new(request: Chat, source: Source, notes: Notes) -> Table {
        Table {
            asked: request.model,
            source,
            config: request.config,
            memory: request.memory,
            loading: request.loading,
            notes,
            last: None,
            told: HashSet::new(),
            own_files: HashSet::new(),
        }
    }

    /// What the model was asked for by, if it was.
    pub fn asked(&self) -> Option<&str> {
        self.asked.as_deref()
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
            self.tell_once(remark);
        }
        self.last = Some(reply);
    }

    /// Tells that a turn begins like a command and is none, for it may have been meant as one.
    pub fn remark_no_command(&mut self, name: &str) {
        let name: String = name.chars().take(30).collect();
        self.tell_once(format!("there is no command /{name}, so it is said to the model"));
    }

    fn tell_once(&mut self, remark: String) {
        if !self.told.contains(&remark) {
            self.notes.say(&remark);
            self.told.insert(remark);
        }
    }

    /// Does what a command says; whatever fails leaves everything as it was.
    pub fn obey(
        &mut self,
        command: Slash,
        model: &ChatModel,
        conversation: &mut Conversation<'_>,
    ) -> Result<Obeyed, Failure> {
        let said = match command {
            Slash::Help => return Ok(Obeyed::Said(help())),
            Slash::Clear => {
                conversation.clear();
                "The conversation is forgotten.".to_owned()
            }
            Slash::Set { name, value } => self.set(&name, &value, model)?,
            Slash::Unset(name) => {
                self.config.unset(&name)?;
                let name = name.replace('-', "_");
                match conversation.settings(&self.config).to_json().get(&name) {
                    Some(value) => format!("{name} is {value} again."),
                    None => format!("{name} is not set any more."),
                }
            }
            Slash::Settings => format!("your options\n{}", listed(&self.config)),
            Slash::Show => self.show(model, conversation),
            Slash::Save { file, existing } => self.save(conversation, file, existing)?,
            // What was said is nobody's to translate.
            Slash::Load(file) => return Ok(Obeyed::Said(load_conversation(conversation, &file)?)),
            Slash::Model(name) => {
                let other = self.model(&name)?;
                self.asked = Some(name);
                self.last = None;
                return Ok(Obeyed::OtherModel(Box::new(other)));
            }
            Slash::Stats => self.stats(),
        };
        Ok(Obeyed::Said(sentence(&said).into_owned()))
    }

    fn save(
        &mut self,
        conversation: &Conversation<'_>,
        file: PathBuf,
        existing: ExistingFile,
    ) -> Result<String, Failure> {
        let shown = file.display().to_string();
        if self.source == Source::Pipe {
            return Err(Failure::Usage(format!(
                "no line of a pipe writes a file, so /save {shown} is not obeyed; redirect standard output, or say the \
                 words with //save {shown}"
            )));
        }
        let is_there = file.symlink_metadata().is_ok();
        if is_there && existing == ExistingFile::Refuse && !self.own_files.contains(&file) {
            return Err(Failure::Usage(format!(
                "{shown} is there already; /save! {shown} writes over it, or choose another name"
            )));
        }
        if is_there { conversation.replace(&file) } else { conversation.save(&file) }?;
        self.own_files.insert(file);
        let verb = if is_there { "has replaced what was in" } else { "is in" };
        Ok(format!("The conversation {verb} {shown}."))
    }

    fn model(&self, name: &str) -> Result<ChatModel, Failure> {
        // A download writes files.
        if self.source == Source::Pipe
            && let Err(why) = ModelRef::parse(name)?.files_at_hand()
        {
            return Err(Failure::Usage(format!(
                "{name} is not at hand, and no line of a pipe downloads a model: {why}"
            )));
        }
        load_among(Some(name), &self.loading, self.notes)
    }

    fn set(&mut self, name: &str, value: &str, model: &ChatModel) -> Result<String, Failure> {
        let known: HashSet<String> = warnings(model, &self.config).into_iter().collect();
        self.config.set(name, value)?;
        let name = name.replace('-', "_");
        let is_null = ["null", "none"].iter().any(|word| value.eq_ignore_ascii_case(word));
        let mut said = vec![if is_null {
            format!("{name} is switched off from here on; /unset {name} goes back to the model's own.")
        } else {
            format!("{name} is {value} from here on.")
        }];
        // Two options may need each other, so the first of them is taken with a word and not refused.
        if let Err(contradiction) = check_options(model, &self.config, Notes::silent()) {
            said.extend(contradiction.message().map(|message| format!("But {message}.")));
        }
        if !is_null {
            said.extend(warnings(model, &self.config).into_iter().filter(|warning| !known.contains(warning)));
        }
        Ok(said.join("\n"))
    }

    fn show(&self, model: &ChatModel, conversation: &Conversation<'_>) -> String {
        let network = model.model().network();
        let memory = if conversation.remembers() { "on" } else { "off" };
        let settings = conversation.settings(&self.config);
        format!(
            "{}, {} parameters\nmemory is {memory}, {} turns so far\na reply has at most {} tokens\noptions in force\n{}\nof \
             these, yours\n{}",
            model.name(),
            HumanCount(network.parameters() as u64),
            conversation.turns().len(),
            longest_reply(&settings, network.max_positions()),
            listed(&settings),
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

/// What `/help` prints: explanations behind what is typed where the terminal is wide enough, below it where it is not.
fn help() -> String {
    let help = HELP.iter().map(|(typed, does)| (label(typed), sentence(does)));
    let typed = help.clone().map(|(typed, _)| typed.chars().count()).max().unwrap_or(0);
    let room = terminal::width().unwrap_or(usize::MAX).saturating_sub(typed + 2);
    let entries = help.map(|(name, does)| {
        if room < 30 {
            let does = terminal::wrapped(&does, terminal::width().map(|width| width.saturating_sub(2)));
            return format!("{name}\n  {}", does.replace('\n', "\n  "));
        }
        let indent = format!("\n{:typed$}  ", "");
        format!("{name:typed$}  {}", terminal::wrapped(&does, Some(room)).replace('\n', &indent))
    });
    entries.collect::<Vec<_>>().join("\n")
}

/// The most tokens that a reply can have, its start token not counted.
fn longest_reply(settings: &GenerationConfig, positions: Option<usize>) -> usize {
    let asked = settings.max_new_tokens.or(settings.max_length.map(|length| length.saturating_sub(1)));
    // The last token needs no position of its own: nothing comes behind it.
    asked.unwrap_or(usize::MAX).min(positions.unwrap_or(usize::MAX))
}

fn load_conversation(conversation: &mut Conversation<'_>, file: &Path) -> Result<String, Failure> {
    conversation.load(file)?;
    let turns = conversation.turns();
    let earlier = turns.len().saturating_sub(SHOWN_TURNS);
    let mut said = Vec::new();
    if earlier > 0 {
        said.push(sentence(&format!("({earlier} earlier turns)")).into_owned());
    }
    said.extend(turns[earlier..].iter().map(shown));
    Ok(said.join("\n"))
}

fn shown(turn: &Turn) -> String {
    format!("{}: {}", turn.speaker_name(), turn.text)
}
