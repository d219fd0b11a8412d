//! A conversation: what was said so far, and how much of it the model sees.
//!
//! The conversation owns all state; the model is shared and never changes. How the turns become ids is in `source.rs`, how
//! they are kept in a file in `saved.rs`.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::time::Duration;

use papo_generate::{Finish, GenerationConfig, Hooks, Padding, StepEvent, TokenEvent, TokenId};
use serde::{Deserialize, Serialize};

pub use crate::chat_model::Fitted;
use crate::reply_stream::ReplyStream;
pub use crate::reply_stream::TrimmedText;
pub use crate::saved::{MAX_SAVED_BYTES, MAX_SAVED_TURNS};
pub use crate::source::Reading;
use crate::tokenizer::LossyNote;
use crate::{ChatModel, Error, SpecialTokens};

/// The most new tokens of a reply when nobody says otherwise, as in the course.
pub const REPLY_TOKENS: usize = 150;

/// Whether the model sees earlier turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// On for models that follow a conversation ([`ChatModel::follows_conversations`]), off for the others.
    #[default]
    Auto,
    /// Earlier turns are shown.
    On,
    /// Each turn stands alone: the plain behaviour of the course.
    Off,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The person.
    User,
    /// The model.
    Chatbot,
}

/// One turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said; of a reply the text as shown, without white space around it.
    pub text: String,
    /// A reply as decoded, where that differs from the text by more than a space in front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decoded: Option<String>,
}

impl Turn {
    /// `You` or `Chatbot`.
    pub fn speaker_name(&self) -> &'static str {
        match self.speaker {
            Speaker::User => "You",
            Speaker::Chatbot => "Chatbot",
        }
    }

    /// A turn as a person types it.
    pub fn said(speaker: Speaker, text: &str) -> Self {
        Self { speaker, text: text.to_owned(), decoded: None }
    }

    /// A reply, of which the text without white space around it is shown.
    fn reply(decoded: String) -> Self {
        let text = decoded.trim().to_owned();
        let usual = decoded.strip_prefix(' ') == Some(&text);
        Self { speaker: Speaker::Chatbot, text, decoded: (!usual).then_some(decoded) }
    }

    /// The turn as Blenderbot sees it.
    pub(crate) fn as_seen(&self) -> String {
        self.decoded.clone().unwrap_or_else(|| format!(" {}", self.text))
    }
}

/// What the model answered, and what it took.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The text, without special tokens and white space around it.
    pub text: String,
    /// The ids, decoder start token first, special tokens kept.
    pub ids: Vec<TokenId>,
    /// Ids that the model read.
    pub source_tokens: usize,
    /// Ids that the model wrote, its start token not counted.
    pub new_tokens: usize,
    /// Earlier turns of which the model saw the end at most.
    pub dropped_turns: usize,
    /// Ids cut from the beginning of the turn itself because there are more than the model has positions.
    pub cut_tokens: usize,
    /// What the tokenizer could not carry, told once in a conversation.
    pub lossy: Option<LossyNote>,
    /// Why the reply ends.
    pub finish: Finish,
    /// Time until the turn was encoded.
    pub encode_time: Duration,
    /// Time until the first token.
    pub first_token_time: Duration,
    /// Time of the whole reply.
    pub total_time: Duration,
}

impl Reply {
    /// New tokens in a second, encoding included.
    pub fn tokens_per_second(&self) -> f64 {
        self.new_tokens as f64 / self.total_time.as_secs_f64().max(1e-9)
    }

    /// What a person should know besides the words: a sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        match self.dropped_turns {
            0 => {}
            1 => remarks.push(
                "the model no longer saw the whole of 1 earlier turn, there is no room for it".to_owned(),
            ),
            n => remarks.push(format!(
                "the model no longer saw the whole of {n} earlier turns, there is no room for them"
            )),
        }
        if self.cut_tokens > 0 {
            remarks.push(format!(
                "the message is {} tokens longer than the {} that the model can read; it saw only the end",
                self.cut_tokens, self.source_tokens
            ));
        }
        remarks.extend(self.lossy.as_ref().map(LossyNote::to_string));
        if self.finish == Finish::Length {
            remarks.push(format!(
                "the reply was cut after {} tokens; max_new_tokens sets another limit",
                self.new_tokens
            ));
        }
        remarks
    }
}

