//! The entry, with hooks or without: options become a plan, sources are encoded once, and one of two loops runs.

use std::time::{Duration, Instant};

use crate::plan::{Plan, Search};
use crate::processors::Processors;
use crate::{Error, GenerationConfig, Hooks, LanguageModel, Padding, Room, TokenId, beam, decode};

/// What a generation gave.
#[derive(Clone, Debug, Default)]
pub struct Generated {
    /// `num_return_sequences` answers for each source, in order; of beams the best first.
    pub sequences: Vec<Sequence>,
    /// Tokens of all answers, start tokens not counted.
    pub new_tokens: usize,
    /// Time until the sources were encoded.
    pub encode_time: Duration,
    /// Time until the first token was chosen, encoding included.
    pub first_token_time: Duration,
    /// Time of the whole call.
    pub total_time: Duration,
    /// Number of times that the model made a step.
    pub steps: usize,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// The tokens: decoder start first, special tokens kept, and nothing after the token that ended the sequence,
    /// where the reference's rows are filled up.
    pub tokens: Vec<TokenId>,
    /// A beam's score, as `sequences_scores` of the reference: its summed log-probabilities divided by its number of
    /// new tokens to the power of `length_penalty`.
    pub score: Option<f32>,
    /// Why it ends.
    pub finish: Finish,
}

/// Why a sequence ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// With an end token.
    EndToken,
    /// At the most tokens allowed.
    Length,
    /// Where [`Hooks::stop_when`] said so.
    StopString,
    /// At `max_time`.
    Time,
    /// At an interrupt, or because a callback said so.
    Interrupted,
}

/// Generates answers to the sources, token for token as `generate` of `transformers` 4.57 does.
///
/// Each source gets what it would get alone: sources are not padded, and a row leaves the batch when it is done.
///
/// # Errors
/// Options that contradict each other or the model, and whatever the model itself cannot do.
///
/// ```
/// use papo_generate::{GenerationConfig, LanguageModel, ModelError, Room, TokenId, generate};
///
/// /// Counts up from the last token; 9 ends.
/// struct Counter;
/// impl LanguageModel for Counter {
///     type State = ();
///     fn vocab_size(&self) -> usize {
///         10
///     }
///     fn start(&self, _: &[Vec<TokenId>], _: Room) -> Result<(), ModelError> {
///         Ok(())
///     }
///     fn step(&self, _: &mut (), last: &[TokenId], logits: &mut [f32]) -> Result<(), ModelError> {
///         for (row, &token) in logits.chunks_exact_mut(10).zip(last) {
///             row.fill(0.0);
///             row[(token as usize + 1).min(9)] = 5.0;
///         }
///         Ok(())
///     }
///     fn select(&self, _: &mut (), _: &[usize]) {}
/// }
///
/// let config = GenerationConfig { bos_token_id: Some(6), eos_token_id: Some(vec![9]), ..Default::default() };
/// let generated = generate(&Counter, &[vec![1]], &config)?;
/// assert_eq!(generated.sequences[0].tokens, [6, 7, 8, 9]);
/// # Ok::<(), papo_generate::Error>(())
/// ```
pub fn generate<M: LanguageModel>(
    model: &M,
    sources: &[Vec<TokenId>],
    config: &GenerationConfig,
) -> Result<Generated, Error> {
    generate_with(model, sources, config, Hooks::default())
}

/// As [`generate`], with hooks that watch, stop or steer it.
///
/// # Errors
/// As those of [`generate`].
pub fn generate_with<M: LanguageModel>(
    model: &M,
    sources: &[Vec<TokenId>],
    config: &GenerationConfig,
    hooks: Hooks<'_>,
) -> Result<Generated, Error> {
    let begin = Instant::now();
    let plan = Plan::new(config, &hooks, model.vocab_size(), model.max_positions())?;
    let processors =
        Processors::new(config, &plan, sources, hooks.earlier, hooks.allowed_tokens, model.vocab_size())?;
    if sources.is_empty() {
        return Ok(Generated::default());
    }
    let room = Room { rows: sources.len() * plan.rows_per_source(), steps: plan.max_length - 1 };
    let state = match hooks.padding {
        Padding::Masked => model.start(sources, room)?,
        Padding::Read => model.start_texts(sources, room)?,
    };
    let encode_time = begin.elapsed();
    let watch = Watch { begin, decode_begin: Instant::now(), first_token: None };
    let mut generated = match &plan.search {
        Search::Rows { .. } => decode::run(model, state, sources, &plan, processors, hooks, watch)?,
        Search::Beams(beams) => beam::run(model, state, sources, (&plan, beams), processors, hooks, watch)?,
    };
    generated.encode_time = encode_time;
    let new = |sequence: &Sequence| sequence.tokens.len() - plan.prompt.len();
    generated.new_tokens = generated.sequences.iter().map(new).sum();
    generated.total_time = begin.elapsed();
    Ok(generated)
}

/// Memory for the scores of so many rows, unless there is none.
pub(crate) fn score_rows(rows: usize, vocabulary: usize) -> Result<Vec<f32>, Error> {
    let numbers = rows.saturating_mul(vocabulary);
    let mut scores = Vec::new();
    scores.try_reserve_exact(numbers).map_err(|_| Error::Memory { rows, vocabulary })?;
    scores.resize(numbers, 0.0);
    Ok(scores)
}

/// Feeds all tokens of the prompt but the last to every row and returns the number of steps that took.
pub(crate) fn feed_prompt<M: LanguageModel>(
    model: &M,
    state: &mut M::State,
    plan: &Plan,
    rows: usize,
    logits: &mut [f32],
) -> Result<usize, Error> {
    let before = &plan.prompt[..plan.prompt.len() - 1];
    for &token in before {
        model.step(state, &vec![token; rows], &mut logits[..rows * model.vocab_size()])?;
    }
    Ok(before.len())
}

/// The clock of one call.
pub(crate) struct Watch {
    begin: Instant,
    decode_begin: Instant,
    first_token: Option<Duration>,
}

impl Watch {
    /// Notes that tokens have been chosen; the first time counts.
    pub(crate) fn note_token(&mut self) {
        self.first_token.get_or_insert_with(|| self.begin.elapsed());
    }

    pub(crate) fn first_token_time(&self) -> Duration {
        self.first_token.unwrap_or_default()
    }

    /// Whether decoding, without encoding, has taken longer than `most`.
    pub(crate) fn is_over(&self, most: Option<Duration>) -> bool {
        most.is_some_and(|most| self.decode_begin.elapsed() > most)
    }
}
