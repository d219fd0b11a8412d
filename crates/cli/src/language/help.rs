//! Help and complaints of the parser in another language.
//!
//! The English stands where it belongs, in the doc comments of `arguments.rs`. Here the finished tree of commands is walked and each
//! text is replaced by its translation. A few words are the parser's own and cannot be set (`Usage:`, `[default: …]`); those are
//! replaced on the finished page. Their translations are no longer than they are, so that lines stay as they were broken.

use clap::builder::PossibleValue;
use clap::{Arg, Command};

use super::catalog::Catalog;
use crate::environment;

/// The parser's own words, where a line begins with one.
const BEGINNINGS: &[(&str, &str)] = &[
    ("Usage:", "Uso:"),
    ("Commands:", "Comandos:"),
    ("Arguments:", "Argumentos:"),
    ("Options:", "Opções:"),
    ("error:", "erro:"),
    ("tip:", "dica:"),
];

/// And those inside a line.
const INSIDE: &[(&str, &str)] = &[
    ("[OPTIONS]", "[OPÇÕES]"),
    ("[default: ", "[padrão: "),
    ("[possible values: ", "[valores: "),
    ("[aliases: ", "[ou: "),
    ("[subcommands: ", "[comandos: "),
];

/// The whole tree of commands with translated help.
pub fn translated(mut command: Command, catalog: &Catalog) -> Command {
    // What the parser adds, such as `--help`, is to be there, too.
    command.build();
    let after = command.get_after_help().map(|after| text(&after.to_string(), catalog)).unwrap_or_default();
    let variables = environment::help(|english| text(english, catalog));
    walk(command, catalog).after_long_help(format!("{after}\n\n{variables}"))
}

/// The translation of a text of the help, or itself.
fn text(english: &str, catalog: &Catalog) -> String {
    catalog.text("help", english).unwrap_or(english).to_owned()
}

fn walk(command: Command, catalog: &Catalog) -> Command {
    let mut command = command
        .mut_args(|arg| argument(arg, catalog))
        .mut_subcommands(|command| walk(command, catalog))
        .subcommand_value_name(value_name("COMMAND", catalog));
    let translation = |english: &dyn ToString| text(&english.to_string(), catalog);
    if let Some(about) = command.get_about().map(|it| translation(it)) {
        command = command.about(about);
    }
    if let Some(about) = command.get_long_about().map(|it| translation(it)) {
        command = command.long_about(about);
    }
    if let Some(after) = command.get_after_help().map(|it| translation(it)) {
        command = command.after_help(after);
    }
    command
}

fn argument(mut arg: Arg, catalog: &Catalog) -> Arg {
    let translation = |english: &dyn ToString| text(&english.to_string(), catalog);
    let help = arg.get_help().map(|it| translation(it));
    let long_help = arg.get_long_help().map(|it| translation(it));
    let values = described_values(&arg);
    if let (Some(help), false) = (&help, values.is_empty()) {
        let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
        let lines = values.iter().map(|value| {
            let does = value.get_help().map(|it| translation(it)).unwrap_or_default();
            format!("- {}: {does}", value.get_name())
        });
        let list = lines.collect::<Vec<_>>().join("\n");
        arg = arg
            .hide_possible_values(true)
            .help(format!("{help} [valores: {}]", names.join(", ")))
            .long_help(format!("{}\n\nValores possíveis:\n{list}", long_help.as_ref().unwrap_or(help)));
    } else {
        if let Some(help) = help {
            arg = arg.help(help);
        }
        if let Some(help) = long_help {
            arg = arg.long_help(help);
        }
    }
    if let Some(heading) = arg.get_help_heading().map(|it| translation(&it)) {
        arg = arg.help_heading(heading);
    }
    if let Some(names) = arg.get_value_names().filter(|_| arg.get_action().takes_values()) {
        let names: Vec<String> = names.iter().map(|name| value_name(name, catalog)).collect();
        arg = arg.value_names(names);
    }
    arg
}

/// The values that an argument takes, where the parser would list them with what they mean.
fn described_values(arg: &Arg) -> Vec<PossibleValue> {
    let values = arg.get_possible_values();
    let listed = !arg.is_hide_possible_values_set() && values.iter().any(|value| value.get_help().is_some());
    if listed { values.into_iter().filter(|value| !value.is_hide_set()).collect() } else { Vec::new() }
}

fn value_name(english: &str, catalog: &Catalog) -> String {
    catalog.text("value", english).unwrap_or(english).to_owned()
}

/// A page of help, which may be coloured, with the parser's own words replaced.
pub fn page(page: &str) -> String {
    lines(page, |_| None)
}

/// A complaint of the parser, which may be coloured.
pub fn complaint(complaint: &str, catalog: &Catalog) -> String {
    lines(complaint, |sentence| catalog.sentence(sentence))
}

fn lines(english: &str, sentence: impl Fn(&str) -> Option<String>) -> String {
    english.split('\n').map(|english| line(english, &sentence)).collect::<Vec<_>>().join("\n")
}

fn line(english: &str, sentence: impl Fn(&str) -> Option<String>) -> String {
    let mut line = english.to_owned();
    for (word, translation) in INSIDE {
        line = line.replace(word, translation);
    }
    let plain = console::strip_ansi_codes(english);
    let Some((word, translation)) = BEGINNINGS.iter().find(|(word, _)| plain.trim_start().starts_with(word))
    else {
        return sentence(&line).unwrap_or(line);
    };
    let line = line.replacen(word, translation, 1);
    // Behind the word, and the code that ends its colour, may stand a sentence.
    let end = line.find(translation).map_or(0, |at| at + translation.len());
    let Some(space) = line[end..].find(' ') else { return line };
    let (begin, rest) = line.split_at(end + space + 1);
    format!("{begin}{}", sentence(rest).unwrap_or_else(|| rest.to_owned()))
}
