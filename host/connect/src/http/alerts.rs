//! A sink of alerts alone: a server that does not take them holds back no event. They wait in an outbox, which checkpoints keep.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use eyas_engine::Outlet;
use eyas_state::SinkState;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::retry::Poster;
use crate::{Next, Outbox, Stop};

/// How long the outbox is waited for at a time.
const LOOK: Duration = Duration::from_secs(1);
/// How long alerts that are kept anyway are still posted after a stop.
const LAST: Duration = Duration::from_secs(1);

/// Takes alerts into the outbox at once, and posts what is in there on another thread.
pub struct Alerts {
    pub name: String,
    pub outbox: Outbox,
    /// The most bytes of a request.
    pub size: usize,
}

impl Alerts {
    pub fn run(self, mut outlet: Outlet, poster: Poster, stop: &Stop, runtime: &Handle) -> io::Result<()> {
        let (stay, leave) = oneshot::channel();
        let thread = self.post(poster, runtime.clone(), leave)?;
        let (mut kept, mut bytes) = (false, Vec::new());
        while let Some(delivery) = outlet.next_delivery() {
            if !delivery.is_empty() {
                bytes.clear();
                delivery.slices().for_each(|slice| bytes.extend_from_slice(slice));
                if self.outbox.push(&bytes).is_err() {
                    break;
                }
            }
            if delivery.wants_state() {
                kept = true;
                delivery.save(SinkState { name: self.name.clone(), pending: self.outbox.pending(), ..SinkState::default() });
            }
            delivery.accept();
        }
        self.outbox.close();
        // The next run goes on with what a checkpoint keeps, so a server that is dead need not hold up this one's end.
        let stay = Some(stay).filter(|_| !kept || stop.requested().is_none() || self.outbox.wait_empty(LAST));
        // A panic has been told already, and what is pending stays so.
        let _ = thread.join();
        drop(stay);
        Ok(())
    }

    /// Posts until the outbox is closed and empty, or nobody stays for it.
    fn post(&self, mut poster: Poster, runtime: Handle, mut leave: oneshot::Receiver<()>) -> io::Result<JoinHandle<()>> {
        let (outbox, size) = (self.outbox.clone(), self.size);
        let post = move || {
            loop {
                let batch = match outbox.next(size, LOOK) {
                    Next::Batch(batch) => batch,
                    Next::Nothing => continue,
                    Next::Closed => return,
                };
                let body = batch.bytes.clone().into();
                let taken = runtime.block_on(async {
                    tokio::select! {
                        () = poster.post(body) => true,
                        _ = &mut leave => false,
                    }
                });
                if !taken {
                    return;
                }
                outbox.taken(&batch);
            }
        };
        thread::Builder::new().name(format!("posts {}", self.name)).spawn(post)
    }
}
