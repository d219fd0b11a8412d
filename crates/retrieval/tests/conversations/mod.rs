//! Conversations for tests: drawn from few words, so that they have much in common.

use papo_generate::TokenId;
use papo_retrieval::{Index, IndexBuilder};

/// A token for each of the words w0, w1 …, behind the four special ones.
pub const WORDS: u32 = 24;

/// Numbers that look random and are the same everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, most: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(most)) as u32
    }
}

pub fn pieces() -> impl Iterator<Item = Vec<u8>> {
    std::iter::repeat_n(Vec::new(), 4).chain((0..WORDS).map(|word| format!(" W{word}").into_bytes()))
}

pub type Conversation = Vec<Vec<TokenId>>;

/// A turn of up to five words, common ones more often.
pub fn turn(dice: &mut Dice) -> Vec<TokenId> {
    let length = 1 + dice.below(5);
    (0..length)
        .map(|_| {
            let most = 1 + dice.below(WORDS);
            4 + dice.below(most)
        })
        .collect()
}

pub fn conversations(dice: &mut Dice, count: usize) -> Vec<Conversation> {
    (0..count)
        .map(|_| {
            let turns = 2 + dice.below(5);
            (0..turns).map(|_| turn(dice)).collect()
        })
        .collect()
}

/// The index in which every turn but the first of each conversation is a reply.
pub fn index(conversations: &[Conversation]) -> Index {
    let mut builder = IndexBuilder::new(pieces());
    for conversation in conversations {
        let targets: Vec<bool> = (0..conversation.len()).map(|place| place > 0).collect();
        builder.add(conversation, &targets);
    }
    builder.finish().unwrap()
}

/// What a model reads of these turns.
pub fn source(turns: &[Vec<TokenId>]) -> Vec<TokenId> {
    turns.iter().flat_map(|turn| turn.iter().copied().chain([papo_retrieval::END])).collect()
}
