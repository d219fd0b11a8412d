//! Holds the translations to the English: nothing lacks one, and none is left of an English that is gone.
//!
//! What has to be translated is read from where it stands: help from the tree of commands, sentences and labels from the sources
//! themselves. A sentence that a library puts together from pieces cannot be told from other strings there; it may be translated, and
//! then has to stand in a source to the letter.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use polib::message::MessageView;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::catalog::{Catalog, forms};
use super::template::Template;
use crate::arguments;

/// Names of calls and macros whose strings are read by people, by what stands before their parenthesis, and the contexts that their
/// translations have.
const TOLD: &[(&[&str], &str)] = &[
    (&["#", "error"], "sentence"),
    (&["Failure", ":", ":", "new"], "sentence"),
    (&["Failure", ":", ":", "Usage"], "sentence"),
    (&["Turn", ":", ":", "Mistake"], "sentence"),
    (&["complain"], "sentence"),
    (&["say"], "sentence"),
    (&["show"], "sentence"),
    (&["ask_for"], "sentence"),
    (&["sentence"], "sentence"),
    (&["label"], "label"),
];

/// A text with its context.
type Text = (String, String);

/// What the sources hold.
#[derive(Default)]
struct Sources {
    /// Strings that must have a translation.
    told: BTreeSet<Text>,
    /// All strings.
    all: BTreeSet<String>,
}

impl Sources {
    fn read() -> Sources {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut sources = Sources::default();
        for krate in fs::read_dir(crates).unwrap() {
            for file in rust_files(&krate.unwrap().path().join("src")) {
                let text = fs::read_to_string(&file).unwrap();
                let tokens = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                sources.walk(tokens, None);
            }
        }
        sources
    }

