//! Fork and join over a fixed set of threads, in about a microsecond.
//!
//! A decoding step is hundreds of small parallel loops, tens of microseconds each, with short serial work between them. So
//! workers do not sleep between loops: they watch one atomic number, first busily, then giving way to other programs, and only
//! sleep when nothing came for a while ([`BUSY`], [`PATIENT`]).
//!
//! ```text
//! gate: u64 = [ generation : 40 | closed : 1 | … | workers inside : 16 ]
//!
//! caller                                   worker
//!   write the job                            gate shows a new generation, not closed:
//!   gate = (generation + 1, open, 0)           inside += 1 by compare-exchange
//!   claim and run tasks                        claim and run tasks
//!   gate |= closed                             inside -= 1
//!   wait until inside = 0
//! ```
//!
//! Each thread has a lane, a run of neighbouring tasks, and claims them one by one from the lane's counter: what it reads goes on where
//! it was, so that memory asked for ahead of time is asked for by the thread that will read it. Whoever is done with a lane
//! claims from the next, so a worker that the system has put to sleep costs nothing: the others, the caller among them, do its
//! share, and the caller waits only for workers that are inside. A second caller, or a task that itself forks, finds the pool
//! taken and runs its tasks alone.

use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long an idle worker watches without giving way.
const BUSY: Duration = Duration::from_micros(60);
/// How long an idle worker stays awake at all.
const PATIENT: Duration = Duration::from_micros(300);
/// Tasks for each thread, so that a thread that the system delays does not hold up the others for long.
const TASKS_PER_THREAD: usize = 4;
/// The same for large loops, where waiting for the last task costs more than having more of them: sixteen times 64 tokens are encoded in 3 to 7 %
/// less time.
const TASKS_OF_LARGE: usize = 16;
/// How many times what is worth a task the tasks of a large loop have at least.
const LARGE: usize = 32;
/// Lanes at most: the caller resets every one's counter, and every thread looks at each before it leaves.
const MOST_LANES: usize = 8;

const CLOSED: u64 = 1 << 23;
const INSIDE: u64 = CLOSED - 1;
const GENERATION: u64 = 1 << 24;

/// A set of threads that run the tasks of one call together.
pub(crate) struct Pool {
    threads: NonZeroUsize,
    state: Arc<State>,
    workers: Vec<JoinHandle<()>>,
}

/// An atomic on a cache line (and its neighbour, which CPUs fetch along) of its own.
#[repr(align(128))]
struct Apart<T>(T);

struct State {
    gate: Apart<AtomicU64>,
    /// Tasks claimed in each lane, of which the first thread has the first.
    lanes: Box<[Apart<AtomicUsize>]>,
    /// Workers that sleep or are about to.
    sleepers: Apart<AtomicUsize>,
    taken: AtomicBool,
    stop: AtomicBool,
    job: UnsafeCell<Job>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

#[derive(Clone, Copy)]
struct Job {
    tasks: usize,
    /// Borrowed from the caller of `run`, which does not return while a worker is inside.
    task: *const (dyn Fn(usize) + Sync),
}

// SAFETY: `job` is written only by the holder of `taken` while the gate is closed and nobody is inside, and read only by workers inside;
// the task it points to is `Sync`.
unsafe impl Send for State {}
// SAFETY: as above.
unsafe impl Sync for State {}

impl Pool {
    /// A pool of `threads` threads, the caller of [`run`](Pool::run) included.
    pub(crate) fn new(threads: NonZeroUsize) -> Self {
        let state = Arc::new(State {
            gate: Apart(AtomicU64::new(CLOSED)),
            lanes: (0..threads.get().min(MOST_LANES)).map(|_| Apart(AtomicUsize::new(0))).collect(),
            sleepers: Apart(AtomicUsize::new(0)),
            taken: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            job: UnsafeCell::new(Job { tasks: 0, task: &|_| {} }),
            panic: Mutex::new(None),
        });
        let workers = (1..threads.get())
            .map_while(|index| {
                let state = Arc::clone(&state);
                // A system that refuses a thread leaves a smaller pool; the caller alone is enough.
                std::thread::Builder::new()
                    .name(format!("papo-{index}"))
                    .spawn(move || state.work(index))
                    .ok()
            })
            .collect::<Vec<_>>();
        let threads = NonZeroUsize::MIN.saturating_add(workers.len());
        Self { threads, state, workers }
    }

