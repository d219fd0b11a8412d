//! Scratch memory that is reused from step to step.

/// A buffer that grows to the largest slice ever asked of it, and never shrinks.
#[derive(Debug, Default)]
pub(crate) struct Buffer(Vec<f32>);

impl Buffer {
    /// A slice of `len` numbers, whatever was left in them.
    pub(crate) fn take(&mut self, len: usize) -> &mut [f32] {
        if self.0.len() < len {
            self.0.resize(len, 0.0);
        }
        &mut self.0[..len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_slice_needs_no_new_memory() {
        let mut buffer = Buffer::default();
        let before = buffer.take(8).as_ptr();
        assert_eq!(buffer.take(3).len(), 3);
        assert_eq!(buffer.take(8).as_ptr(), before);
    }
}
