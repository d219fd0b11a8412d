//! Documents as token ids, and where the examples lie among them.
//!
//! All ids stand in one row, `<s> turn </s> turn </s> …` for each document, and an example is a range of it:
//!
//! ```text
//! ids        <s> t1 </s> t2 </s> t3 </s> <s> t1 </s> t2 </s>
//! rows       [                         ] [                 ]      a causal model reads a document from its <s>
//! pairs          [ source ][target]          [source][target]     an encoder-decoder answers the turns before
//!                [     source     ][target]
//! stream     [ everything, a file after the other ]               running text, carried on from batch to batch
//! ```
//!
//! so a turn that is in the context of ten pairs is stored once.

use std::ops::Range;

use papo_data::{DataFile, DataFormat, Document, Documents, Reading, Remarks, TextUnit};

use crate::Error;
use crate::chance::Chance;

/// Turns a text into ids without anything around it; the error is a sentence.
pub type Encode<'a> = dyn Fn(&str) -> Result<Vec<u32>, String> + 'a;

/// The token in front of every document.
const START: u32 = 1;
/// The token behind every turn.
const END: u32 = 2;

/// What examples are made of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One running text, for a causal model.
    Stream,
    /// A row for each line or dialogue, for a causal model.
    Rows,
    /// Sources and targets, for an encoder-decoder.
    Pairs {
        /// Turns of a source at most.
        context_turns: usize,
        /// Tokens of a source at most; whole turns are left out at the left first.
        context_tokens: usize,
        /// Tokens of a target at most; what is longer is cut and not taught to end.
        target_tokens: usize,
    },
}

/// What is kept from the training, to measure by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOut {
    /// The part of the documents, or of the end of a stream: 0 … 1.
    pub share: f64,
    /// Which documents.
    pub seed: u64,
}

/// What one training reads.
#[derive(Clone, Debug)]
pub struct Split {
    /// To learn from.
    pub train: Examples,
    /// To measure by; may be empty.
    pub valid: Examples,
    /// What was noticed in the files.
    pub remarks: Remarks,
}

/// Examples as ranges of ids.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    pub(super) ids: Vec<u32>,
    pub(super) items: Items,
    cut: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) enum Items {
    /// The ids are one text.
    #[default]
    Stream,
    /// Each range is a row.
    Rows(Vec<Range<usize>>),
    /// Each is a source and a target, the latter without the decoder's start.
    Pairs(Vec<(Range<usize>, Range<usize>)>),
}

impl Examples {
    fn new(framing: Framing) -> Examples {
        let items = match framing {
            Framing::Stream => Items::Stream,
            Framing::Rows => Items::Rows(Vec::new()),
            Framing::Pairs { .. } => Items::Pairs(Vec::new()),
        };
        Examples { ids: Vec::new(), items, cut: 0 }
    }

    /// Reads files as `how` says, in the portions that the framing wants, and keeps a part of them aside.
    ///
    /// Fails where a file cannot be read, does not hold what its name says, or holds what this framing cannot use.
    pub fn read(
        files: &[DataFile],
        how: Reading,
        framing: Framing,
        held_out: HeldOut,
        encode: &Encode<'_>,
    ) -> Result<Split, Error> {
        let (train, valid) = (Examples::new(framing), Examples::new(framing));
        let mut split = Split { train, valid, remarks: Remarks::default() };
        for file in files {
            check(file, framing)?;
        }
        let chance = Chance::new(held_out.seed).named("held out");
        let mut number = 0u32;
        let unit = if framing == Framing::Stream { TextUnit::Stream } else { TextUnit::Line };
        let how = Reading { unit, ..how };
        for file in files {
            let mut documents = Documents::open(file, how)?;
            while let Some(document) = documents.next().transpose()? {
                if let Document::Block { text, first } = &document {
                    split.train.push_block(text, *first, encode)?;
                    continue;
                }
                let turns: Vec<&str> = document.texts().into_iter().map(str::trim).collect();
                if turns == [""] {
                    continue;
                }
                let aside = f64::from(chance.uniform(number)) < held_out.share;
                number = number.wrapping_add(1);
                let examples = if aside { &mut split.valid } else { &mut split.train };
                examples.push_turns(&turns, &document.targets(), framing, encode)?;
            }
            split.remarks.add(file.path(), &documents);
        }
        if framing == Framing::Stream {
            let aside = (split.train.ids.len() as f64 * held_out.share) as usize;
            split.valid.ids = split.train.ids.split_off(split.train.ids.len() - aside);
        }
        Ok(split)
    }

