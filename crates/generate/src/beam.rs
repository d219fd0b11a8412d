//! Beam search.

use crate::generate::Watch;
use crate::plan::Plan;
use crate::{Error, Generated, Hooks, LanguageModel, TokenId};

pub(crate) fn run<M: LanguageModel>(
    _model: &M,
    _state: M::State,
    _sources: &[Vec<TokenId>],
    _plan: &Plan,
    _hooks: Hooks<'_>,
    _watch: Watch,
) -> Result<Generated, Error> {
    Err(Error::Contradiction("beam search is not yet wired; set `num_beams` to 1".to_owned()))
}
