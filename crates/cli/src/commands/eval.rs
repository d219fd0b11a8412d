//! `papo eval`: perplexity of texts, replies and translations; BLEU and chrF of translations.

use std::cell::RefCell;
use std::path::Path;
use std::time::Instant;

use papo::ModelRef;
use papo::eval::{Evaluation, EvaluationStep, Likelihood, WordScore, evaluate, evaluate_words};
use papo_data::{DataFile, Input, Lines, Purpose, TextUnit};
use serde::Serialize;
use serde_json::json;

use crate::failure::{Failure, Outcome};
use crate::language::{label, sentence};
use crate::loading::{check_strictly, load};
use crate::output_file::OutputFile;
use crate::request::{Detail, Eval, Format};
use crate::terminal::{LoadingBar, Notes, Output, printable};

/// What is printed.
#[derive(Serialize)]
struct Figures {
    model: String,
    /// Of the text, unknown words included, as KenLM's query prints it first.
    perplexity: f64,
    perplexity_excluding_oov: f64,
    perplexity_per_word: f64,
    bits_per_character: f64,
    nats_per_token: f64,
    log_prob_base10: f64,
    tokens: usize,
    oov: usize,
    words: usize,
    characters: usize,
    texts: usize,
    cut_texts: usize,
    /// How text was read: `stream` or `line`.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replies: Option<ReplyFigures>,
    #[serde(flatten)]
    translations: Option<TranslationFigures>,
    seconds: f64,
}

/// Of a model that continues text: the replies alone, given what went before, to be compared with those of encoder-decoders.
#[derive(Serialize)]
struct ReplyFigures {
    perplexity: f64,
    perplexity_per_word: f64,
    bits_per_character: f64,
    nats_per_token: f64,
    tokens: usize,
    words: usize,
    texts: usize,
}

#[derive(Serialize)]
struct TranslationFigures {
    bleu: f64,
    bleu_precisions: [f64; 4],
    brevity_penalty: f64,
    hypothesis_words: usize,
    reference_words: usize,
    chrf: f64,
    chrf_plus_plus: f64,
}

/// Measures and prints.
pub fn run(request: Eval, notes: Notes) -> Outcome {
    let name = ModelRef::parse(&request.model)?.name();
    // A file that is not there is told before a large model is loaded.
    for input in request.data.iter().flat_map(DataFile::inputs) {
        input.check()?;
    }
    let claim = |path| OutputFile::claim(path, request.existing);
    let place = request.save_hypotheses.as_deref().map(claim).transpose()?;
    let hypotheses = request.hypotheses.as_deref().map(read_lines).transpose()?;
    let model = load(Some(&request.model), &request.loading, notes)?;
    check_strictly(&model, &request.options.config)?;
    let begin = Instant::now();
    let progress = Watching { notes, name: &name, bar: RefCell::new(None) };
    let mut words = Words::new(request.format);
    let evaluation = match request.detail {
        Detail::Totals => {
            evaluate(&model, &request.data, &request.options, hypotheses, &|step| progress.show(step))?
        }
        Detail::EachWord => {
            // A bar would draw between the words.
            let each = &mut |word| words.print(&word);
            evaluate_words(&model, &request.data, &request.options, hypotheses, &|_| {}, each)?
        }
    };
    words.finish()?;
    let seconds = begin.elapsed().as_secs_f64();
    drop(progress);
    if evaluation.likelihood.cut > 0 {
        notes.say(format_args!(
            "{} of {} texts are longer than the model can write or learnt to; what is behind was not counted",
            evaluation.likelihood.cut, evaluation.likelihood.texts
        ));
    }
    for remark in evaluation.remarks.sentences(Purpose::Measuring, request.options.reading.special_words) {
        notes.say(remark);
    }
    let printed = print(name, &evaluation, seconds, request.format);
    if let (Some(place), Some(translations)) = (place, &evaluation.translations) {
        let text: String = translations.hypotheses.iter().map(|line| format!("{line}\n")).collect();
        place.write(text.as_bytes())?;
    }
    printed
}

fn print(name: String, evaluation: &Evaluation, seconds: f64, format: Format) -> Outcome {
    let mut output = Output::standard();
    match format {
        Format::Json => output.line(serde_json::to_string(&figures(name, evaluation, seconds))?)?,
        Format::Text => print_table(&mut output, &name, evaluation, seconds)?,
    }
    output.flush()
}

/// Prints words as they are scored; the first failure to do so is kept for the end.
struct Words {
    output: Output,
    format: Format,
    text: usize,
    outcome: Outcome,
}

impl Words {
    fn new(format: Format) -> Words {
        Words { output: Output::standard(), format, text: 0, outcome: Ok(()) }
    }

    fn print(&mut self, word: &WordScore) {
        if self.outcome.is_ok() {
            self.outcome = self.line(word);
        }
    }

    fn line(&mut self, word: &WordScore) -> Outcome {
        if self.format == Format::Json {
            return self.output.line(json!({
                "text": word.text,
                "token": word.token,
                "order": word.order,
                "log_prob_base10": word.log10_probability,
                "oov": word.is_unknown,
            }));
        }
        if word.text != std::mem::replace(&mut self.text, word.text) {
            self.output.line(sentence(&format!("text {}", word.text)))?;
        }
        let (gap, mark) = if word.is_unknown { ("  ", label("unknown")) } else { ("", "") };
        self.output.line(format_args!(
            "  {:>12.6}  {}-gram  {}{gap}{mark}",
            word.log10_probability,
            word.order,
            printable(&word.token)
        ))
    }