    /// How many examples there are; of a stream its tokens.
    pub fn len(&self) -> usize {
        match &self.items {
            Items::Stream => self.ids.len(),
            Items::Rows(rows) => rows.len(),
            Items::Pairs(pairs) => pairs.len(),
        }
    }

    /// Whether there is nothing to foretell.
    pub fn is_empty(&self) -> bool {
        self.targets() == 0
    }

    /// Tokens that one epoch foretells.
    pub fn targets(&self) -> usize {
        match &self.items {
            Items::Stream => self.ids.len().saturating_sub(1),
            Items::Rows(rows) => rows.iter().map(|row| row.len() - 1).sum(),
            Items::Pairs(pairs) => pairs.iter().map(|(_, target)| target.len()).sum(),
        }
    }

    /// The share of `<unk>` among the ids.
    pub fn unknown(&self) -> f64 {
        self.ids.iter().filter(|&&id| id == 0).count() as f64 / self.ids.len().max(1) as f64
    }

    /// Sources and targets that were longer than allowed and were cut.
    pub fn cut(&self) -> usize {
        self.cut
    }

    fn push_block(&mut self, text: &str, first: bool, encode: &Encode<'_>) -> Result<(), Error> {
        if first {
            self.ids.push(START);
        }
        self.ids.extend(encode(text).map_err(|reason| Error::Encode { reason })?);
        Ok(())
    }

    /// Appends a document; an encoder-decoder learns to say the turns that `targets` marks.
    fn push_turns(
        &mut self,
        turns: &[&str],
        targets: &[bool],
        framing: Framing,
        encode: &Encode<'_>,
    ) -> Result<(), Error> {
        let begin = self.ids.len();
        self.ids.push(START);
        let (mut ends, mut learnt) = (vec![self.ids.len()], Vec::new());
        for (turn, target) in turns.iter().zip(targets) {
            let ids = encode(turn).map_err(|reason| Error::Encode { reason })?;
            if !ids.is_empty() {
                self.ids.extend(ids);
                self.ids.push(END);
                ends.push(self.ids.len());
                learnt.push(*target);
            }
        }
        match (&mut self.items, framing) {
            (Items::Rows(rows), _) if ends.len() > 1 => rows.push(begin..self.ids.len()),
            (Items::Pairs(pairs), Framing::Pairs { context_turns, context_tokens, target_tokens }) => {
                for answer in (1..learnt.len()).filter(|&turn| learnt[turn]) {
                    let (mut source, mut target) =
                        (ends[answer - 1]..ends[answer], ends[answer]..ends[answer + 1]);
                    let earlier = answer.saturating_sub(context_turns)..answer - 1;
                    source.start = earlier
                        .map(|turn| ends[turn])
                        .find(|start| ends[answer] - start <= context_tokens)
                        .unwrap_or(source.start);
                    if source.len() > context_tokens {
                        source.start = source.end - context_tokens;
                        self.cut += 1;
                    }
                    if target.len() > target_tokens {
                        target.end = target.start + target_tokens;
                        self.cut += 1;
                    }
                    pairs.push((source, target));
                }
            }
            _ => self.ids.truncate(begin),
        }
        Ok(())
    }
}

