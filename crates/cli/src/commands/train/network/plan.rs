//! From the request to the recipe: which task, which framing, which network.

use papo_lab::data::{DataFile, DataFormat, Framing};
use papo_lab::{
    AttentionKind, CellKind, Horizon, Limits, NetworkConfig, OptimizerSettings, Recipe, RecurrentConfig,
    Schedule, Seq2SeqConfig, Task, TransformerConfig,
};

use super::init::Beginning;
use crate::arguments::{Attention, Cell, Course, TaskName, Unit};
use crate::failure::Failure;
use crate::request::{NetworkTraining, Shape};

/// What the model is for: as asked, or as the files tell.
pub fn task(request: &NetworkTraining, data: &[DataFile]) -> Result<TaskName, Failure> {
    if let Some(task) = request.task {
        return Ok(task);
    }
    let holds = |format| data.iter().any(|file| file.format() == format);
    let causal = matches!(request.shape, Shape::Recurrent { .. });
    Ok(match (holds(DataFormat::Dialogues), holds(DataFormat::Pairs), holds(DataFormat::Text)) {
        (true, _, _) => TaskName::Dialogue,
        // A model that only goes on with what it reads takes a pair for two turns.
        (_, true, _) if causal => TaskName::Dialogue,
        (_, true, _) => TaskName::Pairs,
        (_, _, true) if causal => TaskName::Text,
        _ => {
            return Err(Failure::new(
                "an encoder-decoder learns from pairs (.tsv: source, tab, target; or --data with --targets) or dialogues (.jsonl), and \
                 the files hold running text; give such files, or train rnn, lstm or gru",
            ));
        }
    })
}

/// How documents become examples.
pub fn framing(request: &NetworkTraining, task: TaskName) -> Framing {
    match (request.shape, task, request.unit) {
        (Shape::Recurrent { .. }, TaskName::Text, None | Some(Unit::Stream)) => Framing::Stream,
        (Shape::Recurrent { .. }, ..) => Framing::Rows,
        _ => Framing::Pairs {
            context_turns: request.context_turns.max(1),
            context_tokens: request.context_tokens.max(1),
            target_tokens: request.target_tokens.max(1),
        },
    }
}

/// Everything that decides which weights come out.
pub fn recipe(request: &NetworkTraining, task: TaskName, begun: &Beginning, vocabulary: usize) -> Recipe {
    let mut adam = OptimizerSettings {
        weight_decay: request.weight_decay,
        clip: request.clip,
        ..OptimizerSettings::default()
    };
    if matches!(request.shape, Shape::Transformer { .. }) {
        // As in the paper.
        (adam.beta2, adam.epsilon) = (0.98, 1e-9);
    }
    let mut tokenizer = match &request.init_from {
        Some(model) => format!("that of {model}"),
        None => request.tokenizer.to_string(),
    };
    if request.lowercase {
        tokenizer.push_str(", lower-cased");
    }
    if request.min_count > 1 {
        tokenizer.push_str(&format!(", at least {} times", request.min_count));
    }
    Recipe {
        network: match begun {
            Beginning::New => network(request, vocabulary),
            Beginning::With(init) => init.network(request.dropout),
        },
        task: Task {
            task: match task {
                TaskName::Text => "text",
                TaskName::Dialogue => "dialogue",
                TaskName::Pairs => "pairs",
            }
            .into(),
            unit: (task == TaskName::Text).then(|| match request.unit.unwrap_or(Unit::Stream) {
                Unit::Stream => "stream".into(),
                Unit::Line => "line".into(),
            }),
            context_turns: request.context_turns,
            context_tokens: request.context_tokens,
        },
        tokenizer,
        begins_with: match begun {
            Beginning::New => None,
            Beginning::With(init) => Some(init.record()),
        },
        seed: request.seed,
        held_out: if request.valid.is_empty() { request.hold_out } else { 0.0 },
        batch_rows: request.batch_rows,
        batch_tokens: request.batch_tokens,
        columns: request.unroll.max(1),
        target_tokens: request.target_tokens,
        accumulate: request.accumulate.max(1),
        adam,
        learning_rate: request.learning_rate,
        warm_up: request.warm_up.unwrap_or(request.default_warm_up),
        schedule: match request.course {
            Course::Constant => Schedule::Constant,
            Course::InverseSqrt => Schedule::InverseSqrt,
            Course::Plateau => Schedule::Plateau { patience: 2 },
            Course::Cosine => Schedule::Cosine {
                end: match (request.max_steps, request.epochs) {
                    (Some(steps), _) => Horizon::Steps(steps),
                    (None, Some(epochs)) => Horizon::Epochs(epochs),
                    (None, None) => Horizon::Time,
                },
            },
        },
        label_smoothing: request.label_smoothing,
        average: request.average,
        validate_every: request.validate_every,
    }
}

