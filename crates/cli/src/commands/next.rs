//! `papo next`: the likeliest next tokens with their probabilities.
//!
//! These are the model's own numbers, softmax(logits) and nothing else: what sampling at temperature 1 would draw from.
//! Generation options, which change them, have no place here; only the token that the checkpoint forces at the
//! beginning of every reply is put there first, since nothing else is ever seen in its place.

use papo::{Kind, LanguageModel, Room, TokenId};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::loading::load;
use crate::request::{Format, Next};
use crate::terminal::{Notes, Output, printable};

/// What follows the beginning of a reply.
#[derive(Serialize)]
struct Following {
    /// The beginning of the reply, its start token first.
    prefix: Vec<TokenId>,
    /// The likeliest tokens, the likeliest first.
    next: Vec<Candidate>,
}

#[derive(Serialize)]
struct Candidate {
    id: TokenId,
    token: String,
    probability: f64,
}

/// Reads the source and the beginning of the reply, and shows what the next token may be.
pub fn run(request: Next, notes: Notes) -> Outcome {
    let model = load(Some(&request.model), &request.loading, notes)?;
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
        (Kind::Causal, None) => tokenizer.encode_plain(&request.text)?,
        _ => tokenizer.encode(&request.text)?,
    };
    let mut prefix = vec![start];
    prefix.extend(settings.forced_bos_token_id);
    if let Some(after) = &request.after {
        prefix.extend(tokenizer.encode_plain(after)?);
    }
    let network = model.model().network();
    let room = Room { rows: 1, steps: prefix.len() };
    let mut state = network.start(&[source], room).map_err(Failure::new)?;
    let mut logits = vec![0.0; network.vocab_size()];
    for &token in &prefix {
        network.step(&mut state, &[token], &mut logits).map_err(Failure::new)?;
    }
    let next = likeliest(&logits, request.top)
        .into_iter()
        .map(|(id, probability)| Candidate { id, token: tokenizer.tokens(&[id]).concat(), probability })
        .collect();
    let mut output = Output::standard();
    match request.format {
        Format::Json => output.line(serde_json::to_string(&Following { prefix, next })?)?,
        Format::Text => {
            let begun = tokenizer.tokens(&prefix).join(" ");
            notes.say(format_args!("after {}", printable(&begun)));
            for Candidate { id, token, probability } in &next {
                output.line(format_args!(
                    "{:>8.3} %  {:<20}  {id}",
                    probability * 100.0,
                    printable(token).to_string()
                ))?;
            }
        }
    }
    output.flush()
}

/// The `top` likeliest tokens under softmax(logits), the likeliest first, equal ones by id.
fn likeliest(logits: &[f32], top: usize) -> Vec<(TokenId, f64)> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |logit: f32| f64::from(logit - highest).exp();
    let total: f64 = logits.iter().map(|&logit| weight(logit)).sum();
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    order.into_iter().take(top).map(|id| (id as TokenId, weight(logits[id]) / total)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_all_tokens_add_up_to_one() {
        let all = likeliest(&[1.0, 3.0, 2.0, f32::NEG_INFINITY], 9);
        assert_eq!(all.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2, 0, 3]);
        assert!((all.iter().map(|(_, probability)| probability).sum::<f64>() - 1.0).abs() < 1e-12);
        let odds = all[0].1 / all[1].1;
        assert!((odds - 1f64.exp()).abs() < 1e-6);
    }
}
