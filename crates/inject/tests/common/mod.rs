//! The program as the tests start it, and a keyset.

use std::path::Path;

use assert_cmd::Command;

pub(crate) fn inject() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clearml-inject"));
    command.env_remove("NO_COLOR").env_remove("CI");
    command
}

const SETTINGS: [(&str, usize); 12] = [
    ("HTTP__SESSION_SECRET__APISERVER", 54),
    ("AUTH__TOKEN_SECRET", 54),
    ("CREDENTIALS__APISERVER__USER_KEY", 30),
    ("CREDENTIALS__APISERVER__USER_SECRET", 54),
    ("CREDENTIALS__FILESERVER__USER_KEY", 30),
    ("CREDENTIALS__FILESERVER__USER_SECRET", 54),
    ("CREDENTIALS__WEBSERVER__USER_KEY", 30),
    ("CREDENTIALS__WEBSERVER__USER_SECRET", 54),
    ("CREDENTIALS__TESTS__USER_KEY", 30),
    ("CREDENTIALS__TESTS__USER_SECRET", 54),
    ("CREDENTIALS__SERVICES_AGENT__USER_KEY", 30),
    ("CREDENTIALS__SERVICES_AGENT__USER_SECRET", 54),
];

/// A keyset whose every value says which setting it is for.
pub(crate) fn keys() -> String {
    SETTINGS
        .iter()
        .enumerate()
        .map(|(index, (name, length))| {
            let mut value = format!("MARKED{index:02}");
            let mut state = index as u64 + 7;
            while value.len() < *length {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                value.push(char::from(
                    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[(state >> 33) as usize % 36],
                ));
            }
            format!("CLEARML__SECURE__{name}={value}\n")
        })
        .collect()
}

pub(crate) fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = inject()
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}
