#![no_main]

use clearml_secure_fuzz::traefik;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| traefik(text));
