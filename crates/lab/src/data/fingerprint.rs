//! Whether the files of a resumed run are the ones it began with: their sizes and SHA-256 sums.
//!
//! The place in the data is only a number, so it means something for the same data alone.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use papo_data::DataFile;

use crate::Error;

/// What files hold, in few bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    files: Vec<FilePrint>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FilePrint {
    path: String,
    bytes: u64,
    sha256: String,
}

impl Fingerprint {
    /// Reads the files through.
    pub fn of(files: &[DataFile]) -> Result<Fingerprint, Error> {
        let prints = files.iter().flat_map(DataFile::inputs).map(|input| {
            let failed = |source| Error::Read { path: input.path().to_owned(), source };
            let (bytes, sha256) = digest(input.open()?).map_err(failed)?;
            Ok(FilePrint { path: input.path().display().to_string(), bytes, sha256 })
        });
        Ok(Fingerprint { files: prints.collect::<Result<_, Error>>()? })
    }

    /// What tells these files from those of `earlier`, in words; `None` where they hold the same. A file may have moved.
    pub fn difference(&self, earlier: &Fingerprint) -> Option<String> {
        if self.files.len() != earlier.files.len() {
            return Some(format!("{} files of data instead of {}", self.files.len(), earlier.files.len()));
        }
        let changed = self.files.iter().zip(&earlier.files).find(|(now, then)| now.sha256 != then.sha256);
        changed.map(|(now, then)| {
            if now.path == then.path {
                format!("{} changed ({} bytes then, {} now)", now.path, then.bytes, now.bytes)
            } else {
                format!("{} instead of {}", now.path, then.path)
            }
        })
    }
}

fn digest(mut file: impl Read) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => {
                hash.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
    Ok((bytes, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_named_and_a_moved_one_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one.txt"), folder.path().join("two.txt"));
        std::fs::write(&one, "text").unwrap();
        std::fs::write(&two, "text").unwrap();
        let before = Fingerprint::of(&[DataFile::new(&one)]).unwrap();
        assert_eq!(before.difference(&Fingerprint::of(&[DataFile::new(&two)]).unwrap()), None);
        std::fs::write(&one, "texts").unwrap();
        let after = Fingerprint::of(&[DataFile::new(&one)]).unwrap();
        assert!(after.difference(&before).unwrap().contains("one.txt changed (4 bytes then, 5 now)"));
        let both = Fingerprint::of(&[DataFile::new(&one), DataFile::new(&two)]).unwrap();
        assert_eq!(both.difference(&before).unwrap(), "2 files of data instead of 1");
    }
}
