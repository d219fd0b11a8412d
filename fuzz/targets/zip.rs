//! Zip archives of PyTorch: the input is the whole file, or, where it is none, an archive whose directory lies.
#![no_main]

mod read_all;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    read_all::read_all("pytorch_model.bin", [b"PK\x03\x04", input].concat());
});
