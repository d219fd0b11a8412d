//! What is replied, and how likely each token is.

mod conversations;

use conversations::{Conversation, Dice, conversations, index, source, turn};
use papo_generate::{GenerationConfig, LanguageModel, Room, TokenId, generate};
use papo_retrieval::{END, Error, IndexBuilder, PAD, Retriever, START, Settings};

fn retriever(stored: &[Conversation]) -> Retriever {
    Retriever::new(index(stored), Settings::default()).unwrap()
}

/// The probabilities of all tokens behind `said`.
fn next(retriever: &Retriever, source: &[TokenId], said: &[TokenId]) -> Vec<f32> {
    let mut state = retriever.start(&[source.to_vec()], Room { rows: 1, steps: said.len() + 1 }).unwrap();
    let mut logits = vec![0.0; retriever.vocab_size()];
    for token in [START].iter().chain(said) {
        retriever.step(&mut state, &[*token], &mut logits).unwrap();
    }
    logits.into_iter().map(f32::exp).collect()
}

fn options() -> GenerationConfig {
    GenerationConfig {
        decoder_start_token_id: Some(START),
        eos_token_id: Some(vec![END]),
        max_new_tokens: Some(20),
        ..GenerationConfig::default()
    }
}

/// What is generated for a source, without the tokens around it.
fn replies(retriever: &Retriever, source: &[TokenId], options: &GenerationConfig) -> Vec<Vec<TokenId>> {
    let generated = generate(retriever, &[source.to_vec()], options).unwrap();
    let inside = |tokens: &[TokenId]| tokens[1..].iter().copied().take_while(|token| *token != END).collect();
    generated.sequences.iter().map(|sequence| inside(&sequence.tokens)).collect()
}

/// Two who have nothing in common.
fn pair() -> Vec<Conversation> {
    vec![vec![vec![4, 5], vec![10, 11, 12]], vec![vec![6, 7], vec![10, 13]]]
}

#[test]
fn greedy_decoding_gives_the_nearest_reply() {
    let retriever = retriever(&pair());
    assert_eq!(replies(&retriever, &source(&[vec![4]]), &options()), [[10, 11, 12]]);
    assert_eq!(replies(&retriever, &source(&[vec![4], vec![6, 9]]), &options()), [[10, 13]]);
}

#[test]
fn a_far_nearest_neighbour_is_followed_to_the_end() {
    let mut followed = 0;
    for seed in 0..200 {
        let mut dice = Dice::new(seed);
        let retriever = retriever(&conversations(&mut dice, 20));
        let asked = source(&[turn(&mut dice), turn(&mut dice)]);
        let nearest = retriever.nearest(&asked, 2);
        // Others at a distance of 0.15 weigh e^(-7.5) each, and all of them far less than the nearest.
        if nearest[0].score - nearest[1].score > 0.15 {
            let reply = retriever.index().reply(nearest[0].exchange);
            assert_eq!(replies(&retriever, &asked, &options()), [reply], "seed {seed}");
            followed += 1;
        }
    }
    assert!(followed > 20, "{followed} of the cases were cases");
}

#[test]
fn beams_give_other_replies_and_a_ban_gives_the_next_one() {
    let retriever = retriever(&pair());
    let mut beams = options();
    beams.set("num_beams", "2").unwrap();
    beams.set("num_return_sequences", "2").unwrap();
    assert_eq!(replies(&retriever, &source(&[vec![4]]), &beams), [vec![10, 11, 12], vec![10, 13]]);
    let banned = GenerationConfig { bad_words_ids: Some(vec![vec![11]]), ..options() };
    assert_eq!(replies(&retriever, &source(&[vec![4]]), &banned), [[10, 13]]);
}

#[test]
fn what_nobody_began_so_ends_soon() {
    let mut stored = pair();
    stored.push(vec![vec![8], vec![9]]);
    let retriever = retriever(&stored);
    let p = next(&retriever, &source(&[vec![4]]), &[13]);
    let likeliest = (0..p.len()).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap();
    assert_eq!(likeliest, END as usize);
}

