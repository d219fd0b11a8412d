//! Logits processors: everything that changes a row of scores before a token is chosen, in the reference's order.
//!
//! [`Processors::new`] is the factory: an option that is off leaves nothing behind, so a plain greedy search runs with an
//! empty list. One theme a file; each file says which class of the reference it follows.

mod allowed;
mod bias;
mod forced;
mod length;
mod ngram;
mod repetition;
mod rescale;
mod suppress;
mod truncate;

use crate::plan::{Choice, Plan, check_token};
use crate::{Error, GenerationConfig, Hooks, TokenId};

/// The row whose scores are at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    /// Index of its source.
    pub source: usize,
    /// Its number among the rows of its source.
    pub rank: usize,
    /// Its tokens so far, the prompt included.
    pub tokens: &'a [TokenId],
}

/// Changes scores: logits in greedy search and sampling, log-probabilities in beam search.
pub(crate) trait Processor {
    fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error>;
}

/// The processors of one generation, in order.
#[derive(Default)]
pub(crate) struct Processors<'a> {
    list: Vec<Box<dyn Processor + 'a>>,
    /// Whether NaN that a model gives is replaced.
    pub mends_numbers: bool,
    /// Whether NaN can come out though none went in.
    pub can_make_nan: bool,
}

impl<'a> Processors<'a> {
    pub fn new(
        config: &GenerationConfig,
        plan: &Plan,
        sources: &'a [Vec<TokenId>],
        earlier: &'a [Vec<TokenId>],
        allowed: Option<allowed::Allow<'a>>,
        vocabulary: usize,
    ) -> Result<Self, Error> {
        let mut list: Vec<Box<dyn Processor + 'a>> = Vec::new();
        let ends = &plan.end_tokens;
        if let Some(biases) = &config.sequence_bias {
            list.push(Box::new(bias::SequenceBias::new("sequence_bias", biases, vocabulary)?));
        }
        if let Some(penalty) = config.encoder_repetition_penalty.filter(|&penalty| penalty != 1.0) {
            list.push(Box::new(repetition::EncoderRepetition::new(penalty, sources)));
        }
        if let Some(penalty) = config.repetition_penalty.filter(|&penalty| penalty != 1.0) {
            list.push(Box::new(repetition::Repetition::new(penalty)));
        }
        if let Some(size) = config.no_repeat_ngram_size.filter(|&size| size > 0) {
            list.push(Box::new(ngram::NoRepeat { size }));
        }
        if let Some(size) = config.encoder_no_repeat_ngram_size.filter(|&size| size > 0) {
            list.push(Box::new(ngram::EncoderNoRepeat { size, sources }));
        }
        if let Some(size) = config.reply_no_repeat_ngram_size.filter(|&size| size > 0 && !earlier.is_empty())
        {
            list.push(Box::new(ngram::ReplyNoRepeat { size, earlier }));
        }
        if let Some(words) = &config.bad_words_ids {
            list.push(Box::new(bias::bad_words(words, ends, vocabulary)?));
        }
        if plan.min_length > 0 {
            list.push(Box::new(length::NoEndBefore { length: plan.min_length, ends: ends.clone() }));
        }
        if let Some(allow) = allowed {
            list.push(Box::new(allowed::Allowed::new(allow)));
        }
        if let Some(token) = config.forced_bos_token_id {
            check_token("forced_bos_token_id", token, vocabulary)?;
            list.push(Box::new(forced::Forced { at_length: 1, tokens: vec![token] }));
        }
        if let Some(tokens) = &config.forced_eos_token_id {
            for &token in tokens {
                check_token("forced_eos_token_id", token, vocabulary)?;
            }
            list.push(Box::new(forced::Forced { at_length: plan.max_length - 1, tokens: tokens.clone() }));
        }
        let mends_numbers = config.remove_invalid_values == Some(true);
        if mends_numbers {
            list.push(Box::new(rescale::RemoveInvalid));
        }
        if let Some((start, factor)) = config.exponential_decay_length_penalty {
            let start = start.saturating_add(plan.prompt.len());
            list.push(Box::new(length::ExponentialDecay { start, factor, ends: ends.clone() }));
        }
        if let Some(tokens) = &config.suppress_tokens {
            list.push(Box::new(suppress::Suppress { tokens: tokens.clone() }));
        }
        if let Some(tokens) = &config.begin_suppress_tokens {
            // A forced first token moves the beginning one further, unless a longer prompt has passed it already.
            let forced = plan.prompt.len() == 1 && config.forced_bos_token_id.is_some();
            let at_length = plan.prompt.len() + usize::from(forced);
            list.push(Box::new(suppress::SuppressFirst { at_length, tokens: tokens.clone() }));
        }
        if plan.choice() != Choice::Likeliest {
            // A beam must be able to go on even if every end token is kept.
            let keep = if plan.rows_are_beams() { (1 + ends.len()).max(2) } else { 1 };
            warpers(config, keep, &mut list);
        }
        if config.renormalize_logits == Some(true) {
            list.push(Box::new(rescale::Renormalize));
        }
        Ok(Self { list, mends_numbers, can_make_nan: config.exponential_decay_length_penalty.is_some() })
    }

