//! What a token spells: `Ġworld` is a space and a word, `Ã¡` an á, `ðŁ` the first half of an emoji.

use papo_generate::TokenId;

use super::Tokenizer;

/// The bytes behind a token of a byte-level vocabulary, which writes each byte as a visible character; `None` where a character
/// stands for no byte.
pub(super) fn of_byte_level(token: &str) -> Option<Vec<u8>> {
    token.chars().map(byte_of).collect()
}

/// GPT-2's table backwards: printable Latin-1 stands for itself, the other 68 bytes for what follows U+0100.
fn byte_of(c: char) -> Option<u8> {
    let stands_for_itself = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    match u32::from(c) {
        code @ 0..=0xff => Some(code as u8).filter(|&byte| stands_for_itself(byte)),
        code @ 0x100..=0x143 => {
            (0..=255u8).filter(|&byte| !stands_for_itself(byte)).nth(code as usize - 0x100)
        }
        _ => None,
    }
}

/// The byte of a piece such as `<0xF0>`.
pub(super) fn of_byte_piece(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}

impl Tokenizer {
    /// The bytes that a token adds to a text that has begun, special ones as they are written; `None` where the id has no token.
    pub fn spelling(&self, id: TokenId) -> Option<Vec<u8>> {
        self.backend.spelling(id)
    }

    /// What a token spells, for people: text as it is, `␣` for a space and names for what cannot be seen, `<0xF0>` for a byte that is not a
    /// character by itself; empty where the id has no token.
    pub fn spelled(&self, id: TokenId) -> String {
        let Some(bytes) = self.backend.spelling(id) else { return String::new() };
        // The space that joins words belongs to none of them.
        let joint = if self.backend.joins_by_spaces() { b" ".as_slice() } else { b"" };
        let bytes = bytes.strip_prefix(joint).unwrap_or(&bytes);
        let mut shown = String::new();
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    ' ' => shown.push('␣'),
                    '\n' => shown.push('⏎'),
                    c if c.is_control() || c.is_whitespace() => shown.extend(c.escape_default()),
                    c => shown.push(c),
                }
            }
            for byte in chunk.invalid() {
                shown.push_str(&format!("<0x{byte:02X}>"));
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_level_tokens_spell_their_bytes() {
        assert_eq!(of_byte_level("OlÃ¡").unwrap(), "Olá".as_bytes());
        assert_eq!(of_byte_level("ĠDid").unwrap(), b" Did");
        assert_eq!(of_byte_level("ðŁĺĢ").unwrap(), "😀".as_bytes());
        assert_eq!(of_byte_level("Ċ").unwrap(), b"\n");
        assert!(of_byte_level("▁a").is_none());
    }

    #[test]
    fn every_byte_has_one_character() {
        let table: Vec<u8> = (0..0x144).filter_map(char::from_u32).filter_map(byte_of).collect();
        let mut sorted = table.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn a_byte_piece_is_told_from_text() {
        assert_eq!(of_byte_piece("<0xF0>"), Some(0xf0));
        assert_eq!(of_byte_piece("<0xF>"), None);
        assert_eq!(of_byte_piece("<0xGG>"), None);
    }
}
