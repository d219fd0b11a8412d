//! What a caller may hang into a generation: watch tokens, know text, allow tokens, interrupt.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Padding, TokenId};

/// A token that greedy search or sampling has just chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenEvent {
    /// Index of the source.
    pub source: usize,
    /// Index of the answer among all answers: source × `num_return_sequences` + number of the sample.
    pub row: usize,
    /// The token.
    pub token: TokenId,
    /// Number of the step, from 0.
    pub step: usize,
}

/// Where a beam search stands after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepEvent<'a> {
    /// Index of the source.
    pub source: usize,
    /// Number of the step, from 0.
    pub step: usize,
    /// The best running beam, its start tokens included; it may still lose.
    pub best: &'a [TokenId],
    /// How many of its tokens every beam has that can still win, so that they are certain: the running ones and the finished.
    pub agreed: usize,
}

type OnToken<'a> = &'a mut dyn FnMut(&TokenEvent) -> ControlFlow<()>;
type OnStep<'a> = &'a mut dyn FnMut(&StepEvent<'_>) -> ControlFlow<()>;
pub(crate) type StopWhen<'a> = &'a dyn Fn(&[TokenId]) -> bool;
type AllowedTokens<'a> = &'a dyn Fn(usize, &[TokenId]) -> Vec<TokenId>;

/// Callbacks of one generation; [`Default`] has none.
#[derive(Default)]
pub struct Hooks<'a> {
    pub(crate) on_token: Option<OnToken<'a>>,
    pub(crate) on_step: Option<OnStep<'a>>,
    pub(crate) stop_when: Option<StopWhen<'a>>,
    pub(crate) allowed_tokens: Option<AllowedTokens<'a>>,
    pub(crate) interrupt: Option<&'a AtomicBool>,
    pub(crate) prompt: Vec<TokenId>,
    pub(crate) earlier: &'a [Vec<TokenId>],
    pub(crate) padding: Padding,
}

impl<'a> Hooks<'a> {
    /// Calls `f` with each token of each live row, as it is chosen by greedy search or sampling (beam search calls
    /// [`on_step`](Self::on_step) instead); `Break` ends the generation as an interrupt does.
    pub fn on_token(mut self, f: &'a mut dyn FnMut(&TokenEvent) -> ControlFlow<()>) -> Self {
        self.on_token = Some(f);
        self
    }

    /// Calls `f` for each live source after each step of a beam search; `Break` ends the generation as an interrupt does.
    pub fn on_step(mut self, f: &'a mut dyn FnMut(&StepEvent<'_>) -> ControlFlow<()>) -> Self {
        self.on_step = Some(f);
        self
    }

    /// Ends a sequence, given from its start token on, for which `f` is true: the way to stop at strings, since `f`
    /// knows text and this crate does not.
    pub fn stop_when(mut self, f: &'a dyn Fn(&[TokenId]) -> bool) -> Self {
        self.stop_when = Some(f);
        self
    }

    /// Allows after the given source's index and sequence only the tokens that `f` returns.
    pub fn allowed_tokens(mut self, f: &'a dyn Fn(usize, &[TokenId]) -> Vec<TokenId>) -> Self {
        self.allowed_tokens = Some(f);
        self
    }

    /// Ends the generation after the step during which `flag` becomes true; what there is by then is returned.
    pub fn interrupt(mut self, flag: &'a AtomicBool) -> Self {
        self.interrupt = Some(flag);
        self
    }

    /// Begins every answer with these tokens (`decoder_input_ids`); the start token is put in front if it is missing.
    pub fn prompt(mut self, tokens: &[TokenId]) -> Self {
        self.prompt = tokens.to_vec();
        self
    }

    /// Replies given before in the same conversation, from start token to end token, which `reply_no_repeat_ngram_size` keeps a new one
    /// from repeating; they count for every source.
    pub fn earlier_replies(mut self, replies: &'a [Vec<TokenId>]) -> Self {
        self.earlier = replies;
        self
    }

    /// Says what the padding token is in the sources; masked unless told otherwise.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// The same hooks for a shorter time, so that a caller in between can add its own.
    pub fn reborrow(&mut self) -> Hooks<'_> {
        Hooks {
            on_token: self.on_token.as_mut().map(|f| &mut **f as OnToken<'_>),
            on_step: self.on_step.as_mut().map(|f| &mut **f as OnStep<'_>),
            stop_when: self.stop_when,
            allowed_tokens: self.allowed_tokens,
            interrupt: self.interrupt,
            prompt: self.prompt.clone(),
            earlier: self.earlier,
            padding: self.padding,
        }
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

impl std::fmt::Debug for Hooks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks")
            .field("on_token", &self.on_token.is_some())
            .field("on_step", &self.on_step.is_some())
            .field("stop_when", &self.stop_when.is_some())
            .field("allowed_tokens", &self.allowed_tokens.is_some())
            .field("interrupt", &self.interrupt.is_some())
            .field("prompt", &self.prompt)
            .field("earlier", &self.earlier)
            .field("padding", &self.padding)
            .finish()
    }
}
