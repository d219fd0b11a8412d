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
        let model = load(&name);
        let mut logits = vec![0.0; 6 * model.vocab_size()];
        // The first conversation also makes each thread's scratch memory; the second finds it made.
        for conversation in 0..2 {
            let mut state = start(&model, &[vec![5, 6, 7, 8], vec![9, 10]], Room { rows: 6, steps: 20 });
            let region = Region::new(COUNTED);
            for at in 0..20 {
                model.select(&mut state, SELECTIONS[at % 3]);
                model.step(&mut state, &[3 + at as TokenId; 6], &mut logits).unwrap();
            }
            let change = region.change();
            let allocations = change.allocations + change.reallocations;
            assert!(conversation == 0 || allocations == 0, "{name}: {change:?}");
        }
    }
}
