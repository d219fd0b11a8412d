//! Tokenizers that Papo trains: they give back every text, come out the same each time, and load like any other.

use papo::tokenizer::{Framing, LetterCase, TokenizerKind, TokenizerTraining, TrainedTokenizer};
use papo::{AutoTokenizer, Error, SpecialTokens, Tokenizer};

const CORPUS: [&str; 4] = [
    "The rain in Spain stays mainly in the plain.\n",
    "In Hartford, Hereford and Hampshire hurricanes hardly happen.\n",
    "Não há chuva na planície: a chuva cai na serra, na serra fria.\n",
    "The plain rain stays; the Spanish rain explains the plainer plains, again and again.\n",
];

fn training(kind: &str) -> TokenizerTraining {
    TokenizerTraining {
        kind: kind.parse().unwrap(),
        letter_case: LetterCase::Keep,
        minimum_count: 1,
        framing: Framing::Plain,
    }
}

fn trained(training: &TokenizerTraining) -> TrainedTokenizer {
    training.train::<Error>(CORPUS.iter().map(|line| Ok((*line).to_owned()))).unwrap()
}

fn loaded(trained: &TrainedTokenizer) -> Tokenizer {
    let folder = tempfile::tempdir().unwrap();
    trained.save(folder.path()).unwrap();
    AutoTokenizer::from_folder(folder.path()).unwrap()
}

#[test]
fn decoding_gives_back_the_text() {
    for kind in ["chars", "bpe:300", "unigram:300"] {
        let tokenizer = loaded(&trained(&training(kind)));
        for text in CORPUS.into_iter().chain(["  the  plains\n\nand rain \n"]) {
            let ids = tokenizer.encode(text).unwrap();
            assert_eq!(tokenizer.decode(&ids, SpecialTokens::Skip).unwrap(), text, "{kind}");
        }
    }
    let words = loaded(&trained(&training("words")));
    let ids = words.encode("The rain\n in  Spain").unwrap();
    assert_eq!(words.decode(&ids, SpecialTokens::Skip).unwrap(), "The rain in Spain");
}

#[test]
fn pieces_spell_what_the_corpus_never_showed_and_words_cannot() {
    let strange = "Zażółć 雨 🌧";
    for kind in ["bpe:300", "unigram:300"] {
        let tokenizer = loaded(&trained(&training(kind)));
        let ids = tokenizer.encode(strange).unwrap();
        assert_eq!(tokenizer.decode(&ids, SpecialTokens::Skip).unwrap(), strange, "{kind}");
    }
    for kind in ["words", "chars"] {
        let tokenizer = loaded(&trained(&training(kind)));
        assert!(tokenizer.encode(strange).unwrap().contains(&0), "{kind}");
    }
}

#[test]
fn the_same_texts_give_the_same_file() {
    for kind in ["words", "chars", "bpe:320", "unigram:320"] {
        let first = trained(&training(kind)).tokenizer.to_string();
        for _ in 0..3 {
            assert_eq!(trained(&training(kind)).tokenizer.to_string(), first, "{kind}");
        }
    }
}

#[test]
fn special_tokens_have_the_ids_of_every_model_of_ours() {
    for kind in ["words", "chars", "bpe:300", "unigram:300"] {
        let made = trained(&training(kind));
        for tokenizer in [loaded(&made), made.ready(std::path::Path::new("memory")).unwrap()] {
            for (id, token) in ["<unk>", "<s>", "</s>", "<pad>"].into_iter().enumerate() {
                assert_eq!(tokenizer.id(token), Some(id as u32), "{kind}");
            }
            assert_eq!(tokenizer.tokens(&[0, 1, 2, 3]), ["<unk>", "<s>", "</s>", "<pad>"], "{kind}");
        }
    }
}

#[test]
fn sizes_are_kept_and_the_pieces_are_worth_their_place() {
    // The unigram trainer may find fewer pieces worth keeping, never more.
    for (kind, sizes) in [("bpe:290", 290..=290), ("unigram:290", 270..=290), ("words:10", 10..=10)] {
        let size = loaded(&trained(&training(kind))).vocab_size();
        assert!(sizes.contains(&size), "{kind}: {size}");
    }
    let tokenizer = loaded(&trained(&training("bpe:290")));
    let text = "the plain rain";
    assert!(tokenizer.encode(text).unwrap().len() <= text.len() / 2);
}

#[test]
fn rare_words_are_cut_off_and_the_commonest_come_first() {
    let tokenizer = loaded(&trained(&TokenizerTraining { minimum_count: 2, ..training("words") }));
    assert_eq!(tokenizer.id("Hartford,"), None);
    // Each occurs three times, more than any other; equals stand in the order of the alphabet.
    assert_eq!(tokenizer.tokens(&[4, 5, 6]), ["na", "rain", "the"]);
    assert!(tokenizer.id("rain").is_some());
}

