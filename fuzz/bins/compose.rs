#![no_main]

use clearml_secure_fuzz::compose;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| compose(text));
