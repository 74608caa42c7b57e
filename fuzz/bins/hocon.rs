#![no_main]

use clearml_secure_fuzz::hocon;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| hocon(text));
