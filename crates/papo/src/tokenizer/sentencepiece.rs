//! SentencePiece itself, for Marian, whose reference tokenizer runs the original library and not the `tokenizers` crate.
//!
//! Two steps: the text is normalised (characters replaced by the file's table, longest match first; spaces merged and marked
//! with `▁`), then cut by a Viterbi search over the pieces. The crate's own unigram model differs in corner cases (it replaces
//! grapheme by grapheme, shortest match first), so Marian would get other ids from it. Scores are summed
//! in f32 and the first of two equal cuts wins, as in the original: among long runs of one letter that decides.

use std::collections::HashMap;

use super::charsmap::Charsmap;
use super::piece_file::{PieceFile, PieceKind};

const MARK: &str = "▁";
/// What an unknown character costs below the worst piece.
const UNKNOWN_PENALTY: f32 = 10.0;

/// A loaded SentencePiece unigram model.
#[derive(Debug)]
pub(super) struct SentencePiece {
    file: PieceFile,
    charsmap: Option<Charsmap>,
    /// Pieces that can be found in text, by their text.
    ids: HashMap<String, usize>,
    longest: usize,
    /// Pieces that cannot be found in text.
    marks: HashMap<String, PieceKind>,
    /// User-defined symbols, longest first: they are matched before anything else.
    symbols: Vec<String>,
    max_score: f32,
    unknown_score: f32,
}

