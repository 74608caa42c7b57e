#![no_main]

use clearml_secure_fuzz::kubernetes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| kubernetes(text));
