//! Sections grow in files of their own, since several grow at once, and are joined at the end.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::path::Path;

/// A section that grows on disk, in a file without a name.
pub(crate) type Growing = BufWriter<File>;

/// A new, empty section in a folder.
pub(crate) fn grow(folder: &Path) -> io::Result<Growing> {
    Ok(BufWriter::with_capacity(1 << 16, tempfile::tempfile_in(folder)?))
}

/// Copies a section to where it belongs; gives its length.
pub(crate) fn join(section: Growing, out: &mut impl Write) -> io::Result<u64> {
    let mut file = section.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    io::copy(&mut BufReader::with_capacity(1 << 16, file), out)
}
