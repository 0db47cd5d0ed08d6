#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sluse_fuzz::assertion(input));
