//! The pickle machine: the input stands where a legacy file has the pickle of its tensors, the list of storages and the
//! storages. Whatever it says, reading ends without panic, without running anything and within the memory limit.
#![no_main]

mod read_all;

/// Magic number, version 1001 and `{"little_endian": True}`, each a pickle.
const PRELUDE: &[u8] =
    b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}X\x0d\0\0\0little_endian\x88s.";

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    read_all::read_all("pytorch_model.bin", [PRELUDE, input].concat());
});
