#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sesame_testkit::fuzz::matcher(data));