    /// Whether scores stay as they are.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Runs one row through all processors.
    pub fn apply(&mut self, row: &Row<'_>, scores: &mut [f32]) -> Result<(), Error> {
        self.list.iter_mut().try_for_each(|processor| processor.apply(row, scores))
    }
}

/// Changes the scores of one row, `[vocabulary]`, as the options say: logits where there is one beam, log-probabilities
/// where there are several. `tokens` is the row so far, its decoder start first.
///
/// # Errors
/// Whatever [`generate`](crate::generate()) would say about the options.
pub fn process_scores(
    config: &GenerationConfig,
    source: &[TokenId],
    tokens: &[TokenId],
    scores: &mut [f32],
) -> Result<(), Error> {
    let plan = Plan::new(config, &Hooks::default(), scores.len(), None)?;
    let sources = [source.to_vec()];
    let mut processors = Processors::new(config, &plan, &sources, &[], None, scores.len())?;
    processors.apply(&Row { source: 0, rank: 0, tokens }, scores)
}

/// The processors of sampling alone.
fn warpers(config: &GenerationConfig, keep: usize, list: &mut Vec<Box<dyn Processor + '_>>) {
    if let Some(temperature) = config.temperature.filter(|&temperature| temperature != 1.0) {
        list.push(Box::new(rescale::Temperature(temperature as f32)));
    }
    let top_k = config.top_k.unwrap_or(50);
    if top_k > 0 {
        list.push(Box::new(truncate::TopK::new(top_k.max(keep))));
    }
    if let Some(mass) = config.top_p.filter(|&mass| mass < 1.0) {
        list.push(Box::new(truncate::TopP::new(mass, keep)));
    }
    if let Some(share) = config.min_p {
        list.push(Box::new(truncate::MinP::new(share, keep)));
    }
    if let Some(mass) = config.typical_p.filter(|&mass| mass < 1.0) {
        list.push(Box::new(truncate::Typical::new(mass, keep)));
    }
    if let Some(least) = config.epsilon_cutoff.filter(|&least| least > 0.0) {
        list.push(Box::new(truncate::Epsilon::new(least, keep)));
    }
    if let Some(least) = config.eta_cutoff.filter(|&least| least > 0.0) {
        list.push(Box::new(truncate::Eta::new(least, keep)));
    }
}

/// Rules tokens out; ids that the vocabulary does not have are passed over.
fn ban(tokens: &[TokenId], scores: &mut [f32]) {
    for &token in tokens {
        if let Some(score) = scores.get_mut(token as usize) {
            *score = f32::NEG_INFINITY;
        }
    }
}
