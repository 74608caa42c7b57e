#![no_main]

use clearml_secure_fuzz::command;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| command(text));
