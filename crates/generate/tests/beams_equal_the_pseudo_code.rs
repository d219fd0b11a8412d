//! The fast beam search against a slow one: the reference's steps written out over plain vectors, whole sequences copied
//! everywhere, every sum in f32. Thousands of random toys and options, ties included.

mod toy;

use papo_generate::{
    EarlyStopping, GenerationConfig, Hooks, TokenId, generate, generate_with, largest, process_scores,
};
use toy::{Toy, mix};

/// A sequence and its score.
type Scored = (f32, Vec<TokenId>);

fn log_softmax(row: &mut [f32]) {
    papo_kernels::Kernels::best().log_softmax(row);
}

/// The search for one source, with prompt length 1.
fn slow(
    toy: &Toy,
    source: &[TokenId],
    config: &GenerationConfig,
    stop: &dyn Fn(&[TokenId]) -> bool,
) -> Vec<Scored> {
    let beams = config.num_beams.unwrap();
    let ends = config.eos_token_id.clone().unwrap();
    let most = config.max_length.unwrap();
    let penalty = config.length_penalty.unwrap();
    let early = config.early_stopping.unwrap();
    let start = vec![config.decoder_start_token_id.unwrap()];
    let keep = beams * (1 + ends.len()).max(2);

    let mut run: Vec<Scored> =
        (0..beams).map(|beam| (if beam == 0 { 0.0 } else { -1e9 }, start.clone())).collect();
    let mut finished: Vec<Scored> = vec![(-1e9, start.clone()); beams];
    let mut done = vec![false; beams];
    let mut open = true;
    let mut length = 1;
    loop {
        // c = processors(log_softmax(logits)) + run[:, None]
        let (mut all, mut sequences) = (Vec::new(), Vec::new());
        for (score, tokens) in &run {
            let hash = tokens.iter().fold(toy.begin(source), |hash, &token| toy.follow(hash, token));
            let mut row = vec![0.0; toy.vocabulary];
            toy.logits(hash, &mut row);
            log_softmax(&mut row);
            process_scores(config, source, tokens, &mut row).unwrap();
            for (token, log_probability) in row.iter().enumerate() {
                all.push(log_probability + score);
                sequences.push([&tokens[..], &[token as TokenId]].concat());
            }
        }
        let kept = largest(&all, keep);
        let top_scores: Vec<f32> = kept.iter().map(|&index| all[index]).collect();
        let top_sequences: Vec<Vec<TokenId>> = kept.iter().map(|&index| sequences[index].clone()).collect();
        let hit: Vec<bool> = top_sequences
            .iter()
            .map(|tokens| ends.contains(tokens.last().unwrap()) || length + 1 >= most || stop(tokens))
            .collect();

        // run = topB(top − 1e9·hit)
        let running: Vec<f32> = top_scores
            .iter()
            .zip(&hit)
            .map(|(score, &hit)| score + f32::from(u8::from(hit)) * -1e9)
            .collect();
        run = largest(&running, beams).into_iter().map(|i| (running[i], top_sequences[i].clone())).collect();

        // f = top / (length + 1 − P)^penalty, and never what does not count
        let divisor = (length as f64).powf(penalty) as f32;
        let full = early == EarlyStopping::First && done.iter().all(|&done| done);
        let just = |rank: usize| hit[rank] && rank < beams;
        let mut merged: Vec<f32> = finished.iter().map(|(score, _)| *score).collect();
        for (rank, score) in top_scores.iter().enumerate() {
            let mut score = score / divisor;
            score += f32::from(u8::from(full)) * -1e9;
            score += f32::from(u8::from(!open)) * -1e9;
            score += f32::from(u8::from(!just(rank))) * -1e9;
            merged.push(score);
        }
        let best = largest(&merged, beams);
        let place = |&i: &usize| match i.checked_sub(beams) {
            None => finished[i].1.clone(),
            Some(rank) => top_sequences[rank].clone(),
        };
        let next_finished = best.iter().map(|i| (merged[*i], place(i))).collect();
        done = best.iter().map(|&i| i.checked_sub(beams).map_or_else(|| done[i], just)).collect();
        finished = next_finished;

        length += 1;
        let hoped = if early == EarlyStopping::Never && penalty > 0.0 { most - 1 } else { length - 1 };
        let possible = run[0].0 / (hoped as f64).powf(penalty) as f32;
        let worst = finished.iter().map(|(score, _)| *score).fold(f32::INFINITY, f32::min);
        open &= done.iter().any(|&done| possible > if done { worst } else { -1e9 });
        let enough = early == EarlyStopping::First && done.iter().all(|&done| done);
        if !open || enough || hit.iter().all(|&hit| hit) {
            return finished;
        }
    }
}

