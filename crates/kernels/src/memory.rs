//! Memory for numbers that kernels stream through: aligned to cache lines, and in huge pages where it is large.
//!
//! Walking 500 MB of weights in 4 KiB pages costs a page-table walk every 64 cache lines; in 2 MiB pages hardly any. Linux gives
//! huge pages to a program that asks (`madvise`), if the block begins on a 2 MiB boundary.

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::marker::PhantomData;

use crate::simd::Simd;

/// Bytes that come from memory together.
pub(crate) const CACHE_LINE: usize = 64;
const HUGE_PAGE: usize = 2 << 20;

/// What a pass over memory asks for meanwhile, so that it is near when its turn comes.
///
/// Where several passes go over the same piece before the next one, each asks for its share of the next: all of it at once would be more than memory
/// delivers during one pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    /// Bytes from the beginning of the piece to what is asked for at its beginning.
    offset: usize,
    /// A pass of so many bytes asks for so many bytes shifted right by this.
    shift: u32,
}

impl Ahead {
    /// Nothing new: all is near already.
    pub const NOTHING: Self = Self { offset: 0, shift: 0 };

    /// What comes `bytes` later in the same pass.
    pub const fn by(bytes: usize) -> Self {
        Self { offset: bytes, shift: 0 }
    }

    /// The share of pass `pass` of `passes` over a piece of `bytes` bytes in what begins `next` bytes behind it.
    pub fn share(pass: usize, passes: usize, bytes: usize, next: usize) -> Self {
        let shift = passes.max(1).ilog2();
        if pass >> shift > 0 { Self::NOTHING } else { Self { offset: next + pass * (bytes >> shift), shift } }
    }

    /// The same for a pass that begins at `start`.
    #[inline(always)]
    pub fn from(self, start: *const u8) -> Asking {
        Asking { ahead: self, start }
    }
}

/// A pass over memory that asks for what it will need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking {
    ahead: Ahead,
    start: *const u8,
}

impl Asking {
    /// The pass comes to a cache line.
    #[inline(always)]
    pub fn at<S: Simd>(self, simd: S, line: *const u8) {
        let passed = line as usize - self.start as usize;
        simd.prefetch(self.start.wrapping_add(self.ahead.offset + (passed >> self.ahead.shift)));
    }
}

/// A fixed block of bytes.
pub(crate) struct Block {
    start: *mut u8,
    layout: Layout,
}

// SAFETY: a block owns its memory and gives out pointers only; whoever uses them answers for the sharing.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    /// A block of `bytes` bytes, at least one cache line, that hold whatever they hold.
    pub(crate) fn new(bytes: usize) -> Self {
        // SAFETY: `make` hands on a layout that is not empty.
        Self::make(bytes, |layout| unsafe { alloc(layout) })
    }

    /// A block of zeros. Large ones come fresh from the operating system: nobody writes the zeros.
    fn zeroed(bytes: usize) -> Self {
        // SAFETY: as above.
        Self::make(bytes, |layout| unsafe { alloc_zeroed(layout) })
    }

    fn make(bytes: usize, allocate: impl FnOnce(Layout) -> *mut u8) -> Self {
        let align = if bytes >= HUGE_PAGE { HUGE_PAGE } else { CACHE_LINE };
        let layout =
            Layout::from_size_align(bytes.max(CACHE_LINE), align).expect("a matrix fits the address space");
        let start = allocate(layout);
        if start.is_null() {
            handle_alloc_error(layout);
        }
        if bytes >= HUGE_PAGE {
            advise_huge_pages(start, bytes);
        }
        Self { start, layout }
    }

    /// The first byte.
    pub(crate) fn start(&self) -> *mut u8 {
        self.start
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with the same layout.
        unsafe { dealloc(self.start, self.layout) }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} bytes)", self.layout.size())
    }
}

#[cfg(target_os = "linux")]
fn advise_huge_pages(start: *mut u8, bytes: usize) {
    const MADV_HUGEPAGE: i32 = 14;
    unsafe extern "C" {
        fn madvise(start: *mut std::ffi::c_void, bytes: usize, advice: i32) -> i32;
    }
    // Whole huge pages only, so that no other allocation's page is advised. A refusal leaves small pages, which is no error.
    // SAFETY: the range lies inside one allocation of ours, and the advice does not change what it holds.
    unsafe { madvise(start.cast(), bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages(_start: *mut u8, _bytes: usize) {}

/// A number that is one for every pattern of its bits, zeros being zero.
///
/// # Safety
/// The type must be without padding, and aligned to no more than a cache line.
pub(crate) unsafe trait Number: Copy {}

// SAFETY: plain numbers.
unsafe impl Number for f32 {}

/// A growing buffer of numbers that begins on a cache line and is never given back while in use.
///
/// It holds zeros where nothing was written, in pages that take no memory until something is.
pub struct Numbers<T = f32> {
    block: Option<Block>,
    /// How many numbers the block holds.
    count: usize,
    numbers: PhantomData<T>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Numbers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Numbers({})", self.count)
    }
}

impl<T> Numbers<T> {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self { block: None, count: 0, numbers: PhantomData }
    }
}

#[allow(private_bounds)]
impl<T: Number> Numbers<T> {
    /// The first `count` numbers, whatever they hold. A buffer that is too short gives way to a longer one, and forgets.
    pub fn at_least(&mut self, count: usize) -> &mut [T] {
        if self.count < count {
            let longer = count.max(self.count + self.count / 2);
            // The old block goes first: both at once are never needed.
            *self = Self::new();
            *self = Self::zeros(longer);
        }
        &mut self.as_mut_slice()[..count]
    }

    /// The first `count` numbers. A buffer that is too short moves to one twice as long, and remembers the first `filled`.
    pub(crate) fn grown_to(&mut self, count: usize, filled: usize) -> &mut [T] {
        if self.count < count {
            let mut longer = Self::zeros(count.max(2 * self.count));
            longer.as_mut_slice()[..filled].copy_from_slice(&self.as_slice()[..filled]);
            *self = longer;
        }
        &mut self.as_mut_slice()[..count]
    }

    /// All numbers.
    pub(crate) fn as_slice(&self) -> &[T] {
        // SAFETY: the block holds so many numbers, zeros from the beginning.
        self.block
            .as_ref()
            .map_or(&[], |block| unsafe { std::slice::from_raw_parts(block.start().cast(), self.count) })
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above, and nobody else has the block.
        self.block.as_ref().map_or(&mut [], |block| unsafe {
            std::slice::from_raw_parts_mut(block.start().cast(), self.count)
        })
    }

    fn zeros(count: usize) -> Self {
        const { assert!(align_of::<T>() <= CACHE_LINE) };
        Self { block: Some(Block::zeroed(count * size_of::<T>())), count, numbers: PhantomData }
    }
}

/// A pointer that tasks on several threads may hold, each writing to places of its own.
#[derive(Debug)]
pub(crate) struct Shared<T>(pub(crate) *mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

impl<T> Shared<T> {
    /// The pointer. (A method, so that closures capture the whole wrapper.)
    pub(crate) fn get(self) -> *mut T {
        self.0
    }
}

// SAFETY: the pointer alone does nothing; each use of it is an unsafe block that answers for disjointness.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}
