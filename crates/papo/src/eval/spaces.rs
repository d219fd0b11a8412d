//! White space as Python's `str.split` knows it, which is what sacreBLEU's figures stand on: Unicode's white space, and besides
//! the four separators U+001C to U+001F.

/// Whether Python calls this white space.
pub(super) fn is_space(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{1c}'..='\u{1f}')
}

/// The words between white space.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}