    fn finish(mut self) -> Outcome {
        self.outcome?;
        if self.text > 0 {
            self.output.line("")?;
        }
        self.output.flush()
    }
}

/// A bar for each stage: scoring counts bytes, translating answers.
struct Watching<'a> {
    notes: Notes,
    name: &'a str,
    bar: RefCell<Option<(bool, LoadingBar)>>,
}

impl Watching<'_> {
    fn show(&self, step: EvaluationStep) {
        let (translating, done, total) = match step {
            EvaluationStep::Scored(done, total) => (false, done, total),
            EvaluationStep::Translated(done, total) => (true, done as u64, total as u64),
        };
        let mut bar = self.bar.borrow_mut();
        if bar.as_ref().is_none_or(|(other, _)| *other != translating) {
            // The old one clears its line before the new one draws.
            bar.take();
            let new = if translating { LoadingBar::answers } else { LoadingBar::bytes };
            *bar = Some((translating, new(self.notes, self.name)));
        }
        if let Some((_, bar)) = &*bar {
            bar.show(done, total);
        }
    }
}

fn figures(model: String, evaluation: &Evaluation, seconds: f64) -> Figures {
    let found = &evaluation.likelihood;
    Figures {
        model,
        perplexity: found.perplexity(),
        perplexity_excluding_oov: found.perplexity_without_oov(),
        perplexity_per_word: found.perplexity_per_word(),
        bits_per_character: found.bits_per_character(),
        nats_per_token: found.nats_per_token(),
        log_prob_base10: found.log_prob_base10(),
        tokens: found.tokens,
        oov: found.oov,
        words: found.words,
        characters: found.characters,
        texts: found.texts,
        cut_texts: found.cut,
        unit: evaluation.unit.map(|unit| match unit {
            TextUnit::Stream => "stream",
            TextUnit::Line | TextUnit::LineBlocks => "line",
        }),
        replies: evaluation.replies.map(|found| ReplyFigures {
            perplexity: found.perplexity(),
            perplexity_per_word: found.perplexity_per_word(),
            bits_per_character: found.bits_per_character(),
            nats_per_token: found.nats_per_token(),
            tokens: found.tokens,
            words: found.words,
            texts: found.texts,
        }),
        translations: evaluation.translations.as_ref().map(|translations| TranslationFigures {
            bleu: translations.bleu.score,
            bleu_precisions: translations.bleu.precisions,
            brevity_penalty: translations.bleu.brevity_penalty,
            hypothesis_words: translations.bleu.hypothesis_words,
            reference_words: translations.bleu.reference_words,
            chrf: translations.chrf,
            chrf_plus_plus: translations.chrf_plus_plus,
        }),
        seconds,
    }
}

fn print_table(output: &mut Output, name: &str, evaluation: &Evaluation, seconds: f64) -> Outcome {
    let found = &evaluation.likelihood;
    let unknown = match found.oov {
        0 => String::new(),
        oov => format!(", {oov} of them unknown"),
    };
    let mut rows = vec![
        ("model", name.to_owned()),
        (
            "text",
            match evaluation.unit {
                Some(TextUnit::Stream) => format!(
                    "running text, line feeds included: {} words, {} tokens{unknown}",
                    found.words, found.tokens
                ),
                _ => format!(
                    "{} texts, {} words, {} tokens with their ends{unknown}",
                    found.texts, found.words, found.tokens
                ),
            },
        ),
        ("perplexity", perplexities(found)),
        ("per word", format!("{:.3} (the same for every tokenization)", found.perplexity_per_word())),
        ("bits/char", format!("{:.4}", found.bits_per_character())),
        ("log10 p", format!("{:.4}", found.log_prob_base10())),
    ];
    if let Some(replies) = &evaluation.replies {
        rows.push((
            "replies",
            format!(
                "{:.3} per token, {:.3} per word: what answers alone cost, given what went before",
                replies.perplexity(),
                replies.perplexity_per_word()
            ),
        ));
    }
    if let Some(translations) = &evaluation.translations {
        rows.push(("BLEU", translations.bleu.to_string()));
        rows.push((
            "chrF2",
            format!("{:.2} (chrF2++ {:.2})", translations.chrf, translations.chrf_plus_plus),
        ));
    }
    rows.push(("time", format!("{seconds:.1} s")));
    rows.iter()
        .try_for_each(|(name, value)| output.line(format_args!("{:<12} {}", label(name), sentence(value))))
}

fn perplexities(found: &Likelihood) -> String {
    let all = found.perplexity();
    match found.oov {
        0 => format!("{all:.3} per token"),
        _ => format!("{all:.3} per token, {:.3} without unknown ones", found.perplexity_without_oov()),
    }
}

fn read_lines(path: &Path) -> Result<Vec<String>, Failure> {
    Ok(Lines::open(&Input::new(path))?.collect::<Result<_, _>>()?)
}
