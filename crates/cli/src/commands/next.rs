//! `papo next`: the likeliest next tokens with their probabilities.
//!
//! These are the model's own numbers, softmax(logits) or what an n-gram model answers to a query, and nothing else.
//! Generation options, which change them, have no place here; only the token that the checkpoint forces at the
//! beginning of every reply is put there first, since nothing else is ever seen in its place.

use std::io;

use papo::network::Kind;
use papo::{ChatModel, TokenId};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::loading::load;
use crate::request::{Format, Next};
use crate::terminal::{Lines, Notes, Output, complain, printable};
use crate::truncated::Truncated;

/// What follows the beginning of a reply.
#[derive(Serialize)]
struct Following {
    /// The beginning of the reply, its start token first.
    prefix: Vec<TokenId>,
    /// The likeliest tokens, the likeliest first.
    next: Vec<Candidate>,
    /// What of the text the model could not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
}

#[derive(Serialize)]
struct Candidate {
    id: TokenId,
    token: String,
    probability: f64,
}

/// Shows what may follow the text, or each line of standard input.
pub fn run(request: Next, notes: Notes) -> Outcome {
    let model = load(Some(&request.model), &request.loading, notes)?;
    let mut output = Output::standard();
    if let Some(text) = &request.text {
        print(&mut output, &request, &model, text, &following(&request, &model, text)?, notes)?;
        return output.flush();
    }
    notes.ask_for("a text");
    let mut all_good = true;
    for (position, line) in Lines::new(io::stdin().lock()).enumerate() {
        if position > 0 && request.format == Format::Text {
            output.line("")?;
        }
        let line = line.map_err(Failure::reading_input)?.map_err(|bad| bad.to_string());
        let read = line.and_then(|text| match following(&request, &model, &text) {
            Ok(following) => Ok((text, following)),
            Err(failure) => Err(failure.message().unwrap_or_default()),
        });
        match (read, request.format) {
            (Ok((text, following)), _) => {
                print(&mut output, &request, &model, &text, &following, notes)?;
            }
            // A line for each line, so that the reader does not lose count.
            (Err(error), Format::Json) => {
                all_good = false;
                output.line(serde_json::json!({ "error": error }))?;
            }
            (Err(error), Format::Text) => {
                all_good = false;
                complain(&error);
            }
        }
        // Whoever sends a line at a time waits for its answer.
        output.flush()?;
    }
    if all_good { Ok(()) } else { Err(Failure::Reported) }
}

/// Reads the source and the beginning of the reply, and sees what the next token may be.
fn following(request: &Next, model: &ChatModel, text: &str) -> Result<Following, Failure> {
    let tokenizer = model.tokenizer();
    let settings = model.model().generation_config();
    let start = settings.decoder_start_token_id.or(settings.bos_token_id).ok_or_else(|| {
        Failure::new(
            "the checkpoint does not say which token a reply begins with; add `decoder_start_token_id` to its \
             generation_config.json",
        )
    })?;
    // A model that goes on with a text is asked how this one goes on; where a reply is begun, the text is what it replies to.
    let source = match (model.model().kind(), &request.after) {
        (Kind::Causal, None) => tokenizer.encode_plain(text)?,
        _ => tokenizer.encode(text)?,
    };
    let source = model.fit(source);
    let mut prefix = vec![start];
    prefix.extend(settings.forced_bos_token_id);
    if let Some(after) = &request.after {
        prefix.extend(tokenizer.encode_plain(after)?);
    }
    let probabilities =
        model.model().network().next_probabilities(&source.ids, &prefix).map_err(Failure::new)?;
    let next = likeliest(&probabilities, request.top)
        .into_iter()
        .map(|(id, probability)| Candidate { id, token: tokenizer.tokens(&[id]).concat(), probability })
        .collect();
    Ok(Following { prefix, next, truncated: Truncated::of(source.cut) })
}

fn print(
    output: &mut Output,
    request: &Next,
    model: &ChatModel,
    text: &str,
    following: &Following,
    notes: Notes,
) -> Outcome {
    if let Some(truncated) = &following.truncated {
        notes.say(truncated);
    }
    match request.format {
        Format::Json => output.line(serde_json::to_string(following)?),
        Format::Text => {
            let tokenizer = model.tokenizer();
            let next = &following.next;
            notes.say(place(model.model().kind(), text, request.after.as_deref()));
            let spelled: Vec<String> = next.iter().map(|candidate| tokenizer.spelled(candidate.id)).collect();
            let width = spelled.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(12);
            for (Candidate { id, token, probability }, spelled) in next.iter().zip(&spelled) {
                output.line(format_args!(
                    "{:>8.3} %  {spelled:<width$}  {id:>7}  {}",
                    probability * 100.0,
                    printable(token)
                ))?;
            }
            Ok(())
        }
    }
}

/// Where in a text the tokens stand, in plain words.
fn place(kind: Kind, text: &str, after: Option<&str>) -> String {
    match (kind, after) {
        (Kind::Causal, None) if text.is_empty() => "at the beginning of a text".to_owned(),
        (Kind::Causal, None) => format!("after {:?}", printable(text).to_string()),
        (_, None | Some("")) => "at the beginning of the reply".to_owned(),
        (_, Some(after)) => format!("after {:?} in the reply", printable(after).to_string()),
    }
}

/// The `top` likeliest tokens, the likeliest first, equal ones by id; what can never come is left out.
fn likeliest(probabilities: &[f64], top: usize) -> Vec<(TokenId, f64)> {
    let mut order: Vec<usize> = (0..probabilities.len()).filter(|&id| probabilities[id] > 0.0).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    order.into_iter().take(top).map(|id| (id as TokenId, probabilities[id])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_come_first_and_what_cannot_be_not_at_all() {
        assert_eq!(
            likeliest(&[0.125, 0.5, 0.0, 0.125, 0.25], 9),
            [(1, 0.5), (4, 0.25), (0, 0.125), (3, 0.125)]
        );
        assert_eq!(likeliest(&[0.25, 0.75], 1), [(1, 0.75)]);
    }
}
