//! The works of Machado de Assis as training text for the Portuguese n-gram: `xtask machado`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::sentences::passages;

/// Sentences of a line.
const SENTENCES: usize = 3;

/// Writes a passage of a few sentences a line into `out`, works in the order of their paths; says on standard error how much it is.
pub fn write(data: &Path, out: &Path) -> Result<()> {
    let mut works = Vec::new();
    collect(&data.join("text/machado-de-assis"), &mut works)?;
    works.sort();
    ensure!(!works.is_empty(), "{} has no .txt files below it", data.join("text/machado-de-assis").display());
    let mut lines = String::new();
    let (mut count, mut words) = (0, 0);
    for work in &works {
        let bytes = fs::read(work).with_context(|| format!("{} cannot be read", work.display()))?;
        let text = String::from_utf8_lossy(&bytes);
        for passage in passages(text.trim_start_matches('\u{feff}'), SENTENCES) {
            count += 1;
            words += passage.split(' ').count();
            lines.push_str(&passage);
            lines.push('\n');
        }
    }
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    fs::write(out, lines).with_context(|| format!("{} cannot be written", out.display()))?;
    eprintln!("{}: {} works, {count} passages, {words} words", out.display(), works.len());
    Ok(())
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            found.push(path);
        }
    }
    Ok(())
}
