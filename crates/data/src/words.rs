//! Words of a text that are spelled like the special tokens of the models that Papo trains.
//!
//! `<s>` in `<s>10</s>`, a price struck out in HTML, is three letters like any others: only what stands between white space is a word.
//! A whole word `<unk>` is a word that nobody knows, and is learnt, counted and measured as such. `<s>`, `</s>` and `<pad>` as whole words
//! are the tokens themselves: a text that is measured may hold them, as for KenLM's `query`; a text that is learnt must not, as for its
//! `lmplz`, for what is learnt behind an end of text in the middle of one is nonsense.

/// What to do with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpecialWords {
    /// They are the tokens.
    #[default]
    Take,
    /// Stop at the first that may not be learnt, and say where.
    Refuse,
    /// Pass over all of them as if they were white space.
    Skip,
}

/// The unknown word, which may be learnt.
const UNKNOWN: &str = "<unk>";
/// Those that may not.
const OTHERS: [&str; 3] = ["<s>", "</s>", "<pad>"];

/// What became of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Treated {
    /// The text without the words that are passed over; `None` where it is as it was.
    pub text: Option<String>,
    /// How many special words it had.
    pub count: u64,
}

/// Treats the special words of a text; an error is the place and the spelling of one that may not be learnt.
pub(crate) fn treated(text: &str, rule: SpecialWords) -> Result<Treated, (usize, &'static str)> {
    let (mut kept, mut done, mut count) = (String::new(), 0, 0);
    for (place, word) in special(text) {
        if rule == SpecialWords::Refuse && word != UNKNOWN {
            return Err((place, word));
        }
        count += 1;
        if rule == SpecialWords::Skip {
            kept.push_str(&text[done..place]);
            done = place + word.len();
        }
    }
    let text = (done > 0).then(|| kept + &text[done..]);
    Ok(Treated { text, count })
}

/// What is told of a word that may not be learnt.
pub(crate) fn refusal(word: &str) -> String {
    format!(
        "the word {word} has a meaning of its own in a model; take it out, or pass over it with --skip-symbols"
    )
}

/// The special words of a text and their places.
fn special(text: &str) -> impl Iterator<Item = (usize, &'static str)> + '_ {
    let bytes = text.as_bytes();
    text.match_indices('<').filter_map(move |(place, _)| {
        let begins = place == 0 || separates(bytes[place - 1]);
        let word = std::iter::once(UNKNOWN).chain(OTHERS).find(|word| text[place..].starts_with(word))?;
        let ends = bytes.get(place + word.len()).is_none_or(|&byte| separates(byte));
        (begins && ends).then_some((place, word))
    })
}

/// White space as KenLM has it.
fn separates(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn treat(text: &str, rule: SpecialWords) -> Result<(String, u64), (usize, &'static str)> {
        treated(text, rule).map(|it| (it.text.unwrap_or_else(|| text.to_owned()), it.count))
    }

    #[test]
    fn inside_a_word_they_are_letters() {
        for text in ["now <s>10</s> 8", "<s>a </s>. (<unk>)", "a<pad> <pad>\u{a0}b", "< s>", ""] {
            for rule in [SpecialWords::Take, SpecialWords::Refuse, SpecialWords::Skip] {
                assert_eq!(treat(text, rule), Ok((text.to_owned(), 0)));
            }
        }
    }

    #[test]
    fn as_whole_words_they_are_taken_refused_or_passed_over() {
        let text = "<s> a <unk> b\n</s>";
        assert_eq!(treat(text, SpecialWords::Take), Ok((text.to_owned(), 3)));
        assert_eq!(treat(text, SpecialWords::Skip), Ok((" a  b\n".to_owned(), 3)));
        assert_eq!(treat(text, SpecialWords::Refuse), Err((0, "<s>")));
        assert_eq!(treat("a <unk> </s>", SpecialWords::Refuse), Err((8, "</s>")));
        assert_eq!(treat("a <unk> b", SpecialWords::Refuse), Ok(("a <unk> b".to_owned(), 1)));
    }
}
