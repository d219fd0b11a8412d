//! What ends a sequence (the reference's `stopping_criteria.py`).

use crate::generate::Watch;
use crate::hooks::StopWhen;
use crate::plan::Plan;
use crate::{Finish, Hooks, TokenId};

/// Decides, after each token, whether a sequence has ended.
pub(crate) struct Stops<'a> {
    end_tokens: &'a [TokenId],
    max_length: usize,
    stop_when: Option<StopWhen<'a>>,
}

impl<'a> Stops<'a> {
    pub fn new(plan: &'a Plan, stop_when: Option<StopWhen<'a>>) -> Self {
        Self { end_tokens: &plan.end_tokens, max_length: plan.max_length, stop_when }
    }

    /// Why the sequence `before` + `token` ends, if it does. `scratch` holds it while somebody else looks at it.
    pub fn reason(&self, before: &[TokenId], token: TokenId, scratch: &mut Vec<TokenId>) -> Option<Finish> {
        if self.end_tokens.contains(&token) {
            return Some(Finish::EndToken);
        }
        if let Some(stop_when) = self.stop_when {
            scratch.clear();
            scratch.extend_from_slice(before);
            scratch.push(token);
            if stop_when(scratch) {
                return Some(Finish::StopString);
            }
        }
        (before.len() + 1 >= self.max_length).then_some(Finish::Length)
    }
}

/// Why everything that still runs must end after this step, if it must.
pub(crate) fn all_end(plan: &Plan, hooks: &Hooks<'_>, watch: &Watch) -> Option<Finish> {
    if hooks.is_interrupted() {
        return Some(Finish::Interrupted);
    }
    watch.is_over(plan.max_time).then_some(Finish::Time)
}
