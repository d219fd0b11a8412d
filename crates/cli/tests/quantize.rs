//! `papo quantize` and `--dtype int8|int4` as a user meets them: the folder, its answers, and what is kept for the next time.

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{Run, checkpoint, run, run_with};
use serde_json::{Value, json};
use tempfile::TempDir;

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The tokens that a model finds likeliest after a few sources.
fn answers(model: &str, flags: &[&str]) -> Vec<Value> {
    let arguments =
        [&["generate", model, "--do-sample=false", "--num-beams", "2", "--max-new-tokens", "12"], flags]
            .concat();
    let sources = "{\"input_ids\": [[5, 9, 12, 7, 2]]}\n{\"input_ids\": [[4, 4, 30, 2], [11, 3, 2]]}\n";
    run(&arguments, sources).exits(0).json_lines().into_iter().map(|line| line["sequences"].clone()).collect()
}

#[test]
fn a_rounded_copy_answers_as_the_model_does_when_it_is_rounded_on_the_fly() {
    let folder = TempDir::new().unwrap();
    let wide = folder.path().join("wide");
    widen(Path::new(&checkpoint("t5-flan")), &wide);
    let mut models = vec![text(&wide).to_owned(), "lstm".to_owned()];
    let tiny =
        ["bart-bare", "t5-flan", "marian", "blenderbot-bin", "lineage-lstm", "lineage-seq2seq-bahdanau-gru"];
    models.extend(tiny.map(checkpoint));
    for (at, model) in models.iter().enumerate() {
        let before = run(&["show", model, "--json"], "").exits(0).json_lines().remove(0);
        let mut sizes = Vec::new();
        for dtype in ["int8", "int4"] {
            let out = folder.path().join(format!("{at}-{dtype}"));
            let made = run(&["quantize", model, "--dtype", dtype, "--out", text(&out)], "").exits(0);
            assert_eq!(made.stdout.trim(), text(&out), "{model}");
            assert!(made.stderr.contains("became"), "{}", made.stderr);
            assert_eq!(answers(text(&out), &[]), answers(model, &["--dtype", dtype]), "{model} {dtype}");
            let shown = run(&["show", text(&out), "--json"], "").exits(0).json_lines().remove(0);
            assert!(shown["dtypes"]["int8"].as_u64() > Some(0), "{model} {dtype}: {shown}");
            // Four bits are for matrices of a size that gains from them.
            let four_bits = dtype == "int4" && at < 2;
            assert_eq!(shown["dtypes"]["int4"].is_u64(), four_bits, "{model}: {shown}");
            assert_eq!(made.stderr.contains("too small"), dtype == "int4" && !four_bits, "{}", made.stderr);
            assert!(shown["parameters"].as_u64() <= before["parameters"].as_u64(), "{model}: {shown}");
            sizes.push(fs::metadata(out.join("model.safetensors")).unwrap().len());
        }
        assert_eq!(sizes[1] < sizes[0], at < 2, "{model}: {sizes:?}");
        // What is rounded already is used as it is, or as floats, or rounded further.
        let int8 = folder.path().join(format!("{at}-int8"));
        assert_eq!(answers(text(&int8), &["--dtype", "int8"]), answers(text(&int8), &[]), "{model}");
        answers(text(&int8), &["--dtype", "f32"]);
        answers(text(&int8), &["--dtype", "int4"]);
    }
    // A copy in four bits is one still when it is copied.
    let copy = folder.path().join("copy");
    let from = folder.path().join("0-int4");
    run(&["quantize", text(&from), "--dtype", "int4", "--out", text(&copy)], "").exits(0);
    let config: Value = serde_json::from_slice(&fs::read(copy.join("config.json")).unwrap()).unwrap();
    assert_eq!(config["quantization_config"]["bits"], 4);
    assert_eq!(answers(text(&copy), &[]), answers(text(&from), &[]));
}

#[test]
fn bad_requests_are_refused_and_leave_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let model = checkpoint("t5-flan");
    run(&["quantize", &model, "--dtype", "f16", "--out", text(&out)], "").exits(2).complains("f16");
    run(&["quantize", &model, "--out", text(&out)], "").exits(2).complains("--dtype");
    run(&["quantize", "./nowhere", "--dtype", "int8", "--out", text(&out)], "").exits(1).complains("nowhere");
    run(&["quantize", "ngram", "--dtype", "int8", "--out", text(&out)], "").exits(1).complains("n-gram");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("mine.txt"), "keep").unwrap();
    run(&["quantize", &model, "--dtype", "int8", "--out", text(&out)], "")
        .exits(1)
        .complains("there already");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    let file = out.join("mine.txt");
    run(&["quantize", &model, "--dtype", "int8", "--out", text(&file)], "").exits(1).complains("mine.txt");
    assert_eq!(fs::read_to_string(&file).unwrap(), "keep");
    // A checkpoint that turns out to be broken on the way.
    let broken = folder.path().join("broken");
    copy(Path::new(&model), &broken);
    let config = fs::read_to_string(broken.join("config.json")).unwrap();
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config["d_ff"] = json!(7);
    fs::write(broken.join("config.json"), config.to_string()).unwrap();
    let other = folder.path().join("other");
    run(&["quantize", text(&broken), "--dtype", "int8", "--out", text(&other)], "").exits(1);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_damaged_copy_is_refused_by_the_tensors_name() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    run(&["quantize", &checkpoint("t5-flan"), "--dtype", "int8", "--out", text(&out)], "").exits(0);
    let file = out.join("model.safetensors");
    let whole = fs::read(&file).unwrap();
    let (header, data) = parts(&whole);
    let name = "encoder.block.0.layer.0.SelfAttention.q.weight";
    let scales = format!("{name}_scale");
    let without: Value = {
        let mut header = header.clone();
        let scale = header.as_object_mut().unwrap().remove(&scales).unwrap();
        // The bytes still belong to somebody.
        header["unused"] = scale;
        header
    };
    fs::write(&file, joined(&without, data)).unwrap();
    run(&["generate", text(&out)], "{\"input_ids\": [[5]]}\n").exits(1).complains(name);
    let mut renamed = header.clone();
    let shape = renamed[&scales]["shape"][0].as_u64().unwrap();
    renamed[&scales]["shape"] = json!([1, shape]);
    fs::write(&file, joined(&renamed, data)).unwrap();
    run(&["generate", text(&out)], "{\"input_ids\": [[5]]}\n").exits(1).complains("_scale");
    fs::write(&file, &whole[..whole.len() - 9]).unwrap();
    run(&["generate", text(&out)], "{\"input_ids\": [[5]]}\n").exits(1).complains("model.safetensors");
}

