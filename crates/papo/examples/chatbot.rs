//! The chatbot of the course: read a line, answer it, until somebody says goodbye.
//!
//! `cargo run --release -p papo --example chatbot` talks to the built-in model; a name (`blenderbot`) or a folder may follow `--`.

use std::io::{self, BufRead, Write};

use papo::{AutoModelForSeq2SeqLM, AutoTokenizer, Error, GenerationConfig, SpecialTokens};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or("transformer".to_owned());
    let tokenizer = AutoTokenizer::from_pretrained(&name)?;
    let model = AutoModelForSeq2SeqLM::from_pretrained(&name)?;
    let config = GenerationConfig { max_new_tokens: Some(150), ..Default::default() };

    let answer = |text: &str| -> Result<String, Error> {
        let input_ids = tokenizer.encode(text)?;
        let output_ids = model.generate(&input_ids, &config)?;
        Ok(tokenizer.decode(&output_ids, SpecialTokens::Skip)?.trim().to_owned())
    };

    print!("You: ");
    io::stdout().flush()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        if ["quit", "exit", "bye"].contains(&line.trim().to_lowercase().as_str()) {
            break;
        }
        print!("Chatbot: {}\nYou: ", answer(&line)?);
        io::stdout().flush()?;
    }
    println!("Chatbot: Goodbye!");
    Ok(())
}
