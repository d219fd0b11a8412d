//! What is read from good files.

use std::borrow::Cow;

use papo_checkpoint::{Checkpoint, Dtype};

use crate::forge::*;

#[test]
fn a_zip_file_is_read() {
    let value = dict(&[("a", tensor(storage("FloatStorage", "0", 2), 0, &[2, 1], &[1, 1]))]);
    let folder = folder(&[("pytorch_model.bin", &modern(&value, &[1, 2, 3, 4, 5, 6, 7, 8]))]);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let tensor = checkpoint.get("a").unwrap().unwrap();
    assert_eq!((tensor.dtype, tensor.shape, tensor.elements()), (Dtype::F32, &[2, 1][..], 2));
    assert!(matches!(tensor.bytes, Cow::Borrowed([1, 2, 3, 4, 5, 6, 7, 8])));
    assert_eq!(tensor.file, folder.path().join("pytorch_model.bin"));
}

#[test]
fn a_zip_file_with_64_bit_records_is_read() {
    let data = pickle(&dict(&[("a", four_bytes())]));
    let file = zip(&[("model/data.pkl", &data), ("model/data/0", &[6, 7, 8, 9])], Records::Wide);
    assert_eq!(contents(&file), [("a".to_string(), vec![6, 7, 8, 9])]);
}

#[test]
fn a_legacy_file_is_read() {
    let value = dict(&[
        ("half", tensor(storage("HalfStorage", "94", 2), 0, &[2], &[1])),
        ("long", tensor(storage("LongStorage", "17", 1), 0, &[], &[])),
    ]);
    let file = legacy(&value, &[("17", 1, &[1; 8]), ("94", 2, &[2; 4])]);
    assert_eq!(contents(&file), [("half".to_string(), vec![2; 4]), ("long".to_string(), vec![1; 8])]);
}

#[test]
fn a_storage_that_is_a_part_of_another_is_read() {
    let view = tuple(&[text("view"), int(1), int(2)]);
    let id = [text("storage"), global("torch", "ShortStorage"), text("5"), text("cpu"), int(4), view];
    let value = dict(&[("a", tensor([tuple(&id), b"Q".to_vec()].concat(), 0, &[2], &[1]))]);
    let file = legacy(&value, &[("5", 4, &[0, 1, 2, 3, 4, 5, 6, 7])]);
    assert_eq!(contents(&file), [("a".to_string(), vec![2, 3, 4, 5])]);
}

#[test]
fn tensors_that_share_a_storage_see_their_own_part_of_it() {
    let zero = || storage("ByteStorage", "0", 6);
    let value = dict(&[
        ("all", tensor(zero(), 0, &[2, 3], &[3, 1])),
        ("second row", tensor(zero(), 3, &[3], &[1])),
        ("tied", tensor(zero(), 0, &[2, 3], &[3, 1])),
        ("transposed", tensor(zero(), 0, &[3, 2], &[1, 3])),
    ]);
    let file = modern(&value, &[0, 1, 2, 3, 4, 5]);
    let bytes: Vec<_> = contents(&file).into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(
        bytes,
        [vec![0, 1, 2, 3, 4, 5], vec![3, 4, 5], vec![0, 1, 2, 3, 4, 5], vec![0, 3, 1, 4, 2, 5]]
    );
    assert_eq!(
        open(&file).unwrap().parameter_count(),
        6 + 3,
        "the three windows on the whole storage count once"
    );
}

#[test]
fn every_storage_class_has_its_element_type() {
    let classes = [
        ("Double", Dtype::F64),
        ("Float", Dtype::F32),
        ("Half", Dtype::F16),
        ("BFloat16", Dtype::Bf16),
        ("Long", Dtype::I64),
        ("Int", Dtype::I32),
        ("Short", Dtype::I16),
        ("Char", Dtype::I8),
        ("Byte", Dtype::U8),
        ("Bool", Dtype::Bool),
    ];
    for (class, dtype) in classes {
        let value = dict(&[("a", tensor(storage(&format!("{class}Storage"), "0", 1), 0, &[1], &[1]))]);
        let checkpoint = open(&modern(&value, &vec![1; dtype.size()])).unwrap();
        assert_eq!(checkpoint.get("a").unwrap().unwrap().dtype, dtype);
    }
}

