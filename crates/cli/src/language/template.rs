//! Format strings read backwards: from a sentence to what was put into it.
//!
//! `cannot read {path}: {source}` made `cannot read talk.json: permission denied`, so that sentence has the parts `talk.json` and
//! `permission denied`, which the format string of a translation takes in turn.

/// A format string, taken apart: literals with a part after each but the last.
#[derive(Debug)]
pub struct Template {
    literals: Vec<String>,
    /// `path` for `{path:?}`; the number of its turn for `{}`.
    names: Vec<String>,
}

impl Template {
    /// Reads a format string.
    pub fn parse(format: &str) -> Template {
        let mut template = Template { literals: vec![String::new()], names: Vec::new() };
        let mut rest = format;
        let mut turn = 0;
        while let Some(brace) = rest.find(['{', '}']) {
            let (literal, behind) = rest.split_at(brace);
            template.last().push_str(literal);
            if behind.starts_with("{{") || behind.starts_with("}}") {
                template.last().push_str(&behind[..1]);
                rest = &behind[2..];
            } else if let Some((inside, behind)) =
                behind.strip_prefix('{').and_then(|inside| inside.split_once('}'))
            {
                let name = inside.split(':').next().unwrap_or_default();
                template.names.push(if name.is_empty() { turn.to_string() } else { name.to_owned() });
                turn += usize::from(name.is_empty());
                template.literals.push(String::new());
                rest = behind;
            } else {
                // A lone brace, which no format string has, is itself.
                template.last().push_str(&behind[..1]);
                rest = &behind[1..];
            }
        }
        template.last().push_str(rest);
        template
    }

    fn last(&mut self) -> &mut String {
        self.literals.last_mut().expect("there is one from the beginning")
    }

    /// Names of the parts, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Bytes of the literals: of two templates that fit, the one with more says more.
    pub fn length(&self) -> usize {
        self.literals.iter().map(String::len).sum()
    }

    /// Letters of the literals.
    #[cfg(test)]
    pub fn letters(&self) -> usize {
        self.literals.iter().flat_map(|literal| literal.chars()).filter(|c| c.is_alphabetic()).count()
    }

    /// The parts of a sentence that this has made; each literal is looked for behind the one before it.
    pub fn parts<'a>(&self, sentence: &'a str) -> Option<Vec<&'a str>> {
        let (first, others) = self.literals.split_first()?;
        let mut rest = sentence.strip_prefix(first.as_str())?;
        let Some((last, middle)) = others.split_last() else { return rest.is_empty().then(Vec::new) };
        rest = rest.strip_suffix(last.as_str())?;
        let mut parts = Vec::with_capacity(self.names.len());
        for literal in middle {
            let (part, behind) = rest.split_once(literal.as_str())?;
            parts.push(part);
            rest = behind;
        }
        parts.push(rest);
        let named = || self.names.iter().zip(&parts);
        let agree = named().all(|(name, part)| named().all(|(other, same)| name != other || part == same));
        agree.then_some(parts)
    }

    /// The sentence that comes of putting `part(name)` in every place.
    pub fn fill<'a>(&self, part: impl Fn(&str) -> Option<&'a str>) -> String {
        let mut sentence = String::new();
        for (position, literal) in self.literals.iter().enumerate() {
            if position > 0 {
                sentence.push_str(part(&self.names[position - 1]).unwrap_or_default());
            }
            sentence.push_str(literal);
        }
        sentence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_gives_back_what_was_put_into_it() {
        let template = Template::parse("{}, line {line}: {reason:?}; write {{\"text\": …}}");
        let parts = template.parts("a.txt, line 7: \"x, y\"; write {\"text\": …}").unwrap();
        assert_eq!(parts, ["a.txt", "7", "\"x, y\""]);
        assert_eq!(template.names(), ["0", "line", "reason"]);
        assert!(template.parts("a.txt, line 7: x").is_none());
    }

    #[test]
    fn the_same_name_is_the_same_part() {
        let template = Template::parse("{name} is gone, fetch {name}");
        assert_eq!(template.parts("x is gone, fetch x").unwrap(), ["x", "x"]);
        assert!(template.parts("x is gone, fetch y").is_none());
    }

    #[test]
    fn literals_do_not_overlap_and_parts_may_be_empty() {
        assert!(Template::parse("aba{}aba").parts("ababa").is_none());
        assert_eq!(Template::parse("no option{hint}").parts("no option").unwrap(), [""]);
        assert_eq!(Template::parse("plain").parts("plain").unwrap(), [""; 0]);
        assert!(Template::parse("plain").parts("plainer").is_none());
    }

    #[test]
    fn a_translation_takes_the_parts_in_its_own_order() {
        let translation = Template::parse("{1} antes de {0}");
        assert_eq!(
            translation.fill(|name| ["a", "b"].get(name.parse::<usize>().ok()?).copied()),
            "b antes de a"
        );
    }
}
