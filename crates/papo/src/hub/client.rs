//! The hub's protocol: three kinds of requests, redirects, refusals, and patience.
//!
//! * `GET /api/models/NAME/revision/REV?blobs=true` lists the files of a revision and its commit.
//! * `HEAD /NAME/resolve/COMMIT/FILE` gives the etag and size of a file. For a large one the answer is a redirect to a store on
//!   another host, and `X-Linked-Etag` and `X-Linked-Size` describe what lies there.
//! * `GET` of the same address, or of the store's, gives the bytes, from the middle when `Range` asks for it.
//!
//! Redirects are followed here and not by `ureq`, for two reasons: the answer to a HEAD has to be read before it leaves the hub's own
//! host, and the token must never travel to another one.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::http::{HeaderMap, Response, Uri};
use ureq::{Agent, Body};

use super::cache::BREATH;
use super::repository::{Repository, is_commit};
use super::{Error, Progress, Settings, Token};

/// Most redirects in a row.
const MAX_REDIRECTS: usize = 8;

/// Longest list of files that is read, in bytes; repositories with checkpoints of every step reach a few hundred kilobytes.
const MAX_LISTING: u64 = 16 << 20;

/// What a revision holds.
#[derive(Debug)]
pub(super) struct Listing {
    /// The commit, a whole hash.
    pub(super) commit: String,
    /// File name → size, where the hub says.
    pub(super) files: BTreeMap<String, Option<u64>>,
}

/// What the hub says of a file.
#[derive(Debug, Clone)]
pub(super) struct Metadata {
    /// The commit that the revision stands for.
    pub(super) commit: Option<String>,
    /// Name of the content: the sha256 of a large file, the git hash of a small one.
    pub(super) etag: String,
    /// Bytes of the file.
    pub(super) size: Option<u64>,
    /// Where to ask for the bytes: on the hub, which redirects to its store anew each time, as such redirects expire.
    pub(super) url: String,
}

/// Which redirects to follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// Those to the same host: a renamed repository, say.
    SameHost,
    /// All, without the token once the host is another one.
    Everywhere,
}

/// Speaks with one hub.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<Token>,
    attempts: u32,
    backoff: Duration,
    patience: Duration,
    /// Once it is true, nothing more is asked for.
    pub(super) interrupt: Option<Arc<AtomicBool>>,
}

/// An answer, and the address it came from after redirects.
pub(super) struct Answer {
    pub(super) response: Response<Body>,
    url: String,
}

impl Client {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("papo/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(settings.answer_timeout))
            .timeout_connect(Some(settings.answer_timeout))
            .timeout_recv_response(Some(settings.answer_timeout))
            .timeout_per_read(Some(settings.stall_timeout));
        // A proxy serves the way out; a hub on this very machine is not out there.
        if is_local(&settings.endpoint) {
            config = config.proxy(None);
        }
        Client {
            agent: config.build().into(),
            endpoint: settings.endpoint.clone(),
            token: settings.token.clone(),
            attempts: settings.attempts.max(1),
            backoff: settings.backoff,
            patience: settings.patience,
            interrupt: None,
        }
    }

