//! What decoding promises, whatever the model.

mod toy;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use papo_generate::{
    EarlyStopping, Error, Finish, Generated, GenerationConfig, Hooks, LanguageModel, ModelError, Room,
    TokenId, generate, generate_with,
};
use toy::Toy;

fn config() -> GenerationConfig {
    GenerationConfig {
        decoder_start_token_id: Some(1),
        eos_token_id: Some(vec![2]),
        max_length: Some(12),
        ..Default::default()
    }
}

fn sources(count: u32) -> Vec<Vec<TokenId>> {
    (0..count).map(|source| (0..=source % 4).map(|i| 3 + source + i).collect()).collect()
}

fn run(config: &GenerationConfig, sources: &[Vec<TokenId>]) -> Generated {
    generate(&Toy::new(40, 11), sources, config).unwrap()
}

#[test]
fn a_batch_gives_what_its_sources_give_alone() {
    let sampled =
        GenerationConfig { do_sample: Some(true), num_return_sequences: Some(3), seed: Some(5), ..config() };
    let beams = GenerationConfig { num_beams: Some(4), num_return_sequences: Some(2), ..config() };
    let beam_sampled = GenerationConfig { do_sample: Some(true), seed: Some(6), ..beams.clone() };
    for config in [config(), sampled, beams, beam_sampled] {
        let batch = run(&config, &sources(9)).sequences;
        let alone: Vec<_> = sources(9)
            .iter()
            .flat_map(|source| run(&config, std::slice::from_ref(source)).sequences)
            .collect();
        assert_eq!(batch, alone);
    }
}

#[test]
fn the_best_of_n_come_first() {
    let config = GenerationConfig { num_beams: Some(6), num_return_sequences: Some(6), ..config() };
    for answers in run(&config, &sources(8)).sequences.chunks(6) {
        assert!(answers.is_sorted_by(|a, b| a.score >= b.score));
        let distinct: BTreeSet<_> = answers.iter().map(|answer| &answer.tokens).collect();
        assert_eq!(distinct.len(), 6);
    }
}

/// Every sequence up to a length, with its log-probability.
fn all(toy: &Toy, source: &[TokenId], most: usize) -> Vec<(f32, Vec<TokenId>)> {
    let mut open = vec![(0.0, vec![1])];
    let mut closed = Vec::new();
    while let Some((score, tokens)) = open.pop() {
        let hash = tokens.iter().fold(toy.begin(source), |hash, &token| toy.follow(hash, token));
        let mut row = vec![0.0; toy.vocabulary];
        toy.logits(hash, &mut row);
        papo_kernels::Kernels::best().log_softmax(&mut row);
        for (token, log_probability) in row.iter().enumerate() {
            let longer = [&tokens[..], &[token as TokenId]].concat();
            let ends = token == 2 || longer.len() == most;
            (if ends { &mut closed } else { &mut open }).push((score + log_probability, longer));
        }
    }
    closed
}

#[test]
fn a_beam_as_wide_as_everything_finds_the_best_of_all() {
    let toy = Toy::new(5, 3);
    let config = GenerationConfig {
        num_beams: Some(400),
        length_penalty: Some(0.0),
        early_stopping: Some(EarlyStopping::Never),
        max_length: Some(5),
        ..config()
    };
    for source in sources(6) {
        let found = generate(&toy, std::slice::from_ref(&source), &config).unwrap().sequences.remove(0);
        let best = all(&toy, &source, 5).into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        assert_eq!(found.tokens, best.1);
        assert!((found.score.unwrap() - best.0).abs() < 1e-5);
    }
}

#[test]
fn forced_and_banned_tokens_are_obeyed() {
    let config = GenerationConfig {
        forced_bos_token_id: Some(7),
        forced_eos_token_id: Some(vec![2]),
        min_length: Some(12),
        suppress_tokens: Some((10..40).collect()),
        ..config()
    };
    let beams = GenerationConfig { num_beams: Some(3), ..config.clone() };
    for config in [config, beams] {
        for answer in run(&config, &sources(5)).sequences {
            assert_eq!((answer.tokens.len(), answer.tokens[1], answer.tokens[11]), (12, 7, 2));
            assert!(answer.tokens.iter().all(|&token| token < 10));
            assert_eq!(answer.finish, Finish::EndToken);
        }
    }
}

