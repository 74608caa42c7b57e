//! What a Docker engine answers of its containers, for a proxy that reads their labels.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// An engine whose containers may be exchanged.
pub(super) struct Engine {
    pub(super) port: u16,
    containers: Arc<Mutex<Vec<Value>>>,
}

impl Engine {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let containers = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&containers);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let containers = Arc::clone(&shared);
                // One of them waits for events that never come.
                thread::spawn(move || answer(stream, &containers));
            }
        });
        Self { port, containers }
    }

    /// Has containers of these names from now on, each with its labels and its port on this machine.
    pub(super) fn runs<'a>(&self, all: impl Iterator<Item = (&'a str, &'a [String], u16)>) {
        let all = all.map(|(name, labels, port)| container(name, labels, port));
        *self.containers.lock().unwrap() = all.collect();
    }
}

fn container(name: &str, labels: &[String], port: u16) -> Value {
    let mut all = json!({"com.docker.compose.service": name, "com.docker.compose.project": "own"});
    for label in labels {
        let (name, value) = label.split_once('=').unwrap();
        all[name] = value.into();
    }
    let mut ports = json!({});
    ports[format!("{port}/tcp")] = Value::Null;
    json!({
        "Id": name,
        "Names": [format!("/own-{name}-1")],
        "Name": format!("/own-{name}-1"),
        "State": {"Status": "running", "Running": true},
        "Config": {"Labels": all},
        "Labels": all,
        "HostConfig": {"NetworkMode": "own_default"},
        "NetworkSettings": {
            "Ports": ports,
            "Networks": {"own_default": {"IPAddress": "127.0.0.1", "NetworkID": "own"}},
        },
    })
}

fn answer(mut stream: TcpStream, containers: &Mutex<Vec<Value>>) {
    let mut head = [0; 8192];
    let length = stream.read(&mut head).unwrap_or(0);
    let head = String::from_utf8_lossy(&head[..length]);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    if path.ends_with("/events") {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
        let _ = stream.read(&mut [0]);
        return;
    }
    let containers = containers.lock().unwrap();
    let one = path
        .strip_suffix("/json")
        .and_then(|path| path.rsplit('/').next());
    let body = match one {
        Some("containers") => {
            let mut all = containers.clone();
            for one in &mut all {
                one["State"] = "running".into();
            }
            Value::Array(all)
        }
        Some(id) => containers
            .iter()
            .find(|one| one["Id"] == id)
            .cloned()
            .unwrap_or_default(),
        None => json!({"Version": "28.2.2", "ApiVersion": "1.48", "MinAPIVersion": "1.24"}),
    };
    let body = body.to_string();
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nApi-Version: 1.48\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}
