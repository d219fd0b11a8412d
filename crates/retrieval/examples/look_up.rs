//! Talk to a few lines: `cargo run -p papo-retrieval --example look_up`. Each answer is shown with the nearest stored replies and their scores.

use std::io::{BufRead, Write};

use papo_generate::TokenId;
use papo_retrieval::{END, IndexBuilder, Retriever, Settings};

const CONVERSATIONS: [&[&str]; 5] = [
    &["hi", "Hello! How are you?", "fine, thanks", "Glad to hear it. What brings you here?"],
    &["what is your name?", "I am a list of lines.", "that's honest", "It is all I can be."],
    &["i'm bored", "Shall we play a game?", "which game?", "You say something, and I look it up."],
    &["it is raining", "Then stay in and have a cup of tea."],
    &["bye", "Goodbye! It was nice to be looked up."],
];

/// A token for each character: 256 bytes behind the four special ones.
fn ids(text: &str) -> Vec<TokenId> {
    text.bytes().map(|byte| 4 + TokenId::from(byte)).collect()
}

fn text(ids: &[TokenId]) -> String {
    let bytes: Vec<u8> = ids.iter().filter_map(|id| u8::try_from(id - 4).ok()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let special = std::iter::repeat_n(Vec::new(), 4);
    let mut builder = IndexBuilder::new(special.chain((0..=255).map(|byte| vec![byte])));
    for conversation in CONVERSATIONS {
        let turns: Vec<Vec<TokenId>> = conversation.iter().map(|turn| ids(turn)).collect();
        let targets: Vec<bool> = (0..turns.len()).map(|place| place % 2 == 1).collect();
        builder.add(&turns, &targets);
    }
    let retriever = Retriever::new(builder.finish()?, Settings::default())?;
    let mut source = Vec::new();
    print!("You: ");
    std::io::stdout().flush()?;
    for line in std::io::stdin().lock().lines() {
        source.extend(ids(&line?));
        source.push(END);
        let nearest = retriever.nearest(&source, 3);
        for neighbour in &nearest {
            println!("  {:.2}  {}", neighbour.score, text(retriever.index().reply(neighbour.exchange)));
        }
        let reply = retriever.index().reply(nearest[0].exchange);
        println!("Chatbot: {}", text(reply));
        source.extend(reply);
        source.push(END);
        print!("You: ");
        std::io::stdout().flush()?;
    }
    Ok(())
}