#[test]
fn nothing_set_means_twenty_new_tokens() {
    let config = GenerationConfig { max_length: None, eos_token_id: None, ..config() };
    let generated = run(&config, &sources(2));
    assert!(
        generated.sequences.iter().all(|answer| answer.tokens.len() == 21 && answer.finish == Finish::Length)
    );
    assert_eq!((generated.new_tokens, generated.steps), (40, 20));
    let short = Toy { max_positions: Some(16), ..Toy::new(40, 11) };
    let generated = generate(&short, &sources(1), &config).unwrap();
    assert_eq!(generated.sequences[0].tokens.len(), 16);
    let asked = GenerationConfig { max_new_tokens: Some(500), ..config };
    let generated = generate(&short, &sources(1), &asked).unwrap();
    assert_eq!((generated.sequences[0].tokens.len(), generated.steps), (17, 16));
}

#[test]
fn a_seed_repeats_and_another_does_not() {
    let seeded =
        |seed| GenerationConfig { do_sample: Some(true), seed: Some(seed), top_k: Some(0), ..config() };
    let tokens = |config: &GenerationConfig| -> Vec<_> {
        run(config, &sources(5)).sequences.into_iter().map(|answer| answer.tokens).collect()
    };
    assert_eq!(tokens(&seeded(1)), tokens(&seeded(1)));
    assert_ne!(tokens(&seeded(1)), tokens(&seeded(2)));
    let unseeded = GenerationConfig { seed: None, ..seeded(1) };
    assert_ne!(tokens(&unseeded), tokens(&unseeded));
}

#[test]
fn samples_come_as_often_as_they_are_likely() {
    let config = GenerationConfig {
        do_sample: Some(true),
        num_return_sequences: Some(4000),
        max_new_tokens: Some(1),
        seed: Some(9),
        ..config()
    };
    let (toy, source) = (Toy { levels: 4, ..Toy::new(6, 4) }, vec![3]);
    let generated = generate(&toy, std::slice::from_ref(&source), &config).unwrap();
    let mut row = vec![0.0; 6];
    toy.logits(toy.follow(toy.begin(&source), 1), &mut row);
    papo_kernels::Kernels::best().softmax(&mut row);
    for (token, p) in row.iter().enumerate() {
        let count = generated.sequences.iter().filter(|answer| answer.tokens[1] == token as TokenId).count();
        assert!((count as f32 - 4000.0 * p).abs() < 150.0, "token {token}: {count} of 4000, probability {p}");
    }
}

#[test]
fn a_temperature_near_zero_is_greedy() {
    let cold = GenerationConfig { do_sample: Some(true), temperature: Some(1e-4), ..config() };
    let tokens = |generated: Generated| generated.sequences.into_iter().map(|s| s.tokens).collect::<Vec<_>>();
    assert_eq!(tokens(run(&cold, &sources(6))), tokens(run(&config(), &sources(6))));
}

#[test]
fn tokens_are_reported_as_they_are_chosen() {
    let mut heard = vec![vec![1]; 6];
    let mut listen = |event: &papo_generate::TokenEvent| {
        assert_eq!((event.source, event.step), (event.row, heard[event.row].len() - 1));
        heard[event.row].push(event.token);
        ControlFlow::Continue(())
    };
    let hooks = Hooks::default().on_token(&mut listen);
    let generated = generate_with(&Toy::new(40, 11), &sources(6), &config(), hooks).unwrap();
    assert_eq!(heard, generated.sequences.into_iter().map(|answer| answer.tokens).collect::<Vec<_>>());
}

#[test]
fn what_all_live_beams_agree_on_is_the_beginning_of_the_answer() {
    for (seed, beams) in [(11, 2), (12, 3), (13, 5)] {
        let config =
            GenerationConfig { num_beams: Some(beams), num_return_sequences: Some(beams), ..config() };
        let mut certain = vec![vec![]; 7];
        let mut grew = 0;
        let mut on_step = |event: &papo_generate::StepEvent<'_>| {
            let now = event.best[..event.agreed].to_vec();
            assert!(now.starts_with(&certain[event.source]), "what was certain stays so");
            grew += usize::from(now.len() > certain[event.source].len().max(1));
            certain[event.source] = now;
            ControlFlow::Continue(())
        };
        let hooks = Hooks::default().on_step(&mut on_step);
        let generated = generate_with(&Toy::new(40, seed), &sources(7), &config, hooks).unwrap();
        for (answers, certain) in generated.sequences.chunks(beams).zip(&certain) {
            for answer in answers {
                assert!(answer.tokens.starts_with(certain), "{answer:?} {certain:?}");
            }
        }
        assert!(grew > 0, "some tokens are certain before the end");
    }
}

