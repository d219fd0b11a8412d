//! What a person is told before the first turn: whom they talk to, what to expect, and how to leave. Two lines.

use papo::network::{Kind, Task};
use papo::{ChatModel, Conversation, Memory, ModelRef, built_in};

/// The two lines, without their ends; `asked` is what the model was asked for by.
pub fn greeting(model: &ChatModel, asked: Option<&str>, memory: Memory) -> String {
    let network = model.model();
    let parameters = size(network.network().parameters());
    let language = language(model, asked).map(|language| format!(", {language}")).unwrap_or_default();
    let conversation = Conversation::new(model, memory);
    let expect = match (network.kind(), network.training().task) {
        (_, Some(Task::Text)) => "goes on with what you write",
        (Kind::Causal, None) => "goes on with what you write",
        _ if conversation.remembers() => "remembers what was said",
        (_, Some(Task::Pairs)) => "answers each line alone",
        _ => "answers each message alone",
    };
    format!(
        "Talking to {} ({parameters} weights{language}): it {expect}.\nbye leaves, /help tells what else there is, Ctrl-C stops a reply.",
        model.name(),
    )
}

/// The language that a model speaks, where that is known.
fn language(model: &ChatModel, asked: Option<&str>) -> Option<&'static str> {
    // A folder may have the name of a built-in model.
    let built_in = asked.is_none_or(|name| matches!(ModelRef::parse(name), Ok(ModelRef::BuiltIn(_))));
    match model.model().model_type() {
        _ if built_in => built_in::language(model.name()),
        // Its family was only ever trained on English.
        "blenderbot" | "blenderbot-small" => Some("English"),
        _ => None,
    }
}

/// A count of weights as people read it: `31 thousand`, `1.4 million`, `365 million`.
fn size(count: usize) -> String {
    match count as f64 {
        n if n >= 0.9995e9 => format!("{:.1} billion", n / 1e9),
        n if n >= 9.95e6 => format!("{:.0} million", n / 1e6),
        n if n >= 0.9995e6 => format!("{:.1} million", n / 1e6),
        n if n >= 1e3 => format!("{:.0} thousand", n / 1e3),
        n => format!("{n:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use papo::LoadOptions;

    #[test]
    fn it_has_two_lines_with_size_language_memory_and_the_way_out() {
        for (name, words) in [
            ("transformer", ["million weights", "English", "remembers"]),
            ("machado", ["million weights", "Portuguese", "goes on"]),
        ] {
            let model = ChatModel::load(name, &LoadOptions::default()).unwrap();
            let told = greeting(&model, Some(name), Memory::Auto);
            assert!(words.iter().all(|word| told.contains(word)) && told.contains("/help"), "{told}");
            assert_eq!(told.lines().count(), 2, "{told}");
            assert!(told.lines().all(|line| line.len() < 100), "{told}");
        }
        let model = ChatModel::load("transformer", &LoadOptions::default()).unwrap();
        assert!(greeting(&model, None, Memory::Off).contains("alone"));
    }

    #[test]
    fn sizes_are_short() {
        let sizes =
            [(500, "500"), (31_250, "31 thousand"), (1_437_696, "1.4 million"), (364_802_048, "365 million")];
        for (count, words) in sizes {
            assert_eq!(size(count), words);
        }
    }
}