/// Steps of the warm-up: those asked for, or else those of the training that goes on, or the default, but no more than a tenth of the
/// steps that are planned.
pub fn warm_up(request: &NetworkTraining, begun: Option<u64>, planned: Option<u64>) -> u64 {
    let most = planned.map_or(u64::MAX, |planned| planned / 10);
    request.warm_up.or(begun).unwrap_or_else(|| request.default_warm_up.min(most))
}

/// When the training ends.
pub fn limits(request: &NetworkTraining) -> Limits {
    Limits {
        epochs: request.epochs,
        steps: request.max_steps,
        time: request.max_time,
        patience: request.patience,
    }
}

fn network(request: &NetworkTraining, vocabulary: usize) -> NetworkConfig {
    let dropout = request.dropout.unwrap_or_default();
    match request.shape {
        Shape::Recurrent { cell, hidden, embedding, layers, tied } => {
            let config = RecurrentConfig {
                tie_embeddings: tied,
                dropout,
                ..RecurrentConfig::new(vocabulary, embedding, hidden, layers)
            };
            match cell {
                Cell::Rnn => NetworkConfig::Rnn(config),
                Cell::Lstm => NetworkConfig::Lstm(config),
                Cell::Gru => NetworkConfig::Gru(config),
            }
        }
        Shape::Seq2Seq { cell, attention, hidden, embedding, layers, tied } => {
            let cell = match cell {
                Cell::Rnn => CellKind::Rnn,
                Cell::Lstm => CellKind::Lstm,
                Cell::Gru => CellKind::Gru,
            };
            let attention = match attention {
                Attention::None => AttentionKind::None,
                Attention::Bahdanau => AttentionKind::Bahdanau,
                Attention::Luong => AttentionKind::Luong,
            };
            NetworkConfig::Seq2Seq(Seq2SeqConfig {
                tie_embeddings: tied,
                dropout,
                ..Seq2SeqConfig::new(cell, attention, vocabulary, embedding, hidden, layers)
            })
        }
        Shape::Transformer { d_model, heads, feed_forward, layers, max_positions } => {
            NetworkConfig::Transformer(TransformerConfig {
                dropout,
                max_position_embeddings: max_positions,
                ..TransformerConfig::new(vocabulary, d_model, heads, feed_forward, layers)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Arguments;
    use crate::request::{Request, Train};
    use clap::Parser;

    fn request(line: &str) -> NetworkTraining {
        let arguments = Arguments::try_parse_from(line.split(' ')).expect("a good line");
        match Request::from_command(arguments.command) {
            Ok(Request::Train(Train::Network(request))) => *request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_default_warm_up_is_a_tenth_of_the_training_at_most() {
        let transformer = request("papo train transformer --data a.tsv --out m");
        assert_eq!(warm_up(&transformer, None, None), 1000);
        assert_eq!(warm_up(&transformer, None, Some(36_000)), 1000);
        assert_eq!(warm_up(&transformer, None, Some(110)), 11);
        assert_eq!(warm_up(&transformer, None, Some(9)), 0);
        assert_eq!(warm_up(&transformer, Some(11), Some(220)), 11, "a training that goes on keeps its own");
        let asked = request("papo train transformer --data a.tsv --out m --warm-up 400");
        assert_eq!(warm_up(&asked, None, Some(110)), 400);
        assert_eq!(warm_up(&request("papo train gru --data a.txt --out m"), None, Some(110)), 0);
    }
}
