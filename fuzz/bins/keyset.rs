#![no_main]

use clearml_secure_fuzz::keyset;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| keyset(text));
