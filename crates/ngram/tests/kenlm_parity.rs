//! Estimation gives what KenLM's `lmplz` gave for the same text, entry by entry.
//!
//! The files are not part of the project: they are looked for in the folder `kenlm` of `$PAPO_DATA`, or of
//! `../shared/data` beside the workspace. Without them the tests print that they are skipped.

mod entry_map;

use std::io::Read;
use std::path::{Path, PathBuf};

use entry_map::{EntryMap, estimated};
use papo_ngram::Settings;

/// log₁₀ units that two estimates may differ by.
const TOLERANCE: f32 = 1e-5;

fn data() -> Option<PathBuf> {
    let root = std::env::var_os("PAPO_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let folder = root.join("kenlm");
    let there = folder.join("train.txt").is_file();
    if !there {
        println!("skipped: {} is not there", folder.display());
    }
    there.then_some(folder)
}

/// An ARPA file that is known to be well formed.
fn parsed(text: &str) -> EntryMap {
    let mut map = EntryMap::default();
    for line in text.lines() {
        if let Some((_, count)) = line.strip_prefix("ngram ").and_then(|rest| rest.split_once('=')) {
            map.counts.push(count.parse().expect("a count"));
        }
        let mut fields = line.split('\t');
        let (Some(probability), Some(words)) = (fields.next(), fields.next()) else { continue };
        let backoff = fields.next().map_or(0.0, |text| text.parse().expect("a back-off"));
        let words = words.split(' ').map(str::to_owned).collect();
        map.entries.insert(words, (probability.parse().expect("a probability"), backoff));
    }
    map
}

fn expected(path: &Path) -> EntryMap {
    let mut text = String::new();
    let packed = std::fs::File::open(path).expect("the ARPA file is there");
    flate2::read::MultiGzDecoder::new(packed).read_to_string(&mut text).expect("it is packed text");
    parsed(&text)
}

fn check(order: usize, prune: &[u64], file: &str) {
    let Some(folder) = data() else { return };
    let text = std::fs::read_to_string(folder.join("train.txt")).expect("readable text");
    let settings = Settings { prune: prune.to_vec(), threads: 2, ..Settings::new(order) };
    let found = estimated(&text, &settings).expect("an estimate");
    let expected = expected(&folder.join(file));
    found.assert_close(&expected, TOLERANCE);
}

#[test]
fn a_trigram_equals_lmplz() {
    check(3, &[], "o3.arpa.gz");
}

#[test]
fn a_pruned_model_of_order_five_equals_lmplz() {
    check(5, &[0, 0, 1, 1, 2], "o5-pruned.arpa.gz");
}
