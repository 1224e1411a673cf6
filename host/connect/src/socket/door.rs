//! The door for JSON lines with nothing around them.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use eyas_codec::Encoding;
use eyas_event::PADDING;
use hyper::StatusCode;
use tokio::time::{Instant, timeout_at};

use super::told::Told;
use crate::cut::{Cut, Cutter};
use crate::intake::{Answer, Held, Inlet, Intake, Pool, UnderWay};
use crate::net::{NetLimits, Stream};

/// A line may stand there half written for as long as it likes while it has no more bytes than this.
const SMALL: usize = 16 << 10;

/// How lines are read.
#[derive(Clone, Debug)]
pub struct SocketDoor {
    /// Longer lines are dead letters, in pieces.
    max_event_bytes: usize,
    /// What may be read of all connections and not handed in yet.
    reading: Arc<Pool>,
    told: Told,
}

impl SocketDoor {
    /// Longer lines are dead letters, in pieces.
    pub fn new(max_event_bytes: usize) -> Self {
        let most = NetLimits::default().waiting_bytes.max(max_event_bytes.saturating_mul(2));
        Self { max_event_bytes, reading: Pool::new(most), told: Told::default() }
    }

    /// Takes lines in until the connection ends, or the source stops.
    pub(crate) async fn serve(&self, stream: Stream, intake: Intake) {
        let (peer, source) = (stream.peer(), intake.source().to_owned());
        let lines = Lines {
            stream,
            inlet: Inlet::new(),
            cutter: Cutter::new(Encoding::Ndjson, self.max_event_bytes),
            longest: self.max_event_bytes,
            held: self.reading.hold(),
            under_way: UnderWay::new(),
            due: None,
            lost: false,
            intake,
        };
        let End { slow, lost } = lines.serve().await;
        if slow {
            self.told.tell(&source, peer, "nothing came of a line that had begun for too long");
        }
        if lost {
            tracing::warn!(source, "not all lines from {peer} could be passed on, and they do not come again");
        }
    }
}

/// A connection at work.
struct Lines {
    stream: Stream,
    intake: Intake,
    inlet: Inlet,
    cutter: Cutter,
    longest: usize,
    /// Its share of what is read and not handed in.
    held: Held,
    under_way: UnderWay<()>,
    /// Until when more must come of what has begun to come.
    due: Option<Instant>,
    /// Whether something that was handed in was not taken.
    lost: bool,
}

/// How a connection ended.
struct End {
    slow: bool,
    lost: bool,
}

/// What is needed to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// More of a line.
    Bytes,
    /// Room for lines that are there.
    Room,
    /// Answers to those that are under way.
    Answers,
}

impl Lines {
    async fn serve(mut self) -> End {
        let slow = self.read().await;
        // A last line needs no end.
        self.hand_in_rest();
        while !self.under_way.is_empty() {
            let ((), answer) = self.under_way.next().await;
            self.settle(answer);
        }
        End { slow, lost: self.lost }
    }

    /// Reads until no more is to come. Gives whether that is because it took too long.
    async fn read(&mut self) -> bool {
        let intake = self.intake.clone();
        loop {
            let wanted = self.hand_in();
            let long = wanted == Wanted::Bytes && self.inlet.bytes().len() > SMALL;
            self.due = long.then(|| Instant::now() + intake.limits().body_idle);
            let Self { stream, inlet, held, under_way, due, .. } = self;
            let more = async {
                match due {
                    Some(due) => timeout_at(*due, more(wanted, &intake, held, inlet, stream)).await.ok(),
                    None => Some(more(wanted, &intake, held, inlet, stream).await),
                }
            };
            tokio::select! {
                ((), answer) = under_way.next() => self.settle(answer),
                more = more, if wanted != Wanted::Answers => match more {
                    Some(true) => {}
                    Some(false) => return false,
                    None => return true,
                },
                () = intake.stopping() => return false,
            }
        }
    }

    /// Hands in the lines that are whole. Gives what is needed for more.
    fn hand_in(&mut self) -> Wanted {
        let wanted = loop {
            let bytes = self.inlet.bytes();
            if bytes.is_empty() {
                break Wanted::Bytes;
            }
            if !self.under_way.has_room() {
                break Wanted::Answers;
            }
            if !self.intake.has_room() {
                break Wanted::Room;
            }
            let cut = match self.cutter.cut_now(bytes) {
                Cut::More(_) if bytes.len() > self.longest.saturating_add(2) => self.cutter.cut(bytes, bytes.len(), false),
                cut => cut,
            };
            match cut {
                Cut::Events(length) => self.push(length, false),
                Cut::Piece(length) => self.push(length, true),
                Cut::More(_) => break Wanted::Bytes,
            }
        };
        self.held.set(self.inlet.bytes().len().saturating_sub(SMALL));
        wanted
    }

    /// Hands in all that is left, whether there is room or not: it is bounded.
    fn hand_in_rest(&mut self) {
        while !self.inlet.bytes().is_empty() {
            match self.cutter.cut(self.inlet.bytes(), usize::MAX, true) {
                Cut::Events(length) => self.push(length.max(1), false),
                Cut::Piece(length) => self.push(length.max(1), true),
                Cut::More(_) => return,
            }
        }
    }

    fn push(&mut self, length: usize, oversize: bool) {
        let head = self.inlet.bytes().get(..length).unwrap_or_default();
        let mut bytes = Vec::with_capacity(head.len() + 1 + PADDING);
        bytes.extend_from_slice(head);
        if !oversize && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        self.inlet.take(length);
        let intake = self.intake.clone();
        let mut held = intake.hold();
        // There was room before; what this has more than that is bounded.
        held.take(bytes.len());
        intake.figures().bytes.fetch_add(length as u64, Relaxed);
        self.under_way.push((), async move {
            if oversize { intake.take_piece(bytes, held).await } else { intake.take_patiently(bytes, None, held).await }
        });
    }

    fn settle(&mut self, answer: Answer) {
        let taken = answer == Answer::Taken;
        self.lost |= !taken;
        self.intake.figures().answered(if taken { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE });
    }
}

/// Waits for what is wanted. Gives whether more may come.
async fn more(wanted: Wanted, intake: &Intake, held: &Held, inlet: &mut Inlet, stream: &mut Stream) -> bool {
    if wanted == Wanted::Room {
        intake.room().await;
        return true;
    }
    held.room().await;
    // A connection that breaks has ended.
    inlet.read(stream).await.unwrap_or(0) > 0
}
