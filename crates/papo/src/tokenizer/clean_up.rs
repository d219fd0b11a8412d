//! Spaces before punctuation removed, for the checkpoints whose settings ask for it.

/// Removes the spaces that word-wise tokenization leaves before punctuation and English short forms.
///
/// The replacements are made one after the other over the whole text, in the reference's order.
pub(super) fn clean_up(text: &str) -> String {
    const RULES: [(&str, &str); 10] = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    RULES.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::clean_up;

    #[test]
    fn punctuation_moves_to_its_word() {
        assert_eq!(clean_up("I do n't know , it 's ' odd ' now ."), "I don't know, it's'odd'now.");
    }
}
