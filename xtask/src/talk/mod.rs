//! `xtask talk`: lets models answer the held-out conversations, each with its own settings and once, and counts what can be counted.
//!
//! A model follows its own conversation: it sees its own replies. Nothing is chosen; what comes out goes into `docs/lineage.md`.
//!
//! Read next: `count.rs` for what is counted, `marks.rs` for what people thought of the replies.

mod count;
pub mod held_out;
mod marks;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use papo::{ChatModel, Conversation, GenerationConfig, LoadOptions, Memory};

pub use count::{Counts, Share};
pub use held_out::Language;
pub use marks::{Marks, Mean};

/// What models are judged by.
pub struct HeldOut {
    pub conversations: Vec<held_out::Conversation>,
    names: Vec<held_out::Name>,
}

impl HeldOut {
    pub fn read(folder: &Path) -> Result<HeldOut> {
        Ok(HeldOut { conversations: held_out::conversations(folder)?, names: held_out::names(folder)? })
    }
}

/// How one model did.
pub struct Talk {
    /// Its replies to each turn of each conversation.
    pub replies: Vec<Vec<String>>,
    /// Over all conversations.
    pub counts: Counts,
    /// Of the hundred names: greeted when told; right when asked for three turns later.
    pub greeted: Share,
    pub remembered: Share,
    /// The median times until the first token and of a whole reply.
    pub first_token: Duration,
    pub whole_reply: Duration,
    /// What people thought, in the order of [`Language::ALL`].
    pub means: [Mean; 2],
}

/// How a name is told, what is said then, and how it is asked for; the first takes turns with the second, and so on.
struct Phrases {
    language: Language,
    tells: [&'static str; 4],
    between: [&'static str; 3],
    asks: [&'static str; 2],
}

const PHRASES: [Phrases; 2] = [
    Phrases {
        language: Language::English,
        tells: ["Hi, I'm {}", "Hello! My name is {}.", "hey, {} here", "Good evening. I am {}."],
        between: ["It was a long day.", "I had soup for dinner.", "Now I'm on the sofa."],
        asks: ["What's my name?", "do you remember my name?"],
    },
    Phrases {
        language: Language::Portuguese,
        tells: [
            "Oi, meu nome é {}",
            "Olá! Eu me chamo {}.",
            "oi, aqui é {}",
            "Boa noite, pode me chamar de {}.",
        ],
        between: ["Hoje o dia foi comprido.", "Jantei uma sopa.", "Agora estou no sofá."],
        asks: ["Qual é o meu nome?", "você lembra meu nome?"],
    },
];

/// Lets a model talk.
pub fn talk(name: &str, model: &ChatModel, held_out: &HeldOut, folder: &Path) -> Result<Talk> {
    let (mut times, mut counts, mut all) = (Vec::new(), Counts::default(), Vec::new());
    for conversation in &held_out.conversations {
        let says: Vec<&str> = conversation.turns.iter().map(|turn| turn.says.as_str()).collect();
        let replies = answered(model, &says, &mut times)?;
        counts += Counts::of(conversation, &replies);
        all.push(replies);
    }
    let (mut greeted, mut remembered) = (Share::default(), Share::default());
    for (number, told) in held_out.names.iter().enumerate() {
        let phrases = PHRASES.iter().find(|phrases| phrases.language == told.language);
        let Phrases { tells, between, asks, .. } = phrases.context("a language without phrases")?;
        let tell = tells[number % tells.len()].replace("{}", &told.name);
        let ask = asks[number / tells.len() % asks.len()];
        let says: Vec<&str> = [tell.as_str()].into_iter().chain(*between).chain([ask]).collect();
        let replies = answered(model, &says, &mut times)?;
        greeted.add(replies.first().is_some_and(|reply| count::holds(reply, &told.name)));
        remembered.add(replies.last().is_some_and(|reply| count::holds(reply, &told.name)));
    }
    let marks = Marks::read(folder, name)?;
    let means = Language::ALL.map(|language| marks.mean(language, &held_out.conversations, &all));
    let median = |of: fn(&(Duration, Duration)) -> Duration| {
        let mut sorted: Vec<Duration> = times.iter().map(of).collect();
        sorted.sort();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    };
    let (first_token, whole_reply) = (median(|it| it.0), median(|it| it.1));
    Ok(Talk { replies: all, counts, greeted, remembered, first_token, whole_reply, means })
}

fn answered(model: &ChatModel, says: &[&str], times: &mut Vec<(Duration, Duration)>) -> Result<Vec<String>> {
    let mut conversation = Conversation::new(model, Memory::Auto);
    let mut replies = Vec::new();
    for turn in says {
        let reply =
            conversation.reply(turn, &GenerationConfig { seed: Some(1), ..GenerationConfig::default() })?;
        times.push((reply.first_token_time, reply.total_time));
        replies.push(reply.text);
    }
    Ok(replies)
}

/// Lets models talk, and prints what was counted and, where it is asked for, every reply with its mark.
pub fn run(models: &[String], folder: &Path, transcripts: bool) -> Result<()> {
    let held_out = HeldOut::read(folder)?;
    let names: Vec<String> = match models {
        [] => papo::built_in::lineage().iter().map(|model| model.name.to_owned()).collect(),
        named => named.to_vec(),
    };
    for name in names {
        let model = ChatModel::load(&name, &LoadOptions::default())?;
        let called = model.name().rsplit('/').next().unwrap_or(&name).to_owned();
        let talk = talk(&called, &model, &held_out, folder)?;
        if transcripts {
            let marks = Marks::read(folder, &called)?;
            for (conversation, replies) in held_out.conversations.iter().zip(&talk.replies) {
                println!("@ {}", conversation.slug);
                for (number, (turn, reply)) in (1..).zip(conversation.turns.iter().zip(replies)) {
                    let mark = marks
                        .of(&conversation.slug, number, reply)
                        .map_or("-".to_owned(), |mark| mark.to_string());
                    println!("> {}\n{}\t{number}\t{mark}\t{reply}", turn.says, conversation.slug);
                }
                println!();
            }
        }
        let Talk { counts, greeted, remembered, first_token, whole_reply, means, .. } = &talk;
        println!(
            "{called}: names greeted {greeted}, remembered {remembered}; in the conversations names greeted {}, facts remembered {}, what was \
             said taken up {}, language kept {}, replies not said before {}; first token {:.0} ms, reply {:.0} ms; marks {} in English, {} in \
             Portuguese",
            counts.named,
            counts.recalled,
            counts.mentioned,
            counts.language,
            counts.new,
            first_token.as_secs_f64() * 1e3,
            whole_reply.as_secs_f64() * 1e3,
            means[0],
            means[1],
        );
    }
    Ok(())
}
