#![no_main]

use clearml_secure_fuzz::docker;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| docker(text));
