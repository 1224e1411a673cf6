//! Programs that run beside a test, and what it waits for of them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program at work. It is killed when this is dropped.
pub struct Running(Child);

impl Running {
    /// Starts it; what it says goes nowhere, unless the command says where.
    pub fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Sends it a signal: "-TERM", "-KILL".
    pub fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
    }

    /// Kills it as a power switch would, and waits until it is gone.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Waits until it has ended by itself. Gives whether it ended well.
    #[track_caller]
    pub fn ended(&mut self) -> bool {
        until("the program ends", || self.0.try_wait().unwrap()).success()
    }

    /// Asks it to end, and waits until it has ended well.
    #[track_caller]
    pub fn end(mut self) {
        self.signal("-TERM");
        assert!(self.ended(), "it ended badly");
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Tries until there is something.
#[track_caller]
pub fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(done) = attempt() {
            return done;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain until {what}");
}

/// An address that nobody listens at.
pub fn address() -> String {
    let [address] = addresses();
    address
}

/// Addresses that nobody listens at, each another.
pub fn addresses<const N: usize>() -> [String; N] {
    let listeners: Vec<TcpListener> = (0..N).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    std::array::from_fn(|i| listeners[i].local_addr().unwrap().to_string())
}

/// Waits until somebody listens at an address.
#[track_caller]
pub fn listens(address: &str) {
    until(&format!("somebody listens at {address}"), || TcpStream::connect(address).ok());
}

/// The body of the answer to a GET; nothing if there is none, or it is no success.
pub fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}
