//! One connection: its handshake, its messages, its acks.

use std::borrow::Cow;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use eyas_codec::Malformed;
use eyas_codec::forward::msgpack::Reader;
use eyas_codec::forward::{Entries, Message, Scanner, ack, frame, parse};
use hyper::StatusCode;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::forward::SharedKey;
use crate::forward::handshake::{LONGEST_WORD, Refusal, Server};
use crate::forward::unpack::unpack;
use crate::intake::{Answer, Held, Inlet, Intake, UnderWay, request_id};
use crate::net::Stream;
use crate::unpack::NotUnpacked;

/// A message may take so many times as long as nothing may come of it, however much comes.
const PATIENCE: u32 = 10;
/// How long a sender whose message was not taken is kept from sending it again at once.
const BREATH: Duration = Duration::from_secs(1);
/// Messages without a chunk are handed in together up to so many bytes: some senders send one for each event.
const TOGETHER: usize = 256 << 10;

/// Why a connection is closed before its peer does it.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    #[error("{0}")]
    Handshake(#[from] Refusal),
    #[error("no chance for the handshake: {0}")]
    Chance(getrandom::Error),
    #[error("what came is no message of Fluent Forward: {0}{1}")]
    Malformed(Malformed, &'static str),
    #[error("a message whose entries are not whole: {0}")]
    Entries(Malformed),
    #[error("a message whose entries cannot be unpacked: {0}")]
    Packed(#[from] NotUnpacked),
    #[error("a message is longer than {0} bytes: raise max_body_bytes, or have smaller chunks sent")]
    TooLarge(usize),
    #[error("nothing came of a message that had begun for too long")]
    TooSlow,
}

impl Wrong {
    /// The status that HTTP would have.
    fn status(&self) -> StatusCode {
        match self {
            Self::Handshake(_) => StatusCode::UNAUTHORIZED,
            Self::Chance(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge(_) | Self::Packed(NotUnpacked::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed(..) | Self::Entries(_) | Self::Packed(_) => StatusCode::BAD_REQUEST,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

/// What it looks like instead.
fn hint(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x16, 0x03, ..] => " (it looks like TLS, and there is none on this port)",
        [b'G', b'E', b'T', ..] | [b'P', b'O' | b'R' | b'U', ..] => " (it looks like HTTP)",
        [b'{', ..] => " (it looks like JSON)",
        _ => "",
    }
}

/// A connection at work.
pub struct Connection {
    stream: Stream,
    intake: Intake,
    most: usize,
    inlet: Inlet,
    scanner: Scanner,
    /// Its share of what is read and not handed in.
    held: Held,
    /// With the chunks to ack.
    under_way: UnderWay<Option<Vec<u8>>>,
    /// Acks to be written.
    acks: Vec<u8>,
    /// Until when what has begun to come must come further, and until when it must be whole.
    due: Option<(Instant, Instant)>,
    /// Nothing more is read: something was refused, or nobody reads our acks.
    over: bool,
}

/// What is needed to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// More of a message.
    Bytes,
    /// Room for a message that is there.
    Room,
    /// Answers to those that are under way.
    Answers,
}

impl Connection {
    pub fn new(stream: Stream, intake: Intake, held: Held, most: usize) -> Self {
        Self {
            stream,
            intake,
            most,
            inlet: Inlet::new(),
            scanner: Scanner::default(),
            held,
            under_way: UnderWay::new(),
            acks: Vec::new(),
            due: None,
            over: false,
        }
    }

    /// Serves it to its end.
    pub async fn serve(mut self, shared: Option<&SharedKey>) -> Result<(), Wrong> {
        let met = match shared {
            Some(shared) => self.greet(shared).await,
            None => Ok(true),
        };
        let ended = match met {
            Ok(true) => self.read().await,
            Ok(false) => Ok(()),
            Err(wrong) => Err(wrong),
        };
        // What was read is taken in, whatever came behind it.
        while !self.under_way.is_empty() {
            let answered = self.under_way.next().await;
            self.answer(answered).await;
        }
        if self.over {
            let intake = self.intake.clone();
            tokio::select! {
                () = sleep(BREATH) => {}
                () = intake.stopping() => {}
            }
        }
        if let Err(wrong) = &ended {
            self.intake.figures().answered(wrong.status());
        }
        // A peer that has gone hears nothing of it.
        let _ = self.stream.shutdown().await;
        ended
    }

    /// The handshake. Gives whether it came about; not, where the peer goes away, as those do who only look whether we are there.
    async fn greet(&mut self, shared: &SharedKey) -> Result<bool, Wrong> {
        let intake = self.intake.clone();
        tokio::select! {
            met = timeout(intake.limits().head, self.meet(shared)) => met.unwrap_or(Err(Wrong::TooSlow)),
            () = intake.stopping() => Ok(false),
        }
    }

    async fn meet(&mut self, shared: &SharedKey) -> Result<bool, Wrong> {
        let [mut nonce, mut salt] = [[0; 16]; 2];
        getrandom::fill(&mut nonce).and_then(|()| getrandom::fill(&mut salt)).map_err(Wrong::Chance)?;
        let server = Server::new(shared, nonce, salt);
        // Whole, because not every client reads on where a word is cut.
        if self.stream.write_all(&server.helo()).await.is_err() {
            return Ok(false);
        }
        let length = loop {
            match self.scanner.scan(self.inlet.bytes(), LONGEST_WORD) {
                Ok(Some(length)) => break length,
                Ok(None) => {}
                Err(_) => break 0,
            }
            if !matches!(self.inlet.read(&mut self.stream).await, Ok(1..)) {
                return Ok(false);
            }
        };
        let (pong, judged) = server.pong(self.inlet.bytes().get(..length).unwrap_or_default());
        self.inlet.take(length);
        let written = self.stream.write_all(&pong).await;
        judged?;
        Ok(written.is_ok())
    }

    /// Reads messages and hands them in until no more are to come.
    async fn read(&mut self) -> Result<(), Wrong> {
        let intake = self.intake.clone();
        while !self.over {
            let wanted = self.hand_in()?;
            self.set_due(wanted);
            let Self { stream, inlet, held, under_way, due, .. } = self;
            tokio::select! {
                answered = under_way.next() => self.answer(answered).await,
                more = timely(*due, more(wanted, &intake, held, inlet, stream)), if wanted != Wanted::Answers => {
                    if !more? {
                        return Ok(());
                    }
                }
                () = intake.stopping() => return Ok(()),
            }
        }
        Ok(())
    }

    /// What has begun to come must come on.
    fn set_due(&mut self, wanted: Wanted) {
        let idle = self.intake.limits().body_idle;
        let now = Instant::now();
        self.due = match self.due {
            _ if wanted != Wanted::Bytes || self.inlet.bytes().is_empty() => None,
            None => Some((now + idle, now + idle * PATIENCE)),
            Some((_, whole)) => Some((now + idle, whole)),
        };
    }

    /// Hands in the messages that are whole. Gives what is needed for more.
    fn hand_in(&mut self) -> Result<Wanted, Wrong> {
        let (mut together, before) = (Vec::new(), self.inlet.bytes().len());
        let wanted = loop {
            if !self.under_way.has_room() {
                break Ok(Wanted::Answers);
            }
            if !self.intake.has_room() {
                break Ok(Wanted::Room);
            }
            match self.scanner.scan(self.inlet.bytes(), self.most) {
                Ok(None) => break Ok(Wanted::Bytes),
                Ok(Some(length)) => {
                    if let Err(wrong) = self.message(length, &mut together) {
                        break Err(wrong);
                    }
                }
                Err(malformed) => break Err(self.unscanned(malformed)),
            }
        };
        self.push(None, None, together);
        self.held.set(self.inlet.bytes().len());
        if self.inlet.bytes().len() < before {
            // What is there now has only begun.
            self.due = None;
        }
        wanted
    }

    /// Hands in one message, or adds it to those that are handed in together.
    fn message(&mut self, length: usize, together: &mut Vec<u8>) -> Result<(), Wrong> {
        let bytes = self.inlet.bytes().get(..length).unwrap_or_default();
        let Message { tag, entries, chunk, .. } = match parse(bytes) {
            Ok(message) => message,
            Err(malformed) => return Err(Wrong::Malformed(malformed, hint(self.inlet.bytes()))),
        };
        let entries = match entries {
            Entries::Plain(entries) => entries,
            Entries::Packed { compression, bytes } => Cow::Owned(unpack(compression, bytes, self.most)?),
        };
        let mut own = Vec::new();
        let out = if chunk.is_some() { &mut own } else { &mut *together };
        if let Err(malformed) = frame(&tag, &entries, out) {
            return Err(Wrong::Entries(malformed));
        }
        self.intake.figures().bytes.fetch_add(length as u64, Relaxed);
        match chunk.map(<[u8]>::to_vec) {
            Some(chunk) => {
                let id = id(&tag, &chunk);
                self.push(None, None, std::mem::take(together));
                self.push(Some(chunk), id, own);
            }
            None if together.len() >= TOGETHER => self.push(None, None, std::mem::take(together)),
            None => {}
        }
        self.inlet.take(length);
        Ok(())
    }

    fn push(&mut self, chunk: Option<Vec<u8>>, id: Option<u128>, bytes: Vec<u8>) {
        if chunk.is_none() && bytes.is_empty() {
            return;
        }
        let intake = self.intake.clone();
        let mut held = intake.hold();
        // There was room before; what a message has more than that is bounded.
        held.take(bytes.len());
        self.under_way.push(chunk, async move { intake.take_patiently(bytes, id, held).await });
    }

    /// Why no message ends where one begins.
    fn unscanned(&self, malformed: Malformed) -> Wrong {
        let bytes = self.inlet.bytes();
        let is_list = matches!(bytes.first(), Some(0x90..=0x9f | 0xdc | 0xdd));
        // What is a list, but no value further on, is garbage as well.
        if is_list && bytes.get(malformed.at) != Some(&0xc1) {
            return Wrong::TooLarge(self.most);
        }
        Wrong::Malformed(malformed, hint(bytes))
    }

    /// Does what an answer asks for, and those do that are there already.
    async fn answer(&mut self, (chunk, answer): (Option<Vec<u8>>, Answer)) {
        self.settle(chunk, answer);
        while let Some((chunk, answer)) = self.under_way.settled() {
            self.settle(chunk, answer);
        }
        if !self.acks.is_empty() {
            let written = timeout(self.intake.limits().body_idle, self.stream.write_all(&self.acks)).await;
            // Nobody reads them. What was not acked comes again and is known.
            self.over |= !matches!(written, Ok(Ok(())));
            self.acks.clear();
        }
    }

    fn settle(&mut self, chunk: Option<Vec<u8>>, answer: Answer) {
        let taken = answer == Answer::Taken;
        self.intake.figures().answered(if taken { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE });
        match chunk {
            Some(chunk) if taken => self.acks.extend_from_slice(&ack(&chunk)),
            // That it is not acked makes it come again.
            Some(_) => self.over = true,
            None if taken => {}
            None => {
                let (source, peer) = (self.intake.source(), self.stream.peer());
                tracing::warn!(source, "events from {peer} could not be passed on, and do not come again: their sender asks for no acks");
            }
        }
    }
}

/// Waits for what is wanted. Gives whether more may come.
async fn more(wanted: Wanted, intake: &Intake, held: &Held, inlet: &mut Inlet, stream: &mut Stream) -> Result<bool, Wrong> {
    if wanted == Wanted::Room {
        intake.room().await;
        return Ok(true);
    }
    held.room().await;
    // A connection that breaks has ended: what it brought half of comes again.
    Ok(inlet.read(stream).await.unwrap_or(0) > 0)
}

/// The same unless it takes too long.
async fn timely(due: Option<(Instant, Instant)>, more: impl Future<Output = Result<bool, Wrong>>) -> Result<bool, Wrong> {
    match due {
        None => more.await,
        Some((further, whole)) => timeout_at(further.min(whole), more).await.unwrap_or(Err(Wrong::TooSlow)),
    }
}

/// What a message is known by: its chunk and its tag; one whose chunk has no name, by nothing.
fn id(tag: &str, chunk: &[u8]) -> Option<u128> {
    let name = Reader::new(chunk).bytes().ok().filter(|name| !name.is_empty())?;
    // No UTF-8 has such a byte, so both stay apart.
    Some(request_id(b"forward", &[tag.as_bytes(), b"\xff", name].concat()))
}
