//! The slow truth: modified Kneser–Ney smoothing by the textbook, on maps, and what estimation makes of the same texts.
//!
//! Chen & Goodman (1998), with the conventions of KenLM: n-grams that start with `<s>` keep their counts, `<unk>` gets nothing but
//! its share of the uniform distribution, and pruned n-grams leave their whole mass to the lower order.

mod entry_map;

use std::collections::{BTreeMap, BTreeSet};

use entry_map::{EntryMap, estimated};
use papo_ngram::Settings;

type Gram = Vec<String>;

fn counts_of(text: &str, order: usize) -> BTreeMap<Gram, u64> {
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let mut words: Vec<String> = vec!["<s>".into()];
        words.extend(line.split_ascii_whitespace().map(str::to_owned));
        words.push("</s>".into());
        for gram in words.windows(order) {
            *counts.entry(gram.to_vec()).or_default() += 1;
        }
    }
    counts.remove(&vec!["<s>".to_owned()]);
    counts
}

struct Truth {
    /// By order: adjusted counts, pruned n-grams included.
    adjusted: Vec<BTreeMap<Gram, u64>>,
    /// By order: what is kept.
    kept: Vec<BTreeSet<Gram>>,
    discounts: Vec<[f64; 3]>,
}

impl Truth {
    fn new(text: &str, thresholds: &[u64], fallback: [f64; 3]) -> Self {
        let order = thresholds.len();
        let counts: Vec<_> = (1..=order).map(|n| counts_of(text, n)).collect();
        let mut adjusted = counts.clone();
        for n in 0..order - 1 {
            for (gram, count) in &mut adjusted[n] {
                if gram[0] != "<s>" {
                    *count = counts[n + 1].keys().filter(|longer| longer[1..] == gram[..]).count() as u64;
                }
            }
        }
        let kept = counts.iter().zip(thresholds).map(|(counts, threshold)| {
            counts.iter().filter(|(_, count)| *count > threshold).map(|(gram, _)| gram.clone()).collect()
        });
        let discounts = adjusted.iter().map(|counts| discounts_of(counts).unwrap_or(fallback));
        Self { kept: kept.collect(), discounts: discounts.collect(), adjusted }
    }

    fn discount(&self, order: usize, count: u64) -> f64 {
        self.discounts[order - 1][(count.min(3) - 1) as usize]
    }

    /// What follows a context: the sum of all adjusted counts, and what is left for the lower order.
    fn context(&self, context: &[String]) -> (f64, f64) {
        let order = context.len() + 1;
        let (mut total, mut left_over) = (0.0, 0.0);
        for (gram, &count) in &self.adjusted[order - 1] {
            if gram[..order - 1] == *context {
                total += count as f64;
                let kept = self.kept[order - 1].contains(gram);
                left_over += if kept { self.discount(order, count) } else { count as f64 };
            }
        }
        (total, left_over)
    }

    fn backoff(&self, gram: &[String]) -> f64 {
        if gram.len() == self.adjusted.len() {
            return 1.0;
        }
        let (total, left_over) = self.context(gram);
        if total == 0.0 { 1.0 } else { left_over / total }
    }

    fn probability(&self, gram: &[String]) -> f64 {
        let order = gram.len();
        if order == 0 {
            return 1.0 / (self.adjusted[0].len() + 1) as f64;
        }
        let (total, left_over) = self.context(&gram[..order - 1]);
        let lower = self.probability(&gram[1..]);
        match self.adjusted[order - 1].get(gram) {
            Some(&count) if self.kept[order - 1].contains(gram) => {
                (count as f64 - self.discount(order, count) + left_over * lower) / total
            }
            _ if total > 0.0 => left_over / total * lower,
            _ => lower,
        }
    }

    fn entries(&self) -> EntryMap {
        let mut map = EntryMap::default();
        for gram in self.kept.iter().flatten() {
            let numbers = (self.probability(gram).log10() as f32, self.backoff(gram).log10() as f32);
            map.entries.insert(gram.clone(), numbers);
        }
        let unknown = vec!["<unk>".to_owned()];
        map.entries.insert(unknown.clone(), (self.probability(&unknown).log10() as f32, 0.0));
        let start = vec!["<s>".to_owned()];
        map.entries.insert(start.clone(), (0.0, self.backoff(&start).log10() as f32));
        map
    }
}

fn discounts_of(counts: &BTreeMap<Gram, u64>) -> Option<[f64; 3]> {
    let t = |i: u64| counts.values().filter(|&&count| count == i).count() as f64;
    let y = t(1) / (t(1) + 2.0 * t(2));
    let discounts = [1, 2, 3].map(|i| i as f64 - (i + 1) as f64 * y * t(i + 1) / t(i));
    let fits = discounts.iter().zip(1..).all(|(discount, i)| (0.0..=f64::from(i)).contains(discount));
    fits.then_some(discounts)
}

/// A text of words that follow one another by habit; an empty sentence and a word alone are in it.
fn text(seed: u64, sentences: usize) -> String {
    let mut state = seed;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    let mut text = "\nsó\n".to_owned();
    for _ in 0..sentences {
        let mut word = draw(9);
        for _ in 0..2 + draw(9) {
            text.push_str(["o", "céu", "é", "azul", "e", "mar", "de", "vez", "em"][word as usize]);
            text.push(' ');
            word = if draw(3) > 0 { (word * 5 + 2) % 9 } else { draw(9).min(draw(9)) };
        }
        text.push('\n');
    }
    text
}

const FALLBACK: [f32; 3] = [0.5, 1.0, 1.5];

fn check(text: &str, order: usize, prune: &[u64], memory: usize) {
    let settings = Settings {
        prune: prune.to_vec(),
        discount_fallback: Some(FALLBACK),
        threads: 2,
        memory,
        ..Settings::new(order)
    };
    let found = estimated(text, &settings).expect("an estimate");
    let truth = Truth::new(text, &settings.thresholds().expect("good thresholds"), FALLBACK.map(f64::from));
    found.assert_close(&truth.entries(), 2e-6);
}

#[test]
fn every_order_equals_the_textbook() {
    for order in 1..=8 {
        for seed in 1..4 {
            check(&text(seed, 60), order, &[], 1 << 30);
        }
    }
}

#[test]
fn pruned_models_equal_the_textbook() {
    let text = text(7, 80);
    for prune in [&[0, 1][..], &[0, 0, 1], &[0, 1, 1, 2], &[0, 0, 0, 3], &[0, 2, 100]] {
        for order in prune.len()..=8 {
            check(&text, order, prune, 1 << 30);
        }
    }
}

#[test]
fn the_probabilities_of_all_words_after_a_context_add_up_to_one() {
    let text = text(3, 80);
    for prune in [&[][..], &[0, 1, 2]] {
        let thresholds = Settings { prune: prune.to_vec(), ..Settings::new(3) }.thresholds().expect("good");
        let truth = Truth::new(&text, &thresholds, [0.5, 1.0, 1.5]);
        let words: Vec<String> =
            truth.adjusted[0].keys().flatten().cloned().chain(["<unk>".to_owned()]).collect();
        for context in [&[][..], &["<s>".to_owned()], &["céu".to_owned(), "é".to_owned()], &["só".to_owned()]]
        {
            let sum: f64 = words
                .iter()
                .map(|word| truth.probability(&[context, std::slice::from_ref(word)].concat()))
                .sum();
            assert!((sum - 1.0).abs() < 1e-9, "{context:?}: {sum}");
        }
    }
}