#[test]
fn what_was_rounded_of_a_large_model_is_kept_and_made_anew_where_it_is_stale_or_damaged() {
    let home = TempDir::new().unwrap();
    let model = home.path().join("model");
    copy(Path::new(&checkpoint("t5-flan")), &model);
    enlarge(&model.join("model.safetensors"));
    let ask = || {
        let with_home = |command: &mut std::process::Command| {
            command.env("HF_HOME", home.path().join("hf"));
        };
        let asked: Run = run_with(
            with_home,
            &["generate", text(&model), "--dtype", "int8", "--max-new-tokens", "9"],
            "{\"input_ids\": [[5, 9, 2]]}\n",
        );
        asked.exits(0).json_lines().remove(0)["sequences"].clone()
    };
    let first = ask();
    let kept = home.path().join("hf/papo/quantized");
    let files: Vec<PathBuf> = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("one file is kept, not {files:?}") };
    let bytes = fs::read(file).unwrap();
    assert!(bytes.len() < 2 << 20, "what the network does not use is not kept");
    assert_eq!(ask(), first);
    assert!(fs::read(file).unwrap() == bytes, "a good file stays as it is");
    let mut damaged = bytes.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 0x10;
    fs::write(file, &damaged).unwrap();
    assert_eq!(ask(), first);
    assert!(fs::read(file).unwrap() == bytes, "a damaged file is made anew");
    fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(ask(), first);
    assert!(fs::read(file).unwrap() == bytes, "half a file is made anew");
    // The model changes: other weights under the same name.
    let weights = model.join("model.safetensors");
    let mut changed = fs::read(&weights).unwrap();
    let (header, _) = parts(&changed);
    let at = header["shared.weight"]["data_offsets"][0].as_u64().unwrap() as usize;
    let data = 8 + u64::from_le_bytes(changed[..8].try_into().unwrap()) as usize;
    changed[data + at..data + at + 4096].fill(0);
    fs::remove_file(&weights).unwrap();
    fs::write(&weights, &changed).unwrap();
    ask();
    assert!(fs::read(file).unwrap() != bytes, "a stale file is made anew");
}

/// A copy of a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// The header and the data of a safetensors file.
fn parts(file: &[u8]) -> (Value, &[u8]) {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&file[8..8 + length]).unwrap(), &file[8 + length..])
}

fn joined(header: &Value, data: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A copy of a tiny T5 whose feed-forward layers are so wide that their matrices are worth four bits: its numbers again and again.
fn widen(from: &Path, to: &Path) {
    const WIDTH: usize = 2080;
    copy(from, to);
    let mut config: Value = serde_json::from_slice(&fs::read(from.join("config.json")).unwrap()).unwrap();
    config["d_ff"] = json!(WIDTH);
    fs::write(to.join("config.json"), config.to_string()).unwrap();
    let file = fs::read(from.join("model.safetensors")).unwrap();
    let (mut header, data) = parts(&file);
    let mut wide = Vec::new();
    for (name, tensor) in header.as_object_mut().unwrap() {
        let Some([first, last]) = tensor["data_offsets"].as_array().map(Vec::as_slice) else { continue };
        let stored = &data[first.as_u64().unwrap() as usize..last.as_u64().unwrap() as usize];
        let first = wide.len();
        if let Some(axis) = name.contains("DenseReluDense").then(|| usize::from(name.ends_with("wo.weight")))
        {
            let length = stored.len() / tensor["shape"][axis].as_u64().unwrap() as usize * WIDTH;
            tensor["shape"][axis] = json!(WIDTH);
            wide.extend(stored.iter().cycle().take(length));
        } else {
            wide.extend(stored);
        }
        tensor["data_offsets"] = json!([first, wide.len()]);
    }
    fs::write(to.join("model.safetensors"), joined(&header, &wide)).unwrap();
}

/// Adds a tensor that no network uses, so that the file is one that is worth keeping a rounded copy of.
fn enlarge(path: &Path) {
    const BYTES: usize = 33 << 20;
    let file = fs::read(path).unwrap();
    let (mut header, data) = parts(&file);
    header["unused"] =
        json!({"dtype": "U8", "shape": [BYTES], "data_offsets": [data.len(), data.len() + BYTES]});
    let data = [data, &vec![0; BYTES]].concat();
    fs::write(path, joined(&header, &data)).unwrap();
}
