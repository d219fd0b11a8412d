//! A whole measurement: files in, figures out, in windows, so that neither the files nor the ids need to fit into memory.

use std::path::Path;

use papo_data::{DataFile, DataFormat, Document, Documents, Reading, Remarks, TextUnit};
use papo_generate::{GenerationConfig, Hooks, Padding, TokenId};

use super::bleu::{Bleu, BleuOptions, corpus_bleu};
use super::chrf::{ChrfOptions, corpus_chrf};
use super::likelihood::{Likelihood, Sample, likelihood, ngram_likelihood};
use super::samples::Sampler;
use super::stream::Stream;
use super::word_scores::{self, EachWord};
use crate::conversation::with_reply_length;
use crate::network::{Kind, Network};
use crate::tokenizer::LetterCase;
use crate::{ChatModel, Error, SpecialTokens};

/// Samples that wait until those of like length can be scored together.
const WINDOW: usize = 2048;

/// What is measured, and how.
#[derive(Clone, Debug)]
pub struct EvaluationOptions {
    /// Whether text goes on from line to line or each line is a text of its own; `None`: as the model learnt it.
    pub unit: Option<TextUnit>,
    /// How files are read besides.
    pub reading: Reading,
    /// At most so many lines.
    pub limit: usize,
    /// Texts that a model works on together.
    pub batch: usize,
    /// Whether capitals count, in BLEU and chrF.
    pub case: LetterCase,
    /// Options of the translations, over the checkpoint's own.
    pub config: GenerationConfig,
}

/// How far a measurement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluationStep {
    /// Bytes of the data that were scored, and all of them.
    Scored(u64, u64),
    /// Sources that were translated, and all of them.
    Translated(usize, usize),
}

/// Translations beside their references.
#[derive(Clone, Debug, PartialEq)]
pub struct Translations {
    /// BLEU.
    pub bleu: Bleu,
    /// chrF2.
    pub chrf: f64,
    /// chrF++.
    pub chrf_plus_plus: f64,
    /// What was scored, a line for each pair.
    pub hypotheses: Vec<String>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// How surprised the model was by what it learnt: of a model that continues text all turns of a dialogue and both sides of a pair.
    pub likelihood: Likelihood,
    /// Where that is more than the replies: how surprised it was by them alone, given what went before, as an encoder-decoder is asked.
    pub replies: Option<Likelihood>,
    /// How text was read, if there was any.
    pub unit: Option<TextUnit>,
    /// Of pairs: how near its translations come.
    pub translations: Option<Translations>,
    /// What was noticed in the files.
    pub remarks: Remarks,
}

/// Measures a model on files; `hypotheses` are translations to be scored instead of the model's own, and `watch` is told how far it is.
pub fn evaluate(
    model: &ChatModel,
    files: &[DataFile],
    options: &EvaluationOptions,
    hypotheses: Option<Vec<String>>,
    watch: &dyn Fn(EvaluationStep),
) -> Result<Evaluation, Error> {
    measure(model, files, options, hypotheses, watch, None)
}

/// As [`evaluate`], of an n-gram model, and `each` hears what it says of every word.
pub fn evaluate_words(
    model: &ChatModel,
    files: &[DataFile],
    options: &EvaluationOptions,
    hypotheses: Option<Vec<String>>,
    watch: &dyn Fn(EvaluationStep),
    each: &mut EachWord<'_>,
) -> Result<Evaluation, Error> {
    word_scores::check(model)?;
    measure(model, files, options, hypotheses, watch, Some(each))
}

