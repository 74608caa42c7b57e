//! A load balancer: one address, with two servers behind it. It is as unlucky as it may be: whatever is asked for the first time
//! gets to the first server, and of what is asked again every second question to the other one.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::hostile::server::Request;

/// How often each question was asked.
type Asked = Arc<Mutex<HashMap<String, usize>>>;

/// Starts one before two servers, each `http://HOST:PORT`. It ends with the process; the answer is its address.
pub fn start(first: &str, other: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let servers = [first, other].map(|url| url.trim_start_matches("http://").to_owned());
    let asked = Asked::default();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (servers, asked) = (servers.clone(), Arc::clone(&asked));
            thread::spawn(move || pass_on(stream, &servers, &asked));
        }
    });
    url
}

/// Passes on one request, and ends the connection.
fn pass_on(mut stream: TcpStream, servers: &[String; 2], asked: &Asked) {
    let Some(request) = Request::read(&mut stream) else {
        return;
    };
    let question = format!("{} {}", request.path, request.header("authorization"));
    let count = {
        let mut asked = asked.lock().unwrap();
        let count = asked.entry(question).or_default();
        *count += 1;
        *count
    };
    let mut server = TcpStream::connect(&servers[(count + 1) % 2]).unwrap();
    server.write_all(alone(&request.text).as_bytes()).unwrap();
    let mut answer = Vec::new();
    // That nobody listens any more is no matter.
    drop(server.read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer);
    drop(stream.write_all(alone(&answer).as_bytes()));
}

/// The same, as the last that is said on a connection.
fn alone(said: &str) -> String {
    said.replacen("\r\n", "\r\nConnection: close\r\n", 1)
}
