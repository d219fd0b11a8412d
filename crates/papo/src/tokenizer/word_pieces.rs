//! BERT's tokenizer: words cut into pieces, the longest piece first, `[CLS] A [SEP]`.
//!
//! Some BARTs and T5s (Chinese ones above all) have it. Its class has a say where `tokenizer.json` is there, too: whether capitals are made
//! small, accents taken off and Chinese characters set apart is what `tokenizer_config.json` says, or else the class's defaults, whatever
//! the file says.

use std::collections::HashMap;

use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::{BertNormalizer, NormalizerWrapper};
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{Tokenizer, decoders};

use super::settings::Settings;
use crate::Error;
use crate::files::ModelFiles;

/// Puts the class's normalizer in the place of the file's, where the file has one of its kind.
pub(super) fn put_right(tokenizer: &mut Tokenizer, settings: &Settings) -> tokenizers::Result<()> {
    if let Some(NormalizerWrapper::BertNormalizer(of_file)) = tokenizer.get_normalizer() {
        let normalizer = normalizer(settings, of_file.clean_text);
        tokenizer.with_normalizer(Some(normalizer))?;
    }
    Ok(())
}

fn normalizer(settings: &Settings, clean_text: bool) -> BertNormalizer {
    BertNormalizer::new(
        clean_text,
        settings.chinese_characters.unwrap_or(true),
        settings.strip_accents,
        settings.lower_case.unwrap_or(true),
    )
}

/// Builds the tokenizer from `vocab.txt`, a piece a line.
pub(super) fn load(files: &ModelFiles, settings: &Settings) -> Result<Tokenizer, Error> {
    let path = files.path("vocab.txt");
    let wrong = |reason: String| Error::Content { path: path.clone(), reason };
    let bytes = files.require("vocab.txt", "it is the vocabulary; fetch the model again")?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| wrong("not UTF-8 text; fetch the file again".into()))?;
    let pieces = text.strip_suffix('\n').unwrap_or(text).split('\n');
    let pieces = pieces.map(|piece| piece.strip_suffix('\r').unwrap_or(piece));
    let vocabulary: HashMap<String, u32> =
        pieces.zip(0..).map(|(piece, id)| (piece.to_owned(), id)).collect();
    let id_of = |role: &str| -> Result<(String, u32), Error> {
        let content = settings.role(role).unwrap_or_default();
        let id = vocabulary.get(content).ok_or_else(|| {
            wrong(format!(
                "the {role} {content:?} is not in the vocabulary; fetch the vocabulary and the tokenizer settings of \
                 one and the same model"
            ))
        })?;
        Ok((content.to_owned(), *id))
    };
    let (unk, cls, sep) = (id_of("unk_token")?.0, id_of("cls_token")?, id_of("sep_token")?);
    let frame = TemplateProcessing::builder()
        .try_single(vec![cls.0.as_str(), "$A", sep.0.as_str()])
        .map_err(|error| wrong(error.to_string()))?
        .special_tokens(vec![cls, sep])
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    let model = WordPiece::builder()
        .vocab(vocabulary.into_iter().collect::<tokenizers::models::bpe::Vocab>())
        .unk_token(unk)
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(normalizer(settings, true))).map_err(|error| wrong(error.to_string()))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    tokenizer.with_decoder(Some(decoders::wordpiece::WordPiece::new("##".into(), true)));
    tokenizer.with_post_processor(Some(frame));
    Ok(tokenizer)
}
