//! Options become decisions: defaults filled in, contradictions refused, and everything a loop needs to know.
//!
//! Only this file and the factory of `processors.rs` read a [`GenerationConfig`]; the defaults are those of the reference.

use std::time::Duration;

use crate::config::{DEFAULT_MAX_LENGTH, EarlyStopping, is_for_sampling};
use crate::{Error, GenerationConfig, Hooks, TokenId};

/// Most rows that one source may ask for; more is a slip of the keyboard.
const MOST_ROWS: usize = 4096;
/// Most tokens of an answer; more is a slip of the keyboard.
const MOST_TOKENS: usize = 1 << 24;

/// What one generation does.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The tokens that every answer begins with, the decoder start first; at least one.
    pub prompt: Vec<TokenId>,
    /// Length, prompt included, at which an answer ends.
    pub max_length: usize,
    /// Length, prompt included, below which no end token may come; `min_new_tokens` wins over `min_length`.
    pub min_length: usize,
    pub end_tokens: Vec<TokenId>,
    pub max_time: Option<Duration>,
    /// Answers for each source.
    pub returned: usize,
    pub search: Search,
}

/// Which loop runs.
#[derive(Debug)]
pub(crate) enum Search {
    /// Greedy search or sampling, each row for itself.
    Rows {
        choice: Choice,
    },
    Beams(BeamPlan),
}

/// How one token is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Likeliest,
    /// By chance; the seed is the user's, or nothing.
    Drawn(Option<u64>),
}

#[derive(Debug)]
pub(crate) struct BeamPlan {
    pub beams: usize,
    /// Candidates looked at in each step: enough that `beams` of them do not end.
    pub candidates: usize,
    pub choice: Choice,
    pub length_penalty: f64,
    pub early_stopping: EarlyStopping,
    /// The length that `early_stopping` "never" hopes for, before a model's own end cut it.
    pub hoped_length: usize,
}

impl Plan {
    pub fn new(
        config: &GenerationConfig,
        hooks: &Hooks<'_>,
        vocabulary: usize,
        max_positions: Option<usize>,
    ) -> Result<Self, Error> {
        config.check()?;
        if config.stop_strings.as_ref().is_some_and(|strings| !strings.is_empty())
            && hooks.stop_when.is_none()
        {
            return Err(Error::StopStringsNeedText);
        }
        let end_tokens = config.eos_token_id.clone().unwrap_or_default();
        let prompt = prompt(config, hooks, vocabulary)?;
        let hoped_length = max_length(config, prompt.len(), max_positions)?;
        let max_length = hoped_length.min(max_positions.map_or(usize::MAX, |most| most.saturating_add(1)));
        if max_length <= prompt.len() {
            return Err(too_short(prompt.len(), max_length));
        }
        let min_length = match config.min_new_tokens {
            Some(new) => new.saturating_add(prompt.len()),
            None => config.min_length.unwrap_or(0),
        };
        let choice = match config.do_sample {
            Some(true) => Choice::Drawn(config.seed),
            _ => Choice::Likeliest,
        };
        let beams = config.num_beams.unwrap_or(1);
        let returned = config.num_return_sequences.unwrap_or(1);
        check_rows(beams, returned, choice)?;
        let search = match beams {
            1 => Search::Rows { choice },
            _ => Search::Beams(BeamPlan {
                beams,
                candidates: (1 + end_tokens.len()).max(2) * beams,
                choice,
                length_penalty: config.length_penalty.unwrap_or(1.0),
                early_stopping: config.early_stopping.unwrap_or(EarlyStopping::Heuristic),
                hoped_length,
            }),
        };
        let max_time =
            config.max_time.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
        Ok(Self { prompt, max_length, min_length, end_tokens, max_time, returned, search })
    }

    pub fn choice(&self) -> Choice {
        match &self.search {
            Search::Rows { choice } => *choice,
            Search::Beams(plan) => plan.choice,
        }
    }

    pub fn rows_are_beams(&self) -> bool {
        matches!(self.search, Search::Beams(_))
    }

    /// Tokens to make room for in a row: its most, unless that is a mere claim.
    pub fn room(&self) -> usize {
        self.max_length.min(1024)
    }

    /// Rows of the model's state for each source.
    pub fn rows_per_source(&self) -> usize {
        match &self.search {
            Search::Rows { .. } => self.returned,
            Search::Beams(plan) => plan.beams,
        }
    }
}

