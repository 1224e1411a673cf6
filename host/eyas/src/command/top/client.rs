//! Asks a running program how it stands.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::admin::status::Status;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer.
const LONGEST: u64 = 16 << 20;

/// Knows where the program is.
pub struct Client {
    /// As it was given.
    name: String,
    addresses: Vec<SocketAddr>,
}

impl Client {
    /// Errors where this is no address.
    pub fn new(address: &str) -> Result<Self, String> {
        let name = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/').to_owned();
        let help = "it is the address of [admin] in the configuration, such as 127.0.0.1:9555";
        let found = name.to_socket_addrs().map_err(|error| format!("{address:?} cannot be asked: {error}: {help}"))?;
        Ok(Self { addresses: found.collect(), name })
    }

    /// How it stands.
    pub fn status(&self) -> Result<Status, String> {
        let answer = self.get("/status")?;
        let wrong = |what: String| format!("what listens at {} does not answer as eyas does: {what}", self.name);
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| wrong("no whole answer".to_owned()))?;
        let status = head.lines().next().unwrap_or_default();
        match status.split(' ').nth(1) {
            Some("200") => serde_json::from_str(body).map_err(|error| wrong(error.to_string())),
            _ => Err(wrong(status.chars().take(80).collect())),
        }
    }

    fn get(&self, path: &str) -> Result<String, String> {
        let mut stream = self.connect()?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.name);
        let mut answer = String::new();
        let asked = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        let asked = asked.and_then(|()| stream.write_all(request.as_bytes()));
        let read = asked.and_then(|()| stream.take(LONGEST).read_to_string(&mut answer));
        read.map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => format!("{} does not answer within {} s", self.name, PATIENCE.as_secs()),
            _ => format!("{} does not answer: {error}", self.name),
        })?;
        Ok(answer)
    }

    fn connect(&self) -> Result<TcpStream, String> {
        let mut last = None;
        for address in &self.addresses {
            match TcpStream::connect_timeout(address, PATIENCE) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        let name = &self.name;
        Err(match last {
            Some(error) if error.kind() == ErrorKind::ConnectionRefused => format!(
                "nothing listens at {name}: is eyas running, with this in its configuration?\n\n    [admin]\n    address = \"{name}\"\n"
            ),
            Some(error) => format!("{name} cannot be reached: {error}"),
            None => format!("{name} has no address"),
        })
    }
}
