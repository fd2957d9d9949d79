#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vigie_protocol_fuzz::messagepack(bytes));
