#![no_main]

use clearml_secure_fuzz::dockerfile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| dockerfile(text));
