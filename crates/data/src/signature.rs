//! What the first bytes of a file tell: how it is packed, how it is encoded, or that it is no text at all.
//!
//! Names lie and are missing in pipes; these bytes are what the formats themselves prescribe.

/// What is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    /// Nothing known: it may be text.
    Unknown,
    /// gzip, which is undone.
    Gzip,
    /// UTF-8 behind its byte order mark, which is no text.
    MarkedUtf8,
    /// Something that is named and refused.
    Refused { what: &'static str, advice: &'static str },
}

/// As many bytes as are looked at.
pub(crate) const LOOKED_AT: usize = 264;

const UNPACK: &str = "unpack it first, or pack it by gzip";
const CONVERT: &str = "save it as UTF-8, for example with iconv -f utf-16 -t utf-8";

/// First bytes, what they mean, and what to do.
const KNOWN: [(&[u8], &str, &str); 19] = [
    // The longer mark first: that of UTF-16 is its beginning.
    (b"\xff\xfe\x00\x00", "encoded as UTF-32", "save it as UTF-8, for example with iconv -f utf-32 -t utf-8"),
    (b"\x00\x00\xfe\xff", "encoded as UTF-32", "save it as UTF-8, for example with iconv -f utf-32 -t utf-8"),
    (b"\xff\xfe", "encoded as UTF-16", CONVERT),
    (b"\xfe\xff", "encoded as UTF-16", CONVERT),
    (b"\xfd7zXZ\x00", "packed by xz", "unpack it with unxz, or pack it by gzip"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd", "unpack it with unzstd, or pack it by gzip"),
    (b"\x04\x22\x4d\x18", "packed by lz4", "unpack it with unlz4, or pack it by gzip"),
    (b"PK\x03\x04", "a zip archive (as are .docx, .xlsx and .epub)", "take the text out of it first"),
    (b"PK\x05\x06", "an empty zip archive", "give the text itself"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!\x1a\x07", "a rar archive", UNPACK),
    (b"PAR1", "a Parquet table", "write its texts to a .txt, .tsv or .jsonl file first"),
    (b"ARROW1", "an Arrow table", "write its texts to a .txt, .tsv or .jsonl file first"),
    (b"%PDF-", "a PDF document", "take the text out of it first, for example with pdftotext"),
    (b"{\\rtf", "a rich text document", "save it as plain text in UTF-8"),
    (b"\x89HDF", "an HDF5 file", "write its texts to a .txt, .tsv or .jsonl file first"),
    (b"SQLite format 3", "an SQLite database", "write its texts to a .txt, .tsv or .jsonl file first"),
    (b"mmap lm http://kheafield.com/code", "a binary model of KenLM", "give the text that it was made of"),
    (b"Obj\x01", "an Avro file", "write its texts to a .txt, .tsv or .jsonl file first"),
];

impl Signature {
    /// Looks at first bytes, [`LOOKED_AT`] of them where there are so many.
    pub fn of(first: &[u8]) -> Signature {
        if first.starts_with(&[0x1f, 0x8b]) {
            return Signature::Gzip;
        }
        if first.starts_with(b"\xef\xbb\xbf") {
            return Signature::MarkedUtf8;
        }
        if first.get(257..262) == Some(b"ustar") {
            return Signature::Refused {
                what: "a tar archive",
                advice: "unpack it with tar -x, and name the files",
            };
        }
        // Three letters may begin a text; what follows them in the format may not.
        if first.starts_with(b"BZh") && first.get(4..10) == Some(b"1AY&SY") {
            return Signature::Refused {
                what: "packed by bzip2",
                advice: "unpack it with bunzip2, or pack it by gzip",
            };
        }
        match KNOWN.iter().find(|(bytes, ..)| first.starts_with(bytes)) {
            Some((_, what, advice)) => Signature::Refused { what, advice },
            None if is_wide(first) => Signature::Refused {
                what: "encoded as UTF-16, as it seems (every second byte is zero)",
                advice: CONVERT,
            },
            None => Signature::Unknown,
        }
    }
}

/// Whether every second byte is zero and no other: UTF-16 without a mark, of a language with Latin letters.
fn is_wide(first: &[u8]) -> bool {
    let zeros = |from: usize| first.iter().skip(from).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let half = first.len() / 2;
    half >= 4 && ((even == 0 && odd * 10 >= half * 9) || (odd == 0 && even * 10 >= half * 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_kinds_are_known_by_their_first_bytes() {
        for (bytes, word) in [
            (&b"\xff\xfeh\0i\0"[..], "UTF-16"),
            (b"\xfe\xff\0h\0i", "UTF-16"),
            (b"\xff\xfe\0\0h\0\0\0", "UTF-32"),
            (b"h\0e\0l\0l\0o\0\n\0", "UTF-16"),
            (b"BZh91AY&SY\x01\x02", "bzip2"),
            (b"BZh51AY&SY\x01\x02", "bzip2"),
            (b"\xfd7zXZ\0\0", "xz"),
            (b"\x28\xb5\x2f\xfd\x04", "zstd"),
            (b"PK\x03\x04\x14", "zip"),
            (b"PAR1\x15", "Parquet"),
            (b"%PDF-1.7", "PDF"),
        ] {
            let Signature::Refused { what, .. } = Signature::of(bytes) else { panic!("{word} is not known") };
            assert!(what.contains(word), "{what}");
        }
        assert_eq!(Signature::of(b"\x1f\x8b\x08"), Signature::Gzip);
        assert_eq!(Signature::of(b"\xef\xbb\xbftext"), Signature::MarkedUtf8);
        let mut archive = [b'a'; 300];
        archive[257..262].copy_from_slice(b"ustar");
        assert!(matches!(Signature::of(&archive), Signature::Refused { what: "a tar archive", .. }));
    }

    #[test]
    fn texts_that_begin_like_other_files_stay_texts() {
        for text in ["", "B", "BZh is a name", "BZh9 is, too", "PK", "Rare", "7z", "%", "olá\n", "a"] {
            assert_eq!(Signature::of(text.as_bytes()), Signature::Unknown, "{text:?}");
        }
    }
}
