//! What every kind of tokenizer can do: the walls between `Tokenizer` and the three ways to cut a text.
//!
//! `pipeline.rs` runs the `tokenizers` crate, `marian.rs` SentencePiece itself, `bytes.rs` needs no vocabulary.

use std::fmt::Debug;

use papo_generate::TokenId;

use super::SpecialTokens;

/// Whether the ids of a text get around them what the model wants there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// As a model reads a text: `A </s>`, `<s> A </s>`.
    Around,
    /// The text and nothing else.
    Bare,
}

/// Text to ids and back; errors are sentences without the tokenizer's name.
pub(super) trait Backend: Debug + Send + Sync {
    /// The ids of a text.
    fn encode(&self, text: &str, frame: Frame) -> Result<Vec<TokenId>, String>;

    /// The framed ids of a text in the language that the model writes.
    fn encode_target(&self, text: &str) -> Result<Vec<TokenId>, String> {
        self.encode(text, Frame::Around)
    }

    /// The text of ids; those without a token are passed over.
    fn decode(&self, ids: &[TokenId], special: SpecialTokens) -> Result<String, String>;

    /// The token as the vocabulary writes it.
    fn token(&self, id: TokenId) -> Option<String>;

    /// The id of a token as the vocabulary writes it.
    fn id(&self, token: &str) -> Option<TokenId>;

    /// Number of tokens, added ones included.
    fn vocab_size(&self) -> usize;

    /// The bytes that a token adds to a text that has begun; `None` where the id has no token.
    fn spelling(&self, id: TokenId) -> Option<Vec<u8>>;

    /// What of it a stop string can be found in.
    fn sought(&self, id: TokenId) -> Option<Vec<u8>> {
        self.spelling(id)
    }

    /// Whether a text is its tokens with a space between each two, whatever they are.
    fn joins_by_spaces(&self) -> bool {
        false
    }

    /// Characters of a text that no token carries, each once, in the order of the text; `unknown` stands for them.
    fn lost_characters(&self, text: &str, unknown: Option<TokenId>) -> Vec<char>;
}
