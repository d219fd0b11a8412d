//! Added tokens as the reference's Python classes treat them (`tokenization_utils.py`): cut out of a text before anything else looks at
//! it, put back between what the class itself decodes.
//!
//! Marian and ByT5 are such classes. What differs from the `tokenizers` crate: a token with `single_word` is told from letters by
//! spaces alone, `split_special_tokens` leaves every added token uncut, not only special ones, and an added token that is not special is
//! decoded with a space on each side.

use std::collections::{BTreeMap, HashMap, HashSet};

use papo_generate::TokenId;
use tokenizers::AddedToken;

use super::SpecialTokens;
use super::settings::Settings;

/// The added tokens of a Python class.
#[derive(Debug)]
pub(super) struct AddedTokens {
    by_id: BTreeMap<TokenId, AddedToken>,
    ids: HashMap<String, TokenId>,
    /// Their texts, the longest first.
    longest_first: Vec<String>,
    /// Texts of the tokens in a role.
    special: HashSet<String>,
    /// Texts that are decoded with a space on each side.
    apart: HashSet<String>,
    cut: bool,
}

/// A stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// For the class to cut.
    Text(String),
    /// An added token.
    Token(TokenId),
}

impl AddedTokens {
    /// The tokens of the class, of the files and of the roles; `vocabulary` has the class's own ids and their number.
    pub fn new(
        settings: &Settings,
        of_class: BTreeMap<TokenId, AddedToken>,
        vocabulary: impl Fn(&str) -> Option<TokenId>,
        size: usize,
    ) -> Self {
        let mut by_id = of_class;
        by_id.extend(settings.added.clone());
        let mut ids: HashMap<String, TokenId> =
            by_id.iter().map(|(&id, token)| (token.content.clone(), id)).collect();
        let mut next = (size + ids.keys().filter(|token| vocabulary(token).is_none()).count()) as TokenId;
        for named in settings.named() {
            let content = &named.token.content;
            if content.is_empty() || (named.by_text && ids.contains_key(content)) {
                continue;
            }
            let id = ids.get(content).copied().or_else(|| vocabulary(content)).unwrap_or_else(|| {
                next += 1;
                next - 1
            });
            by_id.insert(id, named.token.clone().special(true));
            ids.insert(content.clone(), id);
        }
        let special: HashSet<String> = settings.named().map(|named| named.token.content.clone()).collect();
        let new = |token: &str| ids.get(token).is_some_and(|&id| id as usize >= size);
        let additional = settings.additional.iter().flatten().map(|named| &named.token.content);
        let mut apart: HashSet<String> = additional.filter(|token| new(token)).cloned().collect();
        apart.extend(ids.keys().filter(|token| !special.contains(*token)).cloned());
        // A token whose id a later one took over (the vocabulary had its text under another id) is not found in texts any more.
        let found = by_id.values().map(|token| &token.content);
        let mut longest_first: Vec<String> = found.filter(|token| !token.is_empty()).cloned().collect();
        longest_first.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        Self { by_id, ids, longest_first, special, apart, cut: !settings.split_special_tokens }
    }

    pub fn id(&self, token: &str) -> Option<TokenId> {
        self.ids.get(token).copied()
    }

    pub fn token(&self, id: TokenId) -> Option<&str> {
        self.by_id.get(&id).map(|token| token.content.as_str())
    }

    pub fn is_special(&self, token: &str) -> bool {
        self.special.contains(token)
    }

