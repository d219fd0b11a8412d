//! A tokenizer of the `tokenizers` crate: normalizer, splitter, vocabulary, frame and decoder, one after the other.
//!
//! Everything that is not one of the reference's Python classes runs here, from `tokenizer.json` or built by `byte_pairs.rs`,
//! `unigram.rs` or `word_pieces.rs`. Each call is guarded (`guard.rs`).

use std::collections::{HashMap, HashSet};

use papo_generate::TokenId;
use tokenizers::models::unigram::Unigram;
use tokenizers::{AddedToken, Decoder, DecoderWrapper, Encoding, Model, ModelWrapper, Token};

use super::backend::{Backend, Frame};
use super::guard::guarded;
use super::whole_words::{self, Part};
use super::{SpecialTokens, spelling};

/// What a special token is inside a longer word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InsideWords {
    /// The token, as for the reference.
    Token,
    /// Letters, as for what Papo trains.
    Letters,
}

/// A tokenizer of the crate, ready for use.
#[derive(Debug)]
pub(super) struct Pipeline {
    tokenizer: tokenizers::Tokenizer,
    added: HashMap<TokenId, AddedToken>,
    special: HashSet<String>,
    inside_words: InsideWords,
}

impl Pipeline {
    /// Takes a tokenizer with all its tokens.
    pub fn new(mut tokenizer: tokenizers::Tokenizer, inside_words: InsideWords) -> Result<Self, String> {
        let added: HashMap<TokenId, AddedToken> = tokenizer.get_added_tokens_decoder().into_iter().collect();
        let vocabulary = tokenizer.get_added_vocabulary();
        let special: HashSet<String> = added
            .values()
            .map(|token| &token.content)
            .filter(|content| vocabulary.is_special_token(content))
            .cloned()
            .collect();
        if inside_words == InsideWords::Letters {
            tokenizer.set_encode_special_tokens(true);
            if let ModelWrapper::Unigram(model) = tokenizer.get_model() {
                let model = never_found(model, &special)?;
                tokenizer.with_model(model);
            }
        }
        Ok(Self { tokenizer, added, special, inside_words })
    }

    fn encoding(&self, text: &str, frame: Frame) -> tokenizers::Result<Encoding> {
        if self.inside_words == InsideWords::Token || !self.special.iter().any(|token| text.contains(token)) {
            return self.tokenizer.encode_fast(text, frame == Frame::Around);
        }
        let id = |word: &str| if self.special.contains(word) { self.id(word) } else { None };
        let mut whole = Encoding::default();
        for part in whole_words::parts(text, id) {
            whole.merge_with(
                match part {
                    Part::Text(text) => self.tokenizer.encode_fast(text, false)?,
                    Part::Special(id) => {
                        Encoding::from_tokens(vec![Token::new(id, String::new(), (0, 0))], 0)
                    }
                },
                false,
            );
        }
        self.tokenizer.post_process(whole, None, frame == Frame::Around)
    }

    /// The tokens behind ids, as they were written into the vocabulary: what the crate itself decodes is the normalised text of an
    /// added token, which the reference's release of it never shows.
    fn tokens(&self, ids: &[TokenId], special: SpecialTokens) -> Vec<String> {
        let kept = |token: &String| special == SpecialTokens::Keep || !self.special.contains(token);
        ids.iter().filter_map(|&id| self.token(id)).filter(kept).collect()
    }

    fn join(&self, tokens: Vec<String>) -> Result<String, String> {
        match self.tokenizer.get_decoder() {
            Some(decoder) => guarded(|| decoder.decode(tokens)),
            None => Ok(tokens.join(" ")),
        }
    }
}

impl Backend for Pipeline {
    fn encode(&self, text: &str, frame: Frame) -> Result<Vec<TokenId>, String> {
        guarded(|| Ok(self.encoding(text, frame)?.get_ids().to_vec()))
    }

    fn decode(&self, ids: &[TokenId], special: SpecialTokens) -> Result<String, String> {
        self.join(self.tokens(ids, special))
    }

