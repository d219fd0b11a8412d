//! The address of a page on the hub, taken for the name of the model that it shows.
//!
//! `https://huggingface.co/org/name/tree/v1`, the same without a scheme, `hf.co`, `hf://` and what `git clone` takes: people copy what their
//! browser shows. Pages of something else (a data set, a space, an article) are told for what they are.

/// Hosts of the hub besides the one that `HF_ENDPOINT` names.
const HOSTS: [&str; 3] = ["huggingface.co", "www.huggingface.co", "hf.co"];

/// What follows a model's name in an address.
const VIEWS: [&str; 10] =
    ["tree", "blob", "resolve", "raw", "blame", "edit", "commit", "commits", "discussions", "settings"];

/// First parts of addresses that are nobody's name.
const OTHER_PAGES: [&str; 16] = [
    "api",
    "blog",
    "chat",
    "collections",
    "docs",
    "join",
    "learn",
    "login",
    "models",
    "new",
    "organizations",
    "papers",
    "posts",
    "pricing",
    "search",
    "tasks",
];

/// A name on the hub with the revision that an address shows, or a sentence why it shows no model; `None` for what is no address.
pub(crate) fn parse(text: &str, endpoint: Option<&str>) -> Option<Result<(String, Option<String>), String>> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => match text.strip_prefix("git@").and_then(|rest| rest.split_once(':')) {
            Some((host, path)) if HOSTS.contains(&host) => return Some(page(path)),
            _ => (String::new(), text),
        },
    };
    if scheme == "hf" {
        return Some(page(rest.strip_prefix("models/").unwrap_or(rest)));
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host).to_ascii_lowercase();
    let own =
        endpoint.and_then(|endpoint| endpoint.split_once("://")).map(|(_, host)| host.trim_end_matches('/'));
    let is_hub = HOSTS.contains(&host.as_str()) || own == Some(host.as_str());
    match (scheme.as_str(), is_hub) {
        ("http" | "https" | "ssh" | "git" | "", true) => Some(page(path)),
        ("", false) => None,
        _ => Some(Err(format!(
            "it is an address of {}, and only models of the hub are fetched by theirs; download it and give the folder",
            if host.is_empty() { scheme } else { host }
        ))),
    }
}

/// The model that the page of this path shows.
fn page(path: &str) -> Result<(String, Option<String>), String> {
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (name, view) = match &parts[..] {
        [] => return Err("it is the hub itself; give the page of a model, or its name, OWNER/NAME".into()),
        ["datasets", ..] => return Err("it is the page of a data set, and no model".into()),
        ["spaces", ..] => {
            return Err(
                "it is the page of a space, and no model; its page names the models that it runs".into()
            );
        }
        [first, ..] if OTHER_PAGES.contains(first) => {
            return Err("it is no page of a model; give one, or its name, OWNER/NAME".into());
        }
        // The oldest models have no owner.
        [name, view @ ..] if view.first().is_none_or(|view| VIEWS.contains(view)) => {
            ((*name).to_owned(), view)
        }
        [owner, name, view @ ..] if view.first().is_none_or(|view| VIEWS.contains(view)) => {
            (format!("{owner}/{name}"), view)
        }
        _ => return Err("it is no page of a model; give one, or its name, OWNER/NAME".into()),
    };
    let (name, revision) = match name.split_once('@') {
        Some((name, revision)) => (name.to_owned(), Some(revision.to_owned())),
        None => (name, None),
    };
    let name = name.strip_suffix(".git").unwrap_or(&name).to_owned();
    let (shown, below) = match view {
        [] | ["discussions" | "settings", ..] => (None, &[][..]),
        // A proposed change or a conversion: its slashes are part of its name.
        [_, "refs", kind, number, below @ ..] => (Some(format!("refs/{kind}/{number}")), below),
        [_, revision, below @ ..] => (Some((*revision).to_owned()), below),
        [_] => (None, &[][..]),
    };
    let is_folder = match view.first() {
        Some(&"tree") => !below.is_empty(),
        _ => below.len() > 1,
    };
    if is_folder {
        return Err(format!(
            "it shows a folder within {name}, and only whole repositories are models; download the folder and give it"
        ));
    }
    Ok((name, revision.or(shown).filter(|revision| revision != "main")))
}

