//! The K largest with equals in the very order in which `torch.topk` leaves them on a CPU.
//!
//! Equals are common in beam search (every token ruled out scores −∞, every token of an unused beam −10⁹, every token of a
//! forced list 0), and which of them comes first decides which beam goes on. PyTorch leaves that to its C++ library: a partial
//! sort through a heap where K is at most 1/64 of the numbers, else a quickselect followed by a sort of all but the K-th. Both
//! are deterministic, so this file walks the same way: same pivots, same heap, same order of comparisons.
//!
//! Where no two of the K + 1 largest are equal every algorithm gives the same, and `topk.rs` is the fast one.

/// A number and where it stood.
pub(crate) type Entry = (f32, u32);

/// Runs of at most this many are left to insertion by the sort.
const SMALL: usize = 16;

/// Indices of the `k` largest scores, or of all if there are fewer: the largest first, NaN before everything, equals as
/// `torch.topk` orders them.
///
/// ```
/// assert_eq!(papo_generate::largest(&[0.5, -1.0, 2.0, 0.25], 3), [2, 0, 3]);
/// ```
pub fn largest(scores: &[f32], k: usize) -> Vec<usize> {
    let mut entries: Vec<Entry> = scores.iter().copied().zip(0..).collect();
    to_front(&mut entries, k);
    entries.into_iter().take(k).map(|(_, index)| index as usize).collect()
}

/// Brings the `k` largest to the front, in order.
pub(crate) fn to_front(entries: &mut [Entry], k: usize) {
    let (n, k) = (entries.len(), k.min(entries.len()));
    if k == 0 {
        return;
    }
    if k * 64 <= n {
        select_by_heap(entries, k);
        sort_heap(&mut entries[..k]);
    } else {
        quickselect(entries, k - 1);
        sort(&mut entries[..k - 1]);
    }
}

/// Whether `a` comes before `b`.
fn before(a: Entry, b: Entry) -> bool {
    (a.0.is_nan() && !b.0.is_nan()) || a.0 > b.0
}

/// Twice the binary logarithm: how often a partition may go wrong before a heap takes over.
fn patience(n: usize) -> u32 {
    2 * n.ilog2()
}

// ---- heap: the entry that comes last is at its root ----

/// Makes the first `k` the `k` that come first, as a heap.
fn select_by_heap(entries: &mut [Entry], k: usize) {
    for root in (0..k / 2).rev() {
        let entry = entries[root];
        sift(&mut entries[..k], root, entry);
    }
    for index in k..entries.len() {
        if before(entries[index], entries[0]) {
            entries.swap(index, 0);
            let entry = entries[0];
            sift(&mut entries[..k], 0, entry);
        }
    }
}

fn sort_heap(heap: &mut [Entry]) {
    for last in (1..heap.len()).rev() {
        heap.swap(last, 0);
        let entry = heap[0];
        sift(&mut heap[..last], 0, entry);
    }
}

/// Fills the hole at `root` with `entry`: first the hole sinks to a leaf, then the entry climbs from there.
fn sift(heap: &mut [Entry], root: usize, entry: Entry) {
    let mut hole = root;
    while 2 * hole + 2 < heap.len() {
        let (left, right) = (2 * hole + 1, 2 * hole + 2);
        let child = if before(heap[right], heap[left]) { left } else { right };
        heap[hole] = heap[child];
        hole = child;
    }
    if 2 * hole + 2 == heap.len() {
        heap[hole] = heap[2 * hole + 1];
        hole = 2 * hole + 1;
    }
    while hole > root && before(heap[(hole - 1) / 2], entry) {
        heap[hole] = heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap[hole] = entry;
}

// ---- quickselect and quicksort: the median of three is the pivot ----

/// Puts at `nth` what a sort would put there, with nothing behind it that comes before it.
fn quickselect(mut entries: &mut [Entry], mut nth: usize) {
    let mut patience = patience(entries.len());
    while entries.len() > 3 {
        if patience == 0 {
            select_by_heap(entries, nth + 1);
            entries.swap(0, nth);
            return;
        }
        patience -= 1;
        let cut = partition(entries);
        if cut <= nth {
            entries = &mut entries[cut..];
            nth -= cut;
        } else {
            entries = &mut entries[..cut];
        }
    }
    insert_all(entries, 1);
}

fn sort(entries: &mut [Entry]) {
    if entries.len() < 2 {
        return;
    }
    sort_roughly(entries, patience(entries.len()));
    let small = entries.len().min(SMALL);
    insert_all(&mut entries[..small], 1);
    insert_all(entries, small);
}

/// Sorts until what is left unsorted is in runs of at most [`SMALL`].
fn sort_roughly(mut entries: &mut [Entry], mut patience: u32) {
    while entries.len() > SMALL {
        if patience == 0 {
            let n = entries.len();
            select_by_heap(entries, n);
            sort_heap(entries);
            return;
        }
        patience -= 1;
        let cut = partition(entries);
        let (head, tail) = entries.split_at_mut(cut);
        sort_roughly(tail, patience);
        entries = head;
    }
}

/// Parts the entries around the median of the second, the middle and the last; returns where the second part begins.
fn partition(entries: &mut [Entry]) -> usize {
    let (a, b, c) = (1, entries.len() / 2, entries.len() - 1);
    let is_before = |x: usize, y: usize| before(entries[x], entries[y]);
    let median = match (is_before(a, b), is_before(b, c), is_before(a, c)) {
        (true, true, _) | (false, false, false) => b,
        (true, false, true) | (false, true, false) => c,
        (true, false, false) | (false, _, true) => a,
    };
    entries.swap(0, median);
    let pivot = entries[0];
    let (mut low, mut high) = (1, entries.len());
    loop {
        while before(entries[low], pivot) {
            low += 1;
        }
        high -= 1;
        while before(pivot, entries[high]) {
            high -= 1;
        }
        if low >= high {
            return low;
        }
        entries.swap(low, high);
        low += 1;
    }
}

/// Inserts each entry from `first` on among those before it, behind its equals.
fn insert_all(entries: &mut [Entry], first: usize) {
    for index in first..entries.len() {
        let entry = entries[index];
        let mut hole = index;
        while hole > 0 && before(entry, entries[hole - 1]) {
            entries[hole] = entries[hole - 1];
            hole -= 1;
        }
        entries[hole] = entry;
    }
}
