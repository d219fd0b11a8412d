//! `papo train retrieval`: stores what was replied, and the words of what it answered.
//!
//! Nothing is learnt but how much each word says, which is a count. A tokenizer is trained in a first pass over the files, unless one is taken from a
//! folder; the second stores. The folder is held meanwhile (`papo::Claim`), and a model that is to be replaced stays until the new one is whole.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use indicatif::HumanCount;
use papo::files::{Claim, replace_file, retrieval_config, retrieval_generation_config, retrieval_pieces};
use papo::tokenizer::{Framing, LetterCase, TokenizerKind, TokenizerTraining, TrainedTokenizer};
use papo_data::{Document, Documents, Purpose, Remarks, documents};
use papo_retrieval::{Index, IndexBuilder};
use serde_json::Value;

use crate::failure::{Failure, Outcome};
use crate::request::RetrievalTraining;
use crate::terminal::{Interrupt, Notes, Working};

/// Makes the model folder.
pub fn run(mut request: RetrievalTraining, notes: Notes) -> Outcome {
    // Before the folder is touched, so that Ctrl-C leaves it as it was.
    let interrupt = Interrupt::install();
    interrupt.reset();
    let begin = Instant::now();
    let claim = Claim::new(&request.out, request.existing)?;
    if !matches!(request.tokenizer, TokenizerKind::Folder(_)) {
        // The tokenizer reads it, and what is stored is read again.
        request.data.iter_mut().try_for_each(|file| file.hold(&std::env::temp_dir()))?;
    }
    let working = Working::begin(notes);
    working.show("making the tokenizer");
    let trained = tokenizer(&request, interrupt)?;
    let (index, remarks) = stored(&request, &trained, interrupt, &working)?;
    working.show("saving");
    index.save(&claim.folder().join("model.safetensors"))?;
    save(&request, claim.folder(), &trained, &index)?;
    claim.keep()?;
    drop(working);
    for remark in remarks.sentences(Purpose::Learning, request.reading.special_words) {
        notes.say(remark);
    }
    notes.say(format_args!(
        "{} replies to {} turns, with {} different words",
        HumanCount(index.exchanges() as u64),
        HumanCount(index.turns() as u64),
        HumanCount(index.words() as u64)
    ));
    notes.say(format_args!("{:.1} s", begin.elapsed().as_secs_f64()));
    notes.say(format_args!("saved in {}", request.out.display()));
    Ok(())
}

/// The tokenizer, trained on all that was said.
fn tokenizer(request: &RetrievalTraining, interrupt: Interrupt) -> Result<TrainedTokenizer, Failure> {
    let training = TokenizerTraining {
        kind: request.tokenizer.clone(),
        letter_case: LetterCase::Keep,
        minimum_count: 1,
        framing: Framing::Closed,
    };
    let texts = documents(&request.data, request.reading).flat_map(|document| match document {
        _ if interrupt.came() => vec![Err(stopped())],
        Ok(document) => document.texts().into_iter().map(|text| Ok(text.to_owned())).collect::<Vec<_>>(),
        Err(error) => vec![Err(error.into())],
    });
    training.train::<Failure>(texts)
}

/// An interrupt, which leaves everything as it was.
fn stopped() -> Failure {
    Failure::new("interrupted; nothing was written.")
}

/// The index of all files.
fn stored(
    request: &RetrievalTraining,
    trained: &TrainedTokenizer,
    interrupt: Interrupt,
    working: &Working,
) -> Result<(Index, Remarks), Failure> {
    let tokenizer = trained.ready(&request.out)?;
    let mut builder = IndexBuilder::new(retrieval_pieces(&tokenizer));
    let mut remarks = Remarks::default();
    let mut before = 0;
    for file in &request.data {
        let mut documents = Documents::open(file, request.reading)?;
        while let Some(document) = documents.next().transpose()? {
            if interrupt.came() {
                return Err(stopped());
            }
            let turns = document.texts().into_iter().map(|text| tokenizer.encode_plain(text));
            let turns = turns.collect::<Result<Vec<_>, _>>()?;
            // Of each reference of a pair, the first is stored; a source is no reply.
            match document {
                Document::Dialogue { targets, .. } => builder.add(&turns, &targets),
                _ => builder.add(&turns, &[false, true]),
            }
            working.show(format_args!("reading, {} MB", (before + documents.progress().0) / 1_000_000));
        }
        before += documents.progress().0;
        remarks.add(file.path(), &documents);
    }
    Ok((builder.finish()?, remarks))
}

/// Writes tokenizer and configuration; `config.json`, which makes the folder a model, last.
fn save(
    request: &RetrievalTraining,
    out: &Path,
    trained: &TrainedTokenizer,
    index: &Index,
) -> Result<(), Failure> {
    let write = |name: &str, value: &Value| replace_file(&out.join(name), |file| writeln!(file, "{value:#}"));
    trained.save(out)?;
    write("generation_config.json", &retrieval_generation_config())?;
    Ok(write("config.json", &retrieval_config(index, &request.settings, request.task))?)
}
