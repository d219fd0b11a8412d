//! Talking to a model: what it sees, what it is told, and what happens at the edges.

use std::path::{Path, PathBuf};

use papo::generate::Finish;
use papo::{ChatModel, Conversation, GenerationConfig, LoadOptions, Memory, ModelRef, Speaker};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/checkpoints").join(name)
}

fn tiny(name: &str) -> ChatModel {
    ChatModel::load(fixture(name).to_str().unwrap(), &LoadOptions::default()).unwrap()
}

fn short() -> GenerationConfig {
    GenerationConfig {
        max_new_tokens: Some(8),
        min_length: Some(0),
        num_beams: Some(1),
        ..Default::default()
    }
}

#[test]
#[cfg(feature = "built-in-models")]
fn the_built_in_model_answers_without_any_file() {
    let model = ChatModel::load_default(&LoadOptions::default()).unwrap();
    assert_eq!(model.name(), papo::built_in::default_model().unwrap().name);
    let mut conversation = Conversation::new(&model, Memory::Auto);
    assert!(conversation.remembers(), "it was trained on conversations");
    let reply = conversation.reply("Hi, how are you?", &GenerationConfig::default()).unwrap();
    assert!(!reply.text.is_empty() && reply.text == reply.text.trim());
    assert_eq!((reply.dropped_turns, reply.cut_tokens), (0, 0));
    assert_eq!(conversation.turns().len(), 2);
    assert_eq!(conversation.turns()[1].text, reply.text);
}

#[test]
#[cfg(feature = "built-in-models")]
fn a_reply_repeats_no_earlier_one_where_that_is_asked_for() {
    let model = ChatModel::load("transformer", &LoadOptions::default()).unwrap();
    for beams in [1, 4] {
        let replies = |size: Option<usize>| -> Vec<String> {
            // Without a memory the same turn gets the same reply.
            let mut conversation = Conversation::new(&model, Memory::Off);
            let config = GenerationConfig {
                num_beams: Some(beams),
                reply_no_repeat_ngram_size: size,
                ..Default::default()
            };
            (0..4).map(|_| conversation.reply("I like cake.", &config).unwrap().text).collect()
        };
        let free = replies(None);
        assert!(free.iter().all(|reply| *reply == free[0]), "{free:?}");
        let varied = replies(Some(6));
        assert_eq!(varied[0], free[0]);
        let distinct: std::collections::HashSet<&String> = varied.iter().collect();
        assert_eq!(distinct.len(), varied.len(), "{varied:?}");
    }
}

#[test]
fn a_first_turn_is_read_as_the_course_reads_it() {
    let model = tiny("blenderbot-bin");
    let text = "Hi Chat, how are you?";
    let ids = model.tokenizer().encode(text).unwrap();
    let alone = model.model().generate(&ids, &short()).unwrap();
    for memory in [Memory::On, Memory::Off] {
        let mut conversation = Conversation::new(&model, memory);
        assert_eq!(conversation.reply(text, &short()).unwrap().ids, alone);
    }
}

#[test]
fn memory_shows_earlier_turns_in_blenderbots_format_and_drops_the_oldest() {
    let model = tiny("blenderbot-bin");
    let tokenizer = model.tokenizer();
    let mut conversation = Conversation::new(&model, Memory::Auto);
    let first = conversation.reply("Hi", &short()).unwrap();
    let second = conversation.reply("Yes", &short()).unwrap();
    let decoded = tokenizer.decode(&first.ids, papo::SpecialTokens::Skip).unwrap();
    let seen = tokenizer.encode(&format!(" Hi  {decoded}   Yes")).unwrap();
    assert_eq!(second.source_tokens, seen.len());
    assert_eq!(second.ids, model.model().generate(&seen, &short()).unwrap());

    let limit = model.model().network().max_source_tokens().unwrap();
    let long = "and ".repeat(limit / 2);
    let mut last = None;
    for _ in 0..4 {
        last = Some(conversation.reply(&long, &short()).unwrap());
    }
    let last = last.unwrap();
    assert_eq!(last.source_tokens, limit);
    assert!(last.dropped_turns > 0 && last.dropped_turns < conversation.turns().len() - 1, "{last:?}");
    assert!(last.remarks().iter().any(|remark| remark.contains("earlier turn")), "{:?}", last.remarks());
}

#[test]
fn a_message_longer_than_the_positions_keeps_its_end_and_its_frame() {
    for name in ["blenderbot-bin", "bart-bare"] {
        let model = tiny(name);
        let limit = model.model().network().max_source_tokens().unwrap();
        let whole = model.tokenizer().encode(&"a b c ".repeat(limit)).unwrap();
        let fitted = model.fit(whole.clone());
        assert_eq!((fitted.ids.len(), fitted.cut), (limit, whole.len() - limit), "{name}");
        assert_eq!(fitted.ids.last(), whole.last(), "{name}: the end token stays");
        if name == "bart-bare" {
            assert_eq!(fitted.ids.first(), whole.first(), "{name}: the first token stays");
        }
        let mut conversation = Conversation::new(&model, Memory::Off);
        let reply = conversation.reply(&"a b c ".repeat(limit), &short()).unwrap();
        assert!(reply.remarks().iter().any(|remark| remark.contains("saw only the end")), "{name}");
    }
}

#[test]
fn empty_and_huge_prompts_are_answered() {
    for name in ["blenderbot-bin", "bart-bare", "t5-flan", "marian"] {
        let model = tiny(name);
        let mut conversation = Conversation::new(&model, Memory::Off);
        for text in ["", " ", "\n", &"word ".repeat(2_000), &"x".repeat(5_000)] {
            let reply = conversation.reply(text, &short());
            assert!(reply.is_ok(), "{name}: {:?}", reply.err());
        }
    }
}

