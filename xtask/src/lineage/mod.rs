//! `xtask lineage`: measures the built-in models, lets them talk, and writes `docs/lineage.md` with the tables and curves of
//! the records. Nothing in that page is typed by hand, so nothing in it is chosen.
//!
//! Read next: `ladder.rs` for what is measured, `page.rs` for what is written, `chart.rs` for the curves.

mod chart;
mod ladder;
mod page;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::record;
use crate::talk::HeldOut;

/// Measures `models` (none named: the built-in ones) on the dialogues of `data`, lets them answer the conversations of `held_out`, and
/// writes the page `out` and its pictures beside it.
pub fn write(models: &[String], data: &Path, held_out: &Path, records: &Path, out: &Path) -> Result<()> {
    let names: Vec<String> = match models {
        [] => papo::built_in::lineage().iter().map(|model| model.name.to_owned()).collect(),
        named => named.to_vec(),
    };
    ensure!(!names.is_empty(), "this program has no model of its own; name the models");
    let told = HeldOut::read(held_out)?;
    let records = record::read_all(records)?;
    let mut rungs = Vec::new();
    for name in &names {
        eprintln!("{name} …");
        rungs.push(
            ladder::measure(name, data, &told, held_out)
                .with_context(|| format!("{name} cannot be measured"))?,
        );
    }
    let pictures = out.with_extension("");
    fs::create_dir_all(&pictures).with_context(|| format!("{} cannot be made", pictures.display()))?;
    let folder = pictures.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut picture = |name: &str, curves: &[(&str, &[record::Point])], what: &str| -> Result<String> {
        let path = pictures.join(format!("{name}.svg"));
        fs::write(&path, chart::draw(curves, what))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(format!("{folder}/{name}.svg"))
    };
    let text = page::written(&rungs, &records, &told, &mut picture)?;
    fs::write(out, text).with_context(|| format!("{} cannot be written", out.display()))
}
