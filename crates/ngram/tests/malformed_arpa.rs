//! Every kind of malformation of an ARPA file is refused, with its line.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use papo_ngram::{
    ArpaProblem, Entry, EntrySink, Error, Layout, ModelWriter, Vocabulary, WriteOptions, read_arpa_from,
};

/// A model as it should be; the tests damage it.
const GOOD: &str = "\\data\\
ngram 1=5
ngram 2=3
ngram 3=1

\\1-grams:
-1.5\t<unk>\t0
0\t<s>\t-0.25
-1.25\t</s>
-0.75\tcéu\t-0.5
-1\to\t-0.125

\\2-grams:
-0.5\t<s> o\t-0.3
-0.25\to céu\t0
-0.5\tcéu </s>\t0

\\3-grams:
-0.125\t<s> o céu

\\end\\
";

/// Takes everything.
struct Counting(usize);

impl EntrySink for Counting {
    fn begin(&mut self, _: &Vocabulary, _: &[u64]) -> Result<(), Error> {
        Ok(())
    }
    fn entry(&mut self, _: &Entry<'_>) -> Result<(), Error> {
        self.0 += 1;
        Ok(())
    }
    fn end_order(&mut self, _: usize) -> Result<(), Error> {
        Ok(())
    }
}

fn read(bytes: &[u8]) -> Result<usize, Error> {
    let mut sink = Counting(0);
    read_arpa_from(bytes, Path::new("model.arpa"), &mut sink)?;
    Ok(sink.0)
}

fn problem(error: Error) -> (u64, ArpaProblem) {
    let sentence = error.to_string();
    let Error::Arpa { line, problem, .. } = error else { panic!("{error}") };
    assert!(sentence.starts_with(&format!("model.arpa, line {line}: ")), "{sentence}");
    (line, problem)
}

/// Replaces a piece of the good model, which must be there, and gives the line and the problem.
fn damaged(old: &str, new: &str) -> (u64, ArpaProblem) {
    assert!(GOOD.contains(old));
    problem(read(GOOD.replacen(old, new, 1).as_bytes()).unwrap_err())
}

