//! Fetches a model from the hub for somebody who watches, and who may come to want it no more.

use std::panic;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::hub::{self, Hub, Network, Repair, Repository, Want};
use crate::{Error, LoadOptions, Progress, diagnosis};

/// How long an interrupt may go unheeded.
const BREATH: Duration = Duration::from_millis(50);

/// The folder of a model's files; of one that cannot be run only the small ones are fetched.
pub(crate) fn fetch(repository: Repository, want: Want, options: &LoadOptions<'_>) -> Result<PathBuf, Error> {
    look_first(&repository, want, options)?;
    Ok(resolve(Hub::from_env(), repository, want, options)?)
}

/// Fetches the configuration of a model that is not there yet, and refuses what would be of no use once all of it is.
fn look_first(repository: &Repository, want: Want, options: &LoadOptions<'_>) -> Result<(), Error> {
    let hub = Hub::from_env();
    let is_offline = hub.settings().network == Network::Offline;
    if want == Want::Model && !is_offline && hub.cached(repository, want).is_none() {
        let folder = resolve(hub, repository.clone(), Want::Tokenizer, options)?;
        diagnosis::check_configuration(&folder, repository)?;
    }
    Ok(())
}

/// The folder of the model's files, as [`Hub::resolve`] finds it.
pub(crate) fn resolve(
    hub: Hub,
    repository: Repository,
    want: Want,
    options: &LoadOptions<'_>,
) -> Result<PathBuf, hub::Error> {
    watched(hub, repository, options, move |hub, repository, progress| {
        hub.resolve(repository, want, progress)
    })
}

/// Brings a model in the cache up to what the hub has, repairs what is damaged, and returns the folder that holds its files.
#[cfg(feature = "hub")]
pub fn pull(repository: Repository, repair: Repair, options: &LoadOptions<'_>) -> Result<PathBuf, Error> {
    look_first(&repository, Want::Model, options)?;
    let pulled = watched(Hub::from_env(), repository, options, move |hub, repository, progress| {
        hub.pull(repository, repair, progress)
    });
    Ok(pulled?)
}

/// As `Hub::resolve` where this program cannot ask.
#[cfg(not(feature = "hub"))]
pub fn pull(repository: Repository, _: Repair, options: &LoadOptions<'_>) -> Result<PathBuf, Error> {
    Ok(resolve(Hub::from_env(), repository, Want::Model, options)?)
}

/// What a hub does, told of and interrupted as `options` say.
///
/// Where there is an interrupt, a thread of its own does the work: a connection that stands still for half a minute must not keep
/// anybody waiting. A thread that was left behind ends at the next byte or time-out, and what it has fetched by then stays.
fn watched(
    hub: Hub,
    repository: Repository,
    options: &LoadOptions<'_>,
    work: impl FnOnce(&Hub, &Repository, &mut dyn FnMut(hub::Progress<'_>)) -> Result<PathBuf, hub::Error>
    + Send
    + 'static,
) -> Result<PathBuf, hub::Error> {
    let tell = |step| {
        if let Some(progress) = options.progress {
            progress(step);
        }
    };
    let Some(interrupt) = options.interrupt else {
        return work(&hub, &repository, &mut |step| Progress::of_hub(&step).into_iter().for_each(tell));
    };
    let left = Arc::new(AtomicBool::new(false));
    let hub = hub.interrupted_by(Arc::clone(&left));
    let name = repository.to_string();
    let (sender, heard) = mpsc::channel();
    let worker = thread::spawn(move || {
        work(&hub, &repository, &mut |step| {
            // Nobody hears it any more once the interrupt came.
            let _ = Progress::of_hub(&step).map(|step| sender.send(step));
        })
    });
    loop {
        if interrupt.load(Ordering::Relaxed) {
            left.store(true, Ordering::Relaxed);
            return Err(hub::Error::Interrupted { name });
        }
        match heard.recv_timeout(BREATH) {
            Ok(step) => tell(step),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    worker.join().unwrap_or_else(|cause| panic::resume_unwind(cause))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;
    use crate::hub::Settings;

    #[test]
    fn an_interrupt_ends_a_download_whose_connection_stands_still() {
        // It takes connections and never says a word.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut settings = Settings::new(tempfile::tempdir().unwrap().path());
        settings.endpoint = format!("http://{}", silent.local_addr().unwrap());
        let interrupt = AtomicBool::new(false);
        let options = LoadOptions { interrupt: Some(&interrupt), ..LoadOptions::default() };
        let repository = Repository::parse("org/tiny@v1").unwrap();
        let begin = Instant::now();
        let outcome = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(100));
                interrupt.store(true, Ordering::Relaxed);
            });
            resolve(Hub::new(settings), repository, Want::Model, &options)
        });
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        let error = crate::Error::from(outcome.unwrap_err());
        assert!(error.is_interrupt(), "{error:?}");
        assert!(error.to_string().contains("org/tiny@v1"), "{error}");
    }
}
