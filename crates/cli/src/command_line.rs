//! The command that this program was started with, as one would type it again: for pages that tell how they were made.

/// The command and its arguments, quoted for a shell where they need it.
pub fn command_line() -> String {
    let words = std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy()));
    std::iter::once("papo".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_reads_the_words_as_they_were() {
        let words = ["--top-p=0.9", "são.txt", "", "two words", "it's", "$HOME"].map(quoted);
        assert_eq!(words, ["--top-p=0.9", "são.txt", "''", "'two words'", "'it'\\''s'", "'$HOME'"]);
    }
}
