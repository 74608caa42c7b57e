#![no_main]

use clearml_secure_fuzz::interpolate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| interpolate(text));