#[test]
fn the_probabilities_are_those_of_the_formula() {
    let retriever = retriever(&pair());
    let b = Settings::default().back_off;
    // 5 tokens stand in the replies, 2 ends and 26 kinds that can be said.
    let bare = |count: f32| (count + 1.0) / (5.0 + 2.0 + 26.0);
    let p = next(&retriever, &source(&[vec![4]]), &[10]);
    let near = |p: f32, expected: f32| assert!((p - expected).abs() < 1e-6, "{p} and not {expected}");
    near(p[11], 1.0 - b + b * (1.0 - b) / 2.0 + b * b * bare(1.0));
    near(p[13], b * (1.0 - b) / 2.0 + b * b * bare(1.0));
    near(p[END as usize], b * b * bare(2.0));
    near(p[20], b * b * bare(0.0));
    let p = next(&retriever, &source(&[vec![4]]), &[11, 11]);
    near(p[10], bare(2.0));
    assert_eq!((p[START as usize], p[PAD as usize]), (0.0, 0.0));
}

#[test]
fn probabilities_add_up_to_one_whatever_was_said() {
    for seed in 0..30 {
        let mut dice = Dice::new(seed);
        let stored = conversations(&mut dice, 12);
        let retriever = retriever(&stored);
        let asked = source(&[turn(&mut dice), turn(&mut dice)]);
        let said = if seed % 2 == 0 { turn(&mut dice) } else { stored[0][1].clone() };
        for length in 0..=said.len() {
            let sum: f32 = next(&retriever, &asked, &said[..length]).iter().sum();
            assert!((sum - 1.0).abs() < 1e-4, "seed {seed}: {sum}");
        }
    }
}

#[test]
fn rows_of_a_batch_go_on_as_they_would_alone() {
    let mut dice = Dice::new(9);
    let retriever = retriever(&conversations(&mut dice, 30));
    let sources: Vec<Vec<TokenId>> = (0..7).map(|_| source(&[turn(&mut dice), turn(&mut dice)])).collect();
    for beams in ["1", "3"] {
        let mut options = options();
        options.set("num_beams", beams).unwrap();
        let together = generate(&retriever, &sources, &options).unwrap();
        for (source, sequence) in sources.iter().zip(together.sequences) {
            let alone = generate(&retriever, std::slice::from_ref(source), &options).unwrap();
            assert_eq!(alone.sequences[0].tokens, sequence.tokens);
        }
    }
}

#[test]
fn what_shares_no_word_is_answered_as_if_nothing_had_been_said() {
    let retriever = retriever(&pair());
    let p = next(&retriever, &[], &[10]);
    assert!((p[11] - p[13]).abs() < 1e-6, "{} and {}", p[11], p[13]);
    assert_eq!(p, next(&retriever, &source(&[vec![20], vec![21, 99]]), &[10]));
}

#[test]
fn only_targets_are_replied_and_only_what_is_before_them_is_looked_at() {
    let mut builder = IndexBuilder::new(conversations::pieces());
    builder.add(&[vec![4], vec![5], vec![6], vec![7]], &[true, false, true, false]);
    builder.add(&[vec![8], vec![9]], &[false, false]);
    let index = builder.finish().unwrap();
    assert_eq!((index.exchanges(), index.turns(), index.words()), (1, 2, 2));
    assert_eq!(index.reply(0), [6]);
    assert!(matches!(IndexBuilder::new(conversations::pieces()).finish(), Err(Error::Empty)));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for (settings, name) in [
        (Settings { context_turns: 0, ..Settings::default() }, "context_turns"),
        (Settings { earlier_weight: 1.5, ..Settings::default() }, "earlier_weight"),
        (Settings { temperature: f32::NAN, ..Settings::default() }, "temperature"),
        (Settings { back_off: 0.0, ..Settings::default() }, "back_off"),
    ] {
        let sentence = Retriever::new(index(&pair()), settings).unwrap_err().to_string();
        assert!(sentence.starts_with(name) && sentence.ends_with("correct it"), "{sentence}");
    }
}