/// Refuses a file whose format this framing has no use for.
fn check(file: &DataFile, framing: Framing) -> Result<(), Error> {
    let reason = match (framing, file.format()) {
        (Framing::Pairs { .. }, DataFormat::Text) => {
            "it holds running text, and an encoder-decoder learns from pairs (a .tsv file: source, tab, target) or dialogues \
             (a .jsonl file with turns); train rnn, lstm or gru on text"
        }
        (Framing::Stream, DataFormat::Pairs | DataFormat::Dialogues) => {
            "it holds pairs or dialogues among files of running text; train on one of the two, or let each line be a text of \
             its own"
        }
        _ => return Ok(()),
    };
    Err(Error::Unfit { path: file.path().to_owned(), reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token a word; its id is 10 and the number that the word is.
    fn encode(text: &str) -> Result<Vec<u32>, String> {
        text.split_whitespace().map(|word| Ok(10 + word.parse::<u32>().map_err(|e| e.to_string())?)).collect()
    }

    const NONE: HeldOut = HeldOut { share: 0.0, seed: 1 };

    fn read(name: &str, content: &str, framing: Framing, held_out: HeldOut) -> Result<Split, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        Examples::read(&[DataFile::new(path)], Reading::default(), framing, held_out, &encode)
            .map_err(|error| error.to_string())
    }

    fn pairs(content: &str, context_turns: usize, context_tokens: usize) -> Vec<(Vec<u32>, Vec<u32>)> {
        let framing = Framing::Pairs { context_turns, context_tokens, target_tokens: 4 };
        let train = read("a.jsonl", content, framing, NONE).unwrap().train;
        let Items::Pairs(pairs) = &train.items else { panic!("not pairs") };
        pairs.iter().map(|(s, t)| (train.ids[s.clone()].to_vec(), train.ids[t.clone()].to_vec())).collect()
    }

    const DIALOGUE: &str = "{\"turns\": [\"1 2\", \"3\", \"4 5\", \"6\"]}\n";

    #[test]
    fn an_encoder_decoder_answers_the_last_turns() {
        assert_eq!(
            pairs(DIALOGUE, 2, 100),
            [
                (vec![11, 12, 2], vec![13, 2]),
                (vec![11, 12, 2, 13, 2], vec![14, 15, 2]),
                (vec![13, 2, 14, 15, 2], vec![16, 2]),
            ]
        );
        assert_eq!(pairs(DIALOGUE, 1, 100)[2], (vec![14, 15, 2], vec![16, 2]));
    }

    #[test]
    fn only_turns_worth_saying_are_learnt() {
        let chosen = "{\"turns\": [\"1 2\", \"3\", \"4 5\", \"6\"], \"targets\": [1, 3]}\n";
        let answers: Vec<_> = pairs(chosen, 2, 100).into_iter().map(|(_, target)| target).collect();
        assert_eq!(answers, [[13, 2], [16, 2]]);
    }

    #[test]
    fn a_context_is_cut_by_whole_turns_first() {
        assert_eq!(pairs(DIALOGUE, 9, 5)[2], (vec![13, 2, 14, 15, 2], vec![16, 2]));
        assert_eq!(pairs(DIALOGUE, 9, 4)[2], (vec![14, 15, 2], vec![16, 2]));
        assert_eq!(pairs(DIALOGUE, 9, 2)[2], (vec![15, 2], vec![16, 2]));
        assert_eq!(
            pairs("{\"turns\": [\"1\", \"2 3 4 5 6\"]}\n", 9, 9),
            [(vec![11, 2], vec![12, 13, 14, 15])]
        );
    }

    #[test]
    fn a_causal_model_reads_a_dialogue_from_its_start() {
        let train = read("a.jsonl", DIALOGUE, Framing::Rows, NONE).unwrap().train;
        assert_eq!(train.ids, [1, 11, 12, 2, 13, 2, 14, 15, 2, 16, 2]);
        assert_eq!((train.len(), train.targets()), (1, 10));
        let lines = read("a.txt", "1 2\n\n3\n", Framing::Rows, NONE).unwrap().train;
        assert_eq!((lines.ids.as_slice(), lines.len()), ([1, 11, 12, 2, 1, 13, 2].as_slice(), 2));
    }

    #[test]
    fn the_end_of_a_stream_is_held_out_and_scattered_documents_are() {
        let text: String = (0..100).map(|n| format!("{n} ")).collect();
        let split = read("a.txt", &text, Framing::Stream, HeldOut { share: 0.1, seed: 1 }).unwrap();
        assert_eq!((split.train.ids.len(), split.valid.ids.len()), (91, 10));
        assert_eq!((split.train.ids[0], split.valid.ids[9]), (1, 109));
        let lines: String = (0..1000).map(|n| format!("{n}\n")).collect();
        let split = read("a.txt", &lines, Framing::Rows, HeldOut { share: 0.1, seed: 1 }).unwrap();
        assert!((70..130).contains(&split.valid.len()) && split.train.len() + split.valid.len() == 1000);
    }

    #[test]
    fn files_that_the_network_cannot_learn_from_are_refused() {
        let framing = Framing::Pairs { context_turns: 1, context_tokens: 9, target_tokens: 9 };
        assert!(read("a.txt", "1\n", framing, NONE).unwrap_err().contains("running text"));
        assert!(read("a.tsv", "1\t2\n", Framing::Stream, NONE).unwrap_err().contains("pairs or dialogues"));
    }

    #[test]
    fn files_without_a_word_hold_no_examples() {
        for (name, framing) in
            [("a.txt", Framing::Stream), ("a.txt", Framing::Rows), ("a.jsonl", Framing::Rows)]
        {
            assert!(read(name, "\n", framing, NONE).is_ok_and(|split| split.train.targets() <= 1));
            assert!(read(name, "", framing, NONE).unwrap().train.is_empty());
        }
    }
}
