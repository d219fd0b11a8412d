//! Turns of several lines: a backslash at the end of a line goes on in the next, and `"""` stands before and behind a longer text.

const FENCE: &str = "\"\"\"";

/// Tells whether a turn is whole, or goes on in the next line.
pub fn is_complete(typed: &str) -> bool {
    match typed.trim_start().strip_prefix(FENCE) {
        Some(inside) => inside.trim_end().ends_with(FENCE),
        None => !ends_in_backslash(typed),
    }
}

/// The text of a whole turn, without the marks that held its lines together.
pub fn text_of(typed: &str) -> String {
    if let Some(inside) = typed.trim_start().strip_prefix(FENCE) {
        let inside = inside.trim_end();
        let inside = inside.strip_suffix(FENCE).unwrap_or(inside);
        let inside = inside.strip_prefix('\n').unwrap_or(inside);
        return inside.strip_suffix('\n').unwrap_or(inside).to_owned();
    }
    let mut lines = typed.split('\n').peekable();
    let mut text = String::new();
    while let Some(line) = lines.next() {
        let held = lines.peek().is_some() && ends_in_backslash(line);
        text.push_str(if held { &line[..line.len() - 1] } else { line });
        if lines.peek().is_some() {
            text.push('\n');
        }
    }
    text
}

/// Two backslashes at the end are two backslashes, one goes on.
fn ends_in_backslash(line: &str) -> bool {
    line.bytes().rev().take_while(|&byte| byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_goes_on_in_the_next_line() {
        assert!(
            !is_complete("one \\") && is_complete("one \\\ntwo") && is_complete("C:\\\\") && is_complete("")
        );
        assert!(!is_complete("one \\\ntwo\\"));
        assert_eq!(text_of("one \\\ntwo"), "one \ntwo");
        assert_eq!(text_of("C:\\\\"), "C:\\\\");
        assert_eq!(text_of("pasted\nlines"), "pasted\nlines");
    }

    #[test]
    fn three_quotes_hold_lines_together() {
        assert!(
            !is_complete("\"\"\"")
                && !is_complete("\"\"\"one\\\ntwo")
                && is_complete("\"\"\"one\ntwo\"\"\" ")
        );
        assert_eq!(text_of("\"\"\"one\ntwo\"\"\""), "one\ntwo");
        assert_eq!(text_of("\"\"\"\none\\\n\ntwo\n\"\"\""), "one\\\n\ntwo");
        assert_eq!(text_of("he said \"\"\""), "he said \"\"\"");
    }
}
