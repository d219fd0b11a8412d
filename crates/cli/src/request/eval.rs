//! `papo eval`, understood.

use std::path::PathBuf;

use papo::eval::EvaluationOptions;
use papo::tokenizer::LetterCase;
use papo_data::{DataFile, DataFormat, Reading, TextUnit};

use super::data::{check_standard_input, data_files, paragraphs};
use super::{Format, Loading, config, existing, format, loading};
use crate::arguments::{EvalArguments, Unit};
use crate::failure::Failure;
use crate::output_file::ExistingFile;

/// What to measure.
#[derive(Debug)]
pub struct Eval {
    pub model: String,
    pub data: Vec<DataFile>,
    pub options: EvaluationOptions,
    /// Translations to be scored instead of the model's own.
    pub hypotheses: Option<PathBuf>,
    /// Where to write what was scored.
    pub save_hypotheses: Option<PathBuf>,
    pub existing: ExistingFile,
    /// Whether each word's score is printed, too.
    pub detail: Detail,
    pub format: Format,
    pub loading: Loading,
}

/// How much of the scores is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What all texts add up to.
    Totals,
    /// Each word, then the totals.
    EachWord,
}

impl Eval {
    /// Understands the arguments.
    pub fn from_arguments(it: EvalArguments) -> Result<Eval, Failure> {
        let data = data_files(&it.data, it.task)?;
        check_standard_input(data.iter())?;
        let has_pairs = data.iter().any(|file| file.format() == DataFormat::Pairs);
        if !has_pairs && (it.hypotheses.is_some() || it.save_hypotheses.is_some()) {
            return Err(Failure::Usage(
                "--hypotheses and --save-hypotheses are about translations, and there are no pairs; name a .tsv file, or \
                 say --task pairs"
                    .to_owned(),
            ));
        }
        if it.lowercase && !has_pairs {
            return Err(Failure::Usage(
                "--lowercase is about BLEU and chrF, and there are no pairs to translate; leave it out"
                    .to_owned(),
            ));
        }
        if (!has_pairs || it.hypotheses.is_some())
            && let Some((name, _)) = it.generation.given.first()
        {
            let nothing = if has_pairs {
                "--hypotheses brings the translations"
            } else {
                "there are no pairs to translate"
            };
            return Err(Failure::Usage(format!(
                "--{} has no effect here: {nothing}; leave it out",
                name.replace('_', "-")
            )));
        }
        let options = EvaluationOptions {
            reading: Reading { paragraphs: paragraphs(it.lines), ..Reading::default() },
            unit: it.unit.map(|unit| match unit {
                Unit::Stream => TextUnit::Stream,
                Unit::Line => TextUnit::Line,
            }),
            limit: it.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            batch: it.batch_size.into(),
            case: if it.lowercase { LetterCase::Lower } else { LetterCase::Keep },
            config: config("eval", &it.generation)?,
        };
        Ok(Eval {
            model: it.model,
            data,
            options,
            hypotheses: it.hypotheses,
            save_hypotheses: it.save_hypotheses,
            existing: existing(it.overwrite),
            detail: if it.scores { Detail::EachWord } else { Detail::Totals },
            format: format(it.json),
            loading: loading(&it.model_flags),
        })
    }
}
