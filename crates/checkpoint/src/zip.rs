//! Where the entries of a zip archive lie, for archives that are stored and not compressed.
//!
//! PyTorch uses zip as a folder in one file: its entries are aligned and never compressed, so that they can be mapped. All
//! that is needed is the directory at the end, which gives for each entry the place of its own small header, which gives the
//! place of its bytes:
//!
//! ```text
//! | header, bytes | header, bytes | … | directory | [end64, locator64] | end |
//! ```
//!
//! This is read here and not by a zip library because libraries hand out readers, and we want the place in the map. PyTorch
//! always writes the 64-bit records, whatever the size.

use std::collections::HashMap;
use std::ops::Range;

/// Signature, and length of the fixed part, of the records that matter.
const LOCAL: (u32, usize) = (0x0403_4b50, 30);
const CENTRAL: (u32, usize) = (0x0201_4b50, 46);
const END: (u32, usize) = (0x0605_4b50, 22);
const END64: (u32, usize) = (0x0606_4b50, 56);
const LOCATOR64: (u32, usize) = (0x0706_4b50, 20);

/// A field of 32 bits that says "see the 64-bit record".
const ELSEWHERE: u64 = 0xffff_ffff;

/// Lists the entries of the archive: name and place of the bytes. The error completes the sentence "it is damaged: its …".
pub(crate) fn entries(archive: &[u8]) -> Result<HashMap<&str, Range<usize>>, String> {
    let directory = directory(archive)?;
    let mut entries = HashMap::new();
    let mut at = 0;
    while at < directory.len() {
        let record = record(directory, at, CENTRAL).ok_or("its zip directory is not made of entries")?;
        let (name_length, extra_length, comment_length) =
            (short(record, 28), short(record, 30), short(record, 32));
        let variable = directory[at + CENTRAL.1..]
            .get(..name_length + extra_length + comment_length)
            .ok_or("its zip directory is cut off")?;
        let name = str::from_utf8(&variable[..name_length])
            .map_err(|_| "its zip directory has a name that is not UTF-8")?;
        let place = place(archive, record, &variable[name_length..][..extra_length])
            .map_err(|problem| format!("its zip entry {name:?} {problem}"))?;
        if entries.insert(name, place).is_some() {
            return Err(format!("its zip directory has two entries called {name:?}"));
        }
        at += CENTRAL.1 + variable.len();
    }
    Ok(entries)
}

/// The bytes of the directory, found from the end of the archive.
fn directory(archive: &[u8]) -> Result<&[u8], String> {
    let cut_off = "its zip directory, which stands at the end, is missing: the file is cut off";
    // The last record may be followed by a comment of up to 65,535 bytes.
    let lowest = archive.len().saturating_sub(END.1 + 0xffff);
    let end = (lowest..=archive.len().saturating_sub(END.1))
        .rev()
        .find(|&at| record(archive, at, END).is_some_and(|end| at + END.1 + short(end, 20) == archive.len()))
        .ok_or(cut_off)?;
    let locator = end.checked_sub(LOCATOR64.1).and_then(|at| record(archive, at, LOCATOR64));
    let (length, start) = match locator {
        Some(locator) => {
            let end64 = record(archive, address(long(locator, 8)), END64)
                .ok_or("its zip directory is nowhere to be found")?;
            (long(end64, 40), long(end64, 48))
        }
        None => (word(&archive[end..], 12), word(&archive[end..], 16)),
    };
    slice(archive, start, length)
        .map(|place| &archive[place])
        .ok_or_else(|| format!("its zip directory claims {length} bytes at {start} of {}", archive.len()))
}

/// Where the bytes of an entry lie.
fn place(archive: &[u8], central: &[u8], extra: &[u8]) -> Result<Range<usize>, String> {
    if short(central, 8) & 1 != 0 {
        return Err("is encrypted".to_string());
    }
    let mut wide = wide_fields(extra);
    let mut field = |at| match word(central, at) {
        ELSEWHERE => wide.next().ok_or("lacks its 64-bit sizes"),
        value => Ok(value),
    };
    // The 64-bit record holds just the fields that are elsewhere, in this order.
    let (length, compressed, header) = (field(24)?, field(20)?, field(42)?);
    if short(central, 10) != 0 || length != compressed {
        return Err("is compressed, which PyTorch never does".to_string());
    }
    let header = address(header);
    let local = record(archive, header, LOCAL).ok_or("has no header where the directory says")?;
    let start = header + LOCAL.1 + short(local, 26) + short(local, 28);
    slice(archive, start as u64, length)
        .ok_or_else(|| format!("claims {length} bytes at {start} of {}: the file is cut off", archive.len()))
}

/// The numbers of the 64-bit record among an entry's extra fields.
fn wide_fields(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut numbers: &[u8] = &[];
    while extra.len() >= 4 {
        let (id, length) = (short(extra, 0), short(extra, 2));
        let body = &extra[4..];
        let body = &body[..length.min(body.len())];
        if id == 1 {
            numbers = body;
            break;
        }
        extra = &extra[4 + body.len()..];
    }
    numbers.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
}

/// The fixed part of the record at `at`, if it is there and has the right signature.
fn record(bytes: &[u8], at: usize, (signature, length): (u32, usize)) -> Option<&[u8]> {
    let record = bytes.get(at..)?.get(..length)?;
    (word(record, 0) == u64::from(signature)).then_some(record)
}

/// A range that has been checked to lie inside `bytes`.
fn slice(bytes: &[u8], start: u64, length: u64) -> Option<Range<usize>> {
    let end = start.checked_add(length).filter(|&end| end <= bytes.len() as u64)?;
    Some(address(start)..address(end))
}

/// A place in a file as an index; one that no index can hold lies outside every file.
fn address(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

fn short(record: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([record[at], record[at + 1]]))
}

fn word(record: &[u8], at: usize) -> u64 {
    u64::from(short(record, at) as u32) | u64::from(short(record, at + 2) as u32) << 16
}

fn long(record: &[u8], at: usize) -> u64 {
    word(record, at) | word(record, at + 4) << 32
}
