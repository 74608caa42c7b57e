//! Every text that is kept in `seeds/` through what it is for.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::Path;

use clearml_secure_fuzz as fuzz;

fn run(name: &str, take: fn(&str)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(name);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read(&path).unwrap();
        // What is no text goes through none of these.
        if let Ok(text) = std::str::from_utf8(&text) {
            take(text);
            count += 1;
        }
    }
    assert!(count > 0, "{}: no seeds", folder.display());
}

macro_rules! seeds {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name), fuzz::$name);
            }
        )*

        /// What is looked for beyond the seeds is the same.
        #[test]
        fn every_folder_of_seeds_is_run() {
            let names = [$(stringify!($name)),*];
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
            let mut folders: Vec<String> = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            folders.sort();
            assert_eq!(folders, names);
        }
    };
}

seeds! {
    command compose docker dockerfile dotenv hocon inject interpolate keyset kubernetes
    proxy traefik yaml
}
