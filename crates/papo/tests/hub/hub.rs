//! A hub with one model, `org/tiny`: small files are handed out directly, weights by redirect to a store on another port.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use papo::hub::{Error, Hub, Progress, Repository, Settings, Want};
use serde_json::json;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::server::{Reply, Request, Server};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub const NEXT_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";
pub const TOKEN: &str = "hf_secret";

/// A reply in place of the usual one; the number says how often the same was asked before.
pub type Fault = Box<dyn Fn(&Request, usize) -> Option<Reply> + Send + Sync>;

/// What a revision of the model holds.
#[derive(Clone)]
pub struct Content {
    pub commit: &'static str,
    pub files: BTreeMap<&'static str, Vec<u8>>,
}

/// The hub, its store, and an empty cache.
pub struct World {
    pub server: Server,
    pub store: Server,
    pub content: Arc<Mutex<Content>>,
    pub cache: TempDir,
}

/// The weights of the model: long enough to be cut off in the middle.
pub fn weights() -> Vec<u8> {
    (0..300_000_u32).map(|n| (n * 7 % 251) as u8).collect()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_large(file: &str) -> bool {
    file.ends_with(".safetensors") || file.ends_with(".bin")
}

/// The etag of a small file; a stand-in for git's hash, which has as many digits.
fn small_etag(bytes: &[u8]) -> String {
    sha256(bytes)[..40].to_string()
}

pub fn etag(file: &str, bytes: &[u8]) -> String {
    if is_large(file) { sha256(bytes) } else { small_etag(bytes) }
}

impl World {
    /// A hub with a model of the usual files.
    pub fn new() -> Self {
        Self::with_faults(Box::new(|_, _| None), Box::new(|_, _| None))
    }

    /// A hub that goes wrong.
    pub fn with_hub_fault(fault: impl Fn(&Request, usize) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self::with_faults(Box::new(fault), Box::new(|_, _| None))
    }

    /// A store that goes wrong.
    pub fn with_store_fault(
        fault: impl Fn(&Request, usize) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::with_faults(Box::new(|_, _| None), Box::new(fault))
    }

    fn with_faults(hub_fault: Fault, store_fault: Fault) -> Self {
        let files = BTreeMap::from([
            ("README.md", b"# Tiny".to_vec()),
            ("config.json", b"{\"model_type\": \"bart\"}".to_vec()),
            ("generation_config.json", b"{}".to_vec()),
            ("tokenizer.json", b"{\"version\": \"1.0\"}".to_vec()),
            ("model.safetensors", weights()),
            ("pytorch_model.bin", b"the same again".to_vec()),
            ("tf_model.h5", b"and again".to_vec()),
        ]);
        let content = Arc::new(Mutex::new(Content { commit: COMMIT, files }));
        let (of_store, of_hub) = (Arc::clone(&content), Arc::clone(&content));
        let store_seen = Seen::default();
        let store = Server::start(move |request| {
            let count = store_seen.count(request);
            store_fault(request, count).unwrap_or_else(|| store_reply(&of_store.lock().unwrap(), request))
        });
        let (store_url, hub_seen) = (store.url.clone(), Seen::default());
        let server = Server::start(move |request| {
            let count = hub_seen.count(request);
            hub_fault(request, count)
                .unwrap_or_else(|| hub_reply(&of_hub.lock().unwrap(), &store_url, request))
        });
        World { server, store, content, cache: TempDir::new().unwrap() }
    }

    /// Puts files in the place of all others.
    pub fn set_files(&self, files: &[(&'static str, &[u8])]) {
        self.content.lock().unwrap().files =
            files.iter().map(|(name, bytes)| (*name, bytes.to_vec())).collect();
    }

    pub fn settings(&self) -> Settings {
        let mut settings = Settings::new(self.cache.path());
        settings.endpoint = self.server.url.clone();
        settings.backoff = Duration::from_millis(1);
        settings.attempts = 3;
        settings.stall_timeout = Duration::from_secs(5);
        settings
    }

    pub fn hub(&self) -> Hub {
        Hub::new(self.settings())
    }

    /// Fetches the model.
    pub fn fetch(&self) -> Result<PathBuf, Error> {
        self.hub().resolve(&tiny(), Want::Model, &mut |_| {})
    }

    /// The model's folder in the cache.
    pub fn model(&self) -> PathBuf {
        self.cache.path().join("models--org--tiny")
    }

    pub fn blob(&self, bytes: &[u8]) -> PathBuf {
        self.model().join("blobs").join(sha256(bytes))
    }

    /// Where the weights lie while they arrive.
    pub fn unfinished(&self) -> PathBuf {
        self.model().join("blobs").join(format!("{}.incomplete", sha256(&weights())))
    }
}

/// `org/tiny`
pub fn tiny() -> Repository {
    Repository::parse("org/tiny").unwrap()
}

/// The files in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

/// Collects what is reported, as text.
pub fn reports(into: &mut Vec<String>) -> impl FnMut(Progress<'_>) + '_ {
    |progress| into.push(format!("{progress:?}"))
}

#[derive(Default)]
struct Seen(Mutex<HashMap<String, usize>>);

impl Seen {
    fn count(&self, request: &Request) -> usize {
        let mut seen = self.0.lock().unwrap();
        let count = seen.entry(format!("{} {}", request.method, request.path)).or_default();
        *count += 1;
        *count - 1
    }
}

fn hub_reply(content: &Content, store: &str, request: &Request) -> Reply {
    let path = request.path.split('?').next().unwrap();
    let known = |revision: &str| ["main", content.commit, "refs%2Fpr%2F1"].contains(&revision);
    if let Some(revision) = path.strip_prefix("/api/models/org/tiny/revision/") {
        if !known(revision) {
            return Reply::new(404, "").header("x-error-code", "RevisionNotFound");
        }
        let sibling = |(name, bytes): (&&str, &Vec<u8>)| json!({ "rfilename": name, "size": bytes.len() });
        let siblings: Vec<_> = content.files.iter().map(sibling).collect();
        return Reply::new(200, json!({ "sha": content.commit, "siblings": siblings }).to_string());
    }
    let Some((revision, file)) =
        path.strip_prefix("/org/tiny/resolve/").and_then(|rest| rest.split_once('/'))
    else {
        return Reply::new(401, "Invalid username or password.").header("x-error-code", "RepoNotFound");
    };
    let Some(bytes) = content.files.get(file).filter(|_| known(revision)) else {
        return Reply::new(404, "").header("x-error-code", "EntryNotFound");
    };
    let etag = etag(file, bytes);
    if is_large(file) {
        return Reply::new(302, "Found. Redirecting")
            .header("x-repo-commit", content.commit)
            .header("etag", "\"another\"")
            .header("x-linked-etag", format!("\"{etag}\""))
            .header("x-linked-size", bytes.len())
            .header("location", format!("{store}/{etag}?X-Signature=abc"));
    }
    Reply::new(200, bytes.clone())
        .header("x-repo-commit", content.commit)
        .header("etag", format!("\"{etag}\""))
}

/// The store hands out what it has by hash, from the middle when asked.
pub fn store_reply(content: &Content, request: &Request) -> Reply {
    let hash = request.path.trim_start_matches('/').split('?').next().unwrap();
    let Some(bytes) = content.files.values().find(|bytes| sha256(bytes) == hash) else {
        return Reply::new(404, "");
    };
    partial(request, bytes)
}

/// The answer of a server that honours ranges.
pub fn partial(request: &Request, bytes: &[u8]) -> Reply {
    match request.from() {
        None => Reply::new(200, bytes),
        Some(from) if from >= bytes.len() => Reply::new(416, ""),
        Some(from) => {
            let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            Reply::new(206, &bytes[from..]).header("content-range", range)
        }
    }
}