/// Random numbers from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = mix(self.0, 1);
        self.0 % n
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize].clone()
    }
}

fn case(dice: &mut Dice) -> (Toy, Vec<Vec<TokenId>>, GenerationConfig) {
    let vocabulary = dice.pick(&[5, 5, 7, 9, 9, 12, 30, 150]);
    let mut toy = Toy::new(vocabulary, dice.below(1 << 40));
    toy.levels = dice.pick(&[4, 50, 8009, 8009]);
    let beams = 2 + dice.below(5) as usize;
    let mut config = GenerationConfig {
        num_beams: Some(beams),
        num_return_sequences: Some(1 + dice.below(beams as u64) as usize),
        max_length: Some(2 + dice.below(11) as usize),
        length_penalty: Some(dice.pick(&[0.0, 0.5, 0.65, 1.0, 2.0, -1.0])),
        early_stopping: Some(dice.pick(&[
            EarlyStopping::First,
            EarlyStopping::Heuristic,
            EarlyStopping::Never,
        ])),
        decoder_start_token_id: Some(1),
        eos_token_id: Some(dice.pick(&[vec![2], vec![2], vec![2, 3], vec![]])),
        ..Default::default()
    };
    match dice.below(6) {
        0 => config.no_repeat_ngram_size = Some(2),
        1 => config.encoder_no_repeat_ngram_size = Some(1 + dice.below(2) as usize),
        2 => config.repetition_penalty = Some(1.5),
        3 => config.min_length = Some(5),
        4 => (config.forced_bos_token_id, config.forced_eos_token_id) = (Some(4), Some(vec![2])),
        _ => {}
    }
    let mut source = || (0..1 + dice.below(4)).map(|_| dice.below(vocabulary as u64) as TokenId).collect();
    let sources = (0..3).map(|_| source()).collect();
    (toy, sources, config)
}

#[test]
fn the_fast_search_finds_what_the_slow_one_finds() {
    let mut dice = Dice(1);
    for number in 0..1200 {
        let (toy, sources, config) = case(&mut dice);
        let stops = number % 5 == 0;
        let stop = |tokens: &[TokenId]| stops && tokens.len() > 3 && tokens.iter().sum::<TokenId>() % 11 == 0;
        let generated = generate_with(&toy, &sources, &config, Hooks::default().stop_when(&stop)).unwrap();
        let expected = sources.iter().flat_map(|source| {
            slow(&toy, source, &config, &stop).into_iter().take(config.num_return_sequences.unwrap())
        });
        for (found, (score, tokens)) in generated.sequences.iter().zip(expected) {
            // Places that never finished hold the prompt or, in the slow search, anything.
            if score > -1e8 {
                assert_eq!(
                    (found.score, &found.tokens),
                    (Some(score), &tokens),
                    "case {number}: {toy:?} {config:?}"
                );
            } else {
                assert!(found.score.is_some_and(|found| found <= -1e8), "case {number}");
            }
        }
    }
}

#[test]
fn a_slow_search_with_one_beam_is_greedy_search() {
    let mut dice = Dice(2);
    for number in 0..300 {
        let (mut toy, sources, mut config) = case(&mut dice);
        // Of equals greedy search takes the first and `torch.topk` any.
        toy.levels = 1 << 20;
        (config.num_beams, config.num_return_sequences) = (Some(1), Some(1));
        config.early_stopping = Some(EarlyStopping::First);
        // Penalties and forced tokens mean different things to logits and log-probabilities.
        (config.repetition_penalty, config.forced_bos_token_id) = (None, None);
        let greedy = generate(&toy, &sources, &config).unwrap();
        for (source, found) in sources.iter().zip(&greedy.sequences) {
            let (_, expected) = &slow(&toy, source, &config, &|_| false)[0];
            assert_eq!(&found.tokens, expected, "case {number}: {toy:?} {config:?}");
        }
    }
}
