//! SentencePiece's table of character replacements: a double-array trie from byte strings to their replacement.
//!
//! ```text
//! bytes  │ u32 length of the trie │ u32 units … │ replacements, each ended by a zero byte │
//! unit   │ bit 31: this is a value │ bit 9: offset is in units of 256 │ bit 8: a value follows │ bits 0–7: the byte that leads here │
//! ```
//!
//! A node's child for byte `c` stands at `node ^ offset ^ c` and says `c` as its label. The table is untrusted, so
//! [`Charsmap::parse`] shows once that no step from any node can leave the array and that every value points into the
//! replacements; the `tokenizers` crate, which reads the same table, may then index it too.

/// A checked table of replacements.
#[derive(Clone, Debug)]
pub(super) struct Charsmap {
    units: Vec<u32>,
    replacements: String,
}

const IS_VALUE: u32 = 1 << 31;

fn offset(unit: u32) -> usize {
    ((unit >> 10) as usize) << ((unit & (1 << 9)) >> 6)
}

fn has_value(unit: u32) -> bool {
    unit & (1 << 8) != 0
}

impl Charsmap {
    /// Reads and checks the bytes of `precompiled_charsmap`.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let damaged = |what: &str| format!("precompiled_charsmap: {what}; fetch the file again");
        let (head, rest) =
            bytes.split_first_chunk::<4>().ok_or_else(|| damaged("it is shorter than its own header"))?;
        let size = u32::from_le_bytes(*head) as usize;
        let (trie, text) =
            rest.split_at_checked(size).ok_or_else(|| damaged("its trie is longer than the table"))?;
        let units: Vec<u32> =
            trie.chunks_exact(4).map(|u| u32::from_le_bytes([u[0], u[1], u[2], u[3]])).collect();
        if units.is_empty() || !size.is_multiple_of(4) {
            return Err(damaged("its trie has no whole units"));
        }
        let replacements =
            String::from_utf8(text.to_vec()).map_err(|_| damaged("its replacements are not UTF-8 text"))?;
        for (at, &unit) in units.iter().enumerate() {
            if unit & IS_VALUE != 0 {
                continue;
            }
            let base = at ^ offset(unit);
            if base | 0xff >= units.len() {
                return Err(damaged("a node of its trie points outside"));
            }
            if has_value(unit) && !replacements.is_char_boundary((units[base] & !IS_VALUE) as usize) {
                return Err(damaged("a replacement lies outside"));
            }
        }
        Ok(Self { units, replacements })
    }

    /// The longest key at the start of `text`: its length in bytes and its replacement.
    pub fn longest(&self, text: &str) -> Option<(usize, &str)> {
        let mut best = None;
        let mut at = offset(self.units[0]);
        for (index, &byte) in text.as_bytes().iter().enumerate() {
            if byte == 0 {
                break;
            }
            at ^= usize::from(byte);
            let unit = self.units[at];
            if unit & (IS_VALUE | 0xff) != u32::from(byte) {
                break;
            }
            at ^= offset(unit);
            if has_value(unit) {
                best = Some((index + 1, (self.units[at] & !IS_VALUE) as usize));
            }
        }
        let (length, start) = best?;
        let replacement = &self.replacements[start..];
        Some((length, replacement.split('\0').next().unwrap_or(replacement)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with one entry: `a` becomes `bc`.
    fn table() -> Vec<u8> {
        let mut units = vec![0u32; 512];
        units[0] = 256 << 10; // the children of the root stand at 256 ^ byte
        let child = 256 ^ usize::from(b'a');
        units[child] = ((child ^ 300) as u32) << 10 | 1 << 8 | u32::from(b'a'); // its value stands at 300
        units[300] = IS_VALUE | 1;
        let mut bytes = (units.len() as u32 * 4).to_le_bytes().to_vec();
        bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.extend(b"\0bc\0");
        bytes
    }

    #[test]
    fn an_entry_is_found() {
        let map = Charsmap::parse(&table()).unwrap();
        assert_eq!(map.longest("ab"), Some((1, "bc")));
        assert_eq!(map.longest("ba"), None);
        assert_eq!(map.longest(""), None);
    }

    #[test]
    fn a_node_that_points_outside_is_refused() {
        let mut bytes = table();
        bytes[4..8].copy_from_slice(&(1u32 << 30).to_le_bytes());
        assert!(Charsmap::parse(&bytes).unwrap_err().contains("points outside"));
    }

    #[test]
    fn every_truncation_is_refused_or_harmless() {
        let bytes = table();
        for end in 0..bytes.len() {
            if let Ok(map) = Charsmap::parse(&bytes[..end]) {
                map.longest("abc");
            }
        }
    }
}