    /// The number of threads, the caller's included.
    pub(crate) fn threads(&self) -> usize {
        self.threads.get()
    }

    /// How many tasks to cut a call into: what it is `worth`, but no more than keep all threads evenly busy, nor than the `most`
    /// that it can be cut into.
    pub(crate) fn tasks(&self, worth: usize, most: usize) -> usize {
        if self.workers.is_empty() {
            1
        } else {
            let fine = (worth / LARGE).min(self.threads() * TASKS_OF_LARGE);
            worth.min((self.threads() * TASKS_PER_THREAD).max(fine)).min(most).max(1)
        }
    }

    /// Runs `task(0) … task(tasks - 1)` and returns when all are done. A panic in a task is passed on.
    pub(crate) fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        if tasks <= 1 || self.workers.is_empty() || self.state.taken.swap(true, Acquire) {
            (0..tasks).for_each(task);
            return;
        }
        let state = &*self.state;
        // SAFETY: only the lifetime is changed, and this call outlives every use: workers use the task while they are inside,
        // and this call returns after the gate is closed and nobody is inside.
        let task: *const (dyn Fn(usize) + Sync + 'static) = unsafe { std::mem::transmute(task) };
        // SAFETY: `taken` is ours, the gate is closed and nobody is inside, so nobody reads or writes the job.
        unsafe { *state.job.get() = Job { tasks, task } };
        state.lanes.iter().for_each(|claimed| claimed.0.store(0, Relaxed));
        let closed = state.gate.0.load(Relaxed);
        state.gate.0.store((closed & !(CLOSED | INSIDE)).wrapping_add(GENERATION), SeqCst);
        if state.sleepers.0.load(SeqCst) > 0 {
            self.workers.iter().take(tasks - 1).for_each(|worker| worker.thread().unpark());
        }
        state.claim_tasks(0, tasks, task);
        state.gate.0.fetch_or(CLOSED, SeqCst);
        let mut waiting = Waiting::new();
        while state.gate.0.load(Acquire) & INSIDE != 0 {
            waiting.pause();
        }
        let panic = state.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        state.taken.store(false, Release);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl State {
    /// The life of the worker with this index; the caller is thread 0.
    fn work(&self, index: usize) {
        let mut seen = CLOSED;
        loop {
            let mut waiting = Waiting::new();
            let gate = loop {
                if self.stop.load(Relaxed) {
                    return;
                }
                let gate = self.gate.0.load(Acquire);
                if gate & CLOSED == 0 && gate & !(CLOSED | INSIDE) != seen & !(CLOSED | INSIDE) {
                    break gate;
                }
                if waiting.pause() > PATIENT {
                    self.sleepers.0.fetch_add(1, SeqCst);
                    // A caller that opened the gate before it could see this sleeper is seen here.
                    if self.gate.0.load(SeqCst) & CLOSED != 0 && !self.stop.load(SeqCst) {
                        std::thread::park();
                    }
                    self.sleepers.0.fetch_sub(1, SeqCst);
                    waiting = Waiting::new();
                }
            };
            if self.gate.0.compare_exchange(gate, gate + 1, SeqCst, Relaxed).is_err() {
                continue;
            }
            // SAFETY: inside, and the gate was open when we entered: the job is this generation's and is not written before we leave.
            let job = unsafe { *self.job.get() };
            self.claim_tasks(index, job.tasks, job.task);
            self.gate.0.fetch_sub(1, SeqCst);
            seen = gate;
        }
    }

    /// Runs the tasks of a thread's own lane, then what is left of the others.
    fn claim_tasks(&self, thread: usize, tasks: usize, task: *const (dyn Fn(usize) + Sync)) {
        let lanes = self.lanes.len();
        let work = || {
            for lane in (0..lanes).map(|after| (thread + after) % lanes) {
                let (first, end) = (tasks * lane / lanes, tasks * (lane + 1) / lanes);
                loop {
                    let index = first + self.lanes[lane].0.fetch_add(1, Relaxed);
                    if index >= end {
                        break;
                    }
                    // SAFETY: the caller of `run` keeps the task alive until everybody has left.
                    unsafe { (*task)(index) };
                }
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            self.lanes.iter().for_each(|claimed| claimed.0.store(tasks, Relaxed));
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.state.stop.store(true, SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker catches the panics of its tasks; it has nothing else to report.
            let _ = worker.join();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({} threads)", self.threads)
    }
}

/// Waits a little longer every time, first busily, then giving way.
struct Waiting {
    turns: u32,
    since: Option<Instant>,
    busy: bool,
}

impl Waiting {
    fn new() -> Self {
        Self { turns: 0, since: None, busy: true }
    }

    /// Pauses and returns for how long this has been going on, as far as it has looked at the clock.
    fn pause(&mut self) -> Duration {
        self.turns = self.turns.wrapping_add(1);
        if self.busy {
            std::hint::spin_loop();
            if !self.turns.is_multiple_of(64) {
                return Duration::ZERO;
            }
        } else {
            std::thread::yield_now();
        }
        let waited = self.since.get_or_insert_with(Instant::now).elapsed();
        self.busy = waited < BUSY;
        waited
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    fn pool(threads: usize) -> Pool {
        Pool::new(NonZeroUsize::new(threads).unwrap())
    }

    #[test]
    fn every_task_runs_exactly_once_and_before_run_returns() {
        for threads in [1, 2, 3, 8] {
            let pool = pool(threads);
            for tasks in [0, 1, 2, 3, 7, 100] {
                for _ in 0..50 {
                    let counts: Vec<_> = (0..tasks).map(|_| AtomicU32::new(0)).collect();
                    pool.run(tasks, &|i| {
                        counts[i].fetch_add(1, Relaxed);
                    });
                    assert!(counts.iter().all(|c| c.load(Relaxed) == 1), "{threads} threads, {tasks} tasks");
                }
            }
        }
    }

    #[test]
    fn sleeping_workers_wake_up() {
        let pool = pool(2);
        for _ in 0..5 {
            std::thread::sleep(PATIENT * 5);
            let other = AtomicU32::new(0);
            let caller = std::thread::current().id();
            // Two tasks that wait for each other finish only if two threads run them.
            let met = AtomicU32::new(0);
            pool.run(2, &|_| {
                met.fetch_add(1, SeqCst);
                while met.load(SeqCst) < 2 {
                    std::thread::yield_now();
                }
                if std::thread::current().id() != caller {
                    other.fetch_add(1, SeqCst);
                }
            });
            assert_eq!(other.load(SeqCst), 1);
        }
    }

    #[test]
    fn a_panic_is_passed_on_and_the_pool_lives() {
        let pool = pool(3);
        let caught = catch_unwind(AssertUnwindSafe(|| pool.run(20, &|i| assert!(i != 7, "task seven"))));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"task seven"));
        let ran = AtomicU32::new(0);
        pool.run(20, &|_| {
            ran.fetch_add(1, Relaxed);
        });
        assert_eq!(ran.load(Relaxed), 20);
    }

    #[test]
    fn nested_and_concurrent_calls_run_too() {
        let pool = pool(2);
        let ran = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        pool.run(3, &|_| {
                            pool.run(2, &|_| {
                                ran.fetch_add(1, Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(ran.load(Relaxed), 4 * 100 * 3 * 2);
    }
}
