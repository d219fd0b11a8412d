//! `papo quantize`: a folder with a rounded copy of a model, complete and ready to be copied anywhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use papo_kernels::Compute;
use papo_models::LoadedTensor;
use serde_json::json;

use super::Recorded;
use crate::files::ModelFiles;
use crate::network::{Holding, Network};
use crate::pretrained_model::{model_config, weights_progress};
use crate::{Error, LoadOptions, threads};

/// What [`quantize`] has made.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Quantized {
    /// Bytes of the weights in the new folder.
    pub bytes: u64,
    /// Bytes of the weight files that it was made from.
    pub bytes_before: u64,
    /// Matrices that were rounded to four bits: none where all of them are small.
    pub in_four_bits: usize,
}

/// Makes `out` a folder with the model of `files`, its weights rounded to `options.dtype`, which is `Int8` or `Int4`.
///
/// The folder appears whole or not at all. Fails where something is at `out` already, the model has no matrices (an n-gram, a store of replies), or anything
/// cannot be read or written.
pub fn quantize(files: &ModelFiles, out: &Path, options: &LoadOptions<'_>) -> Result<Quantized, Error> {
    let write = |source| Error::Write { path: out.to_owned(), source };
    let occupied = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => out.exists(),
    };
    if occupied {
        let reason =
            "it is there already and would be overwritten; name a new folder, or remove this one first";
        return Err(Error::Content { path: out.to_owned(), reason: reason.into() });
    }
    let mut config = model_config(files)?;
    let reason = match Holding::of(&config) {
        Holding::Counts => Some(
            "an n-gram has no matrices to round; train it with `papo train ngram --quantize 8` for a smaller file",
        ),
        Holding::Replies => Some(
            "it looks replies up and has no matrices to round; for a smaller file, make it of fewer conversations",
        ),
        Holding::Weights => None,
    };
    if let Some(reason) = reason {
        return Err(Error::Content { path: files.place(), reason: reason.into() });
    }
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(write)?;
    let draft = tempfile::Builder::new().prefix(".papo-quantize-").tempdir_in(parent).map_err(write)?;
    let recorded = Recorded::new(&draft.path().join("model.safetensors"));
    let record = |loaded: LoadedTensor<'_>| recorded.take(&loaded);
    let compute = Arc::new(Compute::new(options.threads.unwrap_or_else(threads::physical_cores)));
    let progress = weights_progress(options.progress);
    let loading = papo_models::LoadOptions {
        dtype: options.dtype,
        progress: Some(&progress),
        record: Some(&record),
        interrupt: options.interrupt,
        ..papo_models::LoadOptions::new(compute)
    };
    Network::load(&config, files, None, &loading)?;
    let in_four_bits = recorded.in_four_bits();
    let bytes = recorded.write(None)?;
    let mut bytes_before = 0;
    for (name, size) in files.list()? {
        if is_weights(&name) {
            bytes_before += size;
        } else if name != "config.json"
            && let Some(content) = files.read(&name)?
        {
            let path = draft.path().join(&name);
            fs::write(&path, content).map_err(|source| Error::Write { path, source })?;
        }
    }
    // Under the reference's own name for it, so that it says it knows no such method instead of reading bytes as weights.
    let bits = if in_four_bits > 0 { 4 } else { 8 };
    config["quantization_config"] = json!({"quant_method": "papo", "bits": bits});
    let path = draft.path().join("config.json");
    let text = format!("{config:#}\n");
    fs::write(&path, text).map_err(|source| Error::Write { path, source })?;
    put(draft, out)?;
    Ok(Quantized { bytes, bytes_before, in_four_bits })
}

/// Gives the finished draft its name; an empty folder of that name gives way.
fn put(draft: tempfile::TempDir, out: &Path) -> Result<(), Error> {
    let write = |source| Error::Write { path: out.to_owned(), source };
    if out.is_dir() {
        fs::remove_dir(out).map_err(write)?;
    }
    let draft: PathBuf = draft.keep();
    fs::rename(&draft, out).map_err(|source| {
        let _ = fs::remove_dir_all(&draft);
        write(source)
    })
}

/// Whether a file holds weights, here or in another framework's format: those are not copied.
fn is_weights(name: &str) -> bool {
    let endings = [".safetensors", ".bin", ".h5", ".msgpack", ".ot", ".onnx", ".pt", ".pth"];
    endings.iter().any(|ending| name.ends_with(ending)) || name.ends_with(".index.json")
}