/// As [`damaged`], but with a writer of models, which also looks at what n-grams have to do with each other.
fn damaged_for_the_writer(old: &str, new: &str) -> [(u64, ArpaProblem); 2] {
    assert!(GOOD.contains(old));
    [Layout::Trie, Layout::Hashed].map(|layout| {
        let folder = tempfile::tempdir().unwrap();
        let options = WriteOptions { layout, ..WriteOptions::default() };
        let mut writer = ModelWriter::new(&folder.path().join("model.ngram"), options).unwrap();
        let text = GOOD.replacen(old, new, 1);
        problem(read_arpa_from(text.as_bytes(), Path::new("model.arpa"), &mut writer).unwrap_err())
    })
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_good_file_is_read_whole_plain_and_gzipped() {
    assert_eq!(read(GOOD.as_bytes()).unwrap(), 9);
    assert_eq!(read(&gzipped(GOOD.as_bytes())).unwrap(), 9);
    assert_eq!(read(GOOD.replace('\n', "\r\n").as_bytes()).unwrap(), 9);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_file() {
    let marked = format!("\u{feff}{GOOD}");
    assert_eq!(read(marked.as_bytes()).unwrap(), 9);
    assert_eq!(read(&gzipped(marked.as_bytes())).unwrap(), 9);
}

#[test]
fn spaces_instead_of_tabs_and_empty_lines_between_sections_are_fine() {
    assert_eq!(read(GOOD.replace('\t', "  ").as_bytes()).unwrap(), 9);
    let srilm = GOOD.replace("\n\n", "\n\n\n").replace("ngram 1=5", "ngram  1 = 5");
    assert_eq!(read(format!("\n{srilm}").as_bytes()).unwrap(), 9);
}

#[test]
fn a_missing_unknown_word_gets_the_probability_that_kenlm_gives_it() {
    let text = GOOD.replacen("-1.5\t<unk>\t0\n", "", 1).replacen("ngram 1=5", "ngram 1=4", 1);
    assert_eq!(read(text.as_bytes()).unwrap(), 9);
}

#[test]
fn a_probability_of_zero_may_be_minus_infinity() {
    assert_eq!(read(GOOD.replace("0\t<s>", "-inf\t<s>").as_bytes()).unwrap(), 9);
}

#[test]
fn an_empty_file_is_refused() {
    assert_eq!(problem(read(b"").unwrap_err()), (0, ArpaProblem::Empty));
    assert_eq!(problem(read(b"\n\n").unwrap_err()), (2, ArpaProblem::Empty));
}

#[test]
fn a_file_without_data_is_refused() {
    let (line, problem) = damaged("\\data\\\n", "");
    assert_eq!((line, problem), (20, ArpaProblem::NoData { found: "\"ngram 1=5\"".into() }));
}

#[test]
fn a_count_that_is_none_is_refused() {
    assert!(matches!(damaged("ngram 2=3", "ngram 2=three"), (3, ArpaProblem::CountLine { .. })));
    assert!(matches!(damaged("ngram 2=3", "ngram 2=-3"), (3, ArpaProblem::CountLine { .. })));
    assert!(matches!(damaged("ngram 2=3", "n-gram 2=3"), (3, ArpaProblem::CountLine { .. })));
    assert!(matches!(damaged("ngram 3=1\n", "ngram 3=1\n\nand more"), (6, ArpaProblem::CountLine { .. })));
}

#[test]
fn counts_out_of_order_are_refused() {
    assert_eq!(damaged("ngram 2=3", "ngram 3=3"), (3, ArpaProblem::CountOrder { expected: 2, found: 3 }));
}

#[test]
fn a_header_without_counts_is_refused() {
    let all = "ngram 1=5\nngram 2=3\nngram 3=1\n\n";
    assert!(matches!(damaged(all, ""), (2, ArpaProblem::NoCounts)));
}

#[test]
fn an_order_beyond_the_longest_is_refused() {
    assert_eq!(damaged("ngram 1=5", "ngram 9=5"), (2, ArpaProblem::TooLong { order: 9 }));
}

#[test]
fn fewer_entries_than_promised_are_refused() {
    let (line, problem) = damaged("ngram 2=3", "ngram 2=4");
    assert_eq!((line, problem), (18, ArpaProblem::Count { order: 2, claimed: 4, found: 3 }));
    let (_, problem) = damaged("ngram 1=5", "ngram 1=18446744073709551615");
    assert_eq!(problem, ArpaProblem::Count { order: 1, claimed: u64::MAX, found: 5 });
}

#[test]
fn more_entries_than_promised_are_refused() {
    assert_eq!(damaged("ngram 2=3", "ngram 2=2"), (16, ArpaProblem::TooManyEntries { order: 2, claimed: 2 }));
    assert_eq!(damaged("ngram 1=5", "ngram 1=4"), (11, ArpaProblem::TooManyEntries { order: 1, claimed: 4 }));
}

#[test]
fn a_bad_number_is_refused() {
    for bad in ["x", "1,5", "nan", "inf", "--1", "0x1p-3"] {
        let (line, problem) = damaged("-0.75\tcéu", &format!("{bad}\tcéu"));
        assert_eq!(line, 10, "{bad}");
        assert!(matches!(problem, ArpaProblem::Number { .. }), "{bad}: {problem:?}");
    }
}

#[test]
fn a_bad_backoff_weight_is_refused() {
    assert!(matches!(damaged("céu\t-0.5", "céu\t-0.5x"), (10, ArpaProblem::Backoff { order: 1, .. })));
    assert!(matches!(damaged("céu\t-0.5", "céu\tnan"), (10, ArpaProblem::Backoff { .. })));
}

#[test]
fn too_few_words_are_refused() {
    assert_eq!(damaged("<s> o céu", "céu"), (19, ArpaProblem::TooFewWords { order: 3, found: 1 }));
    assert_eq!(damaged("-1\to\t-0.125", "-1"), (11, ArpaProblem::TooFewWords { order: 1, found: 0 }));
}

#[test]
fn too_many_words_are_refused() {
    assert_eq!(damaged("o céu\t0", "o céu o\t0"), (15, ArpaProblem::TooManyWords { order: 2 }));
    assert!(matches!(damaged("<s> o céu", "<s> o céu o"), (19, ArpaProblem::Backoff { order: 3, .. })));
}

#[test]
fn a_backoff_weight_in_the_highest_order_is_refused_unless_it_is_zero() {
    assert_eq!(damaged("<s> o céu", "<s> o céu\t-0.5"), (19, ArpaProblem::HighestBackoff { order: 3 }));
    assert!(read(GOOD.replace("<s> o céu", "<s> o céu\t0").as_bytes()).is_ok());
}

#[test]
fn sections_out_of_order_are_refused() {
    let (line, problem) = damaged("\\2-grams:", "\\3-grams:");
    assert_eq!(line, 13);
    assert!(matches!(problem, ArpaProblem::Section { expected, .. } if expected == "\\2-grams:"));
}

#[test]
fn an_entry_where_a_section_begins_is_one_too_many() {
    let problem = ArpaProblem::TooManyEntries { order: 2, claimed: 3 };
    assert_eq!(damaged("\\3-grams:\n", ""), (18, problem));
}

#[test]
fn an_unknown_word_in_a_longer_ngram_is_refused() {
    assert_eq!(damaged("o céu\t0", "o mar\t0"), (15, ArpaProblem::UnknownWord { word: "\"mar\"".into() }));
}

#[test]
fn a_positive_log_probability_is_refused() {
    assert!(matches!(damaged("-0.75\tcéu", "0.75\tcéu"), (10, ArpaProblem::Positive { .. })));
}

#[test]
fn a_missing_backoff_weight_is_zero() {
    assert!(read(GOOD.replace("\t-0.3\n", "\n").as_bytes()).is_ok());
}

#[test]
fn a_word_that_comes_twice_is_refused() {
    let (line, problem) = damaged("-1\to\t", "-1\tcéu\t");
    assert_eq!((line, problem), (11, ArpaProblem::Duplicate { words: "céu".into() }));
}

#[test]
fn an_ngram_that_comes_twice_is_refused() {
    for found in damaged_for_the_writer("-0.5\tcéu </s>\t0", "-0.5\t<s> o\t0") {
        assert_eq!(found, (16, ArpaProblem::Duplicate { words: "<s> o".into() }));
    }
}

#[test]
fn an_ngram_whose_context_is_none_is_refused() {
    for found in damaged_for_the_writer("<s> o céu", "</s> o céu") {
        assert_eq!(found, (19, ArpaProblem::NoContext { words: "</s> o céu".into() }));
    }
}

#[test]
fn a_file_without_start_or_end_of_sentence_is_refused() {
    assert_eq!(damaged("\t</s>\n", "\tfim\n").1, ArpaProblem::NoSpecial { word: "</s>" });
    assert_eq!(damaged("\t<s>\t-0.25", "\tini\t-0.25").1, ArpaProblem::NoSpecial { word: "<s>" });
}

#[test]
fn a_missing_end_is_refused() {
    assert_eq!(damaged("\\end\\\n", ""), (20, ArpaProblem::MissingEnd { expected: "\\end\\".into() }));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for length in 0..GOOD.len() - 2 {
        assert!(read(&GOOD.as_bytes()[..length]).is_err(), "cut after {length} bytes");
    }
}

#[test]
fn bytes_that_are_no_utf8_are_refused() {
    let latin1: Vec<u8> = GOOD.chars().map(|letter| letter as u8).collect();
    assert_eq!(problem(read(&latin1).unwrap_err()), (10, ArpaProblem::NotUtf8));
}

#[test]
fn a_line_of_millions_of_letters_is_refused() {
    let (line, problem) = damaged("céu\t-0.5", &"céu".repeat(1_000_000));
    assert!(matches!((line, problem), (10, ArpaProblem::LongLine { .. })));
}

#[test]
fn a_gzip_stream_that_is_cut_or_damaged_is_refused() {
    let packed = gzipped(GOOD.as_bytes());
    for length in [2, 11, packed.len() / 2, packed.len() - 9, packed.len() - 1] {
        let error = read(&packed[..length]).unwrap_err();
        assert!(matches!(problem(error).1, ArpaProblem::Gzip { .. }), "cut after {length} bytes");
    }
    let mut flipped = packed.clone();
    let at = packed.len() - 6;
    flipped[at] ^= 1;
    assert!(matches!(problem(read(&flipped).unwrap_err()).1, ArpaProblem::Gzip { .. }));
}
