//! ByT5's tokenizer, which has no files: a byte of UTF-8 is a token.
//!
//! ```text
//! 0 <pad>   1 </s>   2 <unk>   3 … 258 the bytes 0 … 255   259 … <extra_id_0> …, ascending
//! ```
//!
//! The three marks swallow white space on both sides. `</s>` closes a text, once: a text that ends in it gets no other.

use std::collections::BTreeMap;

use papo_generate::TokenId;
use tokenizers::AddedToken;

use super::SpecialTokens;
use super::added_tokens::{AddedTokens, Part};
use super::backend::{Backend, Frame};
use super::settings::{Named, Settings, check_extra_ids};

/// The marks before the bytes.
const MARKS: [(&str, &str); 3] = [("pad_token", "<pad>"), ("eos_token", "</s>"), ("unk_token", "<unk>")];
const OFFSET: TokenId = MARKS.len() as TokenId;
const BYTES: TokenId = 256;

/// A tokenizer of bytes.
#[derive(Debug)]
pub(super) struct Bytes {
    added: AddedTokens,
    /// What ids beyond the bytes and the added tokens decode as: nothing.
    chars: Vec<String>,
    eos: TokenId,
}

/// A mark named by its text alone swallows the white space around it.
fn mark(content: &str) -> Named {
    Named {
        token: AddedToken::from(content, true).lstrip(true).rstrip(true).normalized(true),
        by_text: false,
    }
}

/// Gives the roles that the files leave open to ByT5's tokens, and names the extra ids.
pub(super) fn default_roles(settings: &mut Settings) -> Result<(), String> {
    for (role, content) in MARKS {
        settings.default_role(role, mark(content));
        if let Some(Some(named)) = settings.roles.get_mut(role)
            && named.by_text
        {
            *named = mark(&named.token.content.clone());
        }
    }
    let count = settings.extra_ids(125)?;
    match &settings.additional {
        None => {
            settings.additional = Some((0..count).map(|i| Named::text(format!("<extra_id_{i}>"))).collect());
            Ok(())
        }
        Some(list) if list.is_empty() => Ok(()),
        Some(list) => check_extra_ids(count, list, "extra_id"),
    }
}

impl Bytes {
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let mut of_class = BTreeMap::new();
        for (id, (role, _)) in MARKS.iter().enumerate() {
            let named = settings.roles.get(role).and_then(Option::as_ref).ok_or_else(|| {
                format!("{role} is null, but ByT5 cannot do without it; correct tokenizer_config.json")
            })?;
            of_class.insert(id as TokenId, named.token.clone());
        }
        let chars: Vec<String> = (0..=255u8).map(|byte| char::from(byte).to_string()).collect();
        let marks: Vec<String> = of_class.values().map(|token: &AddedToken| token.content.clone()).collect();
        let known =
            |token: &str| marks.iter().chain(&chars).position(|known| known == token).map(|id| id as TokenId);
        let added = AddedTokens::new(settings, of_class, known, (OFFSET + BYTES) as usize);
        let eos = settings.role("eos_token").and_then(|token| added.id(token)).unwrap_or(1);
        Ok(Self { added, chars, eos })
    }

    /// A token as the reference writes it: a byte is the Latin-1 character of its number.
    fn name(&self, id: TokenId) -> Option<&str> {
        let byte = || self.chars.get(id.checked_sub(OFFSET)? as usize).map(String::as_str);
        self.added.token(id).or_else(byte)
    }

    /// The bytes of tokens.
    fn spell(&self, tokens: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for token in tokens {
            let mut chars = token.chars();
            match (chars.next().map(|c| u8::try_from(u32::from(c))), chars.next(), self.added.id(token)) {
                (Some(Ok(byte)), None, None) => bytes.push(byte),
                _ => bytes.extend(token.as_bytes()),
            }
        }
        bytes
    }
}

impl Backend for Bytes {
    fn encode(&self, text: &str, frame: Frame) -> Result<Vec<TokenId>, String> {
        let mut ids = Vec::with_capacity(text.len() + 1);
        for part in self.added.split(text) {
            match part {
                Part::Token(id) => ids.push(id),
                // A byte may have become an added token, and then has its id.
                Part::Text(text) => ids.extend(text.bytes().map(|byte| {
                    self.added.id(&self.chars[usize::from(byte)]).unwrap_or(TokenId::from(byte) + OFFSET)
                })),
            }
        }
        if frame == Frame::Around && ids.last() != Some(&self.eos) {
            ids.push(self.eos);
        }
        Ok(ids)
    }

    fn decode(&self, ids: &[TokenId], special: SpecialTokens) -> Result<String, String> {
        let tokens = ids.iter().filter_map(|&id| self.name(id));
        let join = |tokens: &[&str]| {
            // Bytes that are no UTF-8 are left out.
            self.spell(tokens).utf8_chunks().map(|chunk| chunk.valid().to_owned()).collect::<String>()
        };
        Ok(self.added.join(tokens, special, join))
    }

    fn token(&self, id: TokenId) -> Option<String> {
        self.name(id).map(str::to_owned)
    }

    fn id(&self, token: &str) -> Option<TokenId> {
        let byte = || self.chars.iter().position(|c| c == token).map(|byte| byte as TokenId + OFFSET);
        self.added.id(token).or_else(byte)
    }

    fn vocab_size(&self) -> usize {
        let beyond = self.added.iter().filter(|(_, id)| *id >= OFFSET + BYTES).count();
        (OFFSET + BYTES) as usize + beyond
    }

    fn spelling(&self, id: TokenId) -> Option<Vec<u8>> {
        Some(self.spell(&[self.name(id)?]))
    }

    fn lost_characters(&self, _: &str, _: Option<TokenId>) -> Vec<char> {
        Vec::new()
    }
}
