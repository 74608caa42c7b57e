#![no_main]

use clearml_secure_fuzz::inject;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| inject(text));