    fn token(&self, id: TokenId) -> Option<String> {
        let added = self.added.get(&id).map(|token| token.content.clone());
        added.or_else(|| self.tokenizer.get_model().id_to_token(id))
    }

    fn id(&self, token: &str) -> Option<TokenId> {
        self.tokenizer.token_to_id(token)
    }

    fn vocab_size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    fn spelling(&self, id: TokenId) -> Option<Vec<u8>> {
        // A stretch of text that every decoder leaves alone, so that what is at stake is not the first token.
        const BEGUN: &str = "abcdef";
        let token = self.token(id)?;
        if self.added.contains_key(&id) && self.tokenizer.get_decoder().is_some() {
            return Some(token.into_bytes());
        }
        if let Some(bytes) =
            self.tokenizer.get_decoder().and_then(|decoder| spelled_in_bytes(decoder, &token))
        {
            return Some(bytes);
        }
        let begun = self.join(vec![BEGUN.to_owned()]).ok()?;
        let text = self.join(vec![BEGUN.to_owned(), token]).ok()?;
        Some(text.strip_prefix(&begun).unwrap_or(&text).as_bytes().to_vec())
    }

    fn joins_by_spaces(&self) -> bool {
        self.tokenizer.get_decoder().is_none()
    }

    fn lost_characters(&self, text: &str, unknown: Option<TokenId>) -> Vec<char> {
        // A word that a vocabulary of words lacks is not a matter of its characters.
        if matches!(self.tokenizer.get_model(), ModelWrapper::WordLevel(_) | ModelWrapper::WordPiece(_)) {
            return Vec::new();
        }
        let Ok(encoding) = guarded(|| self.tokenizer.encode(text, false)) else { return Vec::new() };
        let mut unknown_at = vec![false; text.len()];
        let mut token_at = vec![false; text.len()];
        for (&id, &(start, end)) in encoding.get_ids().iter().zip(encoding.get_offsets()) {
            let span = start.min(text.len())..end.min(text.len());
            // `<unk>` written out is a token, too.
            if self.added.get(&id).is_some_and(|token| text.get(span.clone()) == Some(token.content.as_str()))
            {
                token_at[span].fill(true);
            } else if Some(id) == unknown {
                unknown_at[span].fill(true);
            }
        }
        let vanishes = |c: char| {
            let mut buffer = [0; 4];
            let ids = self.encode(c.encode_utf8(&mut buffer), Frame::Bare);
            ids.and_then(|ids| self.decode(&ids, SpecialTokens::Keep)).is_ok_and(|text| text.is_empty())
        };
        let mut known = HashSet::new();
        let mut lost = Vec::new();
        for (at, c) in text.char_indices().filter(|(at, c)| !c.is_whitespace() && !token_at[*at]) {
            if !lost.contains(&c) && (unknown_at[at] || (known.insert(c) && vanishes(c))) {
                lost.push(c);
            }
        }
        lost
    }
}

/// The same pieces, of which the special ones are never the likeliest cut: their places are ids, not letters to be found.
fn never_found(model: &Unigram, special: &HashSet<String>) -> Result<Unigram, String> {
    let lowest = model.iter().map(|(_, score)| *score).fold(0.0, f64::min);
    let pieces = model.iter().map(|(piece, score)| {
        (piece.clone(), if special.contains(piece) { lowest - 1000.0 } else { *score })
    });
    let unknown = model.token_to_id(super::SPECIALS[0]).map(|id| id as usize);
    guarded(|| Unigram::from(pieces.collect(), unknown, model.byte_fallback()))
}

/// The bytes of a token under decoders that know bytes; `None` where the decoder has to be asked.
fn spelled_in_bytes(decoder: &DecoderWrapper, token: &str) -> Option<Vec<u8>> {
    match decoder {
        DecoderWrapper::ByteLevel(_) => spelling::of_byte_level(token),
        DecoderWrapper::ByteFallback(_) => spelling::of_byte_piece(token).map(|byte| vec![byte]),
        DecoderWrapper::Sequence(steps) => {
            steps.get_decoders().iter().find_map(|step| spelled_in_bytes(step, token))
        }
        _ => None,
    }
}
