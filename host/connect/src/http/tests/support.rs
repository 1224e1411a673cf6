//! Clients and servers that do exactly what they are told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

pub use crate::bed::*;
use crate::http::HttpDoor;
use crate::net::{Address, Door, Listener, NetSource};

/// Where events are posted to, without any conditions.
pub fn door() -> HttpDoor {
    HttpDoor { path: "/".into(), auth: None, max_body_bytes: 1 << 20 }
}

/// A source with this door.
pub fn source_with(door: HttpDoor) -> NetSource {
    let address = Address::Tcp("127.0.0.1:0".parse().unwrap());
    crate::bed::source(vec![Listener { address, tls: None, door: Door::Http(door) }])
}

/// A source that is posted to, without any conditions.
pub fn source() -> NetSource {
    source_with(door())
}

/// An answer.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub head: String,
    pub text: String,
}

/// A client's connection, on which anything may be written.
pub struct Connection(pub TcpStream);

impl Listening {
    pub fn connect(&self) -> Connection {
        Connection::to(self.address())
    }
}

impl Connection {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, text: impl AsRef<[u8]>) {
        self.0.write_all(text.as_ref()).unwrap();
    }

    /// Posts with further headers, each with its line's end.
    pub fn post(&mut self, headers: &str, body: &str) -> Answered {
        self.send_post(headers, body);
        self.answer().unwrap()
    }

    pub fn send_post(&mut self, headers: &str, body: &str) {
        self.send(format!("POST / HTTP/1.1\r\nhost: here\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()));
    }

    /// The next answer; nothing where the connection ends.
    pub fn answer(&mut self) -> Option<Answered> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if self.0.read(&mut byte).ok()? == 0 {
                return None;
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1).map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
        let mut text = vec![0; length];
        self.0.read_exact(&mut text).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Answered { status, head, text: String::from_utf8(text).unwrap() })
    }

    /// Whether no answer has come by now.
    pub fn is_waiting(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let peeked = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        peeked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// What a server does with a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Takes it, and says so.
    Take,
    /// The same once another has come there, too.
    TakeAt(Arc<Barrier>),
    /// Takes it, says so, and closes the connection without a word about that.
    TakeAndClose,
    /// Answers with this status and these headers, each with its line's end.
    Answer(u16, &'static str),
    /// Reads half of it, and closes.
    Close,
    /// Reads it, and says nothing until the connection is closed from the other side.
    Hang,
}

/// A request that was taken or not.
#[derive(Clone, Debug)]
pub struct Request {
    pub head: String,
    pub body: String,
    pub act: String,
}

/// A server that does what a script says, then takes everything; one connection after the other.
pub struct Server {
    pub address: SocketAddr,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(script: impl IntoIterator<Item = Act> + Send + 'static) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    pub fn listen(listener: TcpListener, script: impl IntoIterator<Item = Act> + Send + 'static) -> Self {
        let server = Self { address: listener.local_addr().unwrap(), requests: Arc::default() };
        let (requests, mut script) = (server.requests.clone(), script.into_iter().collect::<Vec<_>>().into_iter());
        // It ends with the test.
        thread::spawn(move || {
            for stream in listener.incoming() {
                while serve(stream.as_ref().unwrap(), &mut script, &requests).is_some() {}
            }
        });
        server
    }

    pub fn uri(&self) -> String {
        format!("http://{}/events?from=eyas", self.address)
    }

    /// The bodies that were taken, in order.
    pub fn taken(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|request| request.act.starts_with("Take")).map(|request| request.body.clone()).collect()
    }
}

/// One request; nothing where the connection is at its end.
fn serve(mut stream: &TcpStream, script: &mut impl Iterator<Item = Act>, requests: &Mutex<Vec<Request>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length: usize = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let act = script.next().unwrap_or(Act::Take);
    let mut body = vec![0; if matches!(act, Act::Close) { length / 2 } else { length }];
    stream.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    requests.lock().unwrap().push(Request { head, body, act: format!("{act:?}") });
    let answer = |status, headers| format!("HTTP/1.1 {status} So\r\n{headers}content-length: 3\r\n\r\nso\n");
    if let Act::TakeAt(barrier) = &act {
        barrier.wait();
    }
    match act {
        Act::Take | Act::TakeAt(_) => stream.write_all(answer(204, "").replace("content-length: 3\r\n\r\nso\n", "\r\n").as_bytes()).ok(),
        Act::TakeAndClose => stream.write_all(answer(200, "").as_bytes()).ok().and(None),
        Act::Answer(status, headers) => stream.write_all(answer(status, headers).as_bytes()).ok(),
        Act::Close => None,
        Act::Hang => stream.read_exact(&mut [0]).ok(),
    }
}

/// Events `{"n":i}`.
pub fn events(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|n| format!("{{\"n\":{n}}}\n")).collect()
}
