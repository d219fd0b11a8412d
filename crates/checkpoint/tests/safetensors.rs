//! Safetensors files, whole and sharded: good ones are read, each kind of bad one is refused in a sentence.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use papo_checkpoint::{Checkpoint, Dtype, Error};
use safetensors::tensor::TensorView;
use tempfile::TempDir;

/// Writes a file by hand: a header, its true length, and the data.
fn write(folder: &TempDir, name: &str, header: &str, data: &[u8]) -> PathBuf {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(data);
    let path = folder.path().join(name);
    std::fs::write(&path, file).unwrap();
    path
}

/// What is said of a file with this header and this many bytes of data.
fn refusal(header: &str, data: usize) -> String {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "model.safetensors", header, &vec![0; data]);
    let error = Checkpoint::open_file(&path).expect_err(header);
    let sentence = error.to_string();
    assert!(sentence.contains("model.safetensors"), "the file is not named: {sentence}");
    sentence
}

#[test]
fn what_the_safetensors_crate_writes_is_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    let (matrix, scalar): (Vec<u8>, Vec<u8>) = ((0..24).collect(), vec![1, 2]);
    let tensors = HashMap::from([
        ("matrix", TensorView::new(safetensors::Dtype::F32, vec![2, 3], &matrix).unwrap()),
        ("scalar", TensorView::new(safetensors::Dtype::BF16, vec![], &scalar).unwrap()),
        ("empty", TensorView::new(safetensors::Dtype::I64, vec![0, 7], &[]).unwrap()),
    ]);
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    safetensors::serialize_to_file(tensors, Some(metadata), &path).unwrap();

    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["empty", "matrix", "scalar"]);
    assert_eq!(checkpoint.files().collect::<Vec<_>>(), [path.as_path()]);
    assert_eq!(checkpoint.parameter_count(), 7);
    let tensor = checkpoint.get("matrix").unwrap().unwrap();
    assert_eq!((tensor.dtype, tensor.shape, &*tensor.bytes), (Dtype::F32, &[2, 3][..], &matrix[..]));
    assert!(matches!(tensor.bytes, Cow::Borrowed(_)));
    let tensor = checkpoint.get("scalar").unwrap().unwrap();
    assert_eq!((tensor.dtype, tensor.shape, &*tensor.bytes), (Dtype::Bf16, &[][..], &scalar[..]));
    let tensor = checkpoint.get("empty").unwrap().unwrap();
    assert_eq!((tensor.elements(), tensor.shape), (0, &[0, 7][..]));
    assert!(checkpoint.get("absent").unwrap().is_none());
}

#[test]
fn a_released_tensor_reads_the_same_again() {
    let folder = TempDir::new().unwrap();
    let data: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
    let path =
        write(&folder, "m", r#"{"a":{"dtype":"U8","shape":[100000],"data_offsets":[0,100000]}}"#, &data);
    let checkpoint = Checkpoint::open_file(&path).unwrap();
    checkpoint.release("a");
    checkpoint.release("absent");
    assert_eq!(*checkpoint.get("a").unwrap().unwrap().bytes, data);
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let folder = TempDir::new().unwrap();
    let header = r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#;
    let path = write(&folder, "model.safetensors", header, &[0; 12]);
    let whole = std::fs::read(&path).unwrap();
    Checkpoint::open_file(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let refused = Checkpoint::open_file(&path);
        let named = matches!(refused, Err(Error::Damaged { .. } | Error::DamagedTensor { .. }));
        assert!(named, "{length} bytes gave {refused:?}");
    }
}

#[test]
fn a_header_longer_than_the_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    for length in [3_u64, 1 << 40, u64::MAX] {
        std::fs::write(&path, [&length.to_le_bytes()[..], b"{}"].concat()).unwrap();
        let sentence = Checkpoint::open_file(&path).unwrap_err().to_string();
        assert!(sentence.contains(&format!("claims {length} bytes, but only 2 follow")), "{sentence}");
    }
}

