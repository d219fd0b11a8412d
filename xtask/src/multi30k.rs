//! Multi30k, German to English, as the neural ladder wants it: `xtask multi30k`. Nothing made from it may be shipped.
//!
//! Both sides are lower-cased, as the tutorials of this ladder have it; `test.tsv` is test_2016_flickr. Marks stay where they are:
//! the tokenizer takes them apart, and BLEU is counted on what a reader would see.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;

/// Writes `train.tsv`, `valid.tsv` and `test.tsv` into `out`, German TAB English.
pub fn write(data: &Path, out: &Path) -> Result<()> {
    let folder = data.join("translation/multi30k-de-en");
    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    for (part, name) in [("train", "train"), ("val", "valid"), ("test_2016_flickr", "test")] {
        let german = unpacked(&folder.join(format!("{part}.de.gz")))?;
        let english = unpacked(&folder.join(format!("{part}.en.gz")))?;
        let (german, english): (Vec<_>, Vec<_>) = (german.lines().collect(), english.lines().collect());
        ensure!(
            german.len() == english.len(),
            "{part} has {} German lines and {} English ones",
            german.len(),
            english.len()
        );
        let path = out.join(format!("{name}.tsv"));
        let pairs = german.iter().zip(&english).map(|(german, english)| (plain(german), plain(english)));
        let kept: Vec<String> = pairs
            .filter(|(german, english)| name == "test" || !(german.is_empty() || english.is_empty()))
            .map(|(german, english)| format!("{german}\t{english}\n"))
            .collect();
        fs::write(&path, kept.concat()).with_context(|| format!("{} cannot be written", path.display()))?;
        eprintln!("{}: {} pairs", path.display(), kept.len());
    }
    Ok(())
}

/// Lower case, one space between words.
fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unpacked(path: &Path) -> Result<String> {
    let file = fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut text = String::new();
    GzDecoder::new(file)
        .read_to_string(&mut text)
        .with_context(|| format!("{} is damaged", path.display()))?;
    Ok(text)
}