#[test]
fn an_answer_never_grows_beyond_the_positions_of_the_decoder() {
    let model = tiny("blenderbot-bin");
    let limit = model.model().network().max_target_tokens().unwrap();
    let config =
        GenerationConfig { max_new_tokens: Some(10 * limit), num_beams: Some(1), ..Default::default() };
    let reply = Conversation::new(&model, Memory::Off).reply("Hi", &config).unwrap();
    assert!(reply.ids.len() <= limit + 1);
}

#[test]
fn what_t5_cannot_carry_is_told_once() {
    let model = tiny("t5-flan");
    let mut conversation = Conversation::new(&model, Memory::Auto);
    assert!(!conversation.remembers());
    let first = conversation.reply("a {b}\tc", &short()).unwrap();
    let note = first.lossy.unwrap();
    assert!(note.spaces && note.unknown.contains(&'{'), "{note:?}");
    let second = conversation.reply("a {b}\tc", &short()).unwrap();
    assert_eq!(second.lossy, None);
    assert!(tiny("bart-bare").tokenizer().lossy_note("a {b}\tc").is_none());
}

#[test]
fn a_conversation_goes_on_where_it_was_saved() {
    let model = tiny("blenderbot-bin");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk.json");
    let mut conversation = Conversation::new(&model, Memory::On);
    conversation.reply("Olá, \"you\"", &short()).unwrap();
    conversation.save(&file).unwrap();
    let mut other = Conversation::new(&model, Memory::On);
    other.load(&file).unwrap();
    assert_eq!(conversation.turns(), other.turns());
    assert_eq!(other.turns()[0].speaker, Speaker::User);
    let replies = [&mut conversation, &mut other].map(|it| it.reply("And?", &short()).unwrap().ids);
    assert_eq!(replies[0], replies[1]);

    std::fs::write(&file, "{\"turns\": 3}").unwrap();
    let before = other.turns().to_vec();
    assert!(other.load(&file).unwrap_err().to_string().contains("not a saved conversation"));
    assert_eq!(other.turns(), before);
    assert!(
        other
            .save(&folder.path().join("no/such/folder.json"))
            .unwrap_err()
            .to_string()
            .contains("cannot write")
    );
}

#[test]
fn a_stop_string_ends_an_answer_at_the_token_that_completes_it() {
    let model = tiny("t5-flan");
    let long = GenerationConfig { max_new_tokens: Some(40), num_beams: Some(1), ..Default::default() };
    let ids = vec![model.tokenizer().encode("the cat").unwrap()];
    let free = model.generate(&ids, &long).unwrap();
    let text = model.tokenizer().decode(&free.sequences[0].tokens, papo::SpecialTokens::Keep).unwrap();
    let stop: String = text.chars().skip(text.chars().count() / 2).take(2).collect();
    let config = GenerationConfig { stop_strings: Some(vec![stop.clone()]), ..long };
    let stopped = model.generate(&ids, &config).unwrap();
    let tokens = &stopped.sequences[0].tokens;
    assert_eq!(stopped.sequences[0].finish, Finish::StopString);
    assert_eq!(tokens[..], free.sequences[0].tokens[..tokens.len()]);
    let text = |count: usize| model.tokenizer().decode(&tokens[1..count], papo::SpecialTokens::Keep).unwrap();
    assert!(text(tokens.len()).contains(&stop) && !text(tokens.len() - 1).contains(&stop));
}

#[test]
fn names_that_are_no_models_are_explained() {
    for (name, said) in [("", "it is empty"), ("./nowhere", "no such folder"), ("a/b/c", "OWNER/NAME")] {
        let error = ModelRef::parse(name).unwrap_err().to_string();
        assert!(error.contains(said), "{name:?}: {error}");
    }
    let empty = tempfile::tempdir().unwrap();
    let error =
        ChatModel::load(empty.path().to_str().unwrap(), &LoadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("it is empty"), "{error}");
}

#[test]
fn the_pieces_of_a_streamed_reply_add_up_to_it_under_every_search() {
    let samples = GenerationConfig {
        do_sample: Some(true),
        num_return_sequences: Some(2),
        seed: Some(4),
        num_beams: Some(1),
        ..Default::default()
    };
    let beams = GenerationConfig { num_beams: Some(4), ..Default::default() };
    let several = GenerationConfig { num_return_sequences: Some(3), do_sample: Some(true), ..beams.clone() };
    for name in ["blenderbot-bin", "bart-bare", "t5-flan", "marian"] {
        let model = tiny(name);
        for config in [short(), samples.clone(), beams.clone(), several.clone()] {
            let config = GenerationConfig { max_new_tokens: Some(20), min_length: Some(0), ..config };
            let mut pieces = Vec::new();
            let mut streamed = Conversation::new(&model, Memory::Off);
            let reply =
                streamed.reply_stream("a b {c}", &config, |piece| pieces.push(piece.to_owned())).unwrap();
            assert_eq!(pieces.concat(), reply.text, "{name} {config:?}");
            let plain = Conversation::new(&model, Memory::Off).reply("a b {c}", &config).unwrap();
            if config.seed.is_some() || config.do_sample != Some(true) {
                assert_eq!(reply.ids, plain.ids, "{name} {config:?}");
            }
        }
    }
}

#[test]
#[cfg(feature = "built-in-models")]
fn beams_speak_before_they_are_done() {
    let model = ChatModel::load_default(&LoadOptions::default()).unwrap();
    let config = GenerationConfig { num_beams: Some(4), ..Default::default() };
    let mut pieces = 0;
    let reply = Conversation::new(&model, Memory::Auto)
        .reply_stream("tell me a joke", &config, |_| pieces += 1)
        .unwrap();
    assert!(pieces > 2, "{pieces} pieces of {:?}", reply.text);
}
