//! How many threads to compute on when nobody says: one for each physical core.
//!
//! Two hyper-threads of one core share the units that multiply, so a second one only gets in the way.

use std::collections::HashSet;
use std::num::NonZeroUsize;

/// The number of physical cores that this process may use; what the system does not tell counts as one thread a core.
pub(crate) fn physical_cores() -> NonZeroUsize {
    let available = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    match NonZeroUsize::new(siblings().len()) {
        Some(cores) => cores.min(available),
        None => available,
    }
}

/// Sets of hardware threads that share a core, as Linux lists them; empty elsewhere.
fn siblings() -> HashSet<String> {
    let Ok(processors) = std::fs::read_dir("/sys/devices/system/cpu") else { return HashSet::new() };
    processors
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("topology/thread_siblings_list")).ok())
        .map(|list| list.trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn cores_are_at_most_the_threads_of_the_machine() {
        let threads = std::thread::available_parallelism().unwrap();
        assert!(super::physical_cores() <= threads);
    }
}
