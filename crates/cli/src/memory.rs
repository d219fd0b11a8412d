//! How much memory this process has needed.

/// The most resident memory of this process so far, in bytes; `None` where the system does not tell.
///
/// Linux writes it, in kilobytes, as `VmHWM` into `/proc/self/status`.
pub fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_touched_is_counted() {
        let before = peak_resident_bytes().unwrap();
        let touched = vec![1u8; 64 << 20];
        assert!(peak_resident_bytes().unwrap() >= before.max(touched.len() as u64));
    }
}
