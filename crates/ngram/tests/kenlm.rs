//! Models of KenLM give KenLM's answers: each word's n-gram length and probability, totals and perplexities.
//!
//! The files lie outside of the repository: in `$PAPO_DATA/kenlm`, or where `shared/data` is found above the workspace.
//! Where they are absent, the tests say so and pass.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use papo_ngram::{END, Layout, Model, ModelWriter, State, WriteOptions, read_arpa};

fn data() -> Option<PathBuf> {
    let named = std::env::var_os("PAPO_DATA").map(PathBuf::from);
    let mut places: Vec<PathBuf> = named.into_iter().collect();
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared/data"));
    places.extend(above);
    let found = places.into_iter().map(|place| place.join("kenlm")).find(|place| place.is_dir());
    if found.is_none() {
        println!("skipped: no kenlm folder in $PAPO_DATA or shared/data");
    }
    found
}

fn check(name: &str, layout: Layout) {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.ngram");
    let mut writer = ModelWriter::new(&path, WriteOptions { layout, ..WriteOptions::default() }).unwrap();
    read_arpa(&data.join(format!("{name}.arpa.gz")), &mut writer).unwrap();
    writer.finish().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let model = Model::open(bytes, &path).unwrap();
    model.verify(&path).unwrap();

    let answers =
        BufReader::new(GzDecoder::new(File::open(data.join(format!("{name}.query.txt.gz"))).unwrap()));
    let (mut total, mut total_known, mut tokens, mut oov) = (0.0_f64, 0.0_f64, 0_u64, 0_u64);
    let mut summary = Vec::new();
    for line in answers.lines() {
        let line = line.unwrap();
        let Some((words, sums)) = line.split_once("Total: ") else {
            let value = line.split_once('\t').unwrap().1;
            summary.push(value.parse::<f64>().unwrap());
            continue;
        };
        let (mut state, mut after) = (model.start_state(), State::default());
        let (mut sum, mut unknown) = (0.0_f64, 0);
        for field in words.trim_end_matches('\t').split('\t') {
            let (word, rest) = field.rsplit_once('=').unwrap();
            let mut rest = rest.split(' ').skip(1);
            let matched: usize = rest.next().unwrap().parse().unwrap();
            let log10_p: f32 = rest.next().unwrap().parse().unwrap();
            let id = if word == "</s>" { Some(END) } else { model.id(word) };
            let score = model.score(&state, id.unwrap_or(papo_ngram::UNKNOWN), &mut after);
            assert_eq!(score.matched, matched, "{field} in {line}");
            assert!((score.log10_probability - log10_p).abs() < 1e-5, "{field}: {score:?}");
            state = after;
            sum += f64::from(score.log10_probability);
            match id {
                Some(_) => total_known += f64::from(score.log10_probability),
                None => unknown += 1,
            }
            tokens += 1;
        }
        let (expected, expected_unknown) = sums.split_once(" OOV: ").unwrap();
        assert!((sum - expected.parse::<f64>().unwrap()).abs() < 1e-4, "{sum} instead of {expected}");
        assert_eq!(unknown, expected_unknown.parse::<u64>().unwrap());
        (total, oov) = (total + sum, oov + unknown);
    }
    let perplexity = |sum: f64, tokens: u64| 10_f64.powf(-sum / tokens as f64);
    let [including, excluding, expected_oov, expected_tokens] = summary[..] else { panic!("{summary:?}") };
    assert!((perplexity(total, tokens) / including - 1.0).abs() < 1e-6);
    assert!((perplexity(total_known, tokens - oov) / excluding - 1.0).abs() < 1e-6);
    assert_eq!((oov as f64, tokens as f64), (expected_oov, expected_tokens));
}

#[test]
fn a_trigram_in_a_trie_answers_as_kenlm_does() {
    check("o3", Layout::Trie);
}

#[test]
fn a_trigram_in_hash_tables_answers_as_kenlm_does() {
    check("o3", Layout::Hashed);
}

#[test]
fn a_pruned_five_gram_in_a_trie_answers_as_kenlm_does() {
    check("o5-pruned", Layout::Trie);
}

#[test]
fn a_pruned_five_gram_in_hash_tables_answers_as_kenlm_does() {
    check("o5-pruned", Layout::Hashed);
}
