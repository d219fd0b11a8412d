//! The tokenizers of BART, RoBERTa, Blenderbot and GPT-2 from `vocab.json` and `merges.txt`: byte-level byte-pair encoding.
//!
//! Text is cut at spaces and punctuation, its bytes are written as 256 visible characters, and pairs of neighbours are merged
//! in the order of `merges.txt`. The families differ in what they put around the ids: `<s> A </s>` for BART and RoBERTa, `A </s>` for
//! Blenderbot, nothing for GPT-2.

use tokenizers::Tokenizer;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::processors::template::TemplateProcessing;

use super::settings::Settings;
use crate::Error;
use crate::files::ModelFiles;

/// What stands around the ids of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Surround {
    /// `<s> A </s>`, and `<s> A </s></s> B </s>` for two texts.
    Bart,
    /// `A </s>`.
    Blenderbot,
    /// Nothing, or the beginning-of-text token in front where the settings say `add_bos_token`.
    Gpt2,
}

/// Builds the tokenizer from `vocab.json` and `merges.txt`.
pub(super) fn load(files: &ModelFiles, settings: &Settings, surround: Surround) -> Result<Tokenizer, Error> {
    let vocab = vocabulary(files, "vocab.json")?;
    let path = files.path("merges.txt");
    let bytes = files.require("merges.txt", "it belongs to vocab.json; fetch the model again")?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::Content {
        path: path.clone(),
        reason: "not UTF-8 text; fetch the file again".into(),
    })?;
    let merges = merges(text).map_err(|reason| Error::Content { path: path.clone(), reason })?;
    let id_of = |role: &str| -> Result<(String, u32), Error> {
        let missing = |what: String| Error::Content {
            path: files.path("vocab.json"),
            reason: format!(
                "{what}; fetch the vocabulary and the tokenizer settings of one and the same model"
            ),
        };
        let content = settings.role(role).ok_or_else(|| missing(format!("the model has no {role}")))?;
        let id = vocab
            .get(content)
            .ok_or_else(|| missing(format!("the {role} {content:?} is not in the vocabulary")))?;
        Ok((content.to_owned(), *id))
    };
    let (sep, cls) = (id_of("sep_token"), id_of("cls_token"));
    let (bos, eos) = (id_of("bos_token"), id_of("eos_token"));
    let model = BPE::builder()
        .vocab_and_merges(vocab, merges)
        .continuing_subword_prefix(String::new())
        .end_of_word_suffix(String::new())
        .build()
        .map_err(|error| Error::Content {
            path: path.clone(),
            reason: format!("the merges do not fit vocab.json ({error}); fetch both files again"),
        })?;
    let prefix = settings.add_prefix_space.unwrap_or(false);
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_pre_tokenizer(Some(ByteLevel::new(prefix, true, true)));
    tokenizer.with_decoder(Some(ByteLevel::new(true, true, true)));
    match surround {
        Surround::Bart => {
            tokenizer.with_post_processor(Some(RobertaProcessing::new(sep?, cls?).add_prefix_space(prefix)));
        }
        Surround::Blenderbot => {
            let (name, id) = eos?;
            tokenizer.with_post_processor(Some(template(files, ["$A", name.as_str()], (&name, id))?));
        }
        Surround::Gpt2 if settings.add_bos_token == Some(true) => {
            let (name, id) = bos?;
            tokenizer.with_post_processor(Some(template(files, [name.as_str(), "$A"], (&name, id))?));
        }
        Surround::Gpt2 => {}
    }
    Ok(tokenizer)
}

/// A text with one token before or behind it.
fn template(
    files: &ModelFiles,
    single: [&str; 2],
    (name, id): (&str, u32),
) -> Result<TemplateProcessing, Error> {
    let wrong = |reason: String| Error::Content { path: files.path("vocab.json"), reason };
    TemplateProcessing::builder()
        .try_single(single.to_vec())
        .map_err(|error| wrong(error.to_string()))?
        .special_tokens(vec![(name, id)])
        .build()
        .map_err(|error| wrong(error.to_string()))
}

/// Reads a JSON file that maps tokens to ids.
pub(super) fn vocabulary(files: &ModelFiles, file: &str) -> Result<Vocab, Error> {
    let bytes = files.require(file, "it is the vocabulary; fetch the model again")?;
    serde_json::from_slice::<std::collections::HashMap<String, u32>>(&bytes)
        .map(|map| map.into_iter().collect())
        .map_err(|source| Error::Content {
            path: files.path(file),
            reason: format!("expected one JSON object from tokens to ids ({source}); fetch the file again"),
        })
}

/// The pairs of `merges.txt` in order; the first line is a version, and what follows the last line break is not read.
fn merges(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop();
    let mut seen = std::collections::HashSet::new();
    let mut pairs = Vec::with_capacity(lines.len());
    for (number, line) in lines.iter().enumerate().skip(1) {
        let mut words = line.split_whitespace();
        let (Some(left), Some(right), None) = (words.next(), words.next(), words.next()) else {
            return Err(format!(
                "line {}: expected two tokens, found {line:?}; fetch the file again",
                number + 1
            ));
        };
        if seen.insert((left, right)) {
            pairs.push((left.to_owned(), right.to_owned()));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_skip_the_version_line() {
        let pairs = merges("#version: 0.2\nĠ t\nh e\nĠ t\n").unwrap();
        assert_eq!(pairs, [("Ġ".to_owned(), "t".to_owned()), ("h".to_owned(), "e".to_owned())]);
    }

    #[test]
    fn a_line_with_three_tokens_is_named() {
        assert!(merges("v\na b c\n").unwrap_err().starts_with("line 2: expected two tokens"));
    }
}
