//! The translations, as they stand in `locales/pt_BR.po`.
//!
//! Each entry says by its context (`msgctxt`) what it is; the head of the file has the list.

use polib::catalog::Catalog as Entries;
use polib::message::MessageView;

use super::template::Template;

/// The file, in the program.
const PORTUGUESE: &str = include_str!("../../locales/pt_BR.po");

/// Contexts of what is recognised.
const SENTENCES: [&str; 2] = ["sentence", "foreign"];

/// Translations into one language.
pub struct Catalog {
    entries: Entries,
    /// Sentences with parts, and where they stand among the entries.
    templates: Vec<Recognised>,
}

/// A sentence with parts, and its translation for one and for more.
struct Recognised {
    english: Template,
    translations: Vec<Template>,
}

impl Catalog {
    /// Those of Brazilian Portuguese.
    pub fn portuguese() -> Catalog {
        let entries = polib::po_file::parse_from_reader(PORTUGUESE.as_bytes());
        Catalog::new(entries.expect("locales/pt_BR.po is well formed, which a test makes sure of"))
    }

    fn new(entries: Entries) -> Catalog {
        let sentences = entries
            .messages()
            .filter(|entry| entry.msgctxt().is_some_and(|context| SENTENCES.contains(&context)));
        let templates = sentences
            .map(|entry| (Template::parse(entry.msgid()), entry))
            .filter(|(english, _)| !english.names().is_empty())
            .map(|(english, entry)| Recognised {
                english,
                translations: forms(entry).into_iter().map(Template::parse).collect(),
            });
        let templates = templates.collect();
        Catalog { entries, templates }
    }

    /// All entries.
    #[cfg(test)]
    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    /// The translation of a text as it stands.
    pub fn text(&self, context: &str, english: &str) -> Option<&str> {
        let entry = self.entries.find_message(Some(context), english, None)?;
        entry.msgstr().ok().filter(|translation| !translation.is_empty())
    }

    /// The translation of a sentence, or of lines that are sentences, if one of them has a translation.
    pub fn text_of_sentences(&self, english: &str) -> Option<String> {
        self.sentence(english).or_else(|| english.contains('\n').then(|| self.lines(english)).flatten())
    }

    fn lines(&self, english: &str) -> Option<String> {
        let translated: Vec<Option<String>> = english.split('\n').map(|line| self.sentence(line)).collect();
        translated.iter().any(Option::is_some).then(|| {
            let lines = translated.into_iter().zip(english.split('\n'));
            lines.map(|(line, own)| line.unwrap_or_else(|| own.to_owned())).collect::<Vec<_>>().join("\n")
        })
    }

    /// The translation of a sentence: of itself, of the format string that has made it, or of its end.
    pub fn sentence(&self, english: &str) -> Option<String> {
        let whole = self.exact(english).map(str::to_owned);
        whole.or_else(|| self.recognised(english)).or_else(|| self.ending(english))
    }

    fn exact(&self, english: &str) -> Option<&str> {
        SENTENCES.iter().find_map(|context| self.text(context, english))
    }

    fn recognised(&self, english: &str) -> Option<String> {
        let fitting = self.templates.iter().filter_map(|known| Some((known, known.english.parts(english)?)));
        let (known, parts) = fitting.max_by_key(|(known, _)| known.english.length())?;
        // The first number among the parts is the one that plurals go by.
        let n = parts.iter().find_map(|part| part.parse().ok()).unwrap_or(2);
        let translation = known.translations.get(form(n)).or(known.translations.last())?;
        // A part may be a sentence itself: what the operating system said, or a hint.
        let parts: Vec<String> =
            parts.iter().map(|part| self.sentence(part).unwrap_or_else(|| (*part).to_owned())).collect();
        let part = |name: &str| {
            known.english.names().iter().position(|known| known == name).map(|at| parts[at].as_str())
        };
        Some(translation.fill(part))
    }

    /// A sentence behind a name and a colon, or an addition behind a comma or in parentheses, which is an entry as it stands.
    fn ending(&self, english: &str) -> Option<String> {
        let behind_a_colon = || {
            english.match_indices(": ").find_map(|(at, colon)| {
                let (name, sentence) = (&english[..at], &english[at + colon.len()..]);
                Some(format!("{name}: {}", self.sentence(sentence)?))
            })
        };
        let addition = || {
            let places = english.match_indices([',', ' ']).filter(|(at, _)| *at > 0);
            places
                .map(|(at, _)| english.split_at(at))
                .find_map(|(begin, addition)| Some(format!("{begin}{}", self.exact(addition)?)))
        };
        behind_a_colon().or_else(addition)
    }
}

/// Which form a number takes: in Brazil, none and one are singular (`Plural-Forms` in the file says the same to its editors).
fn form(n: u64) -> usize {
    usize::from(n > 1)
}

/// The translation, for one and for more if it depends on a number.
pub fn forms(entry: &dyn MessageView) -> Vec<&str> {
    match entry.msgstr_plural() {
        Ok(forms) => forms.iter().map(String::as_str).collect(),
        Err(_) => entry.msgstr().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(entries: &str) -> Catalog {
        let head = "msgid \"\"\nmsgstr \"\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\
                    \"Plural-Forms: nplurals=2; plural=(n > 1);\\n\"\n\n";
        Catalog::new(polib::po_file::parse_from_reader(format!("{head}{entries}").as_bytes()).unwrap())
    }

    #[test]
    fn sentences_are_recognised_with_their_parts_and_the_fullest_one_wins() {
        let catalog = catalog(
            "msgctxt \"sentence\"\nmsgid \"cannot read {path}: {source}\"\nmsgstr \"não consigo ler {path}: {source}\"\n\n\
             msgctxt \"sentence\"\nmsgid \"cannot read {path}: {source}; try again\"\nmsgstr \"tente de novo ({source}): {path}\"\n\n\
             msgctxt \"sentence\"\nmsgid \", the best so far\"\nmsgstr \", a melhor até aqui\"\n\n\
             msgctxt \"foreign\"\nmsgid \"No such file (os error {})\"\nmsgstr \"não existe (erro {})\"\n",
        );
        let told = |sentence| catalog.sentence(sentence);
        assert_eq!(
            told("cannot read a.txt: No such file (os error 2)").unwrap(),
            "não consigo ler a.txt: não existe (erro 2)"
        );
        assert_eq!(told("cannot read a: broken; try again").unwrap(), "tente de novo (broken): a");
        assert_eq!(told("model.bin: cannot read a: b").unwrap(), "model.bin: não consigo ler a: b");
        assert_eq!(told("42, the best so far").unwrap(), "42, a melhor até aqui");
        assert_eq!(told("something else"), None);
        assert_eq!(catalog.text_of_sentences("x\ncannot read a: b").unwrap(), "x\nnão consigo ler a: b");
    }

    #[test]
    fn a_number_among_the_parts_chooses_the_form() {
        let catalog = catalog(
            "msgctxt \"sentence\"\nmsgid \"{name} has {n} tokens\"\nmsgid_plural \"{name} has {n} tokens\"\n\
             msgstr[0] \"{name} tem {n} token\"\nmsgstr[1] \"{name} tem {n} tokens\"\n",
        );
        assert_eq!(catalog.sentence("x has 1 tokens").unwrap(), "x tem 1 token");
        assert_eq!(catalog.sentence("x has 0 tokens").unwrap(), "x tem 0 token");
        assert_eq!(catalog.sentence("x has 12 tokens").unwrap(), "x tem 12 tokens");
    }
}
