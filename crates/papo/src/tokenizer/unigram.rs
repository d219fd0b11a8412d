//! T5's tokenizer from `spiece.model` alone: a unigram model over pieces of text, the likeliest cut wins.
//!
//! The steps are those of the reference's converter from SentencePiece: the file's own character table (if it has one), white
//! space at the end dropped, runs of spaces made one word mark, words marked with `▁`, the extra ids behind the pieces, and
//! `</s>` at the end. `piece_file.rs` reads the file.
//!
//! A model with `byte_fallback` (every mT5) is read as the reference's fast class reads it: the byte pieces are pieces like any others,
//! and a character that no piece covers is `<unk>`.

use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::replace::{Replace, ReplacePattern};
use tokenizers::normalizers::{NormalizerWrapper, Precompiled, Sequence, Strip};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer};

use super::charsmap::Charsmap;
use super::piece_file::{PieceFile, PieceKind};
use super::settings::{Named, Settings, check_extra_ids};
use crate::Error;
use crate::files::ModelFiles;

/// Names the extra ids among the special tokens, unless the files do.
pub(super) fn name_extra_ids(settings: &mut Settings) -> Result<(), String> {
    let count = settings.extra_ids(100)?;
    let list = settings.additional.get_or_insert_default();
    if list.iter().any(|named| named.token.content.contains("<extra_id_")) {
        return check_extra_ids(count, list, "<extra_id_");
    }
    list.extend((0..count).map(|i| Named::text(format!("<extra_id_{i}>"))));
    Ok(())
}

/// Builds the tokenizer from `spiece.model`.
pub(super) fn load(files: &ModelFiles, settings: &Settings) -> Result<Tokenizer, Error> {
    let path = files.path("spiece.model");
    let wrong = |reason: String| Error::Content { path: path.clone(), reason };
    let bytes = files.require("spiece.model", "it is the vocabulary; fetch the model again")?;
    let file = PieceFile::parse(&bytes).map_err(wrong)?;

    let mut vocab: Vec<(String, f64)> =
        file.pieces.iter().map(|piece| (piece.text.clone(), f64::from(piece.score))).collect();
    let extra = settings.extra_ids.unwrap_or(100);
    vocab.extend((0..extra).rev().map(|i| (format!("<extra_id_{i}>"), 0.0)));
    let end = vocab.iter().position(|(piece, _)| piece == "</s>").ok_or_else(|| {
        wrong("there is no piece </s>, which T5 puts at the end of every text; fetch the file again".into())
    })?;
    let model = Unigram::from(vocab, Some(file.unk_id), false).map_err(|error| wrong(error.to_string()))?;

    let mut tokenizer = Tokenizer::new(model);
    let marks =
        file.pieces.iter().filter(|piece| matches!(piece.kind, PieceKind::Control | PieceKind::UserDefined));
    tokenizer
        .add_tokens(marks.map(|piece| {
            AddedToken::from(piece.text.clone(), piece.kind == PieceKind::Control).normalized(false)
        }))
        .map_err(|error| wrong(error.to_string()))?;
    tokenizer
        .with_normalizer(Some(normalizer(&file).map_err(wrong)?))
        .map_err(|error| wrong(error.to_string()))?;
    // The fast class hands "nothing said" to the Python class where that is not built for want of a tokenizer.json, and it
    // counts as no.
    let unsaid = !files.contains("tokenizer.json");
    let scheme = match (settings.add_prefix_space.unwrap_or(unsaid), settings.legacy.unwrap_or(true)) {
        (false, _) => PrependScheme::Never,
        (true, true) => PrependScheme::Always,
        (true, false) => PrependScheme::First,
    };
    tokenizer.with_pre_tokenizer(Some(Metaspace::new('▁', scheme, true)));
    tokenizer.with_decoder(Some(Metaspace::new('▁', scheme, true)));
    let frame = TemplateProcessing::builder()
        .try_single(vec!["$A", "</s>"])
        .and_then(|builder| builder.try_pair(vec!["$A", "</s>", "$B", "</s>"]))
        .map_err(|error| wrong(error.to_string()))?
        .special_tokens(vec![("</s>", end as u32)])
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    tokenizer.with_post_processor(Some(frame));
    Ok(tokenizer)
}

fn normalizer(file: &PieceFile) -> Result<Sequence, String> {
    let mut steps: Vec<NormalizerWrapper> = Vec::new();
    if !file.charsmap.is_empty() {
        Charsmap::parse(&file.charsmap)?;
        steps.push(Precompiled::from(&file.charsmap).map_err(|error| error.to_string())?.into());
    }
    steps.push(Strip::new(false, true).into());
    let spaces =
        Replace::new(ReplacePattern::Regex(" {2,}".into()), "▁").map_err(|error| error.to_string())?;
    steps.push(spaces.into());
    Ok(Sequence::new(steps))
}