#[test]
fn a_closed_frame_ends_each_text() {
    let made = trained(&TokenizerTraining { framing: Framing::Closed, ..training("words") });
    let ids = loaded(&made).encode("The rain").unwrap();
    assert_eq!(ids.len(), 3);
    assert_eq!(ids[2], 2);
    // Taken over for another task, the same words get another frame.
    let folder = tempfile::tempdir().unwrap();
    made.save(folder.path()).unwrap();
    let again =
        TokenizerTraining { kind: TokenizerKind::Folder(folder.path().to_owned()), ..training("words") };
    let plain = loaded(&again.train::<Error>([]).unwrap());
    assert_eq!(plain.encode("The rain").unwrap(), ids[..2]);
}

#[test]
fn small_letters_are_made_on_the_way_in() {
    let tokenizer =
        loaded(&trained(&TokenizerTraining { letter_case: LetterCase::Lower, ..training("bpe:300") }));
    let ids = tokenizer.encode("The RAIN").unwrap();
    assert_eq!(tokenizer.decode(&ids, SpecialTokens::Skip).unwrap(), "the rain");
}

#[test]
fn nothing_to_learn_from_is_an_error_that_says_what_to_do() {
    for kind in ["words", "chars", "bpe:300", "unigram:300"] {
        for texts in [vec![], vec![Ok(String::new())]] {
            let error = training(kind).train::<Error>(texts).unwrap_err().to_string();
            assert!(error.contains("no text"), "{kind}: {error}");
        }
    }
    let high = TokenizerTraining { minimum_count: 1000, ..training("words") };
    let error = high.train::<Error>([Ok("a b".to_owned())]).unwrap_err().to_string();
    assert!(error.contains("1000"), "{error}");
}

#[test]
fn one_word_is_enough() {
    for kind in ["words", "chars", "bpe:300", "unigram:300"] {
        let made = training(kind).train::<Error>([Ok("word".to_owned())]).unwrap();
        let tokenizer = loaded(&made);
        let ids = tokenizer.encode("word").unwrap();
        assert_eq!(tokenizer.decode(&ids, SpecialTokens::Skip).unwrap(), "word", "{kind}");
    }
}

#[test]
fn a_word_of_a_million_characters_is_no_obstacle() {
    let text: String = "abcdefgh".chars().cycle().take(1_000_000).collect();
    for kind in ["bpe:300", "unigram:300", "words", "chars"] {
        let texts = [Ok(text.clone()), Ok("a short line".to_owned())];
        let tokenizer = loaded(&training(kind).train::<Error>(texts).unwrap());
        assert!(!tokenizer.encode("a short line").unwrap().is_empty(), "{kind}");
    }
}

#[test]
fn words_with_special_tokens_inside_are_letters_and_whole_ones_are_tokens() {
    let text = "the price is <s>10</s> now </s> <pad>, no </s>";
    for kind in ["words", "chars", "bpe:300", "unigram:300"] {
        let training = TokenizerTraining {
            kind: kind.parse().unwrap(),
            letter_case: LetterCase::Keep,
            minimum_count: 1,
            framing: Framing::Closed,
        };
        let trained = training.train([Ok::<_, papo::Error>(text.repeat(3))]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        trained.save(folder.path()).unwrap();
        // As a training finds it, before there is a network, and as it is left.
        let begun = AutoTokenizer::from_folder(folder.path()).unwrap();
        std::fs::write(folder.path().join("config.json"), r#"{"model_type": "papo_lstm"}"#).unwrap();
        let saved = AutoTokenizer::from_folder(folder.path()).unwrap();
        for tokenizer in [trained.ready(folder.path()).unwrap(), begun, saved] {
            let ids = tokenizer.encode_plain(text).unwrap();
            let special: Vec<u32> = ids.iter().copied().filter(|id| *id < 4).collect();
            assert_eq!(special, [2, 2], "{kind}: {:?}", tokenizer.tokens(&ids));
            assert_eq!(tokenizer.encode(text).unwrap(), [ids.as_slice(), &[2]].concat(), "{kind}");
            let decoded = tokenizer.decode(&ids, SpecialTokens::Keep).unwrap();
            assert_eq!(decoded.replace(' ', ""), text.replace(' ', ""), "{kind}");
            assert_eq!(tokenizer.special_words(text).collect::<Vec<_>>(), ["</s>", "</s>"], "{kind}");
        }
    }
}
