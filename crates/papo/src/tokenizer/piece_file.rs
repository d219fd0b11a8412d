//! Reads a SentencePiece model file: a protocol buffer with pieces, scores and the text normalisation table.
//!
//! Only the fields that tokenizing needs are kept; the rest is skipped by its wire type. The file is untrusted: every length
//! is checked against the bytes that are there before anything is allocated, and nothing is read twice.

/// What a piece is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// An ordinary piece of text.
    Normal,
    /// Stands for text that no piece covers.
    Unknown,
    /// A mark such as `</s>`, never found in text.
    Control,
    /// Always kept whole.
    UserDefined,
    /// A raw byte.
    Byte,
    /// In the table, but not to be used.
    Unused,
}

/// One entry of the vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub text: String,
    pub score: f32,
    pub kind: PieceKind,
}

/// How the vocabulary was trained, which decides how text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Unigram,
    Other(u64),
}

/// The content of a SentencePiece model file.
#[derive(Clone, Debug)]
pub(super) struct PieceFile {
    pub pieces: Vec<Piece>,
    pub algorithm: Algorithm,
    pub unk_id: usize,
    /// Shown in place of an unknown piece when decoding.
    pub unk_surface: String,
    pub byte_fallback: bool,
    pub treat_whitespace_as_suffix: bool,
    /// Whether decoded text is rewritten by a table of its own.
    pub denormalizes: bool,
    /// Empty if there is none.
    pub charsmap: Vec<u8>,
    pub add_dummy_prefix: bool,
    pub remove_extra_whitespaces: bool,
    pub escape_whitespaces: bool,
}

impl PieceFile {
    /// Reads the bytes of a model file; the error is a sentence without the file's name.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut file = Self {
            pieces: Vec::new(),
            algorithm: Algorithm::Unigram,
            unk_id: 0,
            unk_surface: " \u{2047} ".to_owned(),
            byte_fallback: false,
            treat_whitespace_as_suffix: false,
            denormalizes: false,
            charsmap: Vec::new(),
            add_dummy_prefix: true,
            remove_extra_whitespaces: true,
            escape_whitespaces: true,
        };
        let mut reader = Reader { bytes, what: "the model" };
        while let Some((field, value)) = reader.next()? {
            match (field, value) {
                (1, Value::Bytes(piece)) => file.pieces.push(parse_piece(piece)?),
                (2, Value::Bytes(trainer)) => file.parse_trainer(trainer)?,
                (3, Value::Bytes(normalizer)) => file.parse_normalizer(normalizer)?,
                (5, Value::Bytes(denormalizer)) => file.denormalizes = has_charsmap(denormalizer)?,
                _ => {}
            }
        }
        file.check()?;
        Ok(file)
    }

    fn parse_trainer(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut reader = Reader { bytes, what: "trainer_spec" };
        while let Some((field, value)) = reader.next()? {
            match (field, value) {
                (3, Value::Number(1)) => self.algorithm = Algorithm::Unigram,
                (3, Value::Number(other)) => self.algorithm = Algorithm::Other(other),
                (24, Value::Number(on)) => self.treat_whitespace_as_suffix = on != 0,
                (35, Value::Number(on)) => self.byte_fallback = on != 0,
                (40, Value::Number(id)) => {
                    self.unk_id = usize::try_from(id).map_err(|_| format!("unk_id {id} is not a piece"))?;
                }
                (44, Value::Bytes(text)) => self.unk_surface = utf8(text, "unk_surface")?,
                _ => {}
            }
        }
        Ok(())
    }

    fn parse_normalizer(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut reader = Reader { bytes, what: "normalizer_spec" };
        while let Some((field, value)) = reader.next()? {
            match (field, value) {
                (2, Value::Bytes(map)) => self.charsmap = map.to_vec(),
                (3, Value::Number(on)) => self.add_dummy_prefix = on != 0,
                (4, Value::Number(on)) => self.remove_extra_whitespaces = on != 0,
                (5, Value::Number(on)) => self.escape_whitespaces = on != 0,
                _ => {}
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if self.pieces.is_empty() {
            return Err("no pieces found, so this is not a SentencePiece model; fetch the file again".into());
        }
        if let Algorithm::Other(number) = self.algorithm {
            return Err(format!("model type {number} found, only unigram models (type 1) are supported"));
        }
        match self.pieces.get(self.unk_id) {
            Some(piece) if piece.kind == PieceKind::Unknown => Ok(()),
            Some(piece) => {
                Err(format!("unk_id {} is the piece {:?}, not the unknown one", self.unk_id, piece.text))
            }
            None => Err(format!("unk_id {} found, but there are {} pieces", self.unk_id, self.pieces.len())),
        }
    }
}

/// Whether a normalizer's description has a table of replacements.
fn has_charsmap(bytes: &[u8]) -> Result<bool, String> {
    let mut reader = Reader { bytes, what: "denormalizer_spec" };
    let mut found = false;
    while let Some((field, value)) = reader.next()? {
        found |= field == 2 && matches!(value, Value::Bytes(map) if !map.is_empty());
    }
    Ok(found)
}

fn parse_piece(bytes: &[u8]) -> Result<Piece, String> {
    let mut piece = Piece { text: String::new(), score: 0.0, kind: PieceKind::Normal };
    let mut reader = Reader { bytes, what: "a piece" };
    while let Some((field, value)) = reader.next()? {
        match (field, value) {
            (1, Value::Bytes(text)) => piece.text = utf8(text, "a piece")?,
            (2, Value::Fixed32(bits)) => piece.score = f32::from_bits(bits),
            (3, Value::Number(kind)) => {
                piece.kind = match kind {
                    1 => PieceKind::Normal,
                    2 => PieceKind::Unknown,
                    3 => PieceKind::Control,
                    4 => PieceKind::UserDefined,
                    5 => PieceKind::Unused,
                    6 => PieceKind::Byte,
                    other => {
                        return Err(format!(
                            "a piece has kind {other}, expected 1 to 6; fetch the file again"
                        ));
                    }
                }
            }
            _ => {}
        }
    }
    if piece.text.is_empty() {
        return Err("a piece has no text; fetch the file again".into());
    }
    if !piece.score.is_finite() {
        return Err(format!("the piece {:?} has score {}; fetch the file again", piece.text, piece.score));
    }
    Ok(piece)
}

fn utf8(bytes: &[u8], what: &str) -> Result<String, String> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| format!("{what} is not UTF-8 text; fetch the file again"))
}