    /// The commit and the files of a revision; `None` when this hub answers no such question.
    pub(super) fn listing(
        &self,
        repository: &Repository,
        attempts: u32,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Listing>, Error> {
        #[derive(Deserialize)]
        struct Info {
            sha: String,
            siblings: Vec<Sibling>,
        }
        #[derive(Deserialize)]
        struct Sibling {
            rfilename: String,
            size: Option<u64>,
        }
        let name = repository.name();
        let revision = repository.revision().replace('/', "%2F");
        let url = format!("{}/api/models/{name}/revision/{revision}?blobs=true", self.endpoint);
        self.patiently(repository, attempts, progress, || {
            let answer = self.send("GET", &url, None, Follow::SameHost)?;
            let (status, headers) = (answer.response.status().as_u16(), answer.response.headers());
            if status == 404 && header(headers, "x-error-code").is_none() {
                return Ok(None);
            }
            if status != 200 {
                return Err(self.refusal(repository, status, headers));
            }
            let nonsense = |problem: String| Error::Protocol { url: url.clone(), problem };
            let mut text = Vec::new();
            let body = answer.response.into_body().into_reader();
            body.take(MAX_LISTING).read_to_end(&mut text).map_err(|error| self.unreachable(error))?;
            let info: Info = serde_json::from_slice(&text).map_err(|error| nonsense(error.to_string()))?;
            if !is_commit(&info.sha) {
                return Err(nonsense(format!("its commit is {:?}", info.sha)));
            }
            let files = info.siblings.into_iter().map(|file| (file.rfilename, file.size)).collect();
            Ok(Some(Listing { commit: info.sha, files }))
        })
    }

    /// What the hub says of a file; `None` when it does not have it.
    pub(super) fn metadata(
        &self,
        repository: &Repository,
        revision: &str,
        file: &str,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Metadata>, Error> {
        let revision = revision.replace('/', "%2F");
        let url = format!("{}/{}/resolve/{revision}/{file}", self.endpoint, repository.name());
        self.patiently(repository, self.attempts, progress, || {
            let answer = self.send("HEAD", &url, None, Follow::SameHost)?;
            let (status, headers) = (answer.response.status().as_u16(), answer.response.headers());
            let code = header(headers, "x-error-code");
            if status == 404 && code.is_none_or(|code| code == "EntryNotFound") {
                return Ok(None);
            }
            if !(200..400).contains(&status) {
                return Err(self.refusal(repository, status, headers));
            }
            let nonsense = |problem: &str| Error::Protocol { url: url.clone(), problem: problem.to_string() };
            let etag = header(headers, "x-linked-etag").or_else(|| header(headers, "etag"));
            let etag = etag.map(bare_etag).ok_or_else(|| nonsense("it gives the file no etag"))?;
            // The etag becomes a file name in the cache.
            if etag.is_empty()
                || etag.len() > 128
                || !etag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            {
                return Err(nonsense("its etag is none"));
            }
            let commit = header(headers, "x-repo-commit").map(str::to_string);
            if commit.as_deref().is_some_and(|commit| !is_commit(commit)) {
                return Err(nonsense("its commit is none"));
            }
            // The length of a redirect is that of its own text, not of the file.
            let own_length = (status == 200).then(|| header(headers, "content-length")).flatten();
            let size = header(headers, "x-linked-size").or(own_length).and_then(|size| size.parse().ok());
            Ok(Some(Metadata { commit, etag: etag.to_string(), size, url: answer.url }))
        })
    }

    /// The bytes of a file from `from` on, as far as the server honours that.
    pub(super) fn bytes(&self, repository: &Repository, url: &str, from: u64) -> Result<Answer, Error> {
        let range = (from > 0).then(|| format!("bytes={from}-"));
        let answer = self.send("GET", url, range.as_deref(), Follow::Everywhere)?;
        match answer.response.status().as_u16() {
            200 | 206 | 416 => Ok(answer),
            status => Err(self.refusal(repository, status, answer.response.headers())),
        }
    }

    /// Tries again what fails for reasons that pass, with growing pauses.
    fn patiently<T>(
        &self,
        repository: &Repository,
        attempts: u32,
        progress: &mut dyn FnMut(Progress<'_>),
        mut attempt: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut failures = 0;
        loop {
            self.go_on(repository)?;
            match attempt() {
                Err(error) if error.is_passing() => {
                    failures += 1;
                    self.pause(failures, attempts, error, progress)?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Waits before the next of `attempts`: half a second, one, two, four … or as long as the hub asks for. Gives the error back
    /// when that was the last attempt, or the hub asks for more patience than there is.
    pub(super) fn pause(
        &self,
        failures: u32,
        attempts: u32,
        reason: Error,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let asked = match reason {
            Error::RateLimited { wait: Some(wait) } => wait,
            _ => Duration::ZERO,
        };
        if failures >= attempts || asked > self.patience {
            return Err(reason);
        }
        let delay =
            (self.backoff * 2_u32.saturating_pow((failures - 1).min(10))).min(self.patience).max(asked);
        progress(Progress::Retrying { reason: &reason, delay });
        let until = Instant::now() + delay;
        while !self.is_interrupted() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(BREATH));
        }
        Ok(())
    }

    /// Whether whoever asked wants nothing any more.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupt.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// An error once the interrupt came.
    pub(super) fn go_on(&self, repository: &Repository) -> Result<(), Error> {
        if self.is_interrupted() {
            return Err(Error::Interrupted { name: repository.to_string() });
        }
        Ok(())
    }

    /// How often a request may fail before it is given up.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// One request and the redirects that it leads to.
    fn send(&self, method: &str, url: &str, range: Option<&str>, follow: Follow) -> Result<Answer, Error> {
        let mut url = url.to_string();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = match method {
                "HEAD" => self.agent.head(&url),
                _ => self.agent.get(&url),
            };
            // Sizes and ranges are those of the file itself, not of a compressed form of it.
            request = request.header("accept-encoding", "identity");
            if let Some(range) = range {
                request = request.header("range", range);
            }
            if let Some(token) = &self.token
                && origin(&url).is_some_and(|to| Some(to) == origin(&self.endpoint))
            {
                request = request.header("authorization", token.header());
            }
            let response = request.call().map_err(|error| self.unreachable(reason(&error)))?;
            let redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            let Some(location) = header(response.headers(), "location").filter(|_| redirect) else {
                return Ok(Answer { response, url });
            };
            let next = resolve(&url, location)?;
            if follow == Follow::SameHost && origin(&next) != origin(&url) {
                return Ok(Answer { response, url });
            }
            if url.starts_with("https:") && !next.starts_with("https:") {
                return Err(Error::Protocol {
                    url,
                    problem: "it redirects to an address without encryption".to_string(),
                });
            }
            url = next;
        }
        Err(Error::Protocol { url, problem: format!("it redirects more than {MAX_REDIRECTS} times") })
    }

    /// The error of a request that got no answer, or half of one.
    pub(super) fn unreachable(&self, error: impl std::fmt::Display) -> Error {
        Error::Unreachable { endpoint: self.endpoint.clone(), reason: error.to_string() }
    }

    /// The error of an answer that says no.
    fn refusal(&self, repository: &Repository, status: u16, headers: &HeaderMap) -> Error {
        let name = repository.name().to_string();
        let code = header(headers, "x-error-code").unwrap_or_default();
        match (status, code) {
            (_, "GatedRepo") => Error::Gated { name, endpoint: self.endpoint.clone() },
            (_, "RevisionNotFound") => {
                Error::NoSuchRevision { name, revision: repository.revision().to_string() }
            }
            (401, "") if self.token.is_some() => Error::Token { name },
            // Without a token the hub says 401 for what does not exist, so as not to tell which private models do.
            (401 | 404, _) => Error::NoSuchModel { name, endpoint: self.endpoint.clone() },
            (429, _) => Error::RateLimited { wait: asked_to_wait(headers) },
            (500.., _) => Error::Server { status },
            _ => {
                let message = header(headers, "x-error-message").unwrap_or("it gives no reason");
                let message: String = message.chars().filter(|c| !c.is_control()).take(300).collect();
                Error::Refused { name, message: format!("{message} (status {status})") }
            }
        }
    }
}

impl Answer {
    /// The first byte that a partial answer gives, and the size of the whole file: `Content-Range: bytes 5-9/10`.
    pub(super) fn content_range(&self) -> Option<(u64, Option<u64>)> {
        let (range, whole) =
            header(self.response.headers(), "content-range")?.strip_prefix("bytes ")?.split_once('/')?;
        let (first, _) = range.split_once('-')?;
        Some((first.parse().ok()?, whole.parse().ok()))
    }
}

/// Why a request got no answer, in words for someone who does not know what a resolver is.
fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "its name is unknown here, as when there is no network".to_string(),
        ureq::Error::Timeout(_) => "it does not answer in time".to_string(),
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// How long a hub under load asks to be left alone.
fn asked_to_wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds =
        header(headers, "retry-after").and_then(|seconds| seconds.trim().parse().ok()).or_else(|| {
            // `RateLimit: "api";r=0;t=55`, where t is the time until requests are free again.
            header(headers, "ratelimit")?
                .split(';')
                .find_map(|part| part.trim().strip_prefix("t=")?.parse().ok())
        });
    seconds.map(Duration::from_secs)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// An etag without its quotes and its mark of weakness.
fn bare_etag(etag: &str) -> &str {
    etag.trim().trim_start_matches("W/").trim_matches('"')
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    Some((uri.scheme_str()?.to_string(), uri.authority()?.as_str().to_ascii_lowercase()))
}

fn is_local(endpoint: &str) -> bool {
    let Some(uri) = endpoint.parse::<Uri>().ok() else { return false };
    uri.host().is_some_and(|host| matches!(host, "localhost" | "[::1]") || host.starts_with("127."))
}

/// The address that a redirect from `base` leads to.
fn resolve(base: &str, location: &str) -> Result<String, Error> {
    let nonsense =
        || Error::Protocol { url: base.to_string(), problem: format!("it redirects to {location:?}") };
    let target = match origin(base) {
        _ if location.starts_with("https://") || location.starts_with("http://") => location.to_string(),
        Some((scheme, _)) if location.starts_with("//") => format!("{scheme}:{location}"),
        Some((scheme, host)) if location.starts_with('/') => format!("{scheme}://{host}{location}"),
        _ => return Err(nonsense()),
    };
    origin(&target).map(|_| target).ok_or_else(nonsense)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_resolved_against_where_they_come_from() {
        let base = "https://hub.example:8080/a/b?c";
        for (location, target) in [
            ("/x/y", "https://hub.example:8080/x/y"),
            ("//cdn.example/x", "https://cdn.example/x"),
            ("https://cdn.example/x?q=1", "https://cdn.example/x?q=1"),
        ] {
            assert_eq!(resolve(base, location).unwrap(), target);
        }
        for location in ["", "x", "ftp://a/b", "file:///etc/passwd", "https://"] {
            assert!(resolve(base, location).is_err(), "{location}");
        }
    }

    #[test]
    fn etags_lose_their_quotes() {
        assert_eq!(bare_etag("\"abc\""), "abc");
        assert_eq!(bare_etag("W/\"abc-1\""), "abc-1");
    }

    #[test]
    fn a_port_or_a_scheme_makes_another_origin() {
        assert_eq!(origin("https://a/b"), origin("https://A/c?d"));
        assert_ne!(origin("https://a/b"), origin("http://a/b"));
        assert_ne!(origin("https://a/b"), origin("https://a:8443/b"));
    }
}
