//! Records of trainings, `docs/records/NAME.json`: what `docs/lineage.md` is made from. `xtask record` writes one from the folder of a
//! model: its weights' header, the log of its training, and the figures of `papo eval --json` where there are any.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use papo::compare::Machine;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Points of a curve that are kept: as many as a picture can show.
const POINTS: usize = 300;

/// A point of a curve: seconds of training, and nats for each token.
pub type Point = (f64, f64);

/// What is known of a training.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    pub name: String,
    /// The command that made it.
    pub command: String,
    pub device: String,
    pub processor: String,
    /// Weights; an n-gram has none, nor has a store of replies.
    pub parameters: Option<u64>,
    /// Bytes of the weights' file.
    pub bytes: u64,
    pub steps: Option<u64>,
    pub epochs: Option<f64>,
    pub seconds: Option<f64>,
    /// Tokens through the network in a second of training, the median over the log.
    pub tokens_per_s: Option<f64>,
    /// Nats for each token of the held-out data, the best.
    pub validation_loss: Option<f64>,
    pub train_curve: Vec<Point>,
    pub validation_curve: Vec<Point>,
    /// What `papo eval --json` printed.
    pub evaluation: Option<Value>,
}

/// What is told of a training besides what its folder says.
pub struct Told {
    pub name: String,
    pub model: PathBuf,
    pub command: String,
    pub device: String,
    pub seconds: Option<f64>,
    pub evaluation: Option<PathBuf>,
}

/// Writes the record of a training to `out`.
pub fn write(told: &Told, out: &Path) -> Result<()> {
    let (parameters, bytes) = size(&told.model)?;
    let mut record = Record {
        name: told.name.clone(),
        command: told.command.clone(),
        device: told.device.clone(),
        processor: Machine::this().processor,
        parameters,
        bytes,
        steps: None,
        epochs: None,
        seconds: told.seconds,
        tokens_per_s: None,
        validation_loss: None,
        train_curve: Vec::new(),
        validation_curve: Vec::new(),
        evaluation: told.evaluation.as_deref().map(read_json).transpose()?,
    };
    let log = told.model.join("training/log.jsonl");
    if log.is_file() {
        record.take_log(
            &fs::read_to_string(&log).with_context(|| format!("{} cannot be read", log.display()))?,
        );
    }
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    fs::write(out, serde_json::to_string(&record)? + "\n")
        .with_context(|| format!("{} cannot be written", out.display()))
}

impl Record {
    fn take_log(&mut self, log: &str) {
        let mut speeds = Vec::new();
        for entry in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let number = |name: &str| entry.get(name).and_then(Value::as_f64);
            let seconds = number("seconds").unwrap_or_default();
            self.steps = entry.get("step").and_then(Value::as_u64).or(self.steps);
            self.epochs = number("epoch").or(self.epochs);
            self.seconds = Some(seconds);
            speeds.extend(number("tokens_per_s"));
            self.train_curve.extend(number("loss").map(|loss| (seconds, loss)));
            if let Some(loss) = number("validation_loss") {
                self.validation_curve.push((seconds, loss));
                self.validation_loss = Some(self.validation_loss.map_or(loss, |best| best.min(loss)));
            }
        }
        speeds.sort_by(f64::total_cmp);
        self.tokens_per_s = speeds.get(speeds.len() / 2).copied();
        self.train_curve = thinned(&self.train_curve);
        self.validation_curve = thinned(&self.validation_curve);
    }
}

/// A curve with at most `POINTS` points: each the mean of a stretch.
fn thinned(curve: &[Point]) -> Vec<Point> {
    let stretch = curve.len().div_ceil(POINTS).max(1);
    let round = |number: f64, digits: f64| (number * digits).round() / digits;
    let mean =
        |points: &[Point], of: fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    curve
        .chunks(stretch)
        .map(|points| (round(mean(points, |p| p.0), 10.0), round(mean(points, |p| p.1), 1e4)))
        .collect()
}

/// The number of weights, from the header of the safetensors file, and the bytes of the weights' file.
fn size(model: &Path) -> Result<(Option<u64>, u64)> {
    let ngram = model.join("model.ngram");
    if ngram.is_file() {
        return Ok((None, fs::metadata(&ngram)?.len()));
    }
    let path = model.join("model.safetensors");
    let config = model.join("config.json");
    if config.is_file() && read_json(&config)?["model_type"] == "papo_retrieval" {
        return Ok((None, fs::metadata(&path)?.len()));
    }
    let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let length = bytes.first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head) as usize);
    ensure!(length <= bytes.len().saturating_sub(8), "{} is damaged", path.display());
    let header: serde_json::Map<String, Value> = serde_json::from_slice(&bytes[8..8 + length])
        .with_context(|| format!("{} is damaged", path.display()))?;
    let shapes = header
        .iter()
        .filter(|(name, _)| *name != "__metadata__")
        .filter_map(|(_, tensor)| tensor.get("shape")?.as_array());
    let parameters = shapes.map(|shape| shape.iter().filter_map(Value::as_u64).product::<u64>()).sum();
    Ok((Some(parameters), bytes.len() as u64))
}

fn read_json(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

/// The records in a folder, by name.
pub fn read_all(folder: &Path) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    if folder.is_dir() {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        {
            // Records of other measurements may lie beside these.
            if let Ok(record) = serde_json::from_value(read_json(path)?) {
                records.push(record);
            }
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_becomes_curves() {
        let mut record: Record = serde_json::from_str(
            r#"{"name": "x", "command": "", "device": "cpu", "processor": "", "bytes": 1, "train_curve": [], "validation_curve": []}"#,
        )
        .unwrap();
        record.take_log(
            "{\"event\":\"step\",\"step\":10,\"epoch\":0.5,\"loss\":3.0,\"tokens_per_s\":100.0,\"seconds\":2.0}\n\
             {\"event\":\"validation\",\"step\":10,\"epoch\":0.5,\"validation_loss\":2.5,\"best\":true,\"seconds\":3.0}\n\
             {\"event\":\"validation\",\"step\":20,\"epoch\":1.0,\"validation_loss\":2.7,\"best\":false,\"seconds\":6.0}\ncut sh",
        );
        assert_eq!((record.steps, record.seconds, record.validation_loss), (Some(20), Some(6.0), Some(2.5)));
        assert_eq!(record.train_curve, [(2.0, 3.0)]);
        assert_eq!(record.validation_curve, [(3.0, 2.5), (6.0, 2.7)]);
    }

    #[test]
    fn long_curves_are_thinned_to_means() {
        let curve: Vec<Point> = (0..3000).map(|i| (f64::from(i), 1.0)).collect();
        let thin = thinned(&curve);
        assert!(thin.len() <= POINTS && thin.iter().all(|point| point.1 == 1.0));
    }
}