fn measure(
    model: &ChatModel,
    files: &[DataFile],
    options: &EvaluationOptions,
    hypotheses: Option<Vec<String>>,
    watch: &dyn Fn(EvaluationStep),
    mut each: Option<&mut EachWord<'_>>,
) -> Result<Evaluation, Error> {
    let mut texts = 0;
    let sampler = Sampler::new(model)?;
    let mut scores = Scores::new(model, options.batch)?;
    let mut replies = Scores::new(model, options.batch)?;
    let mut stream = Stream::new(model.model().network(), scores.start, model.tokenizer().unk_id());
    let mut pairs: Vec<(String, Vec<String>)> = Vec::new();
    let mut left = options.limit;
    let (mut remarks, mut has_text) = (Remarks::default(), false);
    let unit = unit(model, options);
    let how = Reading { unit, ..options.reading };
    for file in files {
        let is_text = file.format() == DataFormat::Text;
        if is_text && model.model().kind() == Kind::EncoderDecoder {
            return Err(Error::Unmeasurable {
                model: model.name().to_owned(),
                reason: format!(
                    "it answers a source and cannot continue the plain text of {}; give pairs (.tsv) or dialogues \
                     (.jsonl)",
                    file.input.shown()
                ),
            });
        }
        has_text |= is_text;
        let mut documents = Documents::open(file, how)?;
        let before = left;
        while left > 0
            && let Some(document) = documents.next().transpose()?
        {
            let scored = if let Document::Block { text, first } = &document {
                if *first {
                    stream.begin()?;
                }
                let text = first_lines(text, &mut left);
                stream.text(text, &model.tokenizer().encode_plain(text)?)?;
                true
            } else {
                let samples = sampler.samples(&document)?;
                if samples.is_empty() {
                    continue;
                }
                left -= 1;
                if let Some(each) = &mut each {
                    word_scores::tell(model, &document, &samples, &mut texts, each);
                }
                if !is_text && sampler.continues_text() {
                    replies.add(sampler.replies(&document)?)?;
                }
                if let Document::Pair { source, references } = document {
                    pairs.push((source, references));
                }
                scores.add(samples)?
            };
            if scored {
                let (bytes, total) = documents.progress();
                watch(EvaluationStep::Scored(bytes, total.unwrap_or(bytes)));
            }
        }
        remarks.add(file.path(), &documents);
        if left == before && left > 0 {
            return Err(nothing(file.path(), file.format()));
        }
    }
    let mut likelihood = scores.finish()?;
    likelihood += stream.finish();
    let replies = Some(replies.finish()?).filter(|replies| replies.texts > 0);
    let translations = match (pairs.is_empty(), hypotheses) {
        (true, None) => None,
        (_, Some(given)) => Some(compared(given, &pairs, options)?),
        (false, None) => Some(compared(translated(model, &pairs, options, watch)?, &pairs, options)?),
    };
    Ok(Evaluation { likelihood, replies, unit: has_text.then_some(unit), translations, remarks })
}

/// How a model reads text: as it learnt it, unless told otherwise. An n-gram counts sentences.
fn unit(model: &ChatModel, options: &EvaluationOptions) -> TextUnit {
    match model.model().network() {
        Network::Ngram(_) => TextUnit::Line,
        _ => options.unit.or(model.model().training().unit).unwrap_or(TextUnit::Line),
    }
}

/// As many lines of a text as are left, which are then fewer.
fn first_lines<'a>(text: &'a str, left: &mut usize) -> &'a str {
    for (feed, _) in text.match_indices('\n') {
        *left -= 1;
        if *left == 0 {
            return &text[..=feed];
        }
    }
    // What is behind the last line feed is the last line of the file, or goes on in the next block.
    text
}

fn nothing(path: &Path, holds: DataFormat) -> Error {
    let what = match holds {
        DataFormat::Text => "text",
        DataFormat::Pairs => "pairs",
        DataFormat::Dialogues => "dialogues of at least two turns",
    };
    Error::Content {
        path: path.to_owned(),
        reason: format!("there are no {what} in it; give a file that has some"),
    }
}

/// Scores in windows.
struct Scores<'a> {
    model: &'a ChatModel,
    start: TokenId,
    batch: usize,
    waiting: Vec<Sample>,
    sum: Likelihood,
}

