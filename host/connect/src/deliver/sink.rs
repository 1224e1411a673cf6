//! A sink on the network: what it is made of, and how its outlet is emptied.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eyas_codec::Form;
use eyas_engine::Outlet;
use tokio::runtime::Handle;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;

use super::alerts::Alerts;
use super::figures::NetSinkFigures;
use super::gather::Gatherer;
use super::lane::{Lane, Letters, Shared};
use super::limit::Adaptive;
use super::window::Parcel;
use super::{Client, overflow};
use crate::stop::Stopped;
use crate::{Cause, Outbox, Stop};

/// How long a sink that drops still sends after a stop.
const LAST: Duration = Duration::from_secs(1);

/// How many requests may be under way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// So many; one keeps the order.
    Fixed(usize),
    /// As many as the receiver bears, which is found by trying.
    Adaptive,
}

/// What becomes of what comes while the receiver does not take enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It is waited for, and acknowledged once it is taken.
    Block,
    /// It is dropped and counted. The sink takes no part in acknowledgement: whatever comes counts as taken at once.
    DropNewest {
        /// How many bytes may wait, or be under way.
        max_bytes: usize,
    },
}

/// What a sink on the network is made of.
#[derive(Debug)]
pub struct NetSinkConfig {
    /// Its configured name.
    pub name: String,
    /// How one request is sent.
    pub client: Client,
    /// What the client sends. Deliveries of the outlet are in this form; but if there is an `outbox` they are lines of JSON, which become
    /// events of this form on their way.
    pub form: Form,
    /// The most bytes of a request, unless one event alone is longer.
    pub batch_bytes: usize,
    /// How long bytes wait for more at the most, while other requests are under way.
    pub batch_timeout: Duration,
    /// How many requests may be under way at once.
    pub concurrency: Concurrency,
    /// How long a request may take, with its answer.
    pub timeout: Duration,
    /// How long to wait before the second try; doubles from try to try.
    pub retry_initial_backoff: Duration,
    /// How long to wait between tries at the most.
    pub retry_max: Duration,
    /// What becomes of what comes while there is no room.
    pub when_full: WhenFull,
    /// Of a sink of alerts alone, or of other sinks' dead letters: what waits there holds back no event until it is full, and is kept in
    /// checkpoints. What was pending is in it already.
    pub outbox: Option<Outbox>,
    /// The outbox of the sink that takes this one's dead letters. Without one, what is refused for good is tried again for ever, too.
    pub dead_letters: Option<Outbox>,
    /// Of the checkpoint that the run begins with: this sink's dead letters that no other sink keeps.
    pub unsettled: Vec<String>,
    /// The names of the sources, in the order of the topology.
    pub sources: Vec<String>,
}

/// A sink that is ready to send.
pub struct NetSink {
    config: NetSinkConfig,
    letters: Option<Letters>,
    figures: Arc<NetSinkFigures>,
}

impl NetSink {
    /// Sends nothing yet, and does not connect: that the other side is there may come later. While it lives, the outbox for its dead
    /// letters is kept open.
    pub fn new(mut config: NetSinkConfig) -> Self {
        let sources = std::mem::take(&mut config.sources);
        let letters = config.dead_letters.take().map(|outbox| Letters { entrance: outbox.entrance(), sources });
        Self { config, letters, figures: Arc::default() }
    }

    /// The sink's configured name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The figures, while it runs and after.
    pub fn figures(&self) -> Arc<NetSinkFigures> {
        self.figures.clone()
    }

    /// Sends all that the outlet gives, until its end, on this thread; what is not taken is tried again for ever. Errors where the
    /// operating system does not give what it needs.
    pub fn run(self, outlet: Outlet, stop: &Stop, runtime: &Handle) -> io::Result<()> {
        let Self { config, letters, figures } = self;
        if let Some(letters) = &letters {
            // Where it is closed, whoever closed it has asked for a stop.
            let _ = config.unsettled.iter().try_for_each(|line| letters.entrance.push(line.as_bytes(), 0));
        }
        let (concurrency, adaptive) = match config.concurrency {
            Concurrency::Fixed(requests) => (Some(requests.max(1)), None),
            Concurrency::Adaptive => (None, Some(Mutex::new(Adaptive::default()))),
        };
        figures.limit.store(concurrency.unwrap_or(1) as u64, Relaxed);
        let stopped = {
            let _inside = runtime.enter();
            Stopped::new(stop)?
        };
        let shared = Arc::new(Shared {
            name: config.name,
            form: config.form,
            timeout: config.timeout,
            initial_backoff: config.retry_initial_backoff.min(config.retry_max),
            longest_backoff: config.retry_max,
            figures,
            stop: stop.clone(),
            stopped,
            letters,
            adaptive,
            last: watch::Sender::new(false),
        });
        let size = config.batch_bytes.max(1);
        if let Some(outbox) = config.outbox {
            let drops = config.when_full != WhenFull::Block;
            return Alerts { outbox, size, drops }.run(outlet, Lane { client: config.client, shared }, runtime);
        }
        let gatherer = Gatherer::new(shared.clone(), config.client, size, config.batch_timeout, concurrency);
        // Bounded by the credit of the sources, or by the room of a sink that drops.
        let (parcels, received) = unbounded_channel();
        let gathering = runtime.spawn(gatherer.run(received));
        match config.when_full {
            WhenFull::Block => {
                empty(outlet, |parcel| parcels.send(parcel).is_ok());
                drop(parcels);
                match runtime.block_on(gathering) {
                    Ok(Ok(())) => Ok(()),
                    // It cannot go on, which has been told.
                    Ok(Err(_)) => {
                        stop.request(Cause::SinkFailed);
                        Ok(())
                    }
                    Err(error) => Err(io::Error::other(error)),
                }
            }
            WhenFull::DropNewest { max_bytes } => {
                overflow::empty(&shared, max_bytes, outlet, |copied| parcels.send(Parcel::Copied(copied)).is_ok());
                drop(parcels);
                // Nobody waits for this sink, so it does not wait for a receiver that is not there, nor long after a stop.
                shared.last.send_replace(true);
                let abort = gathering.abort_handle();
                runtime.block_on(async {
                    tokio::select! {
                        _ = gathering => {}
                        () = async { shared.stopped.wait().await; tokio::time::sleep(LAST).await } => abort.abort(),
                    }
                });
                Ok(())
            }
        }
    }
}

/// Takes from an outlet while somebody is there for it. Where there is nothing to send there is nothing to wait for.
fn empty(mut outlet: Outlet, give: impl Fn(Parcel) -> bool) {
    while let Some(delivery) = outlet.next_delivery() {
        if delivery.is_empty() && !delivery.wants_state() {
            delivery.accept();
        } else if !give(Parcel::Delivery(delivery)) {
            return;
        }
    }
}
