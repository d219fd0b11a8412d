//! Estimates a model of a text and writes it as an ARPA file: what `lmplz` does, for comparing times and memory.
//!
//! ```text
//! cargo run --release -p papo-ngram --example estimate -- ORDER MEGABYTES TEXT ARPA
//! ```

use std::path::Path;
use std::time::Instant;

use papo_ngram::{ArpaWriter, Corpus, Settings, SpecialWords, Step, TextReader, Vocabulary, estimate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [order, megabytes, text, arpa] = arguments.as_slice() else {
        return Err("give an order, megabytes of memory, a text and an ARPA file".into());
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = megabytes.parse::<usize>()? << 20;
    let settings = Settings { memory, threads, ..Settings::new(order.parse()?) };
    let begin = Instant::now();
    let mut corpus = Corpus::new(&settings.temporary)?;
    let mut vocabulary = Vocabulary::new();
    let mut reader = TextReader::new(Path::new(text), &mut corpus, &mut vocabulary, SpecialWords::Refuse);
    for block in papo_data::Blocks::open(&papo_data::Input::new(text))? {
        reader.text(&block?.text)?;
    }
    reader.finish()?;
    let mut writer = ArpaWriter::create(Path::new(arpa), threads)?;
    let mut last = None;
    let mut observe = |step: Step| {
        if last != Some(step) {
            eprintln!("{:6.2} s  {step:?}", begin.elapsed().as_secs_f64());
            last = Some(step);
        }
        Ok(())
    };
    let summary = estimate(&mut corpus, &vocabulary, &settings, &mut observe, &mut writer)?;
    writer.finish()?;
    eprintln!("{:6.2} s  {:?}", begin.elapsed().as_secs_f64(), summary.counts);
    Ok(())
}
