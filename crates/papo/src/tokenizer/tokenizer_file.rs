//! A tokenizer from `tokenizer.json`, put right as the reference puts it right after reading.
//!
//! Truncation and padding that were saved with the file are taken off (a text is never cut silently), a byte-level
//! tokenizer's space in front follows the settings, not the file, and so does BERT's normalizer.

use tokenizers::{PreTokenizerWrapper, Tokenizer};

use super::charsmap::Charsmap;
use super::guard::guarded;
use super::settings::Settings;
use super::{TokenizerClass, word_pieces};
use crate::Error;
use crate::files::ModelFiles;

/// Loads `tokenizer.json`.
pub(super) fn load(
    files: &ModelFiles,
    settings: &Settings,
    class: TokenizerClass,
) -> Result<Tokenizer, Error> {
    let path = files.path("tokenizer.json");
    let wrong = |reason: String| Error::Content { path: path.clone(), reason };
    let bytes = files.require("tokenizer.json", "fetch the model again")?;
    let mut tokenizer = guarded(|| Tokenizer::from_bytes(&bytes)).map_err(|error| {
        wrong(format!("not a tokenizer that can be read ({error}); fetch the file again"))
    })?;
    check_tables(&tokenizer).map_err(wrong)?;
    tokenizer.with_truncation(None).map_err(|error| wrong(error.to_string()))?;
    tokenizer.with_padding(None);
    if let Some(PreTokenizerWrapper::ByteLevel(level)) = tokenizer.get_pre_tokenizer() {
        // T5's class has no opinion of its own.
        let of_class = (class != TokenizerClass::T5).then_some(false);
        if let Some(space) = settings.add_prefix_space.or(of_class) {
            let level = level.add_prefix_space(space);
            tokenizer.with_pre_tokenizer(Some(level));
        }
    }
    if class == TokenizerClass::Bert {
        guarded(|| word_pieces::put_right(&mut tokenizer, settings)).map_err(wrong)?;
    }
    Ok(tokenizer)
}

/// Refuses character tables whose trie points outside itself, before anything indexes them.
fn check_tables(tokenizer: &Tokenizer) -> Result<(), String> {
    use serde::Deserialize;
    use tokenizers::NormalizerWrapper;

    fn walk(normalizer: &NormalizerWrapper) -> Result<(), String> {
        match normalizer {
            NormalizerWrapper::Sequence(steps) => steps.as_ref().iter().try_for_each(walk),
            NormalizerWrapper::Precompiled(table) => {
                #[derive(Deserialize)]
                struct Table {
                    precompiled_charsmap: String,
                }
                let value = serde_json::to_value(table).map_err(|error| error.to_string())?;
                let table = Table::deserialize(value).map_err(|error| error.to_string())?;
                Charsmap::parse(&base64(&table.precompiled_charsmap)?).map(|_| ())
            }
            _ => Ok(()),
        }
    }
    tokenizer.get_normalizer().map_or(Ok(()), walk)
}

/// The bytes of standard base64 text.
fn base64(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut bits) = (0u32, 0u32);
    for c in text.trim_end_matches('=').bytes() {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err("precompiled_charsmap is not base64 text; fetch the file again".into()),
        };
        word = word << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_of_known_words() {
        assert_eq!(base64("UGFwbw==").unwrap(), b"Papo");
        assert_eq!(base64("UGFw").unwrap(), b"Pap");
        assert!(base64("U*Fw").is_err());
    }
}
