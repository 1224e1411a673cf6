//! A sink of alerts alone, or of other sinks' dead letters: a receiver that does not take them holds back no event. They wait in an outbox,
//! which checkpoints keep.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use eyas_engine::Outlet;
use eyas_state::SinkState;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::lane::Lane;
use super::request::{Origin, Request};
use crate::{Next, Outbox};

/// How long the outbox is waited for at a time.
const LOOK: Duration = Duration::from_secs(1);
/// How long alerts that are kept anyway are still sent after a stop.
const LAST: Duration = Duration::from_secs(1);

/// Takes lines into the outbox at once, and sends what is in there on another thread.
pub struct Alerts {
    pub outbox: Outbox,
    /// The most bytes of a request.
    pub size: usize,
    /// Whether what finds no room is dropped.
    pub drops: bool,
}

impl Alerts {
    pub fn run(self, mut outlet: Outlet, lane: Lane, runtime: &Handle) -> io::Result<()> {
        let shared = lane.shared.clone();
        let (stay, leave) = oneshot::channel();
        let thread = self.send(lane, runtime.clone(), leave)?;
        let (mut kept, mut bytes) = (false, Vec::new());
        while let Some(delivery) = outlet.next_delivery() {
            bytes.clear();
            delivery.slices().for_each(|slice| bytes.extend_from_slice(slice));
            if !bytes.is_empty() && self.drops && self.outbox.is_full() {
                let lines = bytes.iter().filter(|&&byte| byte == b'\n').count();
                shared.figures.dropped(lines as u64, bytes.len() as u64);
            } else if !bytes.is_empty() && self.outbox.push(&bytes).is_err() {
                break;
            }
            if delivery.wants_state() {
                kept = true;
                let before = self.outbox.passed();
                let state = self.outbox.capture(|pending| {
                    let dead_letters = shared.letters.as_ref().map(|letters| letters.entrance.unsettled(before)).unwrap_or_default();
                    Some(SinkState { name: shared.name.clone(), pending, dead_letters, ..SinkState::default() })
                });
                delivery.save(state.unwrap_or_default());
            }
            delivery.accept();
        }
        self.outbox.close_behind_all();
        // The next run goes on with what a checkpoint keeps, so a server that is dead need not hold up this one's end.
        let stay = Some(stay).filter(|_| !kept || shared.stop.requested().is_none() || self.outbox.wait_empty(LAST));
        // A panic has been told already, and what is pending stays so.
        let _ = thread.join();
        drop(stay);
        Ok(())
    }

    /// Sends until the outbox is closed and empty, or nobody stays for it.
    fn send(&self, mut lane: Lane, runtime: Handle, mut leave: oneshot::Receiver<()>) -> io::Result<JoinHandle<()>> {
        let (outbox, size) = (self.outbox.clone(), self.size);
        let name = format!("sends {}", lane.shared.name);
        let send = move || {
            loop {
                let batch = match outbox.next(size, LOOK) {
                    Next::Batch(batch) => batch,
                    Next::Nothing => continue,
                    Next::Closed => return,
                };
                let mut body = Vec::new();
                lane.shared.form.lines(&batch.bytes, &mut body);
                let request = Request::new(body.into(), Origin::default(), outbox.passed());
                let taken = runtime.block_on(async {
                    tokio::select! {
                        taken = lane.deliver(&request) => taken.is_ok(),
                        _ = &mut leave => false,
                    }
                });
                if !taken {
                    // Nobody takes out what would be put in now.
                    outbox.close();
                    return;
                }
                outbox.taken(&batch);
            }
        };
        thread::Builder::new().name(name).spawn(send)
    }
}
