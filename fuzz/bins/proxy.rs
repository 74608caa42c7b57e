#![no_main]

use clearml_secure_fuzz::proxy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| proxy(text));
