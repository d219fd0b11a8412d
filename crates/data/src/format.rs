//! What a file holds, as its name tells.

use std::path::Path;

/// Kinds of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFormat {
    /// Running text, or a sentence a line.
    Text,
    /// On each line a source, a tab and a target; behind further tabs there may be further references.
    Pairs,
    /// On each line a JSON object with a list of `turns`.
    Dialogues,
}

impl DataFormat {
    /// What a file of this name holds, `.gz` left aside.
    pub fn of(path: &Path) -> DataFormat {
        match ending(path).as_str() {
            "tsv" => DataFormat::Pairs,
            // Many a file of JSON Lines is called .json; one that is none is refused when it is read.
            "jsonl" | "ndjson" | "json" => DataFormat::Dialogues,
            _ => DataFormat::Text,
        }
    }

    /// The name of the kind, as in `papo train --task`.
    pub fn name(self) -> &'static str {
        match self {
            DataFormat::Text => "text",
            DataFormat::Pairs => "pairs",
            DataFormat::Dialogues => "dialogue",
        }
    }
}

/// The ending of a file's name in small letters, `.gz` left aside.
pub(crate) fn ending(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_owned())
}

/// What to do with a file that its name tells to be no data of ours, in a sentence; `None` for all others.
pub(crate) fn refusal(path: &Path) -> Option<&'static str> {
    match ending(path).as_str() {
        "csv" => Some(
            "comma-separated values are not read; save pairs with tabs between their columns (.tsv: source, tab, target), or write \
             one text a line into a .txt file",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_files_hold() {
        for (name, format) in [
            ("x.tsv", DataFormat::Pairs),
            ("x.TSV.gz", DataFormat::Pairs),
            ("x.jsonl", DataFormat::Dialogues),
            ("x.ndjson", DataFormat::Dialogues),
            ("x.JSONL.gz", DataFormat::Dialogues),
            ("x.json", DataFormat::Dialogues),
            ("x.txt.gz", DataFormat::Text),
            ("tsv", DataFormat::Text),
            ("README", DataFormat::Text),
            ("-", DataFormat::Text),
        ] {
            assert_eq!(DataFormat::of(Path::new(name)), format, "{name}");
        }
    }
}
