//! Writes as many words as wanted, drawn from the trigram model of a text: corpora of any size with the statistics of a small one.
//!
//! ```text
//! cargo run --release -p papo-ngram --example sample_corpus -- machado.txt 20000000 > large.txt
//! ```
//!
//! The same text and number always give the same corpus. A word is drawn from u(w | h) = p(w | h) − γ(h) p(w | shorter h) over
//! the listed words, and with what is left, γ(h), from the shorter context in the same way: the interpolated model, exactly.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use papo_ngram::{
    Corpus, END, Entry, EntrySink, Error, START, Settings, SpecialWords, Spellings, TextReader, UNKNOWN,
    Vocabulary, estimate,
};

/// Words that may follow a context, with the sums of their shares up to each.
type Followers = Vec<(u32, f64)>;

#[derive(Default)]
struct Trigram {
    spellings: Spellings,
    /// log₁₀ p of the n-grams of the order before, for the shares of this one.
    probabilities: HashMap<Vec<u32>, (f64, f64)>,
    followers: HashMap<Vec<u32>, Followers>,
}

impl EntrySink for Trigram {
    fn begin(&mut self, vocabulary: &Vocabulary, _: &[u64]) -> Result<(), Error> {
        self.spellings = vocabulary.spellings();
        Ok(())
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        let probability = 10_f64.powf(entry.log10_probability.into());
        let backoff = 10_f64.powf(entry.log10_backoff.into());
        self.probabilities.insert(entry.words.to_vec(), (probability, backoff));
        let [context @ .., word] = entry.words else { return Ok(()) };
        if *word == START || *word == UNKNOWN {
            return Ok(());
        }
        let lower = match context {
            [] => 0.0,
            _ => self.probabilities[context].1 * self.probabilities[&entry.words[1..]].0,
        };
        let followers = self.followers.entry(context.to_vec()).or_default();
        let before = followers.last().map_or(0.0, |last| last.1);
        followers.push((*word, before + (probability - lower).max(0.0)));
        Ok(())
    }

    fn end_order(&mut self, _: usize) -> Result<(), Error> {
        Ok(())
    }
}

impl Trigram {
    fn draw(&self, mut context: &[u32], uniform: &mut impl FnMut() -> f64) -> u32 {
        loop {
            if let Some(followers) = self.followers.get(context) {
                // With no shorter context, what <unk> would get is shared out.
                let scale =
                    if context.is_empty() { followers.last().map_or(1.0, |last| last.1) } else { 1.0 };
                let wanted = uniform() * scale;
                let place = followers.partition_point(|&(_, sum)| sum <= wanted);
                if let Some(&(word, _)) = followers.get(place) {
                    return word;
                }
            }
            context = context.get(1..).unwrap_or(&[]);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(text), Some(words)) = (arguments.next(), arguments.next()) else {
        return Err("give a text and a number of words".into());
    };
    let words: u64 = words.parse()?;
    let settings = Settings::new(3);
    let mut corpus = Corpus::new(&settings.temporary)?;
    let mut vocabulary = Vocabulary::new();
    let mut reader = TextReader::new(Path::new(&text), &mut corpus, &mut vocabulary, SpecialWords::Skip);
    for block in papo_data::Blocks::open(&papo_data::Input::new(&text))? {
        reader.text(&block?.text)?;
    }
    reader.finish()?;
    let mut model = Trigram::default();
    estimate(&mut corpus, &vocabulary, &settings, &mut |_| Ok(()), &mut model)?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut uniform = move || {
        // Marsaglia's xorshift, good enough for drawing words.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut out = BufWriter::with_capacity(1 << 18, std::io::stdout().lock());
    let mut written = 0;
    while written < words {
        let mut context = vec![START];
        loop {
            let word = model.draw(&context, &mut uniform);
            if word == END {
                break;
            }
            out.write_all(model.spellings.word(word).unwrap_or_default().as_bytes())?;
            out.write_all(b" ")?;
            written += 1;
            context.push(word);
            if context.len() > 2 {
                context.remove(0);
            }
        }
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}
