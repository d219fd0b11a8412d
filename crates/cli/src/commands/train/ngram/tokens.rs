//! From files to a corpus of ids, with the tokenizer that made them.
//!
//! Words come with their ids as they are met, in one pass; other tokenizers are trained in a first pass and used in a
//! second. Between the turns of a dialogue, and between the sides of a pair, stands `</s>`.

use std::path::Path;

use papo::Tokenizer;
use papo::tokenizer::{Framing, LetterCase, SPECIALS, TokenizerKind, TokenizerTraining, TrainedTokenizer};
use papo_data::{Document, Documents, Reading, Remarks, TextUnit, documents};
use papo_ngram::{Corpus, END, Error, Piece, TextReader, UNKNOWN, Vocabulary};

use crate::failure::Failure;
use crate::request::NgramTraining;

/// What counting begins with.
pub struct Tokens {
    /// The sentences.
    pub corpus: Corpus,
    /// All tokens, by their ids in the tokenizer.
    pub vocabulary: Vocabulary,
    /// The tokenizer, where it is not made of the vocabulary's words.
    pub trained: Option<TrainedTokenizer>,
    /// What was noticed in the files.
    pub remarks: Remarks,
}

/// Called with the bytes that were read, now and then.
pub type Observe<'a> = dyn FnMut(u64) -> Result<(), Error> + 'a;

/// Reads all files.
pub fn read(
    request: &NgramTraining,
    folder: &Path,
    framing: Framing,
    observe: &mut Observe<'_>,
) -> Result<Tokens, Failure> {
    match request.tokenizer {
        TokenizerKind::Words { most } => {
            let tokens = words(request, folder, observe)?;
            match most {
                Some(most) if most < tokens.vocabulary.len() => commonest(tokens, most, folder),
                _ => Ok(tokens),
            }
        }
        _ => pieces(request, folder, framing, observe),
    }
}

fn words(request: &NgramTraining, folder: &Path, observe: &mut Observe<'_>) -> Result<Tokens, Failure> {
    let mut corpus = Corpus::new(folder)?;
    let mut vocabulary = Vocabulary::new();
    vocabulary.add(SPECIALS[3]);
    // Whatever is refused is refused by the reader of the files.
    let taken = papo_ngram::SpecialWords::Refuse;
    // A line of a text may be of any length.
    let how = Reading { unit: TextUnit::LineBlocks, ..request.reading };
    let mut remarks = Remarks::default();
    for file in &request.data {
        let mut reader = TextReader::new(file.path(), &mut corpus, &mut vocabulary, taken);
        let mut documents = Documents::open(file, how)?;
        let mut watch = Watch { observe: &mut *observe, read: 0 };
        while let Some(document) = documents.next().transpose()? {
            if let Document::Block { text, .. } = &document {
                reader.text(text)?;
            } else {
                for (number, turn) in document.texts().into_iter().enumerate() {
                    if number > 0 {
                        reader.push(END)?;
                    }
                    reader.part(turn, documents.line())?;
                }
                reader.end_sentence()?;
            }
            watch.at(documents.progress().0)?;
        }
        reader.finish()?;
        remarks.add(file.path(), &documents);
    }
    Ok(Tokens { corpus, vocabulary, trained: None, remarks })
}

/// Tells how many bytes of a file came since the last time.
struct Watch<'a, 'b> {
    observe: &'a mut Observe<'b>,
    read: u64,
}

impl Watch<'_, '_> {
    fn at(&mut self, read: u64) -> Result<(), Error> {
        (self.observe)(read - std::mem::replace(&mut self.read, read))
    }
}

/// Keeps the `most` commonest words, special ones included; the others become `<unk>`.
fn commonest(mut tokens: Tokens, most: usize, folder: &Path) -> Result<Tokens, Failure> {
    let mut counts = vec![0_u64; tokens.vocabulary.len()];
    tokens.corpus.read(|piece| {
        if let Piece::Token(id) = piece {
            counts[id as usize] += 1;
        }
        Ok(())
    })?;
    let specials = SPECIALS.len() as u32;
    let mut order: Vec<u32> = (specials..counts.len() as u32).collect();
    // Equally common words stay in the order of the text.
    order.sort_by_key(|&id| std::cmp::Reverse(counts[id as usize]));
    order.truncate(most.saturating_sub(SPECIALS.len()));
    let mut vocabulary = Vocabulary::new();
    vocabulary.add(SPECIALS[3]);
    let mut renamed = vec![UNKNOWN; counts.len()];
    renamed[END as usize] = END;
    for id in order {
        if let Some(word) = tokens.vocabulary.word(id) {
            renamed[id as usize] = vocabulary.add(word);
        }
    }
    let mut corpus = Corpus::new(folder)?;
    tokens.corpus.read(|piece| match piece {
        Piece::Token(id) => corpus.push(renamed[id as usize]),
        Piece::Break => corpus.end_sentence(),
    })?;
    Ok(Tokens { corpus, vocabulary, ..tokens })
}

fn pieces(
    request: &NgramTraining,
    folder: &Path,
    framing: Framing,
    observe: &mut Observe<'_>,
) -> Result<Tokens, Failure> {
    let training = TokenizerTraining {
        kind: request.tokenizer.clone(),
        letter_case: LetterCase::Keep,
        minimum_count: 1,
        framing,
    };
    let trained = training.train::<Failure>(texts(request))?;
    let tokenizer = trained.ready(&request.out)?;
    let mut corpus = Corpus::new(folder)?;
    let mut remarks = Remarks::default();
    for file in &request.data {
        let mut documents = Documents::open(file, request.reading)?;
        let mut watch = Watch { observe: &mut *observe, read: 0 };
        while let Some(document) = documents.next().transpose()? {
            for (number, turn) in document.texts().into_iter().enumerate() {
                if number > 0 {
                    corpus.push(END)?;
                }
                for id in tokenizer.encode_plain(turn)? {
                    corpus.push(id)?;
                }
            }
            corpus.end_sentence()?;
            watch.at(documents.progress().0)?;
        }
        remarks.add(file.path(), &documents);
    }
    Ok(Tokens { corpus, vocabulary: vocabulary_of(&tokenizer)?, trained: Some(trained), remarks })
}

/// All turns and sentences of files.
fn texts(request: &NgramTraining) -> impl Iterator<Item = Result<String, Failure>> + use<> {
    documents(&request.data, request.reading).flat_map(|document| match document {
        Ok(document) => document.texts().into_iter().map(|text| Ok(text.to_owned())).collect::<Vec<_>>(),
        Err(error) => vec![Err(error.into())],
    })
}

/// The tokens of a tokenizer, by their ids.
fn vocabulary_of(tokenizer: &Tokenizer) -> Result<Vocabulary, Failure> {
    let mut vocabulary = Vocabulary::new();
    for id in SPECIALS.len() as u32 - 1..tokenizer.vocab_size() as u32 {
        let token = tokenizer.tokens(&[id]).concat();
        if vocabulary.add(&token) != id {
            return Err(Failure::new(format_args!(
                "the tokenizer has the token {token:?} twice, or no token {id}; use another tokenizer"
            )));
        }
    }
    Ok(vocabulary)
}