/// A field's value by wire type.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
    Fixed64,
}

/// Walks the fields of one message.
struct Reader<'a> {
    bytes: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, String> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => {
                self.take(8)?;
                Value::Fixed64
            }
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => {
                let word = self.take(4)?;
                Value::Fixed32(u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            }
            other => return Err(format!("{}: wire type {other} found; fetch the file again", self.what)),
        };
        Ok(Some((key >> 3, value)))
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(format!("{}: a number of more than ten bytes found; fetch the file again", self.what))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let have = self.bytes.len();
        match usize::try_from(length).ok().and_then(|length| self.bytes.split_at_checked(length)) {
            Some((taken, rest)) => {
                self.bytes = rest;
                Ok(taken)
            }
            None => Err(format!(
                "{}: the file ends early, {length} bytes promised and {have} there; fetch the file again",
                self.what
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str, score: f32, kind: u8) -> Vec<u8> {
        let mut inner = vec![0x0a, text.len() as u8];
        inner.extend(text.as_bytes());
        inner.push(0x15);
        inner.extend(score.to_le_bytes());
        inner.extend([0x18, kind]);
        let mut outer = vec![0x0a, inner.len() as u8];
        outer.extend(inner);
        outer
    }

    #[test]
    fn pieces_and_defaults_are_read() {
        let bytes = [piece("<unk>", 0.0, 2), piece("▁a", -1.5, 1)].concat();
        let file = PieceFile::parse(&bytes).unwrap();
        assert_eq!(file.pieces[1], Piece { text: "▁a".into(), score: -1.5, kind: PieceKind::Normal });
        assert!(file.add_dummy_prefix && file.charsmap.is_empty() && file.unk_id == 0);
    }

    #[test]
    fn every_truncation_is_an_error_or_a_smaller_model() {
        let bytes = [piece("<unk>", 0.0, 2), piece("▁a", -1.5, 1)].concat();
        for end in 0..bytes.len() {
            match PieceFile::parse(&bytes[..end]) {
                Ok(file) => assert_eq!(file.pieces.len(), 1),
                Err(reason) => assert!(!reason.is_empty()),
            }
        }
    }

    #[test]
    fn a_length_beyond_the_file_is_refused_without_allocating() {
        let error = PieceFile::parse(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]).unwrap_err();
        assert!(error.contains("the file ends early"), "{error}");
    }

    #[test]
    fn a_score_that_is_no_number_is_refused() {
        let bytes = [piece("<unk>", 0.0, 2), piece("▁a", f32::NAN, 1)].concat();
        assert!(PieceFile::parse(&bytes).unwrap_err().contains("has score"));
    }
}
