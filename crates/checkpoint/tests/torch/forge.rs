//! Pickles, zip archives and legacy files, made by hand so that each can be wrong in just one way.

use std::path::PathBuf;

use papo_checkpoint::{Checkpoint, Error};
use tempfile::TempDir;

/// `value` as a whole pickle of protocol 2.
pub fn pickle(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02", value, b"."].concat()
}

pub fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

pub fn int(value: i32) -> Vec<u8> {
    [b"J", &value.to_le_bytes()[..]].concat()
}

/// An integer of eight bytes.
pub fn long(value: i64) -> Vec<u8> {
    [b"\x8a\x08", &value.to_le_bytes()[..]].concat()
}

pub fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(", &items.concat()[..], b"t"].concat()
}

pub fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

pub fn call(module: &str, name: &str, arguments: &[Vec<u8>]) -> Vec<u8> {
    [global(module, name), tuple(arguments), b"R".to_vec()].concat()
}

pub fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items: Vec<u8> =
        entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [b"}(", &items[..], b"u"].concat()
}

/// A reference to the storage `key` of `elements` elements of the class `torch.{class}`.
pub fn storage(class: &str, key: &str, elements: i32) -> Vec<u8> {
    let id = [text("storage"), global("torch", class), text(key), text("cpu"), int(elements)];
    [tuple(&id), b"Q".to_vec()].concat()
}

pub fn tensor(storage: Vec<u8>, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let sizes = |sizes: &[i64]| tuple(&sizes.iter().map(|&size| long(size)).collect::<Vec<_>>());
    let hooks = call("collections", "OrderedDict", &[]);
    let arguments = [storage, long(offset), sizes(shape), sizes(strides), b"\x89".to_vec(), hooks];
    call("torch._utils", "_rebuild_tensor_v2", &arguments)
}

/// A tensor of four bytes, the whole of the storage `0`.
pub fn four_bytes() -> Vec<u8> {
    tensor(storage("ByteStorage", "0", 4), 0, &[4], &[1])
}

/// Which records a zip archive ends with.
#[derive(Clone, Copy)]
pub enum Records {
    Narrow,
    /// As PyTorch writes them: 64-bit sizes, with the 32-bit fields filled up.
    Wide,
}

/// A stored zip archive.
pub fn zip(entries: &[(&str, &[u8])], records: Records) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let at = file.len();
        let padding = [0x46, 0x42, 3, 0, 0, 0, 0]; // An extra field such as PyTorch aligns its entries with.
        file.extend(b"PK\x03\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        file.extend([0; 8]);
        file.extend((name.len() as u16).to_le_bytes());
        file.extend((padding.len() as u16).to_le_bytes());
        file.extend(name.as_bytes());
        file.extend(padding);
        file.extend(*content);

        let (sizes, extra) = match records {
            Records::Narrow => ([content.len() as u32, content.len() as u32, at as u32], Vec::new()),
            Records::Wide => {
                let sizes = [content.len() as u64, content.len() as u64, at as u64];
                let other = [9, 0, 2, 0, 7, 7]; // A field of another kind before the one that matters.
                let wide: Vec<u8> = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
                ([u32::MAX; 3], [&other[..], &[1, 0, 24, 0], &wide].concat())
            }
        };
        directory.extend(b"PK\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        directory.extend(sizes[0].to_le_bytes());
        directory.extend(sizes[1].to_le_bytes());
        directory.extend((name.len() as u16).to_le_bytes());
        directory.extend((extra.len() as u16).to_le_bytes());
        directory.extend([0; 10]);
        directory.extend(sizes[2].to_le_bytes());
        directory.extend(name.as_bytes());
        directory.extend(extra);
    }
    let (start, length, count) = (file.len(), directory.len(), entries.len() as u16);
    file.extend(directory);
    let mut end = [start as u32, length as u32];
    if let Records::Wide = records {
        let end64 = file.len() as u64;
        file.extend(b"PK\x06\x06");
        file.extend(44_u64.to_le_bytes());
        file.extend([0; 12]);
        file.extend(u64::from(count).to_le_bytes());
        file.extend(u64::from(count).to_le_bytes());
        file.extend((length as u64).to_le_bytes());
        file.extend((start as u64).to_le_bytes());
        file.extend(b"PK\x06\x07\0\0\0\0");
        file.extend(end64.to_le_bytes());
        file.extend(1_u32.to_le_bytes());
        end = [u32::MAX; 2];
    }
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    file.extend(end[1].to_le_bytes());
    file.extend(end[0].to_le_bytes());
    file.extend([0, 0]);
    file
}

/// A file as PyTorch writes it today, with one storage `0`.
pub fn modern(value: &[u8], storage: &[u8]) -> Vec<u8> {
    let data = pickle(value);
    let entries = [
        ("archive/data.pkl", &data[..]),
        ("archive/byteorder", b"little"),
        ("archive/data/0", storage),
        ("archive/version", b"3\n"),
        ("archive/.data/serialization_id", b"1"),
    ];
    zip(&entries, Records::Narrow)
}

/// A file as PyTorch wrote it before 1.6: each storage with its number of elements.
pub fn legacy(value: &[u8], storages: &[(&str, u64, &[u8])]) -> Vec<u8> {
    let mut file = pickle(b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
    file.extend(pickle(&int(1001)));
    file.extend(pickle(&dict(&[("protocol_version", int(1001)), ("little_endian", b"\x88".to_vec())])));
    file.extend(pickle(value));
    let keys: Vec<u8> = storages.iter().flat_map(|(key, ..)| text(key)).collect();
    file.extend(pickle(&[b"](", &keys[..], b"e"].concat()));
    for (_, elements, bytes) in storages {
        file.extend(elements.to_le_bytes());
        file.extend(*bytes);
    }
    file
}

/// Opens `content` as a `pytorch_model.bin`.
pub fn open(content: &[u8]) -> Result<Checkpoint, Error> {
    Checkpoint::from_bytes(&PathBuf::from("pytorch_model.bin"), content.to_vec())
}

/// What is said of a file that is refused.
pub fn refusal(content: &[u8]) -> String {
    let sentence = open(content).expect_err("the file was accepted").to_string();
    assert!(sentence.contains("pytorch_model.bin"), "the file is not named: {sentence}");
    sentence
}

/// The names and bytes that a file holds.
pub fn contents(content: &[u8]) -> Vec<(String, Vec<u8>)> {
    let checkpoint = open(content).unwrap();
    let read = |name: &str| checkpoint.get(name).unwrap().unwrap().bytes.into_owned();
    checkpoint.names().map(|name| (name.to_string(), read(name))).collect()
}

/// Writes files into a new folder.
pub fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}
