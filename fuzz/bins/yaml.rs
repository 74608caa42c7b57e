#![no_main]

use clearml_secure_fuzz::yaml;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| yaml(text));