impl SentencePiece {
    /// Reads the bytes of a model file; the error is a sentence without the file's name.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut file = PieceFile::parse(bytes)?;
        if file.byte_fallback {
            return Err(
                "the model falls back to bytes, which is not supported for Marian; use one without byte_fallback".into(),
            );
        }
        if file.denormalizes {
            return Err(
                "the model rewrites what it decodes (denormalizer_spec), which is not supported; use one \
                        without denormalization rules"
                    .into(),
            );
        }
        let charsmap = if file.charsmap.is_empty() {
            None
        } else {
            Some(Charsmap::parse(&std::mem::take(&mut file.charsmap))?)
        };
        let mut ids = HashMap::with_capacity(file.pieces.len());
        let (mut longest, mut min_score, mut max_score) = (0, f32::MAX, f32::MIN);
        let (mut symbols, mut marks) = (Vec::new(), HashMap::new());
        for (id, piece) in file.pieces.iter().enumerate() {
            match piece.kind {
                PieceKind::Normal => {
                    min_score = min_score.min(piece.score);
                    max_score = max_score.max(piece.score);
                }
                PieceKind::UserDefined => symbols.push(piece.text.clone()),
                PieceKind::Unused => {}
                PieceKind::Control | PieceKind::Unknown | PieceKind::Byte => {
                    marks.insert(piece.text.clone(), piece.kind);
                    continue;
                }
            }
            longest = longest.max(piece.text.len());
            ids.insert(piece.text.clone(), id);
        }
        symbols.sort_by_key(|symbol| std::cmp::Reverse(symbol.len()));
        Ok(Self {
            file,
            charsmap,
            ids,
            longest,
            marks,
            symbols,
            max_score,
            unknown_score: min_score - UNKNOWN_PENALTY,
        })
    }

    /// The text as the model sees it, as far as its characters go.
    pub fn normalized(&self, c: char) -> String {
        let mut buffer = [0; 4];
        self.normalize(c.encode_utf8(&mut buffer)).replace(MARK, "")
    }

    /// Cuts a text into pieces; runs of unknown characters are one piece.
    pub fn encode(&self, text: &str) -> Vec<String> {
        self.cut(&self.normalize(text))
    }

    /// The text as the model sees it.
    fn normalize(&self, text: &str) -> String {
        let spec = &self.file;
        let space = if spec.escape_whitespaces { MARK } else { " " };
        let mut rest = text;
        if spec.remove_extra_whitespaces {
            while !rest.is_empty() {
                let (length, replaced) = self.replace_prefix(rest);
                if replaced != " " {
                    break;
                }
                rest = &rest[length..];
            }
        }
        let mut out = String::with_capacity(rest.len() + rest.len() / 4 + MARK.len());
        if rest.is_empty() {
            return out;
        }
        if spec.add_dummy_prefix && !spec.treat_whitespace_as_suffix {
            out.push_str(space);
        }
        let mut after_space = spec.remove_extra_whitespaces;
        while !rest.is_empty() {
            let (length, replaced) = self.replace_prefix(rest);
            let kept = if after_space { replaced.trim_start_matches(' ') } else { replaced };
            for c in kept.chars() {
                if c == ' ' { out.push_str(space) } else { out.push(c) }
            }
            if !kept.is_empty() {
                after_space = kept.ends_with(' ');
            }
            after_space &= spec.remove_extra_whitespaces;
            rest = &rest[length..];
        }
        if spec.remove_extra_whitespaces {
            while out.ends_with(space) {
                out.truncate(out.len() - space.len());
            }
        }
        if spec.add_dummy_prefix && spec.treat_whitespace_as_suffix {
            out.push_str(space);
        }
        out
    }

    /// What stands at the start of a text that is not empty: how many bytes, and what they become.
    fn replace_prefix<'a>(&'a self, text: &'a str) -> (usize, &'a str) {
        if let Some(symbol) = self.symbols.iter().find(|symbol| text.starts_with(symbol.as_str())) {
            return (symbol.len(), &text[..symbol.len()]);
        }
        if let Some(found) = self.charsmap.as_ref().and_then(|map| map.longest(text))
            && text.is_char_boundary(found.0)
        {
            return found;
        }
        let length = text.chars().next().map_or(0, char::len_utf8);
        (length, &text[..length])
    }

    /// The likeliest cut of normalised text.
    fn cut(&self, text: &str) -> Vec<String> {
        #[derive(Clone, Copy)]
        struct Best {
            score: f32,
            start: usize,
            known: bool,
        }
        let mut ends: Vec<Option<Best>> = vec![None; text.len() + 1];
        for (start, first) in text.char_indices() {
            let before = ends[start].map_or(0.0, |best| best.score);
            let mut single = false;
            let offer = |ends: &mut [Option<Best>], end: usize, score: f32, known: bool| {
                let score = score + before;
                if ends[end].is_none_or(|best| score > best.score) {
                    ends[end] = Some(Best { score, start, known });
                }
            };
            let longest = text.len().min(start + self.longest);
            for end in start + 1..=longest {
                if !text.is_char_boundary(end) {
                    continue;
                }
                let Some(&id) = self.ids.get(&text[start..end]) else { continue };
                let piece = &self.file.pieces[id];
                let score = match piece.kind {
                    PieceKind::Unused => continue,
                    PieceKind::UserDefined => (end - start) as f32 * self.max_score - 0.1,
                    _ => piece.score,
                };
                offer(&mut ends, end, score, true);
                single |= end - start == first.len_utf8();
            }
            if !single {
                offer(&mut ends, start + first.len_utf8(), self.unknown_score, false);
            }
        }
        let mut pieces: Vec<(String, bool)> = Vec::new();
        let mut end = text.len();
        while let Some(best) = ends[end].filter(|_| end > 0) {
            pieces.push((text[best.start..end].to_owned(), best.known));
            end = best.start;
        }
        pieces.reverse();
        pieces.dedup_by(|next, run| {
            let merge = !next.1 && !run.1;
            if merge {
                run.0.push_str(&next.0);
            }
            merge
        });
        pieces.into_iter().map(|(piece, _)| piece).collect()
    }

    /// Joins pieces to text, as the original does for pieces given by their text.
    pub fn decode(&self, pieces: &[&str]) -> String {
        let mut text = String::new();
        let strip = self.file.add_dummy_prefix || self.file.remove_extra_whitespaces;
        let mut mark_seen = false;
        for &piece in pieces {
            let at_start = text.is_empty() && !mark_seen;
            if !self.ids.contains_key(piece) {
                match self.marks.get(piece) {
                    Some(PieceKind::Control) => {}
                    Some(PieceKind::Unknown) => text.push_str(&self.file.unk_surface),
                    _ => text.push_str(piece),
                }
                continue;
            }
            let mut shown = piece;
            if at_start
                && strip
                && let Some(rest) = piece.strip_prefix(MARK)
            {
                shown = rest;
                mark_seen = !self.file.remove_extra_whitespaces;
            }
            text.push_str(&shown.replace(MARK, " "));
        }
        text
    }
}
