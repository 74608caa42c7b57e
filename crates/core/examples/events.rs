//! Counts the events of a YAML file: what the parser takes alone, which `cargo xtask bench` holds a whole program against.

use std::{env, fs};

use granit_parser::Parser;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = env::args_os().nth(1).ok_or("name a file")?;
    let text = fs::read_to_string(path)?;
    let mut events = 0;
    for event in Parser::new_from_str(&text) {
        event?;
        events += 1;
    }
    if events == 0 {
        return Err("there is nothing in it".into());
    }
    Ok(())
}
