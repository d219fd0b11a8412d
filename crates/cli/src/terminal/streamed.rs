//! A reply shown while it is made, so that what was shown in the end is the trimmed reply and nothing else.
//!
//! White space at the front is dropped; white space at the end of what is known so far is held back until something
//! follows it.

/// Trims a text that arrives in pieces.
#[derive(Default)]
pub struct StreamedReply {
    started: bool,
    held: String,
}

impl StreamedReply {
    /// Takes the next piece and returns what may be shown of the text now.
    pub fn push(&mut self, piece: &str) -> String {
        let piece = if self.started { piece } else { piece.trim_start() };
        let kept = piece.trim_end();
        if kept.is_empty() {
            if self.started {
                self.held.push_str(piece);
            }
            return String::new();
        }
        self.started = true;
        let mut shown = std::mem::take(&mut self.held);
        shown.push_str(kept);
        self.held.push_str(&piece[kept.len()..]);
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up_to_the_trimmed_whole() {
        let pieces = [" ", " I'm", " ", " fine", ". \n", " You?", " ", "\n"];
        let mut stream = StreamedReply::default();
        let shown: String = pieces.iter().map(|piece| stream.push(piece)).collect();
        assert_eq!(shown, pieces.concat().trim());
    }

    #[test]
    fn white_space_alone_shows_nothing() {
        let mut stream = StreamedReply::default();
        assert_eq!(stream.push("  ") + &stream.push("\n"), "");
    }
}
