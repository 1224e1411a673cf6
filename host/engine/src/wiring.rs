//! The rings between threads. Each has one producer and one consumer, and room for all batches that may be inside at once: so a push
//! never waits and never fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::bell::Bell;
use crate::clock::Clocks;
use crate::credit::Credit;
use crate::crew::{Outcome, Task};
use crate::outlet::{Delivery, Hatch, Outlet};

/// The tasks of one batch for one shard in one phase. Sent even if there are none: each shard counts batches by it.
#[derive(Debug)]
pub(crate) struct Work {
    /// The batch's place in the input order.
    pub(crate) number: u64,
    pub(crate) tasks: Vec<Task>,
}

/// What came of a [`Work`].
#[derive(Debug)]
pub(crate) struct Done {
    /// The batch's place in the input order.
    pub(crate) number: u64,
    pub(crate) outcomes: Vec<Outcome>,
}

/// The sending end of a ring, with the bell of whoever reads it.
pub(crate) struct Sender<T> {
    ring: HeapProd<T>,
    bell: Arc<Bell>,
}

impl<T> Sender<T> {
    /// Sends, and wakes the reader. What does not fit is a defect: it is given back to be said.
    pub(crate) fn send(&mut self, value: T) -> Result<(), T> {
        self.ring.try_push(value)?;
        self.bell.ring();
        Ok(())
    }
}

/// A sender that knows whether the sink still reads.
pub(crate) struct SinkSender {
    ring: HeapProd<Delivery>,
    hatch: Arc<Hatch>,
}

impl SinkSender {
    /// Hands a delivery to the sink. One for a sink that has given up is dropped, and so its credit goes back.
    pub(crate) fn send(&mut self, delivery: Delivery) -> Result<(), Delivery> {
        if self.hatch.is_closed() {
            return Ok(());
        }
        self.ring.try_push(delivery)?;
        self.hatch.bell.ring();
        Ok(())
    }
}

/// Raised when a shard breaks down: nobody waits for it then.
pub(crate) struct Alarm {
    raised: AtomicBool,
    bells: Vec<Arc<Bell>>,
    outlets: Vec<Arc<Hatch>>,
    credits: Vec<Arc<Credit>>,
}

/// Raises the alarm when it is dropped, unless it was disarmed.
pub(crate) struct Guard(Option<Arc<Alarm>>);

impl Alarm {
    pub(crate) fn new(bells: &[Arc<Bell>], outlets: &[Outlet], credits: Vec<Arc<Credit>>) -> Self {
        let outlets = outlets.iter().map(|outlet| outlet.hatch.clone()).collect();
        Self { raised: AtomicBool::new(false), bells: bells.to_vec(), outlets, credits }
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    pub(crate) fn guard(self: Arc<Self>) -> Guard {
        Guard(Some(self))
    }
}

impl Guard {
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(alarm) = &self.0 else { return };
        alarm.raised.store(true, Ordering::Release);
        alarm.credits.iter().for_each(|credit| credit.close());
        alarm.bells.iter().for_each(|bell| bell.ring());
        alarm.outlets.iter().for_each(|hatch| hatch.abandon());
    }
}

/// The ends of all rings that one shard holds.
pub(crate) struct Ports {
    pub(crate) bell: Arc<Bell>,
    /// Items for which this shard is the home.
    pub(crate) admitted: HeapCons<crate::sequencer::Admitted>,
    /// The clocks, from the home of the item before.
    pub(crate) clocks_in: HeapCons<Clocks>,
    pub(crate) clocks_out: Sender<Clocks>,
    /// By phase, by home shard.
    pub(crate) work_in: Vec<Vec<HeapCons<Work>>>,
    /// By phase, by shard.
    pub(crate) work_out: Vec<Vec<Sender<Work>>>,
    /// By shard that did the work.
    pub(crate) done_in: Vec<HeapCons<Done>>,
    /// By home shard.
    pub(crate) done_out: Vec<Sender<Done>>,
    /// By sink.
    pub(crate) sinks: Vec<SinkSender>,
}

/// What the engine keeps of the wiring.
pub(crate) struct Ends {
    pub(crate) bells: Vec<Arc<Bell>>,
    pub(crate) admission: Vec<HeapProd<crate::sequencer::Admitted>>,
    pub(crate) outlets: Vec<Outlet>,
    pub(crate) ports: Vec<Ports>,
}

