//! The commands, one file each: from a request to results on standard output.

mod bench;
mod chat;
mod generate;
mod next;
mod show;
mod tokenize;

use crate::failure::Outcome;
use crate::request::Request;
use crate::terminal::Notes;

/// Does what was asked.
pub fn run(request: Request, notes: Notes) -> Outcome {
    match request {
        Request::Chat(request) => chat::run(request, notes),
        Request::Generate(request) => generate::run(request, notes),
        Request::Tokenize(request) => tokenize::run(request),
        Request::Next(request) => next::run(request, notes),
        Request::Bench(request) => bench::run(request, notes),
        Request::Show(request) => show::run(request),
    }
}
