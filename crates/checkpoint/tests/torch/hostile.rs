//! Files that mean harm, and files that came to harm: each is refused in a sentence, quickly, and nothing is executed.

use std::time::{Duration, Instant};

use papo_checkpoint::Error;

use crate::forge::*;

/// A zip file and a legacy file with the same pickle.
fn both(value: &[u8]) -> [Vec<u8>; 2] {
    [modern(value, &[1, 2, 3, 4]), legacy(value, &[("0", 4, &[1, 2, 3, 4])])]
}

#[test]
fn a_pickle_that_wants_to_run_code_is_refused_by_the_name_of_what_it_wants() {
    let wanted = [
        ("posix", "system"),
        ("os", "system"),
        ("builtins", "eval"),
        ("__builtin__", "getattr"),
        ("subprocess", "Popen"),
        ("torch.storage", "_load_from_bytes"),
        ("torch._utils", "_rebuild_device_tensor_from_numpy"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("numpy.core.multiarray", "scalar"),
        ("argparse", "Namespace"),
    ];
    for (module, name) in wanted {
        let value = dict(&[("a", four_bytes()), ("b", call(module, name, &[text("echo pwned")]))]);
        for file in both(&value) {
            let refused = open(&file);
            let wants = format!("{module}.{name}");
            assert!(
                matches!(&refused, Err(Error::ForbiddenGlobal { global, .. }) if *global == wants),
                "{refused:?}"
            );
            assert!(
                refused.unwrap_err().to_string().contains(&format!("wants to run {wants} while loading"))
            );
        }
    }
}

#[test]
fn a_global_named_from_the_stack_is_refused_as_well() {
    let value =
        [text("posix"), text("system"), b"\x93".to_vec(), tuple(&[text("id")]), b"R".to_vec()].concat();
    assert!(refusal(&modern(&value, &[])).contains("posix.system"));
}

#[test]
fn a_name_made_to_confuse_a_terminal_is_escaped_and_cut() {
    let value = global("a\u{1b}[31m", &"x".repeat(900));
    let sentence = refusal(&modern(&value, &[]));
    assert!(!sentence.contains('\u{1b}') && sentence.len() < 400, "{sentence:?}");
}

#[test]
fn opcodes_that_build_objects_of_any_class_are_refused() {
    for opcode in [b'i', b'o', 0x82, 0x83, 0x84, b'P', 0x92, 0x97, 0x98, b'S', b'I', 0xff] {
        let value = [b"(", &global("collections", "OrderedDict")[..], &[opcode], b"posix\nsystem\n"].concat();
        assert!(refusal(&modern(&value, &[])).contains("opcode"), "{opcode:#x}");
    }
}

#[test]
fn calling_what_is_no_function_is_refused() {
    let calls = [
        [int(1), tuple(&[]), b"R".to_vec()].concat(),
        [text("eval"), tuple(&[]), b"R".to_vec()].concat(),
        [global("collections", "OrderedDict"), int(1), b"R".to_vec()].concat(),
        call("torch", "FloatStorage", &[int(1 << 30)]),
        call("torch", "float32", &[]),
        call("collections", "OrderedDict", &[text("ab")]),
        call("torch._utils", "_rebuild_tensor_v2", &[]),
        call("torch._utils", "_rebuild_parameter", &[int(1)]),
    ];
    for value in calls {
        open(&modern(&value, &[])).expect_err("the call was accepted");
    }
    let build = [int(1), dict(&[]), b"b".to_vec()].concat();
    assert!(refusal(&modern(&build, &[])).contains("sets attributes"));
}

#[test]
fn a_call_inside_a_call_does_not_recurse() {
    let mut arguments = tuple(&[]);
    let class = || global("torch", "Tensor");
    let function = || global("torch._tensor", "_rebuild_from_type_v2");
    for _ in 0..10_000 {
        arguments = [b"(".to_vec(), function(), class(), arguments, b"}t".to_vec()].concat();
    }
    let value = [function(), arguments, b"R".to_vec()].concat();
    assert!(refusal(&modern(&value, &[])).contains("class of its own"));
}

#[test]
fn cyclic_pickles_end() {
    // A list that holds itself, beside a tensor: harmless, as nobody looks into the list.
    let list = b"]q\x01h\x01a".to_vec();
    let file = modern(&dict(&[("list", list.clone()), ("a", four_bytes())]), &[1; 4]);
    assert_eq!(contents(&file).len(), 1);
    // A dictionary that is its own state_dict, a tensor whose shape holds itself, a dictionary of cyclic pairs.
    let own = [b"}q\x01(".to_vec(), text("state_dict"), b"h\x01u".to_vec()].concat();
    assert!(refusal(&modern(&own, &[])).contains("no dictionary of tensors"));
    let arguments =
        [storage("ByteStorage", "0", 4), int(0), list.clone(), list.clone(), b"\x89".to_vec(), b"N".to_vec()];
    let shape = call("torch._utils", "_rebuild_tensor_v2", &arguments);
    assert!(refusal(&modern(&dict(&[("a", shape)]), &[1; 4])).contains("describes a tensor"));
    assert!(refusal(&modern(&call("collections", "OrderedDict", &[list]), &[])).contains("pairs"));
}

#[test]
fn a_billion_laughs_cost_no_more_than_their_text() {
    let begin = Instant::now();
    // Each list holds the one before it sixteen times: 16^60 items if anyone unfolded them.
    let mut value = b"]q\x000".to_vec();
    for level in 1..60_u8 {
        value.push(b'(');
        value.extend([b'h', level - 1].repeat(16));
        value.extend([b'l', b'q', level, b'0']);
    }
    value.extend(b"h\x3b");
    let file = modern(&[dict(&[("a", four_bytes())]), text("laugh"), value, b"s".to_vec()].concat(), &[1; 4]);
    assert_eq!(contents(&file).len(), 1);
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn deep_nesting_is_no_recursion() {
    let value = [b"]".to_vec(), b"\x85".repeat(1_000_000)].concat();
    assert!(refusal(&modern(&value, &[])).contains("no dictionary of tensors"));
    let marks = b"(".repeat(1_000_000);
    assert!(refusal(&modern(&marks, &[])).contains("empty stack"));
}

#[test]
fn a_pickle_of_endless_steps_is_refused() {
    assert!(refusal(&modern(&b"N".repeat(5 << 20), &[])).contains("steps"));
    // One long list of pairs, copied again and again by short calls.
    let pairs: Vec<u8> =
        tuple(&[int(1), int(2)]).into_iter().chain(*b"q\x01").chain(b"h\x01".repeat(100_000)).collect();
    let list = [b"(".to_vec(), pairs, b"lq\x02".to_vec()].concat();
    let again = [global("collections", "OrderedDict"), b"h\x02\x85R".to_vec()].concat();
    assert!(refusal(&modern(&[list, again.repeat(1000)].concat(), &[])).contains("steps"));
}

#[test]
fn lengths_that_lie_are_refused_and_not_reserved() {
    let huge = u64::MAX.to_le_bytes();
    for opcode in [b"X", b"T", b"B", b"\x8b"] {
        let value = [&opcode[..], &huge[..4], b"abc"].concat();
        assert!(refusal(&modern(&value, &[])).contains("cut off"), "{opcode:?}");
    }
    for opcode in [b"\x8d", b"\x8e"] {
        for length in [u64::MAX, 1 << 62, 1 << 40] {
            let value = [&opcode[..], &length.to_le_bytes(), b"abc"].concat();
            assert!(refusal(&modern(&value, &[])).contains("cut off"), "{opcode:?}");
        }
    }
}

#[test]
fn any_memo_index_may_be_stored_but_not_one_that_was_never_stored_fetched() {
    let stored = [dict(&[("a", four_bytes())]), b"r\xff\xff\xff\xff0j\xff\xff\xff\xff".to_vec()].concat();
    assert_eq!(contents(&modern(&stored, &[1; 4])).len(), 1);
    assert!(refusal(&modern(b"j\xfe\xff\xff\xff", &[])).contains("memo 4294967294"));
}

#[test]
fn a_stack_that_runs_empty_is_refused() {
    for value in [
        &b""[..],
        b"0",
        b"1",
        b"t",
        b"\x87",
        b"(N(s",
        b"Na",
        b"Nu",
        b"(Nd",
        b"R",
        b"b",
        b"Q",
        b"\x93",
        b"q\x01",
        b"2",
    ] {
        assert!(refusal(&modern(value, &[])).contains("damaged"), "{value:?}");
    }
}

#[test]
fn windows_that_leave_their_storage_are_refused_by_the_tensors_name() {
    let four = || storage("ByteStorage", "0", 4);
    let windows = [
        tensor(four(), 0, &[5], &[1]),
        tensor(four(), 1, &[4], &[1]),
        tensor(four(), 0, &[2, 2], &[3, 1]),
        tensor(four(), i64::MAX, &[1], &[1]),
        tensor(four(), 0, &[2], &[i64::MAX]),
        tensor(four(), 0, &[1 << 62, 1 << 62], &[0, 0]),
        tensor(four(), 0, &[1 << 40], &[0]),
        tensor(four(), 0, &[2], &[1, 1]),
        tensor(storage("ByteStorage", "0", 5), 0, &[5], &[1]),
        tensor(storage("DoubleStorage", "0", 4), 0, &[1], &[1]),
        tensor(storage("LongStorage", "0", i32::MAX), 0, &[1], &[1]),
        tensor(storage("ByteStorage", "../version", 1), 0, &[1], &[1]),
        tensor(storage("ByteStorage", "7", 4), 0, &[4], &[1]),
    ];
    for window in windows {
        let refused = open(&modern(&dict(&[("the.weight", window)]), &[1, 2, 3, 4]));
        assert!(
            matches!(&refused, Err(Error::DamagedTensor { key, .. }) if key == "the.weight"),
            "{refused:?}"
        );
    }
}

#[test]
fn sizes_that_are_no_sizes_are_refused() {
    let four = || storage("ByteStorage", "0", 4);
    for window in [
        tensor(four(), -1, &[1], &[1]),
        tensor(four(), 0, &[-1], &[1]),
        tensor(four(), 0, &[1], &[-1]),
        tensor(four(), 0, &[1; 100], &[1; 100]),
        tensor(int(7), 0, &[1], &[1]),
        tensor(storage("ByteStorage", "0", -4), 0, &[1], &[1]),
    ] {
        assert!(
            refusal(&modern(&dict(&[("a", window)]), &[1; 4])).contains("in a way that PyTorch never does")
        );
    }
    let complex = tensor(storage("ComplexFloatStorage", "0", 4), 0, &[1], &[1]);
    assert!(refusal(&modern(&dict(&[("a", complex)]), &[1; 4])).contains("torch.ComplexFloatStorage"));
}

#[test]
fn archives_that_pytorch_would_not_write_are_refused() {
    let data = pickle(&dict(&[("a", four_bytes())]));
    let with = |entries: &[(&str, &[u8])]| zip(entries, Records::Narrow);
    assert!(refusal(&with(&[("a/data/0", &[1; 4])])).contains("no data.pkl"));
    let two: [(&str, &[u8]); 2] = [("a/data.pkl", &data), ("b/data.pkl", &data)];
    assert!(refusal(&with(&two)).contains("more than one data.pkl"));
    let twice: [(&str, &[u8]); 3] = [("a/data.pkl", &data), ("a/data/0", &[1; 4]), ("a/data/0", &[1; 4])];
    assert!(refusal(&with(&twice)).contains("two entries called \"a/data/0\""));
    let big: [(&str, &[u8]); 3] = [("a/data.pkl", &data), ("a/byteorder", b"big"), ("a/data/0", &[1; 4])];
    assert!(refusal(&with(&big)).contains("big-endian"));

    let good = with(&[("a/data.pkl", &data), ("a/data/0", &[1; 4])]);
    open(&good).unwrap();
    let directory = good.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let changed = |at: usize, byte: u8| {
        let mut file = good.clone();
        file[directory + at] = byte;
        refusal(&file)
    };
    assert!(changed(8, 1).contains("encrypted"));
    assert!(changed(10, 8).contains("compressed"));
    assert!(changed(42, 1).contains("no header"));
    assert!(changed(27, 9).contains("damaged") || changed(27, 9).contains("compressed"));
}

#[test]
fn legacy_files_that_lie_are_refused() {
    let value = dict(&[("a", four_bytes())]);
    assert!(
        refusal(&legacy(&value, &[("0", 5, &[1; 5])])).contains("holds 5 elements where 4 were announced")
    );
    assert!(refusal(&legacy(&value, &[("0", 4, &[1; 3])])).contains("cut off"));
    assert!(refusal(&legacy(&value, &[("1", 4, &[1; 4])])).contains("no tensor uses"));
    assert!(refusal(&legacy(&value, &[])).contains("which the file does not have"));
    assert!(refusal(&pickle(&int(1))).contains("not as one that torch.save wrote"));
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    for file in both(&dict(&[("a", four_bytes())])) {
        open(&file).unwrap();
        for length in 0..file.len() {
            assert!(open(&file[..length]).is_err(), "{length} of {} bytes were accepted", file.len());
        }
    }
}

#[test]
fn no_single_wrong_byte_brings_the_reader_down() {
    for file in both(&dict(&[
        ("a", four_bytes()),
        ("b", tensor(storage("ByteStorage", "0", 4), 0, &[2, 2], &[1, 2])),
    ])) {
        for at in 0..file.len() {
            for wrong in [0, 1, 0x7f, 0x80, 0xff, file[at] ^ 1, file[at].wrapping_add(1)] {
                let mut file = file.clone();
                file[at] = wrong;
                // Some changes make no difference and some make another good file; all that counts is that reading ends.
                if let Ok(checkpoint) = open(&file) {
                    for name in checkpoint.names() {
                        let tensor = checkpoint.get(name).unwrap().unwrap();
                        assert_eq!(tensor.elements(), tensor.shape.iter().product::<usize>());
                    }
                }
            }
        }
    }
}

#[test]
fn text_where_weights_belong_is_refused() {
    for content in
        [&b"<!DOCTYPE html>"[..], b"PK\x03\x04", b"PK\x05\x06", b"\x80", b"\x80\x02.", b"\x80\x02N.", b"x"]
    {
        refusal(content);
    }
    assert!(refusal(b"<!DOCTYPE html>").contains("begins neither"));
}
