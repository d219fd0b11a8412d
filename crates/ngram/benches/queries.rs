//! Queries a second of both layouts, on one core, and what they weigh.
//!
//!     cargo bench -p papo-ngram --bench queries -- MODEL.arpa TEXT
//!
//! The words of the text become ids first; then the whole text is queried, sentence by sentence from `<s>`, five times, of
//! which the fastest counts. A second figure includes looking the words up. MODEL.arpa that does not exist is estimated from the text, of order 5.
//! Times of queries are processor time where the system tells it (Linux), so that a busy machine disturbs little.
//! Nothing is asserted here; `tests/` holds what must be true. KenLM's own figure for the same files:
//! `kenlm_benchmark query MODEL.binary < TEXT`.

use std::path::Path;
use std::time::Instant;

use papo_ngram::{
    ArpaWriter, Corpus, END, Layout, Model, ModelWriter, Settings, SpecialWords, State, TextReader, UNKNOWN,
    Vocabulary, WriteOptions, estimate, read_arpa,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let [arpa, text] = &arguments[..] else {
        println!(
            "skipped: name an ARPA file and a text, as in `cargo bench -p papo-ngram -- MODEL.arpa TEXT`"
        );
        return Ok(());
    };
    let (arpa, text) = (Path::new(arpa), Path::new(text));
    if !arpa.exists() {
        let begin = Instant::now();
        make(arpa, text)?;
        println!("estimated in {:.1} s", begin.elapsed().as_secs_f64());
    }
    let lines = std::fs::read_to_string(text)?;
    let folder = tempfile::tempdir()?;
    let variants = [
        ("hashed", WriteOptions { layout: Layout::Hashed, ..WriteOptions::default() }),
        ("trie", WriteOptions::default()),
        ("trie, 8 bits", WriteOptions { quantise: Some(8), ..WriteOptions::default() }),
    ];
    println!(
        "{:<14}{:>10}{:>14}{:>14}{:>18}{:>14}",
        "layout", "MB", "written, s", "M queries/s", "with lookup, M/s", "opened, µs"
    );
    for (name, options) in variants {
        let path = folder.path().join("model.ngram");
        let since = Instant::now();
        let begin = clock(since);
        let mut writer = ModelWriter::new(&path, options)?;
        read_arpa(arpa, &mut writer)?;
        writer.finish()?;
        let written = clock(since) - begin;
        let bytes = std::fs::read(&path)?;
        let megabytes = bytes.len() as f64 / 1e6;
        let begin = Instant::now();
        let model = Model::open(bytes, &path)?;
        let opened = begin.elapsed().as_secs_f64() * 1e6;
        let (ids, looked_up) = (fastest(&model, &lines, Ids::Before), fastest(&model, &lines, Ids::Within));
        println!("{name:<14}{megabytes:>10.1}{written:>14.1}{ids:>14.2}{looked_up:>18.2}{opened:>14.1}");
    }
    Ok(())
}

/// Seconds that this thread has computed, or since some moment where the system does not tell.
fn clock(since: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or(since.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

/// When words become ids.
#[derive(Clone, Copy, PartialEq)]
enum Ids {
    Before,
    Within,
}

/// Millions of queries a second in the fastest of five rounds.
fn fastest(model: &Model<Vec<u8>>, text: &str, ids: Ids) -> f64 {
    let id = |word: &str| model.id(word).unwrap_or(UNKNOWN);
    let sentence = |line: &str| line.split_ascii_whitespace().map(id).chain([END]).collect::<Vec<_>>();
    let before: Vec<u32> =
        if ids == Ids::Before { text.lines().flat_map(sentence).collect() } else { Vec::new() };
    let mut best = 0.0_f64;
    let since = Instant::now();
    for _ in 0..5 {
        let begin = clock(since);
        let (mut total, mut queries) = (0.0, 0_u64);
        let start = model.start_state();
        // The two states change places by reference: copying one would wait until it is written.
        let (mut one, mut other) = (start, State::default());
        let (mut state, mut after) = (&mut one, &mut other);
        let mut query = |word: u32| {
            total += f64::from(model.score(state, word, after).log10_probability);
            queries += 1;
            if word == END {
                *state = start;
            } else {
                std::mem::swap(&mut state, &mut after);
            }
        };
        match ids {
            Ids::Before => before.iter().copied().for_each(&mut query),
            Ids::Within => {
                for line in text.lines() {
                    line.split_ascii_whitespace().map(id).for_each(&mut query);
                    query(END);
                }
            }
        }
        std::hint::black_box(total);
        best = best.max(queries as f64 / (clock(since) - begin) / 1e6);
    }
    best
}

/// Estimates a model of order 5 of a text.
fn make(arpa: &Path, text: &Path) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let mut corpus = Corpus::new(folder.path())?;
    let mut vocabulary = Vocabulary::new();
    let mut reader = TextReader::new(text, &mut corpus, &mut vocabulary, SpecialWords::Skip);
    for block in papo_data::Blocks::open(&papo_data::Input::new(text))? {
        reader.text(&block?.text)?;
    }
    reader.finish()?;
    let mut writer = ArpaWriter::create(arpa, 1)?;
    estimate(&mut corpus, &vocabulary, &Settings::new(5), &mut |_| Ok(()), &mut writer)?;
    writer.finish()?;
    Ok(())
}