#[test]
fn an_interrupt_ends_after_the_step() {
    for beams in [1, 3] {
        let config = GenerationConfig { num_beams: Some(beams), min_length: Some(12), ..config() };
        let flag = AtomicBool::new(true);
        let hooks = Hooks::default().interrupt(&flag);
        let generated = generate_with(&Toy::new(40, 11), &sources(3), &config, hooks).unwrap();
        for answer in &generated.sequences {
            assert_eq!((answer.tokens.len(), answer.finish), (2, Finish::Interrupted));
        }
        flag.store(false, Ordering::Relaxed);
        let (mut tokens, mut steps) = (0, 0);
        let mut third_token = |_: &papo_generate::TokenEvent| {
            tokens += 1;
            if tokens == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut third_step = |_: &papo_generate::StepEvent<'_>| {
            steps += 1;
            if steps == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let hooks = Hooks::default().on_token(&mut third_token).on_step(&mut third_step).interrupt(&flag);
        let generated = generate_with(&Toy::new(40, 11), &sources(1), &config, hooks).unwrap();
        let length = if beams == 1 { 4 } else { 5 };
        assert_eq!(
            (generated.sequences[0].tokens.len(), generated.sequences[0].finish),
            (length, Finish::Interrupted)
        );
    }
}

/// A toy that takes its time.
struct Slow(Toy);

impl LanguageModel for Slow {
    type State = Vec<u64>;
    fn vocab_size(&self) -> usize {
        self.0.vocab_size()
    }
    fn start(&self, sources: &[Vec<TokenId>], room: Room) -> Result<Vec<u64>, ModelError> {
        self.0.start(sources, room)
    }
    fn step(&self, state: &mut Vec<u64>, last: &[TokenId], logits: &mut [f32]) -> Result<(), ModelError> {
        std::thread::sleep(Duration::from_millis(20));
        self.0.step(state, last, logits)
    }
    fn select(&self, state: &mut Vec<u64>, rows: &[usize]) {
        self.0.select(state, rows);
    }
}

#[test]
fn a_time_limit_ends_with_what_there_is() {
    for beams in [1, 2] {
        let config = GenerationConfig {
            max_time: Some(0.05),
            max_new_tokens: Some(1000),
            num_beams: Some(beams),
            eos_token_id: None,
            ..config()
        };
        let generated = generate(&Slow(Toy::new(40, 11)), &sources(2), &config).unwrap();
        assert!(generated.steps < 20, "{} steps", generated.steps);
        assert!(
            generated.sequences.iter().all(|answer| answer.finish == Finish::Time && answer.tokens.len() > 1)
        );
        assert!(
            generated.first_token_time > Duration::ZERO && generated.first_token_time <= generated.total_time
        );
    }
}

#[test]
fn text_ends_where_its_reader_says() {
    let stop = |tokens: &[TokenId]| tokens.last().is_some_and(|token| token % 5 == 0);
    let config = GenerationConfig { stop_strings: Some(vec!["stop".to_owned()]), ..config() };
    for beams in [1, 3] {
        let config = GenerationConfig { num_beams: Some(beams), ..config.clone() };
        let hooks = Hooks::default().stop_when(&stop);
        let generated = generate_with(&Toy::new(40, 11), &sources(8), &config, hooks).unwrap();
        let stopped = generated.sequences.iter().filter(|answer| answer.finish == Finish::StopString);
        for answer in stopped.clone() {
            let places: Vec<_> = answer.tokens.iter().map(|token| token % 5 == 0).collect();
            assert_eq!(places.iter().position(|&stop| stop), Some(answer.tokens.len() - 1));
        }
        assert!(stopped.count() > 2);
    }
    let refused = generate(&Toy::new(40, 11), &sources(1), &config);
    assert!(matches!(refused, Err(Error::StopStringsNeedText)));
}

#[test]
fn a_prompt_is_what_would_have_been_said() {
    for beams in [1, 3] {
        let config = GenerationConfig { num_beams: Some(beams), ..config() };
        let free =
            run(&GenerationConfig { num_beams: Some(1), ..config.clone() }, &sources(1)).sequences.remove(0);
        // With or without the start token in front.
        for prompt in [&free.tokens[..4], &free.tokens[1..4]] {
            let hooks = Hooks::default().prompt(prompt);
            let prompted = generate_with(&Toy::new(40, 11), &sources(1), &config, hooks).unwrap();
            assert_eq!(prompted.sequences[0].tokens[..4], free.tokens[..4]);
            if beams == 1 {
                assert_eq!(prompted.sequences[0], free);
                assert_eq!(prompted.new_tokens, free.tokens.len() - 4);
            }
        }
    }
}

#[test]
fn only_allowed_tokens_are_said() {
    let allow = |source: usize, tokens: &[TokenId]| {
        vec![20 + source as TokenId, 30 + tokens.len() as TokenId % 5, 99]
    };
    for beams in [1, 2] {
        let config = GenerationConfig { num_beams: Some(beams), ..config() };
        let hooks = Hooks::default().allowed_tokens(&allow);
        let generated = generate_with(&Toy::new(40, 11), &sources(3), &config, hooks).unwrap();
        for (source, answer) in generated.sequences.iter().enumerate() {
            for length in 1..answer.tokens.len() {
                assert!(allow(source, &answer.tokens[..length]).contains(&answer.tokens[length]));
            }
        }
        let nothing = |_: usize, _: &[TokenId]| vec![99];
        let refused =
            generate_with(&Toy::new(40, 11), &sources(1), &config, Hooks::default().allowed_tokens(&nothing));
        assert!(matches!(refused, Err(Error::NothingAllowed { source_index: 0, length: 1 })));
    }
}

/// Logits that are all the same.
struct Constant(f32);

impl LanguageModel for Constant {
    type State = ();
    fn vocab_size(&self) -> usize {
        7
    }
    fn start(&self, _: &[Vec<TokenId>], _: Room) -> Result<(), ModelError> {
        Ok(())
    }
    fn step(&self, _: &mut (), _: &[TokenId], logits: &mut [f32]) -> Result<(), ModelError> {
        logits.fill(self.0);
        Ok(())
    }
    fn select(&self, _: &mut (), _: &[usize]) {}
}

#[test]
fn impossible_numbers_are_said_to_be_so() {
    for beams in [1, 3] {
        for do_sample in [false, true] {
            let config = GenerationConfig { num_beams: Some(beams), do_sample: Some(do_sample), ..config() };
            let refused = generate(&Constant(f32::NAN), &sources(1), &config);
            assert!(matches!(refused, Err(Error::NotNumbers { source_index: 0, length: 1 })), "{refused:?}");
            let mended = GenerationConfig { remove_invalid_values: Some(true), ..config.clone() };
            assert!(generate(&Constant(f32::NAN), &sources(1), &mended).is_ok());
            let banned = GenerationConfig { suppress_tokens: Some((0..7).collect()), ..config };
            let refused = generate(&Constant(1.0), &sources(1), &banned);
            // Without sampling the reference takes the first token, or no beam ever finishes.
            assert_eq!(matches!(refused, Err(Error::NothingLeft { .. })), do_sample, "{refused:?}");
        }
    }
}

#[test]
fn a_model_that_fails_speaks_for_itself() {
    struct Broken;
    impl LanguageModel for Broken {
        type State = ();
        fn vocab_size(&self) -> usize {
            3
        }
        fn start(&self, _: &[Vec<TokenId>], _: Room) -> Result<(), ModelError> {
            Err("the source is empty; say something".into())
        }
        fn step(&self, _: &mut (), _: &[TokenId], _: &mut [f32]) -> Result<(), ModelError> {
            unreachable!()
        }
        fn select(&self, _: &mut (), _: &[usize]) {}
    }
    let message = generate(&Broken, &sources(1), &config()).unwrap_err().to_string();
    assert_eq!(message, "the source is empty; say something");
}

#[test]
fn no_sources_give_no_answers() {
    assert_eq!(run(&config(), &[]).sequences, []);
}
