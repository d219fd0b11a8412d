//! One model on the ladder: how it does on held-out small talk, and what it says.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use papo::eval::{EvaluationOptions, Likelihood, Sampler, distinct, evaluate};
use papo::hub::Want;
use papo::tokenizer::LetterCase;
use papo::{ChatModel, GenerationConfig, LoadOptions, ModelRef, SpecialTokens};
use papo_data::{DataFile, DataFormat, Document, Documents, Reading};

use crate::talk::{self, HeldOut, Talk};

/// Conversations of which each model continues one turn, for distinct-1, distinct-2 and the speed of replies.
const REPLIES: usize = 200;

/// A model's rung.
pub struct Rung {
    pub name: String,
    pub model_type: String,
    /// Bytes of all its files.
    pub bytes: u64,
    pub likelihood: Likelihood,
    pub distinct: [f64; 2],
    /// Tokens of replies in a second, one reply at a time.
    pub tokens_per_s: f64,
    /// How it did in the held-out conversations.
    pub talk: Talk,
}

/// Measures a model on the dialogues of `data` and lets it answer the conversations `told`, whose marks are in the folder `held_out`.
pub fn measure(name: &str, data: &Path, told: &HeldOut, held_out: &Path) -> Result<Rung> {
    let reference = ModelRef::parse(name)?;
    let bytes =
        reference.fetch(Want::Model, &LoadOptions::default())?.list()?.iter().map(|(_, size)| size).sum();
    let model = ChatModel::load(name, &LoadOptions::default())?;
    let options = EvaluationOptions {
        unit: None,
        reading: Reading::default(),
        limit: usize::MAX,
        batch: 16,
        case: LetterCase::Keep,
        config: GenerationConfig::default(),
    };
    let found = evaluate(&model, &[dialogues(data)], &options, None, &|_| ())?;
    let likelihood = found.replies.unwrap_or(found.likelihood);
    let (distinct, tokens_per_s) = continued(&model, data)?;
    let talk = talk::talk(&reference.name(), &model, told, held_out)?;
    let model_type = model.model().model_type().to_owned();
    Ok(Rung { name: reference.name(), model_type, bytes, likelihood, distinct, tokens_per_s, talk })
}

/// distinct-1 and distinct-2 of one reply in each of the first conversations, and tokens in a second.
fn continued(model: &ChatModel, data: &Path) -> Result<([f64; 2], f64)> {
    let mut config = GenerationConfig::default();
    config.set("max_new_tokens", "60")?;
    let sampler = Sampler::new(model)?;
    let (mut texts, mut tokens, mut time) = (Vec::new(), 0, Duration::ZERO);
    let conversations = Documents::open(&dialogues(data), Reading::default())?
        .filter(|document| !matches!(document, Ok(Document::Dialogue { turns, .. }) if turns.len() < 2));
    for document in conversations.take(REPLIES) {
        let Document::Dialogue { turns, .. } = document? else { continue };
        let source = sampler.source(&turns[..turns.len().min(3)])?;
        let generated = model.generate(&[source], &config)?;
        tokens += generated.new_tokens;
        time += generated.total_time;
        if let Some(sequence) = generated.sequences.first() {
            texts.push(model.tokenizer().decode(&sequence.tokens, SpecialTokens::Skip)?.trim().to_owned());
        }
    }
    Ok(([distinct(&texts, 1), distinct(&texts, 2)], tokens as f64 / time.as_secs_f64().max(1e-9)))
}

fn dialogues(path: &Path) -> DataFile {
    DataFile { holds: Some(DataFormat::Dialogues), ..DataFile::new(path) }
}
