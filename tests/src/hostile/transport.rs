//! Slow, endless, partial, in another protocol: what is no answer, or none that can be read.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::Hostile;
use super::server::{Request, always, answer, drip, hold, send};

pub(super) const ALL: &[&Hostile] = &[
    &Hostile::nobody("says nothing", |stream| hold(&stream)),
    &Hostile::nobody("hangs up at once", drop),
    &Hostile::nobody("hangs up once it was asked", |mut stream| {
        drop(Request::read(&mut stream));
    }),
    &Hostile::nobody("a body without an end", |mut stream| {
        drop(Request::read(&mut stream));
        send(&mut stream, "HTTP/1.1 200 OK\r\n\r\n");
        endless(stream, &[b'x'; 65536]);
    }),
    &Hostile::nobody("a header without an end", |mut stream| {
        drop(Request::read(&mut stream));
        send(&mut stream, "HTTP/1.1 200 OK\r\nX: ");
        endless(stream, &[b'x'; 65536]);
    }),
    &Hostile::nobody("headers without an end", |mut stream| {
        drop(Request::read(&mut stream));
        send(&mut stream, "HTTP/1.1 200 OK\r\n");
        endless(stream, b"X-Header: value\r\n");
    }),
    &Hostile::nobody("chunks without an end", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        );
        endless(stream, b"5\r\nhello\r\n");
    }),
    &Hostile::nobody("informational answers without an end", |mut stream| {
        drop(Request::read(&mut stream));
        endless(stream, b"HTTP/1.1 100 Continue\r\n\r\n");
    }),
    &Hostile::nobody("JSON without an end", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"meta\": [",
        );
        endless(stream, b"{\"a\": 1},");
    }),
    &Hostile::nobody("a header, byte by byte", |mut stream| {
        drop(Request::read(&mut stream));
        drip(
            &mut stream,
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
        );
    }),
    &Hostile::nobody("a body, byte by byte", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        );
        drip(&mut stream, &[b'x'; 100]);
    }),
    &Hostile::nobody("less than it says", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"meta\":",
        );
    }),
    &Hostile::nobody("half a chunk", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
        );
    }),
    &Hostile::nobody("chunks of no length", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        );
    }),
    &Hostile::nobody("chunks of more than there is", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
        );
    }),
    &Hostile::nobody("half a header", |mut stream| {
        drop(Request::read(&mut stream));
        send(&mut stream, "HTTP/1.1 200 OK\r\nContent-");
    }),
    &Hostile::nobody("two lengths", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
        );
    }),
    &Hostile::nobody("a length below zero", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
        );
    }),
    &Hostile::nobody("a status that is none", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            "HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nOK",
        );
    }),
    &Hostile::nobody("status 999", |stream| {
        always(stream, "999 Whatever", "", "OK")
    }),
    &Hostile::nobody("a page without a header", |mut stream| {
        drop(Request::read(&mut stream));
        send(&mut stream, "<html>ClearML</html>");
    }),
    &Hostile::nobody("SSH", |mut stream| {
        send(&mut stream, "SSH-2.0-OpenSSH_9.2\r\n");
        hold(&stream);
    }),
    &Hostile::nobody("SMTP", |mut stream| {
        send(&mut stream, "220 mail.example.com ESMTP\r\n");
        hold(&stream);
    }),
    &Hostile::nobody("TLS", |mut stream| {
        drop(Request::read(&mut stream));
        send(&mut stream, [21, 3, 3, 0, 2, 2, 70]);
    }),
    &Hostile::nobody("HTTP/2", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 255, 255],
        );
    }),
    &Hostile::nobody("MongoDB", |mut stream| {
        drop(Request::read(&mut stream));
        send(
            &mut stream,
            "It looks like you are trying to access MongoDB over HTTP on the native driver port.\r\n",
        );
    }),
    &Hostile::nobody("anything but text", |mut stream| {
        drop(Request::read(&mut stream));
        let noise: Vec<u8> = (0..4096_u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        send(&mut stream, noise);
    }),
    &Hostile::nobody("gzip that is none", |stream| {
        always(
            stream,
            "200 OK",
            "Content-Encoding: gzip\r\n",
            "\u{1f}\u{8b}not really",
        );
    }),
    &Hostile::nobody("br, as if it had been asked for", |stream| {
        always(
            stream,
            "200 OK",
            "Content-Encoding: br\r\n",
            "\u{1}\u{2}\u{3}",
        );
    }),
    &Hostile::nobody("a thousand headers", |mut stream| {
        if Request::read(&mut stream).is_some() {
            answer(
                &mut stream,
                "200 OK",
                &"X-Header: value\r\n".repeat(1000),
                "OK",
            );
        }
    }),
    &Hostile::nobody("no answer with a text", |stream| {
        always(stream, "204 No Content", "", "text")
    }),
    &Hostile::nobody("another answer for the next question", |mut stream| {
        // The second is for a question that nobody has asked yet.
        while Request::read(&mut stream).is_some() {
            let one = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno";
            send(&mut stream, format!("{one}{one}"));
        }
    }),
];

/// Says the same for as long as somebody listens.
fn endless(mut stream: TcpStream, bytes: &[u8]) {
    while stream.write_all(bytes).is_ok() {
        if bytes.len() < 1000 {
            thread::sleep(Duration::from_micros(200));
        }
    }
}