#[test]
fn offsets_that_lie_are_refused() {
    let a = |offsets: &str| format!(r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":{offsets}}}}}"#);
    assert!(refusal(&a("[0,8]"), 4).contains("claims the bytes 0 to 8 of 4"));
    assert!(refusal(&a("[8,0]"), 8).contains("claims the bytes 8 to 0"));
    assert!(refusal(&a("[0,4]"), 4).contains("takes 8 bytes, but 4 are set aside"));
    assert!(refusal(&a("[4,12]"), 12).contains("leaves a gap"));
    assert!(refusal(&a("[0,8]"), 12).contains("end at byte 8, but 12 bytes"));
    assert!(refusal(&a("[-1,8]"), 12).contains("header is not what safetensors writes"));
    assert!(refusal(&a("[0,18446744073709551615]"), 8).contains("\"a\""));
}

#[test]
fn tensors_that_overlap_are_refused() {
    let header = r#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#;
    let sentence = refusal(header, 6);
    assert!(sentence.contains("\"b\" overlaps"), "{sentence}");
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let header = r#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#;
    assert!(refusal(header, 8).contains("\"a\" stands there twice"));
}

#[test]
fn absurd_shapes_are_refused() {
    let shaped = |shape: &str| format!(r#"{{"a":{{"dtype":"F64","shape":{shape},"data_offsets":[0,0]}}}}"#);
    for shape in ["[4294967296,4294967296,4294967296]", "[4611686018427387904]", "[9223372036854775808,2,0]"]
    {
        assert!(refusal(&shaped(shape), 0).contains("larger than any memory"), "{shape}");
    }
    assert!(refusal(&shaped(&format!("[{}1]", "1,".repeat(100))), 8).contains("larger than any memory"));
    assert!(refusal(&shaped("[1e3]"), 0).contains("header is not"));
}

#[test]
fn headers_that_are_no_table_of_tensors_are_refused() {
    for header in
        ["", "[]", "null", "{", "{\"a\":1}", "{\"a\":{}}", "\u{feff}{}", "{\"a\":{\"dtype\":\"F32\"}}"]
    {
        assert!(refusal(header, 0).contains("header is not what safetensors writes"), "{header}");
    }
    assert!(refusal(&"[".repeat(100_000), 0).contains("header is not what safetensors writes"));
}

#[test]
fn an_element_type_that_is_unknown_is_named() {
    let sentence = refusal(r#"{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}"#, 1);
    assert!(sentence.contains("F8_E4M3"), "{sentence}");
}

#[test]
fn shards_are_read_together() {
    let folder = TempDir::new().unwrap();
    write(&folder, "one", r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, &[1]);
    let both = r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#;
    write(&folder, "two", both, &[8, 9]);
    let index = folder.path().join("model.safetensors.index.json");
    std::fs::write(&index, r#"{"metadata":{"total_size":2},"weight_map":{"a":"one","b":"two"}}"#).unwrap();
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    // Of a tensor that two shards hold the reference keeps the last, whatever the index says.
    assert_eq!(*checkpoint.get("a").unwrap().unwrap().bytes, [8]);
    assert_eq!(*checkpoint.get("b").unwrap().unwrap().bytes, [9]);
    assert_eq!(checkpoint.files().count(), 2);
}

#[test]
fn a_missing_shard_is_named() {
    let folder = TempDir::new().unwrap();
    let index = folder.path().join("model.safetensors.index.json");
    std::fs::write(&index, r#"{"weight_map":{"a":"model-00001-of-00002.safetensors"}}"#).unwrap();
    let refused = Checkpoint::open(folder.path());
    assert!(
        matches!(&refused, Err(Error::MissingShard { shard, .. }) if shard == "model-00001-of-00002.safetensors")
    );
}

#[test]
fn a_tensor_that_no_shard_holds_is_missed_only_by_who_asks_for_it() {
    let folder = TempDir::new().unwrap();
    write(&folder, "one", r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, &[1]);
    let index = folder.path().join("model.safetensors.index.json");
    std::fs::write(&index, r#"{"weight_map":{"a":"one","b":"one"}}"#).unwrap();
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["a"]);
    assert!(checkpoint.get("b").unwrap().is_none());
    assert!(matches!(checkpoint.missing("b"), Some(Error::NotInShard { key, .. }) if key == "b"));
    assert!(checkpoint.missing("a").is_none() && checkpoint.missing("c").is_none());
}

#[test]
fn a_tensor_is_found_in_whatever_shard_it_lies_and_one_that_the_index_forgets_too() {
    let folder = TempDir::new().unwrap();
    write(&folder, "one", r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, &[1]);
    let both = r#"{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"c":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#;
    write(&folder, "two", both, &[2, 3]);
    let index = folder.path().join("model.safetensors.index.json");
    std::fs::write(&index, r#"{"weight_map":{"a":"two","b":"one"}}"#).unwrap();
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    for (name, byte) in [("a", 1), ("b", 2), ("c", 3)] {
        assert_eq!(*checkpoint.get(name).unwrap().unwrap().bytes, [byte], "{name}");
    }
    assert!(checkpoint.missing("a").is_none());
}

#[test]
fn a_shard_outside_the_folder_is_refused_even_where_it_exists() {
    let folder = TempDir::new().unwrap();
    write(&folder, "one", r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, &[1]);
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(inner.join("model.safetensors.index.json"), r#"{"weight_map":{"a":"../one"}}"#).unwrap();
    assert!(matches!(Checkpoint::open(&inner), Err(Error::ShardName { shard, .. }) if shard == "../one"));
}

#[test]
fn a_folder_without_weights_says_what_it_looked_for() {
    let folder = TempDir::new().unwrap();
    let sentence = Checkpoint::open(folder.path()).unwrap_err().to_string();
    assert!(sentence.contains("pytorch_model.bin"), "{sentence}");
    assert!(Checkpoint::open(Path::new("no such folder")).is_err());
}

#[test]
fn a_git_lfs_pointer_is_recognised() {
    let folder = TempDir::new().unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n";
    std::fs::write(folder.path().join("model.safetensors"), pointer).unwrap();
    assert!(matches!(Checkpoint::open(folder.path()), Err(Error::LfsPointer { .. })));
}
