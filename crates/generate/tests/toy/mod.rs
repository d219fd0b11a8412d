//! A toy language model: logits are a hash of the seed, the source and everything said so far.
//!
//! It is small, has no pattern to lean on, notices when rows are mixed up, and is the same in Python
//! (`tools/make_toy_cases.py`).

mod hash;

pub use hash::mix;
use papo_generate::{LanguageModel, ModelError, Room, TokenId};

/// `vocabulary` tokens; `levels` distinct logits, few of them when ties are wanted.
#[derive(Clone, Debug)]
pub struct Toy {
    pub vocabulary: usize,
    pub seed: u64,
    pub levels: u64,
    pub max_positions: Option<usize>,
}

impl Toy {
    pub fn new(vocabulary: usize, seed: u64) -> Self {
        Self { vocabulary, seed, levels: 8009, max_positions: None }
    }

    /// The logits after what a hash stands for: from 0 down to −8 in steps of 8 / `levels`.
    pub fn logits(&self, hash: u64, logits: &mut [f32]) {
        for (token, logit) in logits.iter_mut().enumerate() {
            let level = mix(hash, token as u64) % self.levels;
            *logit = (level as f64 / self.levels as f64 * -8.0) as f32;
        }
    }

    /// The hash of a source.
    pub fn begin(&self, source: &[TokenId]) -> u64 {
        source.iter().fold(mix(self.seed, 0), |hash, &token| mix(hash, u64::from(token) + 1))
    }

    /// The hash after one more token.
    pub fn follow(&self, hash: u64, token: TokenId) -> u64 {
        mix(hash, u64::from(token) + 1_000_003)
    }
}

impl LanguageModel for Toy {
    /// The hash of each row.
    type State = Vec<u64>;

    fn vocab_size(&self) -> usize {
        self.vocabulary
    }

    fn max_positions(&self) -> Option<usize> {
        self.max_positions
    }

    fn start(&self, sources: &[Vec<TokenId>], _: Room) -> Result<Vec<u64>, ModelError> {
        Ok(sources.iter().map(|source| self.begin(source)).collect())
    }

    fn step(&self, state: &mut Vec<u64>, last: &[TokenId], logits: &mut [f32]) -> Result<(), ModelError> {
        assert_eq!((last.len(), logits.len()), (state.len(), state.len() * self.vocabulary));
        for ((hash, &token), row) in state.iter_mut().zip(last).zip(logits.chunks_exact_mut(self.vocabulary))
        {
            *hash = self.follow(*hash, token);
            self.logits(*hash, row);
        }
        Ok(())
    }

    fn select(&self, state: &mut Vec<u64>, rows: &[usize]) {
        *state = rows.iter().map(|&row| state[row]).collect();
    }
}
