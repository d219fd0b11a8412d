//! n-gram models behind the library's front door: a bare ARPA file, a bare `model.ngram`, and a folder give the same model.

use std::path::Path;

use papo::eval::{EvaluationOptions, evaluate};
use papo::network::Kind;
use papo::tokenizer::LetterCase;
use papo::{ChatModel, GenerationConfig, LoadOptions};
use papo_data::{DataFile, Reading};
use papo_ngram::{ModelWriter, WriteOptions, read_arpa};

fn arpa() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ngram/tests/small.arpa")
}

fn load(path: &Path) -> ChatModel {
    ChatModel::load(path.to_str().unwrap(), &LoadOptions::default()).unwrap()
}

#[test]
fn an_arpa_file_and_its_binary_continue_a_text_alike() {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("small.ngram");
    let mut writer = ModelWriter::new(&binary, WriteOptions::default()).unwrap();
    read_arpa(&arpa(), &mut writer).unwrap();
    writer.finish().unwrap();
    for model in [load(&arpa()), load(&binary)] {
        assert_eq!(model.model().kind(), Kind::Causal);
        let ids = model.tokenizer().encode("a b").unwrap();
        let greedy = GenerationConfig { do_sample: Some(false), ..GenerationConfig::default() };
        let generated = model.generate(&[ids], &greedy).unwrap();
        assert_eq!(model.tokenizer().tokens(&generated.sequences[0].tokens), ["<s>", "c", "</s>"]);
    }
}

#[test]
fn a_text_is_measured_with_the_unknown_words_that_the_model_prices() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.txt");
    std::fs::write(&text, "a b\nnowhere\n").unwrap();
    let options = EvaluationOptions {
        unit: None,
        reading: Reading::default(),
        batch: 1,
        limit: usize::MAX,
        case: LetterCase::Keep,
        config: GenerationConfig::default(),
    };
    let found = evaluate(&load(&arpa()), &[DataFile::new(&text)], &options, None, &|_| {}).unwrap();
    // <s> a, <s> a b, then </s> after "b"; <unk> and </s> after their back-offs.
    let half = 0.5f64.log10();
    let first = half - 0.2218487 + half - 1.0;
    let second = -0.2632414 - 1.30103 - 0.0299632 - 0.8239087;
    let likelihood = found.likelihood;
    assert!((likelihood.log_prob_base10() - (first + second)).abs() < 1e-5, "{likelihood:?}");
    assert_eq!((likelihood.tokens, likelihood.oov), (5, 1));
}
