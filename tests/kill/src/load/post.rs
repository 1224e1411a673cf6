//! A client that posts, and posts again what was not answered well.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::line::line;
use super::{Load, rest};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// What became of the tries; each has ids of its own.
#[derive(Default)]
pub struct Posted {
    /// Ids of which it was said that they are safe.
    pub acknowledged: Vec<String>,
    /// Ids of which it was said that there is no room.
    pub refused: Vec<String>,
    /// What a client should never be told.
    pub wrong: Vec<String>,
}

enum Answered {
    Taken,
    NoRoom,
    NotTaken,
    Wrong(String),
    /// Nobody was there.
    Nobody,
    /// No answer came.
    Nothing,
}

/// Posts until it is enough, and then until what was begun is acknowledged.
pub fn post(load: &Load, address: SocketAddr, client: u32, mut rng: fastrand::Rng) -> Posted {
    let mut posted = Posted::default();
    let (mut batch, mut begun) = (0u64, false);
    let mut tries = 0u64;
    while load.goes_on() || (begun && !load.is_over()) {
        begun = true;
        let count = rng.u32(1..40);
        let ids: Vec<String> = (0..count).map(|event| format!("h{client}-{batch:06}-{tries:04}-{event:02}")).collect();
        let lines: Vec<String> = ids.iter().map(|id| line(&mut rng, &load.clock, id)).collect();
        let (kind, body) = match rng.u8(..4) {
            0 => ("application/json", format!("[{}]", lines.join(",\n"))),
            _ => ("application/x-ndjson", lines.join("\n") + "\n"),
        };
        match ask(address, kind, &body) {
            Answered::Taken => {
                posted.acknowledged.extend(ids);
                (batch, tries, begun) = (batch + 1, 0, false);
                rest(&mut rng);
                continue;
            }
            Answered::NoRoom => posted.refused.extend(ids),
            Answered::Wrong(answer) => posted.wrong.push(answer),
            Answered::NotTaken | Answered::Nothing | Answered::Nobody => {}
        }
        tries += 1;
        std::thread::sleep(Duration::from_millis(rng.u64(5..50)));
    }
    posted
}

fn ask(address: SocketAddr, kind: &str, body: &str) -> Answered {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(5)) else { return Answered::Nobody };
    let Ok(answer) = exchange(&mut stream, kind, body) else { return Answered::Nothing };
    match answer.get(..12) {
        Some("HTTP/1.1 200") => Answered::Taken,
        Some("HTTP/1.1 503") if answer.contains("no room") => Answered::NoRoom,
        Some("HTTP/1.1 503") => Answered::NotTaken,
        Some(_) => Answered::Wrong(answer),
        // It was killed while it answered.
        None => Answered::Nothing,
    }
}

fn exchange(stream: &mut TcpStream, kind: &str, body: &str) -> io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let head =
        format!("POST / HTTP/1.1\r\nhost: eyas\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.take(64 << 10).read_to_string(&mut answer)?;
    Ok(answer)
}
