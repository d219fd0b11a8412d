//! `papo train ngram --from-arpa`: a model that another tool estimated becomes a model folder.

use std::path::Path;
use std::time::Instant;

use papo_ngram::{Entry, EntrySink, Error, ModelWriter, Vocabulary, import_arpa};

use super::{folder, writing};
use crate::failure::{Failure, Outcome};
use crate::request::NgramTraining;
use crate::terminal::Notes;

/// A writer of models that remembers the vocabulary, which the tokenizer is made of.
struct Import {
    model: ModelWriter,
    vocabulary: Vocabulary,
    counts: Vec<u64>,
}

impl EntrySink for Import {
    fn begin(&mut self, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Error> {
        (self.vocabulary, self.counts) = (vocabulary.clone(), counts.to_vec());
        self.model.begin(vocabulary, counts)
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        self.model.entry(entry)
    }

    fn end_order(&mut self, order: usize) -> Result<(), Error> {
        self.model.end_order(order)
    }
}

/// Makes the model folder.
pub fn run(arpa: &Path, request: &NgramTraining, notes: Notes) -> Outcome {
    let begin = Instant::now();
    std::fs::create_dir_all(&request.out).map_err(Error::writing(&request.out))?;
    let options = writing(request);
    let place = request.out.join("model.ngram");
    ModelWriter::new(&place, options).map_err(|error| Failure::Usage(error.to_string()))?;
    let (import, remarks) = import_arpa(arpa, &mut || {
        let model = ModelWriter::new(&place, options)?;
        Ok(Import { model, vocabulary: Vocabulary::new(), counts: Vec::new() })
    })?;
    remarks.sentences().into_iter().for_each(|remark| notes.say(remark));
    import.model.finish()?;
    folder::save_imported(&request.out, &import.vocabulary, &import.counts)?;
    for (order, count) in (1..).zip(&import.counts) {
        notes.say(format_args!("{order}-grams: {count}"));
    }
    notes.say(format_args!("saved in {}, {:.1} s", request.out.display(), begin.elapsed().as_secs_f64()));
    Ok(())
}
