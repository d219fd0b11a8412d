//! Once a state has been made, decoding allocates nothing.

mod support;

use std::alloc::System;

use papo_generate::{LanguageModel, Room, TokenId};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::{load, names, start};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SELECTIONS: [&[usize]; 3] = [&[0, 0, 0, 1, 1, 1], &[2, 1, 1, 3, 5, 3], &[0, 1, 2, 4, 4, 4]];

/// The only test of this file: another one running beside it would be counted too.
#[test]
fn steps_and_selections_allocate_nothing() {
    for name in names() {
        check(&name, &load(&name));
    }
    for_each_of_the_lineage!(check);
}

fn check<M: LanguageModel>(name: &str, model: &M) {
    let mut logits = vec![0.0; 6 * model.vocab_size()];
    // The first conversation also makes each thread's scratch memory, and on a busy machine a thread may still be
    // starting during the next. What steps allocate themselves, every conversation would show.
    let fewest = (0..5).map(|_| allocations_of_a_conversation(model, &mut logits)).min();
    assert_eq!(fewest, Some(0), "{name}");
}

fn allocations_of_a_conversation<M: LanguageModel>(model: &M, logits: &mut [f32]) -> usize {
    let mut state = start(model, &[vec![5, 6, 7, 8], vec![9, 10]], Room { rows: 6, steps: 20 });
    let region = Region::new(COUNTED);
    for at in 0..20 {
        model.select(&mut state, SELECTIONS[at % 3]);
        model.step(&mut state, &[3 + at as TokenId; 6], logits).unwrap();
    }
    let change = region.change();
    change.allocations + change.reallocations
}