    /// Takes in all strings; those inside of what is told have that context.
    fn walk(&mut self, tokens: TokenStream, context: Option<&'static str>) {
        let mut before: Vec<String> = Vec::new();
        for token in tokens {
            match &token {
                TokenTree::Group(group) => {
                    // Tests speak English.
                    let is_test = group.delimiter() == Delimiter::Brace
                        && before.ends_with(&["mod".to_owned(), "tests".to_owned()]);
                    if !is_test {
                        let told = TOLD.iter().find(|(call, _)| {
                            before.len() >= call.len()
                                && before[before.len() - call.len()..].iter().eq(call.iter())
                        });
                        self.walk(group.stream(), told.map(|(_, context)| *context).or(context));
                    }
                    before.push("()".to_owned());
                }
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(string) = syn::Lit::new(literal.clone()) {
                        self.take(string.value(), context);
                    }
                    before.push("\"\"".to_owned());
                }
                // In an attribute, the sign stands outside of the group.
                TokenTree::Ident(name) if name == "error" && before.is_empty() => {
                    before.extend(["#".to_owned(), "error".to_owned()]);
                }
                other => before.push(other.to_string()),
            }
        }
    }

    fn take(&mut self, string: String, context: Option<&'static str>) {
        if let Some(context) = context.filter(|_| has_words(&string)) {
            self.told.insert((context.to_owned(), string.clone()));
        }
        self.all.insert(string);
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Whether there is anything to translate besides what is put in: at least a word.
fn has_words(format: &str) -> bool {
    Template::parse(format).letters() >= 3
}

/// Texts of the help, and names of values.
fn help() -> BTreeSet<Text> {
    let mut command = arguments::command();
    command.build();
    let mut texts = BTreeSet::new();
    collect(&command, &mut texts);
    crate::environment::help(|text| {
        texts.insert(("help".to_owned(), text.to_owned()));
        text.to_owned()
    });
    texts
}

fn collect(command: &clap::Command, texts: &mut BTreeSet<Text>) {
    let mut take = |context: &str, text: String| texts.insert((context.to_owned(), text));
    for text in
        [command.get_about(), command.get_long_about(), command.get_after_help()].into_iter().flatten()
    {
        take("help", text.to_string());
    }
    if command.has_subcommands() {
        take("value", "COMMAND".to_owned());
    }
    for arg in command.get_arguments() {
        let texts = [arg.get_help(), arg.get_long_help()].into_iter().flatten().map(ToString::to_string);
        for text in texts.chain(arg.get_help_heading().map(str::to_owned)) {
            take("help", text);
        }
        for value in arg.get_possible_values() {
            if let Some(text) = value.get_help() {
                take("help", text.to_string());
            }
        }
        if arg.get_action().takes_values() {
            for name in arg.get_value_names().unwrap_or_default() {
                take("value", name.to_string());
            }
        }
    }
    command.get_subcommands().for_each(|command| collect(command, texts));
}

/// An entry's key.
fn key(entry: &dyn MessageView) -> Text {
    (entry.msgctxt().unwrap_or_default().to_owned(), entry.msgid().to_owned())
}

/// An entry to be filled in.
fn stub((context, english): &Text) -> String {
    format!("msgctxt {context:?}\nmsgid {english:?}\nmsgstr \"\"\n")
}

#[test]
fn every_text_has_a_translation() {
    let catalog = Catalog::portuguese();
    let there: BTreeSet<Text> =
        catalog.entries().messages().filter(|entry| !forms(*entry).concat().is_empty()).map(key).collect();
    let told = Sources::read().told;
    let missing: Vec<Text> = help()
        .into_iter()
        .chain(told)
        .filter(|text| !there.contains(text))
        .filter(|(context, english)| context != "value" || has_words(english))
        .collect();
    let stubs: Vec<String> = missing.iter().map(stub).collect();
    assert!(missing.is_empty(), "add to locales/pt_BR.po, with translations:\n\n{}", stubs.join("\n"));
}

#[test]
fn every_translation_is_of_a_text_that_is_there() {
    let (sources, help) = (Sources::read(), help());
    let is_there = |(context, english): &Text| match context.as_str() {
        "help" | "value" => help.contains(&(context.clone(), english.clone())),
        // Sentences of the operating system and of other crates stand nowhere here.
        "foreign" => true,
        _ => sources.all.contains(english),
    };
    let catalog = Catalog::portuguese();
    let gone: Vec<Text> = catalog.entries().messages().map(key).filter(|text| !is_there(text)).collect();
    assert!(gone.is_empty(), "their English is in no source any more: {gone:#?}");
}

#[test]
fn translations_have_the_parts_of_the_english() {
    for entry in Catalog::portuguese().entries().messages() {
        let (context, english) = key(entry);
        if context == "help" || context == "value" {
            continue;
        }
        let names = |format: &str| Template::parse(format).names().iter().cloned().collect::<BTreeSet<_>>();
        for translation in forms(entry) {
            assert_eq!(names(translation), names(&english), "{english}\n{translation}");
        }
    }
}

#[test]
fn the_file_is_one_that_gettext_reads() {
    let catalog = Catalog::portuguese();
    let entries = catalog.entries();
    assert_eq!((entries.metadata.language.as_str(), entries.metadata.plural_rules.nplurals), ("pt_BR", 2));
    // Of two entries with one key, the reader keeps the last.
    let written = include_str!("../../locales/pt_BR.po").matches("\nmsgid ").count();
    assert_eq!(entries.count() + 1, written, "an entry comes twice");
}

#[test]
fn every_sentence_is_recognised_as_itself_and_not_as_another() {
    let catalog = Catalog::portuguese();
    let sentences = catalog.entries().messages();
    for entry in
        sentences.filter(|entry| ["sentence", "foreign"].contains(&entry.msgctxt().unwrap_or_default()))
    {
        let english = Template::parse(entry.msgid());
        let marks: Vec<String> = english.names().iter().map(|name| format!("«{name}»")).collect();
        let mark = |name: &str| {
            let at = english.names().iter().position(|known| known == name)?;
            Some(marks[at].as_str())
        };
        let expected = forms(entry).last().map(|more| Template::parse(more).fill(mark));
        assert_eq!(catalog.sentence(&english.fill(mark)), expected, "{}", entry.msgid());
    }
}