    /// The texts of all added tokens with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, TokenId)> {
        self.ids.iter().map(|(token, &id)| (token.as_str(), id))
    }

    /// Cuts the added tokens out of a text.
    pub fn split(&self, text: &str) -> Vec<Part> {
        if !self.cut {
            return if text.is_empty() { Vec::new() } else { vec![Part::Text(text.to_owned())] };
        }
        // Texts and tokens in turn; a token's text is looked up last, as what `single_word` joins is a token no more.
        let mut stretches: Vec<String> = self.stretches(text).into_iter().map(str::to_owned).collect();
        for at in 0..stretches.len() {
            let Some(token) = self.ids.get(&stretches[at]).and_then(|id| self.by_id.get(id)) else {
                continue;
            };
            let left = at.checked_sub(1).map(|at| stretches[at].clone()).filter(|left| !left.is_empty());
            let right = stretches.get(at + 1).cloned().filter(|right| !right.is_empty());
            if let Some(right) = right.as_ref().filter(|_| token.rstrip) {
                stretches[at + 1] = right.trim_start().to_owned();
            }
            if let Some(left) = left.as_ref().filter(|_| token.lstrip) {
                stretches[at - 1] = left.trim_end().to_owned();
            }
            if !token.single_word {
                continue;
            }
            if left.is_some_and(|left| !left.ends_with(' ')) {
                let token = std::mem::take(&mut stretches[at]);
                stretches[at - 1].push_str(&token);
            } else if right.is_some_and(|right| !right.starts_with(' ')) {
                let token = std::mem::take(&mut stretches[at]);
                stretches[at + 1].insert_str(0, &token);
            }
        }
        let part = |stretch: String| match self.ids.get(&stretch) {
            Some(&id) => Part::Token(id),
            None => Part::Text(stretch),
        };
        stretches.into_iter().filter(|stretch| !stretch.is_empty()).map(part).collect()
    }

    /// The stretches between and of added tokens: always the leftmost, and of two at one place the longest.
    fn stretches<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut stretches = Vec::new();
        // Where each token stands next; one that stands nowhere is not looked for again.
        let mut next: Vec<(usize, &str)> = self
            .longest_first
            .iter()
            .filter_map(|token| Some((text.find(token.as_str())?, token.as_str())))
            .collect();
        let mut done = 0;
        // The first of the smallest is the longest.
        while let Some(&(at, token)) = next.iter().min_by_key(|(at, _)| *at) {
            if at > done {
                stretches.push(&text[done..at]);
            }
            done = at + token.len();
            stretches.push(&text[at..done]);
            next.retain_mut(|(at, token)| {
                if *at >= done {
                    return true;
                }
                let found = text[done..].find(*token);
                *at = found.map_or(0, |found| done + found);
                found.is_some()
            });
        }
        if done < text.len() {
            stretches.push(&text[done..]);
        }
        stretches
    }

    /// Puts tokens together to a text: added ones with spaces around, the rest as the class joins them.
    pub fn join<'a>(
        &self,
        tokens: impl Iterator<Item = &'a str>,
        special: SpecialTokens,
        join: impl Fn(&[&str]) -> String,
    ) -> String {
        let mut texts: Vec<String> = Vec::new();
        let mut run: Vec<&str> = Vec::new();
        for token in tokens {
            if special == SpecialTokens::Skip && self.special.contains(token) {
                continue;
            }
            if !self.apart.contains(token) {
                run.push(token);
                continue;
            }
            if !run.is_empty() {
                texts.extend(Some(join(&run)).filter(|text| !text.is_empty()));
                run.clear();
            }
            texts.push(token.to_owned());
        }
        if !run.is_empty() {
            texts.push(join(&run));
        }
        texts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(tokens: &[(TokenId, AddedToken)]) -> AddedTokens {
        let settings = Settings { added: tokens.iter().cloned().collect(), ..Settings::default() };
        AddedTokens::new(&settings, BTreeMap::new(), |_| None, 0)
    }

    fn plain(content: &str) -> AddedToken {
        AddedToken::from(content, false)
    }

    #[test]
    fn the_longest_token_at_the_leftmost_place_is_cut_out() {
        let added = tokens(&[(7, plain("ab")), (8, plain("abc")), (9, plain("c"))]);
        assert_eq!(added.split("xabcabc"), [Part::Text("x".into()), Part::Token(8), Part::Token(8)]);
        assert_eq!(added.split("abac"), [Part::Token(7), Part::Text("a".into()), Part::Token(9)]);
        assert!(added.split("").is_empty());
    }

    #[test]
    fn a_single_word_is_a_token_between_spaces_only() {
        let added = tokens(&[(7, plain("fox").single_word(true))]);
        assert_eq!(added.split("foxes"), [Part::Text("foxes".into())]);
        assert_eq!(added.split("firefox"), [Part::Text("firefox".into())]);
        assert_eq!(
            added.split("a fox b"),
            [Part::Text("a ".into()), Part::Token(7), Part::Text(" b".into())]
        );
    }

    #[test]
    fn spaces_are_swallowed_where_the_token_says_so() {
        let added = tokens(&[(7, plain("<x>").lstrip(true)), (8, plain("<y>").rstrip(true))]);
        let text = |text: &str| Part::Text(text.into());
        assert_eq!(added.split("a <x> b"), [text("a"), Part::Token(7), text(" b")]);
        assert_eq!(added.split("a <y> b"), [text("a "), Part::Token(8), text("b")]);
    }
}