/// Lays all rings, each with room for `capacity` entries.
pub(crate) fn lay(shards: usize, phases: usize, sinks: usize, capacity: usize) -> Ends {
    let bells: Vec<Arc<Bell>> = (0..shards).map(|_| Arc::default()).collect();
    let (admission, admitted) = many(shards, capacity);
    let (clocks_out, mut clocks_in) = many(shards, capacity);
    // The clocks of shard i go to shard i + 1.
    clocks_in.rotate_right(1);
    let work: Vec<_> = (0..phases).map(|_| square(&bells, capacity)).collect();
    let (work_out, work_in) = work.into_iter().unzip();
    let (done_out, done_in) = square(&bells, capacity * phases.max(1));
    let (sink_senders, outlets) = to_sinks(shards, sinks, capacity);

    let mut work_out = turned(work_out, shards).into_iter();
    let mut work_in = turned(work_in, shards).into_iter();
    let mut done = done_out.into_iter().zip(done_in);
    let mut sinks = sink_senders.into_iter();
    let next_bells = bells.iter().cycle().skip(1).cloned();
    let clocks_out = clocks_out.into_iter().zip(next_bells).map(|(ring, bell)| Sender { ring, bell });
    let singles = bells.iter().cloned().zip(admitted).zip(clocks_in).zip(clocks_out);
    let ports = singles.map(|(((bell, admitted), clocks_in), clocks_out)| {
        let (done_out, done_in) = done.next().unwrap_or_default();
        let work_in = work_in.next().unwrap_or_default();
        let work_out = work_out.next().unwrap_or_default();
        let sinks = sinks.next().unwrap_or_default();
        Ports { bell, admitted, clocks_in, clocks_out, work_in, work_out, done_in, done_out, sinks }
    });
    let ports = ports.collect();
    Ends { bells, admission, outlets, ports }
}

/// Rings, as all their producers and all their consumers.
fn many<T>(count: usize, capacity: usize) -> (Vec<HeapProd<T>>, Vec<HeapCons<T>>) {
    (0..count).map(|_| HeapRb::new(capacity).split()).unzip()
}

/// What each shard sends by, then what each shard reads from.
type Square<T> = (Vec<Vec<Sender<T>>>, Vec<Vec<HeapCons<T>>>);

/// A ring from each shard to each shard: senders by the sending shard, then readers by the reading shard.
fn square<T>(bells: &[Arc<Bell>], capacity: usize) -> Square<T> {
    let shards = bells.len();
    let mut out: Vec<Vec<Sender<T>>> = (0..shards).map(|_| Vec::new()).collect();
    let mut into = Vec::new();
    for bell in bells {
        let (producers, consumers) = many(shards, capacity);
        for (senders, ring) in out.iter_mut().zip(producers) {
            senders.push(Sender { ring, bell: bell.clone() });
        }
        into.push(consumers);
    }
    (out, into)
}

/// From [phase][shard] to [shard][phase].
fn turned<T>(by_phase: Vec<Vec<T>>, shards: usize) -> Vec<Vec<T>> {
    let mut by_shard: Vec<Vec<T>> = (0..shards).map(|_| Vec::new()).collect();
    for phase in by_phase {
        by_shard.iter_mut().zip(phase).for_each(|(shard, ports)| shard.push(ports));
    }
    by_shard
}

fn to_sinks(shards: usize, sinks: usize, capacity: usize) -> (Vec<Vec<SinkSender>>, Vec<Outlet>) {
    let mut senders: Vec<Vec<SinkSender>> = (0..shards).map(|_| Vec::new()).collect();
    let mut outlets = Vec::new();
    for _ in 0..sinks {
        let hatch = Arc::new(Hatch::default());
        let (producers, rings) = many(shards, capacity);
        for (senders, ring) in senders.iter_mut().zip(producers) {
            senders.push(SinkSender { ring, hatch: hatch.clone() });
        }
        outlets.push(Outlet { rings, next: 0, hatch, finished: false, journal: None });
    }
    (senders, outlets)
}

/// The next entry of a ring, if there is one.
pub(crate) fn take<T>(ring: Option<&mut HeapCons<T>>) -> Option<T> {
    ring?.try_pop()
}
