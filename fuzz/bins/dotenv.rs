#![no_main]

use clearml_secure_fuzz::dotenv;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| dotenv(text));
