//! Written safetensors come back as they were, for our reader and for the `safetensors` crate; a failed write leaves no trace.

use std::collections::BTreeMap;
use std::fs;

use papo_checkpoint::{Checkpoint, Dtype, Error, NewTensor, TensorSpool, write_safetensors, write_sharded};
use tempfile::TempDir;

const BYTES: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

fn tensor<'a>(name: &'a str, dtype: Dtype, shape: &'a [usize], bytes: &'a [u8]) -> NewTensor<'a> {
    NewTensor { name, dtype, shape, bytes }
}

#[test]
fn what_is_written_is_read_back() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    let tensors = [
        tensor("odd", Dtype::U8, &[3], &BYTES[..3]),
        tensor("half", Dtype::F16, &[2, 2], &BYTES),
        tensor("none", Dtype::I64, &[0], &[]),
        tensor("é \"quoted\"", Dtype::F64, &[], &BYTES),
    ];
    let metadata = BTreeMap::from([("papo".to_string(), "1".to_string())]);
    write_safetensors(&path, &tensors, &metadata).unwrap();

    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(checkpoint.names().count(), 4);
    for new in tensors {
        let read = checkpoint.get(new.name).unwrap().unwrap();
        assert_eq!((read.dtype, read.shape, &*read.bytes), (new.dtype, new.shape, new.bytes));
    }

    let file = fs::read(&path).unwrap();
    let theirs = safetensors::SafeTensors::deserialize(&file).unwrap();
    assert_eq!(theirs.tensor("half").unwrap().data(), BYTES);
    let (_, header) = safetensors::SafeTensors::read_metadata(&file).unwrap();
    let notes = header.metadata().clone().unwrap();
    assert_eq!((notes["format"].as_str(), notes["papo"].as_str()), ("pt", "1"));
}

#[test]
fn tensors_that_waited_on_disk_make_the_same_file() {
    let folder = TempDir::new().unwrap();
    let large = vec![7; 3 << 20];
    let tensors = [
        tensor("odd", Dtype::U8, &[3], &BYTES[..3]),
        tensor("large", Dtype::U8, &[3 << 20], &large),
        tensor("half", Dtype::F16, &[2, 2], &BYTES),
        tensor("none", Dtype::I64, &[0], &[]),
    ];
    let metadata = BTreeMap::from([("papo".to_string(), "1".to_string())]);
    let (whole, waited) = (folder.path().join("whole"), folder.path().join("waited"));
    write_safetensors(&whole, &tensors, &metadata).unwrap();
    let mut spool = TensorSpool::new(&waited).unwrap();
    tensors.iter().for_each(|tensor| spool.push(tensor).unwrap());
    assert_eq!(spool.bytes(), 3 + (3 << 20) + 8);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "what waits has no name");
    spool.finish(&metadata).unwrap();
    assert!(fs::read(whole).unwrap() == fs::read(waited).unwrap());
}

#[test]
fn tensors_that_nobody_could_read_do_not_wait() {
    let folder = TempDir::new().unwrap();
    let mut spool = TensorSpool::new(&folder.path().join("model.safetensors")).unwrap();
    spool.push(&tensor("a", Dtype::U8, &[8], &BYTES)).unwrap();
    for bad in [tensor("a", Dtype::U8, &[8], &BYTES), tensor("b", Dtype::U8, &[7], &BYTES)] {
        assert!(matches!(spool.push(&bad), Err(Error::BadTensor { .. })));
    }
    let nowhere = TensorSpool::new(&folder.path().join("missing/model.safetensors"));
    assert!(matches!(nowhere, Err(Error::Write { .. })));
}

#[test]
fn shards_are_cut_between_tensors_and_read_back() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("model.safetensors"), "an older checkpoint, which would be read first")
        .unwrap();
    let tensors: Vec<_> =
        ["a", "b", "c", "d"].map(|name| tensor(name, Dtype::F16, &[2, 2], &BYTES)).into_iter().collect();
    write_sharded(folder.path(), &tensors, &BTreeMap::new(), 20).unwrap();
    assert!(folder.path().join("model-00002-of-00002.safetensors").exists());
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert_eq!(*checkpoint.get("d").unwrap().unwrap().bytes, BYTES);
    assert_eq!(checkpoint.files().count(), 2);
}

#[test]
fn few_tensors_need_no_shards() {
    let folder = TempDir::new().unwrap();
    write_sharded(folder.path(), &[tensor("a", Dtype::U8, &[8], &BYTES)], &BTreeMap::new(), 0).unwrap();
    assert!(folder.path().join("model.safetensors").exists());
    assert!(!folder.path().join("model.safetensors.index.json").exists());
}

#[test]
fn a_tensor_of_the_wrong_length_or_a_taken_name_is_refused_before_anything_is_written() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, "old").unwrap();
    let short = [tensor("a", Dtype::F32, &[3], &BYTES)];
    let twice = [tensor("a", Dtype::U8, &[8], &BYTES); 2];
    let reserved = [tensor("__metadata__", Dtype::U8, &[8], &BYTES)];
    let endless = [tensor("a", Dtype::U8, &[usize::MAX, 2], &BYTES)];
    for tensors in [&short[..], &twice, &reserved, &endless] {
        let refused = write_safetensors(&path, tensors, &BTreeMap::new());
        assert!(matches!(refused, Err(Error::BadTensor { .. })), "{refused:?}");
        assert!(write_sharded(folder.path(), tensors, &BTreeMap::new(), 4).is_err());
    }
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("missing").join("model.safetensors");
    let sentence = write_safetensors(&path, &[], &BTreeMap::new()).unwrap_err().to_string();
    assert!(sentence.contains("missing"), "{sentence}");
}

#[test]
fn a_write_that_fails_at_the_end_leaves_no_partial_file() {
    let folder = TempDir::new().unwrap();
    // A folder stands where the file should go, so that everything works but the last step.
    let path = folder.path().join("model.safetensors");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), "").unwrap();
    assert!(matches!(write_safetensors(&path, &[], &BTreeMap::new()), Err(Error::Write { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_open_checkpoint_keeps_its_bytes_when_its_file_is_replaced() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    write_safetensors(&path, &[tensor("a", Dtype::U8, &[8], &BYTES)], &BTreeMap::new()).unwrap();
    let old = Checkpoint::open_file(&path).unwrap();
    write_safetensors(&path, &[tensor("a", Dtype::U8, &[1], &[9])], &BTreeMap::new()).unwrap();
    assert_eq!(*old.get("a").unwrap().unwrap().bytes, BYTES);
    assert_eq!(*Checkpoint::open_file(&path).unwrap().get("a").unwrap().unwrap().bytes, [9]);
}
