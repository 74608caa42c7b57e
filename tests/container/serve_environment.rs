//! Stands in every container of `tests/docker.rs` where the real servers would: it serves its own environment.
//!
//!     serve SERVICE PORT...
//!
//! Under any other name it stands for a program of an image: its words are that program's, the service is the host's name, and
//! it listens wherever servers and databases do.
//!
//! No image can be fetched where the tests run, so this is all that its image holds: one program, linked statically,
//! with nothing but std. It answers every request on every port with the service and the port that it was told and the
//! environment that it has, as JSON. The test asks for that over the network, because what the engine was told to give a
//! process and what the process has are two things.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;
use std::{env, thread};

/// Where servers and databases listen.
const PORTS: [&str; 7] = ["80", "6379", "8008", "8080", "8081", "9200", "27017"];
/// A test that is killed takes nothing down; after this the ports are free all the same.
const LIFETIME: Duration = Duration::from_secs(600);
/// Who connects and then says nothing keeps others waiting no longer.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> io::Result<()> {
    let mut words = env::args();
    let is_told = words.next().is_some_and(|own| own.ends_with("/serve"));
    let service = match is_told {
        true => words.next(),
        false => env::var("HOSTNAME").ok(),
    };
    let service = service.unwrap_or_default();
    let ports: Vec<String> = match is_told {
        true => words.collect(),
        false => PORTS.map(str::to_owned).to_vec(),
    };
    for word in ports {
        let port = word.parse().map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
        let answer = answer(&service, port);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who goes away early misses the answer, and nobody else does.
                drop(serve(stream, &answer));
            }
        });
    }
    thread::sleep(LIFETIME);
    Ok(())
}

fn serve(mut stream: TcpStream, answer: &str) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    // Whatever is asked, the answer is the same. A request of the test fits.
    let _length = stream.read(&mut [0; 4096])?;
    stream.write_all(answer.as_bytes())
}

fn answer(service: &str, port: u16) -> String {
    let environment: Vec<String> = env::vars_os()
        .map(|(name, value)| {
            let [name, value] = [name, value].map(|text| quoted(&text.to_string_lossy()));
            format!("{name}: {value}")
        })
        .collect();
    let body = format!(
        "{{\"service\": {}, \"port\": {port}, \"environment\": {{{}}}}}\n",
        quoted(service),
        environment.join(", ")
    );
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A text as JSON writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
