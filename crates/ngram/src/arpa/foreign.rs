//! What a file is that is no ARPA file, told by its first bytes, and what to do with it.
//!
//! People hand over what their tools gave them: packed files, the binary formats of other toolkits, a page that says "not
//! found". A sentence about line 1 not being `\data\` would help none of them.

/// Bytes that are looked at.
pub(super) const LOOKED_AT: usize = 64;

/// First bytes, what begins with them, and what to do.
const KINDS: [(&[u8], &str, &str); 20] = [
    (b"BZh", "a bzip2 file", "unpack it with `bunzip2`, or pack it with gzip instead"),
    (b"\xfd7zXZ\0", "an xz file", "unpack it with `unxz`, or pack it with gzip instead"),
    (b"\x5d\0\0", "an lzma file", "unpack it with `unlzma`, or pack it with gzip instead"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "unpack it with `unzstd`, or pack it with gzip instead"),
    (b"\x04\x22\x4d\x18", "an lz4 file", "unpack it with `unlz4`, or pack it with gzip instead"),
    (b"\x1f\x9d", "a file of `compress`", "unpack it with `uncompress`, or pack it with gzip instead"),
    (b"PK\x03\x04", "a zip archive", "unpack it with `unzip` and give the ARPA file that is in it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it with `7z x` and give the ARPA file that is in it"),
    (
        b"mmap lm http://kheafield.com/code",
        "a binary model of KenLM, made by its build_binary",
        "give the ARPA file that it was made from",
    ),
    (
        b"iARPA",
        "a model in IRSTLM's iARPA format",
        "turn it into an ARPA file with `compile-lm --text=yes FILE OUT.arpa`",
    ),
    (
        b"blmt",
        "a binary model of IRSTLM",
        "turn it into an ARPA file with `compile-lm --text=yes FILE OUT.arpa`",
    ),
    (
        b"Qblmt",
        "a quantised binary model of IRSTLM",
        "turn it into an ARPA file with `compile-lm --text=yes FILE OUT.arpa`",
    ),
    (
        b"SRILM_BINARY_NGRAM",
        "a binary model of SRILM",
        "turn it into an ARPA file with `ngram -lm FILE -write-lm OUT.arpa`",
    ),
    (
        b"\xd6\xfd\xb2\x7e",
        "a finite-state transducer of OpenFst",
        "turn it into an ARPA file with `ngramprint --ARPA FILE`",
    ),
    (b"papo n-gram\r\n\x1a\n\0", "a model.ngram of Papo", "give it, or the folder it lies in, as a MODEL"),
    (
        b"\xac\xed\0\x05",
        "a Java object, such as a binary model of BerkeleyLM",
        "give the ARPA file that it was made from",
    ),
    (
        b"version https://git-lfs.",
        "a pointer of Git LFS and not the file itself",
        "fetch the file with `git lfs pull`",
    ),
    (b"\xff\xfe", "a text in UTF-16", "convert it with `iconv -f utf-16 -t utf-8`"),
    (b"\xfe\xff", "a text in UTF-16", "convert it with `iconv -f utf-16 -t utf-8`"),
    (b"PAR1", "a Parquet file", "give a file in the ARPA format"),
];

/// Where Sphinx's dumps have their name.
const SPHINX: &[u8] = b"Darpa Trigram LM";

/// What a file is that begins with these bytes, and what to do; `None` where nothing speaks against an ARPA file.
pub(super) fn foreign(first: &[u8]) -> Option<(&'static str, &'static str)> {
    let kind = KINDS.iter().find(|(magic, ..)| first.starts_with(magic));
    if let Some((_, what, advice)) = kind {
        return Some((what, advice));
    }
    if first.get(4..).is_some_and(|rest| rest.starts_with(SPHINX)) {
        return Some((
            "a language model dump of Sphinx",
            "turn it into an ARPA file with `sphinx_lm_convert`",
        ));
    }
    let text = first.trim_ascii_start();
    let is_page = [&b"<!doctype html"[..], b"<html"]
        .iter()
        .any(|begin| text.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin)));
    is_page.then_some((
        "a web page",
        "look into it: the download may have failed; give a file in the ARPA format",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_told_by_its_first_bytes_and_an_arpa_file_is_none() {
        for (magic, what, _) in KINDS {
            assert!(magic.len() <= LOOKED_AT);
            assert_eq!(foreign(&[magic, b" and so on"].concat()).unwrap().0, what);
        }
        assert_eq!(foreign(b"\0\0\0\x11Darpa Trigram LM\0").unwrap().0, "a language model dump of Sphinx");
        assert_eq!(foreign(b"\n<!DOCTYPE HTML><title>404").unwrap().0, "a web page");
        for text in [&b"\\data\\\n"[..], b"", b"# made by a tool", b"This is a CLOSED-vocabulary model", b"B"]
        {
            assert_eq!(foreign(text), None);
        }
    }
}