#[test]
fn a_tensor_of_no_elements_is_read() {
    let value = dict(&[("a", tensor(storage("FloatStorage", "0", 0), 0, &[0, 3], &[3, 1]))]);
    assert_eq!(contents(&modern(&value, &[])), [("a".to_string(), vec![])]);
}

#[test]
fn parameters_and_typed_tensors_are_tensors() {
    let parameter =
        call("torch._utils", "_rebuild_parameter", &[four_bytes(), b"\x88".to_vec(), b"N".to_vec()]);
    let untyped =
        [text("storage"), global("torch.storage", "UntypedStorage"), text("0"), text("cpu"), int(4)];
    let typed = call(
        "torch._utils",
        "_rebuild_tensor_v3",
        &[
            [tuple(&untyped), b"Q".to_vec()].concat(),
            int(0),
            tuple(&[int(2)]),
            tuple(&[int(1)]),
            b"\x89".to_vec(),
            b"N".to_vec(),
            global("torch", "uint16"),
        ],
    );
    let file = modern(&dict(&[("parameter", parameter), ("typed", typed)]), &[1, 2, 3, 4]);
    assert_eq!(contents(&file).len(), 2);
    assert_eq!(open(&file).unwrap().get("typed").unwrap().unwrap().dtype, Dtype::U16);
}

#[test]
fn what_is_no_tensor_is_left_out() {
    let mut value = dict(&[
        ("number", int(3)),
        ("nothing", b"N".to_vec()),
        ("text", text("x")),
        ("float", b"G\0\0\0\0\0\0\0\0".to_vec()),
        ("list", [b"](".to_vec(), int(1), int(2), b"e".to_vec()].concat()),
        ("device", call("torch", "device", &[text("cpu")])),
        ("a", four_bytes()),
    ]);
    // The versions that a state dictionary carries as an attribute.
    value.extend(dict(&[("_metadata", call("collections", "OrderedDict", &[]))]));
    value.push(b'b');
    assert_eq!(contents(&modern(&value, &[1; 4])), [("a".to_string(), vec![1; 4])]);
}

#[test]
fn weights_under_state_dict_are_found() {
    let value = dict(&[("epoch", int(3)), ("state_dict", dict(&[("a", four_bytes())]))]);
    assert_eq!(contents(&modern(&value, &[1; 4])), [("a".to_string(), vec![1; 4])]);
}

#[test]
fn of_two_equal_names_the_later_counts_as_in_python() {
    let one = tensor(storage("ByteStorage", "0", 4), 0, &[1], &[1]);
    let value = dict(&[("a", four_bytes()), ("a", one)]);
    assert_eq!(contents(&modern(&value, &[1, 2, 3, 4])), [("a".to_string(), vec![1])]);
}

#[test]
fn shards_of_both_formats_are_read_together() {
    let value = |name: &str| dict(&[(name, four_bytes())]);
    let folder = folder(&[
        ("pytorch_model-00001-of-00002.bin", &modern(&value("a"), &[1; 4])),
        ("pytorch_model-00002-of-00002.bin", &legacy(&value("b"), &[("0", 4, &[2; 4])])),
        (
            "pytorch_model.bin.index.json",
            br#"{"weight_map": {"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"}}"#,
        ),
    ]);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(*checkpoint.get("a").unwrap().unwrap().bytes, [1; 4]);
    assert_eq!(*checkpoint.get("b").unwrap().unwrap().bytes, [2; 4]);
}

#[test]
fn the_memo_is_shared_by_reference_as_in_python() {
    // The dictionary is stored in the memo while empty, filled, and then fetched from the memo.
    let value = [b"}q\x05(".to_vec(), text("a"), four_bytes(), b"u0h\x05".to_vec()].concat();
    assert_eq!(contents(&modern(&value, &[7; 4])), [("a".to_string(), vec![7; 4])]);
}
