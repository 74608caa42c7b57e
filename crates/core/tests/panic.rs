//! What a bug tells: where it is in our code, and nothing of what the program holds.
#![allow(
    clippy::unwrap_used,
    clippy::use_debug,
    reason = "a test that cannot go on says where it stopped; an exit code shows itself in no other way"
)]

use std::process::ExitCode;
use std::sync::Mutex;

use clearml_secure_core::exit::{FAILED, guarded, write_product};

static SAID: Mutex<String> = Mutex::new(String::new());

/// What was said since the last time. A failing assertion is a panic too, which must find the lock free.
fn said() -> String {
    std::mem::take(&mut *SAID.lock().unwrap())
}

#[test]
fn a_panic_tells_its_place_and_nothing_of_a_file() {
    let say = |text: &str| SAID.lock().unwrap().push_str(text);
    let code = guarded("clearml-example", say, || {
        panic!("byte index 8 is out of bounds of `hunter2-old-token-secret`")
    });
    assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(FAILED)));
    let text = said();
    assert!(
        text.starts_with("clearml-example: internal error at "),
        "{text}"
    );
    assert!(text.contains(", nothing was written\n"), "{text}");
    assert!(text.contains(file!()), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    guarded("clearml-example", say, || {
        write_product(std::io::sink(), b"half").unwrap();
        panic!("hunter2")
    });
    let text = said();
    assert!(text.contains(", while it was writing: "), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}
