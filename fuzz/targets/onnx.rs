#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| shufflescope_fuzz::onnx::run(bytes));