impl<'a> Scores<'a> {
    fn new(model: &'a ChatModel, batch: usize) -> Result<Scores<'a>, Error> {
        let settings = model.model().generation_config();
        let start = settings.decoder_start_token_id.or(settings.bos_token_id).ok_or_else(|| Error::Unmeasurable {
            model: model.name().to_owned(),
            reason: "its settings do not say which token a reply begins with; add `decoder_start_token_id` to its \
                     generation_config.json"
                .to_owned(),
        })?;
        Ok(Scores { model, start, batch: batch.max(1), waiting: Vec::new(), sum: Likelihood::default() })
    }

    /// Takes samples in; tells whether a window was scored.
    fn add(&mut self, samples: Vec<Sample>) -> Result<bool, Error> {
        self.waiting.extend(samples);
        let full = self.waiting.len() >= WINDOW;
        if full {
            self.score_window()?;
        }
        Ok(full)
    }

    fn finish(mut self) -> Result<Likelihood, Error> {
        self.score_window()?;
        Ok(self.sum)
    }

    fn score_window(&mut self) -> Result<(), Error> {
        // Texts of like length keep each other company to the end.
        self.waiting.sort_by_key(|sample| sample.target.len());
        for batch in self.waiting.chunks(self.batch) {
            let unknown = self.model.tokenizer().unk_id();
            self.sum += match self.model.model().network() {
                // A query tells a probability without those of all other words, and also that of `<unk>`.
                Network::Ngram(network) => ngram_likelihood(network.model(), unknown, batch),
                network => likelihood(network, self.start, unknown, batch)?,
            };
        }
        self.waiting.clear();
        Ok(())
    }
}

/// The model's own translations, in the order of the pairs.
fn translated(
    model: &ChatModel,
    pairs: &[(String, Vec<String>)],
    options: &EvaluationOptions,
    watch: &dyn Fn(EvaluationStep),
) -> Result<Vec<String>, Error> {
    let config = with_reply_length(&options.config);
    let sources: Vec<Vec<TokenId>> = pairs
        .iter()
        .map(|(source, _)| Ok(model.fit(model.tokenizer().encode(source)?).ids))
        .collect::<Result<_, Error>>()?;
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&pair| sources[pair].len());
    let mut hypotheses = vec![String::new(); sources.len()];
    let mut done = 0;
    for places in order.chunks(options.batch.max(1)) {
        let batch: Vec<Vec<TokenId>> = places.iter().map(|&place| sources[place].clone()).collect();
        let generated = model.generate_with(&batch, &config, Hooks::default().padding(Padding::Read))?;
        // Of several returned sequences the first is the best.
        let each = (generated.sequences.len() / places.len()).max(1);
        for (place, sequence) in places.iter().zip(generated.sequences.iter().step_by(each)) {
            let text = model.tokenizer().decode(&sequence.tokens, SpecialTokens::Skip)?;
            hypotheses[*place] = text.trim().replace(['\n', '\r'], " ");
        }
        done += places.len();
        watch(EvaluationStep::Translated(done, sources.len()));
    }
    Ok(hypotheses)
}

fn compared(
    hypotheses: Vec<String>,
    pairs: &[(String, Vec<String>)],
    options: &EvaluationOptions,
) -> Result<Translations, Error> {
    if hypotheses.len() != pairs.len() {
        return Err(Error::Hypotheses { found: hypotheses.len(), expected: pairs.len() });
    }
    let references: Vec<Vec<&str>> =
        pairs.iter().map(|(_, references)| references.iter().map(String::as_str).collect()).collect();
    let bleu = BleuOptions { case: options.case, ..BleuOptions::default() };
    let chrf = ChrfOptions { case: options.case, ..ChrfOptions::default() };
    let plus_plus = ChrfOptions { case: options.case, ..ChrfOptions::plus_plus() };
    Ok(Translations {
        bleu: corpus_bleu(&hypotheses, &references, &bleu),
        chrf: corpus_chrf(&hypotheses, &references, &chrf),
        chrf_plus_plus: corpus_chrf(&hypotheses, &references, &plus_plus),
        hypotheses,
    })
}