/// A conversation with one model.
#[derive(Debug)]
pub struct Conversation<'a> {
    model: &'a ChatModel,
    remembers: bool,
    turns: Vec<Turn>,
    told_of_loss: bool,
}

impl<'a> Conversation<'a> {
    /// Begins a conversation.
    pub fn new(model: &'a ChatModel, memory: Memory) -> Self {
        let remembers = match memory {
            Memory::Auto => model.follows_conversations(),
            Memory::On => true,
            Memory::Off => false,
        };
        Self { model, remembers, turns: Vec::new(), told_of_loss: false }
    }

    /// The model that is talked to.
    pub fn model(&self) -> &'a ChatModel {
        self.model
    }

    /// Tells whether the model sees earlier turns.
    pub fn remembers(&self) -> bool {
        self.remembers
    }

    /// Everything said so far, oldest first.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// Forgets what was said.
    pub fn clear(&mut self) {
        self.turns.clear();
    }

    /// Says `text` to the model and returns its reply, which joins the conversation.
    ///
    /// `config` overrides the checkpoint's own settings. Unless it says how long a reply may be, that is
    /// [`REPLY_TOKENS`] new tokens, whatever the checkpoint says; a model with fewer positions ends earlier. After an
    /// error the conversation is as before.
    pub fn reply(&mut self, text: &str, config: &GenerationConfig) -> Result<Reply, Error> {
        self.reply_with(text, config, Hooks::default())
    }

    /// As [`reply`](Self::reply), with the reply handed to `on_piece` as it grows.
    ///
    /// The pieces add up to the reply's text. A piece is handed out as soon as it is certain: with beams that is when all of them that
    /// can still win agree on it. An error is that of [`reply`](Self::reply), perhaps after some pieces.
    ///
    /// ```
    /// # #[cfg(feature = "built-in-models")] {
    /// use papo::{ChatModel, Conversation, GenerationConfig, LoadOptions, Memory};
    ///
    /// let model = ChatModel::load("transformer", &LoadOptions::default())?;
    /// let mut conversation = Conversation::new(&model, Memory::Auto);
    /// let mut shown = String::new();
    /// let config = GenerationConfig { num_beams: Some(4), ..Default::default() };
    /// let reply = conversation.reply_stream("Hi! How are you?", &config, |piece| shown.push_str(piece))?;
    /// assert_eq!(shown, reply.text);
    /// # }
    /// # Ok::<(), papo::Error>(())
    /// ```
    pub fn reply_stream(
        &mut self,
        text: &str,
        config: &GenerationConfig,
        on_piece: impl FnMut(&str),
    ) -> Result<Reply, Error> {
        let stream = RefCell::new(ReplyStream::new(self.model.tokenizer(), on_piece));
        // Of several samples the first is the reply.
        let mut on_token = |event: &TokenEvent| match event.row {
            0 => stream.borrow_mut().push(&[event.token]),
            _ => ControlFlow::Continue(()),
        };
        let mut on_step = |event: &StepEvent<'_>| {
            let mut stream = stream.borrow_mut();
            let start = 1 + stream.tokens();
            stream.push(event.best[..event.agreed].get(start..).unwrap_or_default())
        };
        let hooks = Hooks::default().on_token(&mut on_token).on_step(&mut on_step);
        let reply = self.reply_with(text, config, hooks)?;
        stream.into_inner().finish(reply.ids.get(1..).unwrap_or_default())?;
        Ok(reply)
    }

    /// As [`reply`](Self::reply), with hooks that watch, stop or steer it.
    pub fn reply_with(
        &mut self,
        text: &str,
        config: &GenerationConfig,
        mut hooks: Hooks<'_>,
    ) -> Result<Reply, Error> {
        let turn = Turn::said(Speaker::User, text);
        let Reading { ids, dropped_turns, cut: cut_tokens } = self.reading(&turn)?;
        let lossy = if self.told_of_loss { None } else { self.model.tokenizer().lossy_note(text) };
        let source_tokens = ids.len();
        let config = with_reply_length(config);
        let earlier = self.earlier_replies(&config)?;
        let hooks = hooks.reborrow().padding(Padding::Read).earlier_replies(&earlier);
        let generated = self.model.generate_with(&[ids], &config, hooks)?;
        let answer = generated.sequences.into_iter().next();
        let (tokens, finish) = answer.map_or((Vec::new(), Finish::Interrupted), |it| (it.tokens, it.finish));
        let decoded = Turn::reply(self.model.tokenizer().decode(&tokens, SpecialTokens::Skip)?);
        let reply = Reply {
            text: decoded.text.clone(),
            source_tokens,
            new_tokens: tokens.len().saturating_sub(1),
            ids: tokens,
            dropped_turns,
            cut_tokens,
            lossy,
            finish,
            encode_time: generated.encode_time,
            first_token_time: generated.first_token_time,
            total_time: generated.total_time,
        };
        self.told_of_loss |= reply.lossy.is_some();
        self.turns.extend([turn, decoded]);
        Ok(reply)
    }

    /// The replies so far as ids, from start token to end token, where an option wants to know them.
    fn earlier_replies(&self, config: &GenerationConfig) -> Result<Vec<Vec<TokenId>>, Error> {
        let settings = self.settings(config);
        if settings.reply_no_repeat_ngram_size.unwrap_or(0) == 0 {
            return Ok(Vec::new());
        }
        let start = settings.decoder_start_token_id.or(settings.bos_token_id);
        let replies = self.turns.iter().filter(|turn| turn.speaker == Speaker::Chatbot);
        let encoded = replies.map(|turn| {
            let text = turn.decoded.as_deref().unwrap_or(&turn.text);
            let ids = self.model.tokenizer().encode(text)?;
            Ok(start.into_iter().chain(ids).collect())
        });
        encoded.collect()
    }

    /// What to show to the model for a new turn.
    fn reading(&self, turn: &Turn) -> Result<Reading, Error> {
        if !self.remembers {
            return self.model.one_turn(turn);
        }
        let mut turns = self.turns.clone();
        turns.push(turn.clone());
        self.model.reading(&turns)
    }

    /// The options in force when a reply is made: the checkpoint's own, those of `config` over them, and the length of a reply.
    /// A length that has no effect beside another is left out.
    pub fn settings(&self, config: &GenerationConfig) -> GenerationConfig {
        let mut settings = self.model.model().generation_config().merged(&with_reply_length(config));
        if settings.max_new_tokens.is_some() {
            settings.max_length = None;
        }
        if settings.min_new_tokens.is_some() {
            settings.min_length = None;
        }
        settings
    }

    /// Puts other turns in place of those so far.
    pub(crate) fn set_turns(&mut self, turns: Vec<Turn>) {
        self.turns = turns;
    }
}

/// The options of a reply: those given, with a length if they have none.
pub(crate) fn with_reply_length(config: &GenerationConfig) -> GenerationConfig {
    let mut config = config.clone();
    if config.max_new_tokens.is_none() && config.max_length.is_none() {
        config.max_new_tokens = Some(REPLY_TOKENS);
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_keeps_the_space_that_its_model_wants_to_see() {
        let usual = Turn::reply(" I'm fine.".into());
        assert_eq!((usual.text.as_str(), usual.decoded.as_deref()), ("I'm fine.", None));
        assert_eq!(usual.as_seen(), " I'm fine.");
        let odd = Turn::reply("Fine. ".into());
        assert_eq!((odd.text.as_str(), odd.as_seen().as_str()), ("Fine.", "Fine. "));
    }

    #[test]
    fn a_length_is_set_only_where_nobody_did() {
        let set = |name: &str| {
            let mut config = GenerationConfig::default();
            config.set(name, "30").unwrap();
            with_reply_length(&config).max_new_tokens
        };
        assert_eq!(
            (set("max_length"), set("max_new_tokens"), set("top_k")),
            (None, Some(30), Some(REPLY_TOKENS))
        );
    }
}
