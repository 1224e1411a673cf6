//! Sends events as fast as they are taken, or at a rate, and says how fast that was and how long each acknowledgement took.
//!
//! All requests are made before the clock starts, so that a machine shared with the program is spent on the program. The encodings are
//! written here anew, from their definitions, so that no mistake of the codec can hide itself.

mod encode;
mod events;
mod proto;
mod send;
mod summary;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};

use crate::events::{Request, requests};
use crate::send::Connection;
use crate::summary::Summary;

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Protocol {
    /// NDJSON by HTTP/1.1.
    Http,
    /// OTLP by gRPC.
    Otlp,
    /// OTLP in protobuf by HTTP/1.1.
    OtlpHttp,
    /// Vector's own protocol.
    Vector,
    /// Fluent Forward, in PackedForward mode, with acknowledgements.
    Forward,
    /// Nothing: connections are opened and left alone.
    Idle,
}

/// Sends events and measures.
#[derive(Parser)]
struct Options {
    /// What is spoken.
    protocol: Protocol,
    /// Whom to send to.
    address: SocketAddr,
    /// The events: NDJSON as `eyas generate` writes it.
    file: Option<PathBuf>,
    /// Events in a request.
    #[arg(long, default_value_t = 1000)]
    batch: usize,
    /// How many connections there are, each with one request under way.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Events a second, altogether; as many as are taken, if it is not given.
    #[arg(long)]
    rate: Option<u64>,
    /// For so many seconds it connects again, and sends again, where a connection breaks before a request is acknowledged.
    #[arg(long, default_value_t = 0)]
    patience: u64,
    /// How long idle connections are left open.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => match runtime.block_on(run(&options)) {
            Ok(text) => {
                use std::io::Write as _;
                // There is nobody to tell that it cannot be said.
                let _ = writeln!(std::io::stdout(), "{text}");
                ExitCode::SUCCESS
            }
            Err(message) => fail(&message),
        },
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(message: &str) -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "eyas-load: {message}");
    ExitCode::FAILURE
}

async fn run(options: &Options) -> Result<String, String> {
    if options.protocol == Protocol::Idle {
        return idle(options).await;
    }
    let path = options.file.as_ref().ok_or("name a file of events")?;
    let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let requests = Arc::new(requests(&text, options.batch.max(1), options.protocol)?);
    drop(text);
    let events: usize = requests.iter().map(|request| request.events).sum();
    let connections = options.connections.max(1);
    let pace = options.rate.map(|rate| Duration::from_secs_f64(options.batch as f64 / rate.max(1) as f64));
    let (start, mut tasks) = (Instant::now(), Vec::new());
    for number in 0..connections {
        let patience = Duration::from_secs(options.patience);
        let peer = Peer { protocol: options.protocol, address: options.address, patience };
        let share = Share { requests: requests.clone(), first: number, step: connections, start, pace, peer };
        let connection = peer.connect().await?;
        tasks.push(tokio::spawn(share.send(connection)));
    }
    let mut summary = Summary::default();
    for task in tasks {
        summary.add(task.await.map_err(|error| error.to_string())??);
    }
    Ok(summary.text(events, start.elapsed()))
}

/// Whom to send to.
#[derive(Clone, Copy)]
struct Peer {
    protocol: Protocol,
    address: SocketAddr,
    patience: Duration,
}

impl Peer {
    async fn connect(self) -> Result<Connection, String> {
        let until = Instant::now() + self.patience;
        loop {
            match Connection::open(self.protocol, self.address).await {
                Err(_) if Instant::now() < until => tokio::time::sleep(PAUSE).await,
                opened => return opened,
            }
        }
    }

    /// Sends until it is taken; gives how often it was told to come back.
    async fn send(self, connection: &mut Connection, request: &Request) -> Result<u64, String> {
        let (until, mut refused) = (Instant::now() + self.patience, 0);
        loop {
            match connection.send(request).await {
                Ok(true) => return Ok(refused),
                Ok(false) => refused += 1,
                Err(_) if Instant::now() < until => *connection = self.connect().await?,
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// The requests of one connection.
struct Share {
    peer: Peer,
    requests: Arc<Vec<Request>>,
    first: usize,
    step: usize,
    start: Instant,
    pace: Option<Duration>,
}

impl Share {
    async fn send(self, mut connection: Connection) -> Result<Summary, String> {
        let mut summary = Summary::default();
        for (number, request) in self.requests.iter().enumerate().skip(self.first).step_by(self.step) {
            let mut begun = Instant::now();
            if let Some(pace) = self.pace {
                // A request that is late counts from when it should have been sent: so nothing hides by holding the sender up.
                let due = self.start + pace * number as u32;
                tokio::time::sleep_until(due.into()).await;
                begun = due;
            }
            summary.refused += self.peer.send(&mut connection, request).await?;
            summary.took(begun.elapsed());
        }
        Ok(summary)
    }
}

async fn idle(options: &Options) -> Result<String, String> {
    let mut open = Vec::new();
    for _ in 0..options.connections {
        open.push(tokio::net::TcpStream::connect(options.address).await.map_err(|error| format!("{}: {error}", options.address))?);
    }
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    Ok(format!("{} connections", open.len()))
}
