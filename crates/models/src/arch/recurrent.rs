//! Papo's own recurrent networks: the words of their `config.json`, which `papo train` writes.

use super::fields::Fields;
use crate::Error;
use crate::recurrent::{Cell, RecurrentAttention, RecurrentSpec, Seq2SeqSpec};
use crate::spec::Head;

pub(super) fn language_model(fields: &Fields<'_>, cell: Cell) -> Result<RecurrentSpec, Error> {
    let vocabulary = fields.required_size("vocab_size")?;
    let d_embedding = fields.required_size("d_embedding")?;
    let d_hidden = fields.required_size("d_hidden")?;
    Ok(RecurrentSpec {
        cell,
        vocabulary,
        d_embedding,
        d_hidden,
        layers: fields.required_size("n_layers")?,
        head: head(fields, d_embedding, ("d_hidden", d_hidden))?,
        bos: fields.token("bos_token_id", 1, vocabulary)?,
    })
}

pub(super) fn seq2seq(fields: &Fields<'_>) -> Result<Seq2SeqSpec, Error> {
    let vocabulary = fields.required_size("vocab_size")?;
    let d_embedding = fields.required_size("d_embedding")?;
    let d_hidden = fields.required_size("d_hidden")?;
    let attention = match named(fields, "attention", "none, bahdanau or luong")?.as_str() {
        "none" => RecurrentAttention::None,
        "bahdanau" => RecurrentAttention::Bahdanau { d_attention: fields.required_size("d_attention")? },
        "luong" => RecurrentAttention::Luong,
        other => return Err(fields.refuse("attention", format!("`{other}`"), "none, bahdanau or luong")),
    };
    let readout = match attention {
        RecurrentAttention::Luong => ("d_hidden", d_hidden),
        _ => ("d_embedding", d_embedding),
    };
    Ok(Seq2SeqSpec {
        cell: cell(fields)?,
        attention,
        vocabulary,
        d_embedding,
        d_hidden,
        layers: fields.required_size("n_layers")?,
        head: head(fields, d_embedding, readout)?,
    })
}

fn cell(fields: &Fields<'_>) -> Result<Cell, Error> {
    Ok(match named(fields, "cell", "rnn, lstm or gru")?.as_str() {
        "rnn" => Cell::Elman,
        "lstm" => Cell::Lstm,
        "gru" => Cell::Gru,
        other => return Err(fields.refuse("cell", format!("`{other}`"), "rnn, lstm or gru")),
    })
}

fn named(fields: &Fields<'_>, field: &'static str, expected: &str) -> Result<String, Error> {
    fields.text(field)?.ok_or_else(|| fields.refuse(field, "missing".into(), expected))
}

/// A tied head reads what is as wide as an embedding.
fn head(fields: &Fields<'_>, d_embedding: usize, read: (&str, usize)) -> Result<Head, Error> {
    let (name, width) = read;
    if !fields.flag("tie_embeddings", false)? {
        return Ok(Head::Separate);
    }
    if d_embedding != width {
        let expected = format!(
            "false, for the output reads {width} numbers (`{name}`) and an embedding has {d_embedding} (`d_embedding`)"
        );
        return Err(fields.refuse("tie_embeddings", "true".into(), expected));
    }
    Ok(Head::Tied)
}