/// The tokens that answers begin with.
fn prompt(config: &GenerationConfig, hooks: &Hooks<'_>, vocabulary: usize) -> Result<Vec<TokenId>, Error> {
    let start = config.decoder_start_token_id.or(config.bos_token_id).ok_or(Error::NoStart)?;
    let name = match config.decoder_start_token_id {
        Some(_) => "decoder_start_token_id",
        None => "bos_token_id",
    };
    check_token(name, start, vocabulary)?;
    for &token in &hooks.prompt {
        check_token("the decoder's prompt", token, vocabulary)?;
    }
    let missing = hooks.prompt.first() != Some(&start);
    Ok(missing.then_some(start).into_iter().chain(hooks.prompt.iter().copied()).collect())
}

/// The length at which answers end: `max_new_tokens` wins over `max_length`, and with neither there are 20 new tokens,
/// though never more tokens than the model has positions.
fn max_length(
    config: &GenerationConfig,
    prompt: usize,
    max_positions: Option<usize>,
) -> Result<usize, Error> {
    let (name, length) = match (config.max_new_tokens, config.max_length) {
        (Some(new), _) => ("max_new_tokens", new.saturating_add(prompt)),
        (None, Some(length)) => ("max_length", length),
        (None, None) => {
            ("max_length", (DEFAULT_MAX_LENGTH + prompt).min(max_positions.unwrap_or(usize::MAX)))
        }
    };
    if length > MOST_TOKENS {
        return Err(Error::Contradiction(format!(
            "`{name}` asks for {length} tokens, but at most {MOST_TOKENS} are possible; choose a smaller number"
        )));
    }
    if length <= prompt {
        return Err(too_short(prompt, length));
    }
    Ok(length)
}

fn too_short(prompt: usize, length: usize) -> Error {
    Error::Contradiction(format!(
        "an answer begins with {prompt} token(s), so `max_length` {length} leaves no room for a new one; raise `max_length` or set `max_new_tokens`"
    ))
}

fn check_rows(beams: usize, returned: usize, choice: Choice) -> Result<(), Error> {
    for (name, rows) in [("num_beams", beams), ("num_return_sequences", returned)] {
        if rows > MOST_ROWS {
            return Err(Error::Contradiction(format!(
                "`{name}` is {rows}, but at most {MOST_ROWS} are possible; choose a smaller number"
            )));
        }
    }
    if beams == 1 && returned > 1 && choice == Choice::Likeliest {
        return Err(Error::Contradiction(format!(
            "greedy search has one answer, so `num_return_sequences` cannot be {returned}; set `do_sample` to true or `num_beams` to {returned} or more"
        )));
    }
    if beams > 1 && returned > beams {
        return Err(Error::Contradiction(format!(
            "`num_return_sequences` is {returned}, but only {beams} beams can be returned; raise `num_beams` or lower `num_return_sequences`"
        )));
    }
    Ok(())
}

/// Refuses a token that the vocabulary does not have.
pub(crate) fn check_token(name: &str, token: TokenId, vocabulary: usize) -> Result<(), Error> {
    if (token as usize) < vocabulary {
        return Ok(());
    }
    Err(Error::NoSuchToken { name: name.to_owned(), token, last: vocabulary.saturating_sub(1) })
}

impl GenerationConfig {
    /// A sentence for each option that is set and, beside the others, has no effect; the reference warns of these too.
    pub fn warnings(&self) -> Vec<String> {
        let json = self.to_json();
        // An option that was un-set has nothing to be without effect.
        let neutral = |name: &str, value: &serde_json::Value| match name {
            _ if value.is_null() => true,
            "top_k" => value.as_f64() == Some(50.0),
            "temperature" | "top_p" | "typical_p" | "length_penalty" => value.as_f64() == Some(1.0),
            "epsilon_cutoff" | "eta_cutoff" => value.as_f64() == Some(0.0),
            "early_stopping" => value == &serde_json::Value::Bool(false),
            _ => false,
        };
        let mut warnings = Vec::new();
        for (name, value) in
            json.as_object().into_iter().flatten().filter(|(name, value)| !neutral(name, value))
        {
            if is_for_sampling(name) && self.do_sample != Some(true) {
                warnings.push(format!("`{name}` {value} has no effect without `do_sample` true."));
            }
            if matches!(name.as_str(), "length_penalty" | "early_stopping")
                && self.num_beams.unwrap_or(1) == 1
            {
                warnings.push(format!("`{name}` {value} has no effect with one beam."));
            }
        }
        if self.max_new_tokens.is_some() && self.max_length.is_some() {
            warnings.push("`max_length` has no effect beside `max_new_tokens`.".to_owned());
        }
        if self.min_new_tokens.is_some() && self.min_length.is_some() {
            warnings.push("`min_length` has no effect beside `min_new_tokens`.".to_owned());
        }
        warnings
    }
}
