//! The language in which the program speaks to people: English, or Portuguese where the environment asks for it.
//!
//! The program thinks in English: help stands in the doc comments of `arguments.rs`, sentences stand where they arise, in this
//! crate and in the libraries, and what other programs read (results, JSON, logs, pages) is made of nothing else. Translations
//! stand in `locales/pt_BR.po`, in the format that gettext's tools edit, and come in on three ways out:
//!
//! * **help** ([`command`], [`print()`]): the parser's tree of commands is walked and its texts are replaced;
//! * **sentences** ([`sentence`]), such as errors, notes, the chat's remarks and what stands in tables: whatever crate they come from,
//!   they are recognised by the format strings that made them, just before they are shown;
//! * **labels** ([`label`]): single words before the rows of a table.
//!
//! So errors cross all crates as sentences, JSON has them as they are, and no library knows of languages.
//!
//! What has no translation stays English. A test (`language/complete.rs`) tells what lacks one, and which are of no use any more.

mod catalog;
#[cfg(test)]
mod complete;
mod help;
mod template;

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::OnceLock;

use catalog::Catalog;
use clap::error::ErrorKind;

/// The languages that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Where nothing else is asked for.
    English,
    /// As it is written in Brazil.
    Portuguese,
}

/// The translations, where English is not what is spoken.
static SPOKEN: OnceLock<Catalog> = OnceLock::new();

impl Language {
    /// The language that the environment asks for.
    pub fn of_environment() -> Language {
        Language::of(|name| std::env::var(name).ok())
    }

    /// `PAPO_LANG` goes before everything. Then the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set names the locale, as POSIX
    /// has it; where that is not C, the languages of `LANGUAGE`, best first, go before it, as in gettext.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Language {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let Some(language) = set("PAPO_LANG").as_deref().and_then(Language::named) {
            return language;
        }
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).unwrap_or_default();
        if locale.is_empty() || ["C", "POSIX"].contains(&subtag(&locale)) {
            return Language::English;
        }
        let preferred = set("LANGUAGE").unwrap_or_default();
        let asked = preferred.split(':').chain([locale.as_str()]).find_map(Language::named);
        asked.unwrap_or(Language::English)
    }

    /// The language of a locale's name, such as `pt_BR.UTF-8`, `pt-PT` or `en`.
    pub fn named(locale: &str) -> Option<Language> {
        match subtag(locale).to_ascii_lowercase().as_str() {
            "pt" => Some(Language::Portuguese),
            "en" => Some(Language::English),
            _ => None,
        }
    }
}

/// What stands before country, encoding and variant.
fn subtag(locale: &str) -> &str {
    locale.split(['_', '-', '.', '@']).next().unwrap_or_default()
}

/// Speaks this language from here on.
pub fn speak(language: Language) {
    if language == Language::Portuguese {
        SPOKEN.get_or_init(Catalog::portuguese);
    }
}

/// An English sentence, or lines of them, in the language that is spoken.
pub fn sentence(english: &str) -> Cow<'_, str> {
    match SPOKEN.get().and_then(|catalog| catalog.text_of_sentences(english)) {
        Some(translated) => Cow::Owned(translated),
        None => Cow::Borrowed(english),
    }
}

/// An English label in the language that is spoken.
pub fn label(english: &str) -> &str {
    SPOKEN.get().and_then(|catalog| catalog.text("label", english)).unwrap_or(english)
}

/// The command line with its help in the language that is spoken.
pub fn command(command: clap::Command) -> clap::Command {
    match SPOKEN.get() {
        Some(catalog) => help::translated(command, catalog),
        None => command,
    }
}

/// Prints what the parser has to say, help or a complaint; nobody may be there to read it.
pub fn print(error: &clap::Error) {
    let Some(catalog) = SPOKEN.get() else { return drop(error.print()) };
    let english = error.render().ansi().to_string();
    let page = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => help::page(&english),
        _ => help::complaint(&english, catalog),
    };
    let (mut stream, coloured): (Box<dyn Write>, bool) = match error.use_stderr() {
        true => (Box::new(io::stderr()), console::colors_enabled_stderr()),
        false => (Box::new(io::stdout()), console::colors_enabled()),
    };
    let page = if coloured { page.into() } else { console::strip_ansi_codes(&page) };
    drop(stream.write_all(page.as_bytes()).and_then(|()| stream.flush()));
}

#[cfg(test)]
mod tests {
    use super::Language::{self, English, Portuguese};

    #[test]
    fn the_environment_tells_the_language_in_the_order_of_posix() {
        let cases: &[(&[(&str, &str)], Language)] = &[
            (&[], English),
            (&[("LANG", "")], English),
            (&[("LANG", "C")], English),
            (&[("LANG", "POSIX")], English),
            (&[("LANG", "C.UTF-8")], English),
            (&[("LANG", "en_GB.UTF-8")], English),
            (&[("LANG", "de_DE.UTF-8")], English),
            (&[("LANG", "ptolemaic")], English),
            (&[("LANG", "pt")], Portuguese),
            (&[("LANG", "pt_BR")], Portuguese),
            (&[("LANG", "pt_BR.UTF-8")], Portuguese),
            (&[("LANG", "pt_PT@euro")], Portuguese),
            (&[("LANG", "pt-BR")], Portuguese),
            (&[("LANG", "PT_br.utf8")], Portuguese),
            (&[("LC_MESSAGES", "pt_BR.UTF-8"), ("LANG", "en_US.UTF-8")], Portuguese),
            (&[("LC_MESSAGES", "en_US.UTF-8"), ("LANG", "pt_BR.UTF-8")], English),
            (&[("LC_ALL", "C"), ("LC_MESSAGES", "pt_BR"), ("LANG", "pt_BR")], English),
            (&[("LC_ALL", "pt_BR"), ("LANG", "C")], Portuguese),
            (&[("LC_ALL", ""), ("LANG", "pt_BR")], Portuguese),
            (&[("LC_CTYPE", "pt_BR.UTF-8")], English),
            (&[("LANGUAGE", "pt_BR:en")], English),
            (&[("LANGUAGE", "pt_BR:en"), ("LANG", "C.UTF-8")], English),
            (&[("LANGUAGE", "pt_BR:en"), ("LANG", "en_US.UTF-8")], Portuguese),
            (&[("LANGUAGE", "en"), ("LANG", "pt_BR.UTF-8")], English),
            (&[("LANGUAGE", "gl:pt"), ("LANG", "es_ES.UTF-8")], Portuguese),
            (&[("LANGUAGE", "gl"), ("LANG", "pt_BR.UTF-8")], Portuguese),
            (&[("PAPO_LANG", "pt"), ("LC_ALL", "C")], Portuguese),
            (&[("PAPO_LANG", "en"), ("LANG", "pt_BR.UTF-8")], English),
            (&[("PAPO_LANG", "tlh"), ("LANG", "pt_BR.UTF-8")], Portuguese),
        ];
        for (variables, expected) in cases {
            let value = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Language::of(value), *expected, "{variables:?}");
        }
    }
}
