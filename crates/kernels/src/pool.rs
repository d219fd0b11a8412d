//! Fork and join over a fixed set of threads.

use std::num::NonZeroUsize;

/// A set of threads that run the tasks of one call together.
#[derive(Debug)]
pub(crate) struct Pool {
    threads: NonZeroUsize,
}

impl Pool {
    pub(crate) fn new(threads: NonZeroUsize) -> Self {
        Self { threads }
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads.get()
    }

    pub(crate) fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        for index in 0..tasks {
            task(index);
        }
    }
}
