//! Something in front of a server: it passes on, or answers itself, as a proxy does that limits requests or has lost its server.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::hostile::server::Request;

/// A question, as it is told from others.
pub struct Question {
    pub path: String,
    /// What `Authorization` says.
    pub authorization: String,
    /// How often it was asked, this time included.
    pub count: usize,
}

/// What is done with a question.
pub enum Deal {
    /// It gets to a server, `http://HOST:PORT`.
    Pass(String),
    /// The same with something else as `Authorization`.
    PassAs(String, String),
    /// The same, and where the server refuses it with 401, this is said instead.
    Veil(String, &'static str),
    /// This is said.
    Say(&'static str),
    /// The connection ends.
    HangUp,
}

/// Starts one. It ends with the process; the answer is its address.
pub fn start(deal: impl Fn(&Question) -> Deal + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let deal = Arc::new(deal);
    let asked = Arc::new(Mutex::new(HashMap::<String, usize>::new()));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (deal, asked) = (Arc::clone(&deal), Arc::clone(&asked));
            thread::spawn(move || {
                let Some(request) = Request::read(&mut stream) else {
                    return;
                };
                let question = question(&request, &asked);
                let answer = match deal(&question) {
                    Deal::Pass(server) => passed_on(&request.text, &server),
                    Deal::PassAs(server, other) => {
                        let own = &question.authorization;
                        passed_on(&request.text.replacen(own.as_str(), &other, 1), &server)
                    }
                    Deal::Veil(server, instead) => match passed_on(&request.text, &server) {
                        answer if answer.starts_with("HTTP/1.1 401") => instead.to_owned(),
                        answer => answer,
                    },
                    Deal::Say(answer) => answer.to_owned(),
                    Deal::HangUp => return,
                };
                drop(stream.write_all(alone(&answer).as_bytes()));
            });
        }
    });
    url
}

fn question(request: &Request, asked: &Mutex<HashMap<String, usize>>) -> Question {
    let path = request.path.clone();
    let authorization = request.header("authorization").to_owned();
    let mut asked = asked.lock().unwrap();
    let count = asked.entry(format!("{path} {authorization}")).or_default();
    *count += 1;
    Question {
        count: *count,
        path,
        authorization,
    }
}

/// What a server says to a request.
fn passed_on(request: &str, server: &str) -> String {
    let mut server = TcpStream::connect(server.trim_start_matches("http://")).unwrap();
    server.write_all(alone(request).as_bytes()).unwrap();
    let mut answer = Vec::new();
    // That nobody listens any more is no matter.
    drop(server.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// The same, as the last that is said on a connection.
fn alone(said: &str) -> String {
    said.replacen("\r\n", "\r\nConnection: close\r\n", 1)
}
