//! `papo train ngram --from-arpa`: a model that another tool estimated becomes a model folder.

use std::path::Path;
use std::time::Instant;

use papo::files::Claim;
use papo_ngram::{Entry, EntrySink, Error, ModelWriter, Vocabulary, import_arpa};

use super::{folder, writing};
use crate::failure::Outcome;
use crate::request::NgramTraining;
use crate::terminal::{Interrupt, Notes};

/// A writer of models that remembers the vocabulary, which the tokenizer is made of.
struct Import {
    model: ModelWriter,
    vocabulary: Vocabulary,
    counts: Vec<u64>,
    interrupt: Interrupt,
}

impl EntrySink for Import {
    fn begin(&mut self, vocabulary: &Vocabulary, counts: &[u64]) -> Result<(), Error> {
        (self.vocabulary, self.counts) = (vocabulary.clone(), counts.to_vec());
        self.model.begin(vocabulary, counts)
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        if self.interrupt.came() { Err(Error::Interrupted) } else { self.model.entry(entry) }
    }

    fn end_order(&mut self, order: usize) -> Result<(), Error> {
        self.model.end_order(order)
    }
}

/// Makes the model folder.
pub fn run(arpa: &Path, request: &NgramTraining, interrupt: Interrupt, notes: Notes) -> Outcome {
    let begin = Instant::now();
    let options = writing(request);
    let claim = Claim::new(&request.out, request.existing)?;
    let place = claim.folder().join("model.ngram");
    let (import, remarks) = import_arpa(arpa, &mut || {
        let model = ModelWriter::new(&place, options)?;
        Ok(Import { model, vocabulary: Vocabulary::new(), counts: Vec::new(), interrupt })
    })?;
    remarks.sentences().into_iter().for_each(|remark| notes.say(remark));
    import.model.finish()?;
    folder::save_imported(claim.folder(), &import.vocabulary, &import.counts)?;
    claim.keep()?;
    for (order, count) in (1..).zip(&import.counts) {
        notes.say(format_args!("{order}-grams: {count}"));
    }
    notes.say(format_args!("saved in {}, {:.1} s", request.out.display(), begin.elapsed().as_secs_f64()));
    Ok(())
}
