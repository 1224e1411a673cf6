//! Takes posted alerts, though not always at once: it refuses some, and hangs up on others before or after it has taken them.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::Outcome;

/// An alert by what it is deduplicated by.
pub type Key = (String, u64);

/// The other side of the HTTP sink.
pub struct Receiver {
    listener: TcpListener,
    address: SocketAddr,
    /// Everything is taken from now on.
    pub polite: AtomicBool,
    closed: AtomicBool,
    taken: Mutex<Taken>,
    chance: Mutex<fastrand::Rng>,
}

/// What was taken.
#[derive(Clone, Default)]
pub struct Taken {
    /// Each alert's bytes.
    pub alerts: BTreeMap<Key, Vec<u8>>,
    /// How many came again, the same.
    pub repeated: u64,
    /// What should never have come.
    pub wrong: Vec<String>,
}

enum Mood {
    Take,
    Refuse,
    HangUpBefore,
    HangUpAfter,
}

impl Receiver {
    /// Listens; nothing is taken before [`Receiver::run`].
    pub fn new(seed: u64) -> Outcome<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| format!("no free port: {error}"))?;
        let address = listener.local_addr().map_err(|error| format!("no free port: {error}"))?;
        let chance = Mutex::new(fastrand::Rng::with_seed(seed));
        Ok(Self { listener, address, polite: AtomicBool::new(false), closed: AtomicBool::new(false), taken: Mutex::default(), chance })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes requests until it is closed.
    pub fn run(&self) {
        std::thread::scope(|scope| {
            for stream in self.listener.incoming().flatten() {
                if self.closed.load(Ordering::Acquire) {
                    return;
                }
                // Whoever was killed in the middle of a request hangs up.
                scope.spawn(move || drop(self.serve(&stream)));
            }
        });
    }

    /// Ends [`Receiver::run`].
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // It waits for somebody to come.
        drop(TcpStream::connect(self.address));
    }

    /// What was taken so far.
    pub fn taken(&self) -> Taken {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many alerts were taken so far.
    pub fn count(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).alerts.len()
    }

    fn mood(&self) -> Mood {
        if self.polite.load(Ordering::Acquire) {
            return Mood::Take;
        }
        match self.chance.lock().unwrap_or_else(PoisonError::into_inner).u8(..100) {
            0..=5 => Mood::Refuse,
            6..=8 => Mood::HangUpBefore,
            9..=11 => Mood::HangUpAfter,
            _ => Mood::Take,
        }
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        let mut reader = BufReader::new(stream);
        loop {
            while reader.fill_buf().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                if self.closed.load(Ordering::Acquire) {
                    return Ok(());
                }
            }
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            let Some(body) = read_request(&mut reader)? else { return Ok(()) };
            let mood = self.mood();
            if matches!(mood, Mood::Take | Mood::HangUpAfter) {
                self.take(&body);
            }
            let mut writer = stream;
            match mood {
                Mood::Take => writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?,
                Mood::Refuse => writer.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")?,
                Mood::HangUpBefore | Mood::HangUpAfter => return Ok(()),
            }
            stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        }
    }

    fn take(&self, body: &[u8]) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for line in body.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let Some(key) = key(line) else {
                taken.wrong.push(format!("posted, but no alert: {}", String::from_utf8_lossy(line)));
                continue;
            };
            match taken.alerts.get(&key) {
                Some(known) if known == line => taken.repeated += 1,
                Some(known) => {
                    let (known, line) = (String::from_utf8_lossy(known), String::from_utf8_lossy(line));
                    let wrong = format!("posted twice, not the same:\n  {known}\n  {line}");
                    taken.wrong.push(wrong);
                }
                None => {
                    taken.alerts.insert(key, line.to_vec());
                }
            }
        }
    }
}

/// What an alert is deduplicated by; nothing if it is none.
pub fn key(line: &[u8]) -> Option<Key> {
    let alert: serde_json::Value = serde_json::from_slice(line).ok()?;
    Some((alert.get("id")?.as_str()?.to_owned(), alert.get("revision")?.as_u64()?))
}

/// The body of the next request; nothing at the end.
fn read_request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let (mut length, mut first) = (0, true);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return if first { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        first = false;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(body))
}