/// A part of an address with its escapes undone.
fn decoded(part: &str) -> String {
    let bytes = part.as_bytes();
    let (mut text, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let escaped = part.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                text.push(byte);
                at += 3;
            }
            None => {
                text.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_models_are_taken_for_their_names() {
        for (address, name, revision) in [
            ("https://huggingface.co/org/name", "org/name", None),
            ("https://huggingface.co/org/name/", "org/name", None),
            ("HTTPS://HuggingFace.co/org/name?library=transformers#usage", "org/name", None),
            ("http://www.huggingface.co/org/name", "org/name", None),
            ("huggingface.co/org/name", "org/name", None),
            ("hf.co/org/name", "org/name", None),
            ("https://hf.co/gpt2", "gpt2", None),
            ("https://huggingface.co/gpt2/tree/main", "gpt2", None),
            ("https://huggingface.co/org/name/tree/main", "org/name", None),
            ("https://huggingface.co/org/name/tree/v1.0", "org/name", Some("v1.0")),
            ("https://huggingface.co/org/name/tree/refs%2Fpr%2F7", "org/name", Some("refs/pr/7")),
            ("https://huggingface.co/org/name/tree/refs/pr/7", "org/name", Some("refs/pr/7")),
            ("https://huggingface.co/org/name/blob/main/config.json", "org/name", None),
            ("https://huggingface.co/org/name/blob/0a1b/config.json", "org/name", Some("0a1b")),
            (
                "https://huggingface.co/org/name/resolve/v1/model.safetensors?download=true",
                "org/name",
                Some("v1"),
            ),
            ("https://huggingface.co/org/name/commit/0a1b2c3d", "org/name", Some("0a1b2c3d")),
            ("https://huggingface.co/org/name/commits/main", "org/name", None),
            ("https://huggingface.co/org/name/discussions/3", "org/name", None),
            ("https://huggingface.co/org/name.git", "org/name", None),
            ("git@hf.co:org/name", "org/name", None),
            ("https://user@huggingface.co/org/name", "org/name", None),
            ("hf://org/name@v1", "org/name", Some("v1")),
            ("hf://models/org/name", "org/name", None),
            ("http://127.0.0.1:8000/org/name/tree/v2", "org/name", Some("v2")),
        ] {
            let expected = Some(Ok((name.to_owned(), revision.map(str::to_owned))));
            assert_eq!(parse(address, Some("http://127.0.0.1:8000/")), expected, "{address}");
        }
    }

    #[test]
    fn pages_of_something_else_are_told_for_what_they_are() {
        for (address, word) in [
            ("https://huggingface.co", "the hub itself"),
            ("https://huggingface.co/datasets/org/name", "data set"),
            ("hf://datasets/org/name", "data set"),
            ("https://huggingface.co/spaces/org/name", "space"),
            ("https://huggingface.co/models?search=t5", "no page of a model"),
            ("https://huggingface.co/docs/transformers/model_doc/t5", "no page of a model"),
            ("https://huggingface.co/org/name/something", "no page of a model"),
            ("https://huggingface.co/org/name/tree/main/onnx", "a folder within org/name"),
            ("https://huggingface.co/org/name/blob/main/onnx/model.onnx", "a folder within org/name"),
            ("https://github.com/org/name", "an address of github.com"),
            ("ftp://huggingface.co/org/name", "an address of"),
            ("file:///home/me/model", "an address of"),
        ] {
            let sentence = parse(address, None).unwrap().unwrap_err();
            assert!(sentence.contains(word), "{address}: {sentence}");
        }
        for name in ["org/name", "gpt2", "org/name@v1", "./huggingface.co", "a/b/c"] {
            assert_eq!(parse(name, None), None, "{name}");
        }
    }
}
