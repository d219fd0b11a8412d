//! The commands, one file each: from a request to results on standard output.

mod bench;
mod chat;
mod compare;
mod completions;
mod eval;
mod generate;
mod list;
mod man;
mod next;
mod pull;
mod quantize;
mod remove;
mod show;
mod tokenize;
mod train;

use crate::failure::Outcome;
use crate::request::Request;
use crate::terminal::Notes;

/// Does what was asked.
pub fn run(request: Request, notes: Notes) -> Outcome {
    match request {
        Request::Chat(request) => chat::run(request, notes),
        Request::Compare(request) => compare::run(request, notes),
        Request::Generate(request) => generate::run(request, notes),
        Request::Tokenize(request) => tokenize::run(request, notes),
        Request::Next(request) => next::run(request, notes),
        Request::Train(request) => train::run(request, notes),
        Request::Eval(request) => eval::run(request, notes),
        Request::Bench(request) => bench::run(request, notes),
        Request::Quantize(request) => quantize::run(&request, notes),
        Request::Pull { models, repair } => pull::run(&models, repair, notes),
        Request::List(format) => list::run(format),
        Request::Show(request) => show::run(request),
        Request::Remove(models) => remove::run(&models, notes),
        Request::Completions(shell) => completions::run(shell),
        Request::Man(manual) => man::run(manual),
    }
}
