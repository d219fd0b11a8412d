//! Where the hub is, where the cache is, and who is asking: read from the environment as `huggingface_hub` reads it.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything that decides how models are fetched.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address of the hub, without a slash at the end.
    pub endpoint: String,
    /// The folder that holds all models.
    pub cache: PathBuf,
    /// Who is asking; nobody in particular when `None`.
    pub token: Option<Token>,
    /// Whether the hub may be asked at all.
    pub network: Network,
    /// How often a request is tried that fails for reasons that pass.
    pub attempts: u32,
    /// Pause before the second attempt; it doubles with each one.
    pub backoff: Duration,
    /// Longest pause that a hub under load may ask for.
    pub patience: Duration,
    /// How long to wait for a connection and for the beginning of an answer.
    pub answer_timeout: Duration,
    /// How long a download may stand still before it is taken up anew.
    pub stall_timeout: Duration,
}

/// Whether the hub may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Ask for what is missing or may have changed.
    Online,
    /// Use what the cache has.
    Offline,
}

/// A secret that says who is asking; it shows itself to the hub and to nobody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token, without the white space around it; `None` when nothing is left or it could not be sent.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()))
            .then(|| Token(text.to_string()))
    }

    /// The header that carries it.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Settings {
    /// The hub at huggingface.co with this cache and nothing else.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Settings {
            endpoint: "https://huggingface.co".to_string(),
            cache: cache.into(),
            token: None,
            network: Network::Online,
            attempts: 5,
            backoff: Duration::from_millis(500),
            patience: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
        }
    }

    /// The settings that the environment gives: `HF_ENDPOINT`, `HF_HUB_CACHE` (else `HF_HOME/hub`, else
    /// `~/.cache/huggingface/hub`), `HF_TOKEN` (else the file at `HF_TOKEN_PATH` or `HF_HOME/token`, unless
    /// `HF_HUB_DISABLE_IMPLICIT_TOKEN`), `HF_HUB_OFFLINE`, `HF_HUB_ETAG_TIMEOUT` and `HF_HUB_DOWNLOAD_TIMEOUT` in seconds.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var_os(name), std::env::home_dir())
    }

    /// The same from any source of variables.
    fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>, home: Option<PathBuf>) -> Self {
        let set =
            |names: &[&str]| names.iter().find_map(|name| lookup(name).filter(|value| !value.is_empty()));
        let text = |names: &[&str]| set(names).and_then(|value| value.into_string().ok());
        let path = |names: &[&str]| set(names).map(|value| expand(Path::new(&value), home.as_deref()));
        let yes = |names: &[&str]| {
            text(names)
                .is_some_and(|value| matches!(value.to_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE"))
        };
        let seconds = |names: &[&str]| {
            Some(Duration::from_secs(text(names)?.parse().ok().filter(|&seconds| seconds > 0)?))
        };

        let hf_home = hf_home(&path, home.as_deref());
        let cache = path(&["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"]).unwrap_or_else(|| hf_home.join("hub"));
        let mut settings = Self::new(cache);
        if let Some(endpoint) = text(&["HF_ENDPOINT"]) {
            settings.endpoint = endpoint.trim_end_matches('/').to_string();
        }
        let token_file = || {
            let path = path(&["HF_TOKEN_PATH"]).unwrap_or_else(|| hf_home.join("token"));
            std::fs::read_to_string(path).ok()
        };
        settings.token = text(&["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
            .or_else(|| if yes(&["HF_HUB_DISABLE_IMPLICIT_TOKEN"]) { None } else { token_file() })
            .and_then(|token| Token::new(&token));
        if yes(&["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]) {
            settings.network = Network::Offline;
        }
        settings.answer_timeout = seconds(&["HF_HUB_ETAG_TIMEOUT"]).unwrap_or(settings.answer_timeout);
        settings.stall_timeout = seconds(&["HF_HUB_DOWNLOAD_TIMEOUT"]).unwrap_or(settings.stall_timeout);
        settings
    }
}

/// The folder of all that Hugging Face's tools keep, given a source of paths.
fn hf_home(path: &dyn Fn(&[&str]) -> Option<PathBuf>, home: Option<&Path>) -> PathBuf {
    path(&["HF_HOME"]).unwrap_or_else(|| {
        let caches = path(&["XDG_CACHE_HOME"]);
        caches.unwrap_or_else(|| home.unwrap_or(Path::new("")).join(".cache")).join("huggingface")
    })
}

/// Where Papo keeps what it makes of models: `HF_HOME/papo`, beside the cache of models.
pub(crate) fn own_cache() -> PathBuf {
    let home = std::env::home_dir();
    let path = |names: &[&str]| {
        let value = names.iter().find_map(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
        value.map(|value| expand(Path::new(&value), home.as_deref()))
    };
    hf_home(&path, home.as_deref()).join("papo")
}

/// `~` at the beginning is the user's own folder.
fn expand(path: &Path, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Settings {
        let lookup =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
        Settings::from_lookup(lookup, Some(PathBuf::from("/home/me")))
    }

    #[test]
    fn the_cache_is_where_python_has_it() {
        for (variables, cache) in [
            (&[][..], "/home/me/.cache/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/x")], "/x/huggingface/hub"),
            (&[("HF_HOME", "~/hf"), ("XDG_CACHE_HOME", "/x")], "/home/me/hf/hub"),
            (&[("HF_HOME", "/hf"), ("HUGGINGFACE_HUB_CACHE", "/old")], "/old"),
            (&[("HF_HUB_CACHE", "/new"), ("HUGGINGFACE_HUB_CACHE", "/old")], "/new"),
            (&[("HF_HUB_CACHE", "")], "/home/me/.cache/huggingface/hub"),
        ] {
            assert_eq!(with(variables).cache, Path::new(cache), "{variables:?}");
        }
    }

    #[test]
    fn the_token_comes_from_the_variable_or_the_file_and_is_never_shown() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("token"), " hf_file\n").unwrap();
        let hf_home = ("HF_HOME", home.path().to_str().unwrap());
        assert_eq!(with(&[hf_home]).token, Token::new("hf_file"));
        assert_eq!(with(&[hf_home, ("HF_TOKEN", "hf_variable\n")]).token, Token::new("hf_variable"));
        assert_eq!(with(&[hf_home, ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]).token, None);
        assert_eq!(Token::new("a\nHost: elsewhere"), None);
        assert!(!format!("{:?}", with(&[hf_home])).contains("hf_file"));
    }

    #[test]
    fn endpoint_and_offline_are_honoured() {
        let settings = with(&[("HF_ENDPOINT", "https://mirror.example/"), ("HF_HUB_OFFLINE", "true")]);
        assert_eq!(
            (settings.endpoint.as_str(), settings.network),
            ("https://mirror.example", Network::Offline)
        );
        assert_eq!(with(&[("HF_HUB_OFFLINE", "0")]).network, Network::Online);
        assert_eq!(with(&[("HF_HUB_DOWNLOAD_TIMEOUT", "7")]).stall_timeout, Duration::from_secs(7));
    }
}
