//! A source that listens: its beginning and end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use eyas_engine::Admission;
use eyas_event::Partition;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::accept::{Gate, serve};
use super::listen::Bound;
use super::{Acknowledge, Listener, NetError, NetFigures, NetSource};
use crate::Stop;
use crate::intake::{Feeder, Intake};
use crate::stop::Stopped;

/// A source that listens, and does not answer yet.
#[derive(Debug)]
pub struct NetServer {
    source: NetSource,
    runtime: Handle,
    bound: Vec<Bound>,
    figures: Arc<NetFigures>,
}

impl NetSource {
    /// Begins to listen, so that what is wrong shows before anything runs. Connections wait until [`NetServer::run`].
    pub fn bind(self, runtime: &Handle) -> Result<NetServer, NetError> {
        let _inside = runtime.enter();
        let mut bound = Vec::new();
        for Listener { address, .. } in &self.listeners {
            match Bound::new(address) {
                Ok(listening) => bound.push(listening),
                Err(source) => return Err(NetError::Listen { name: self.name, address: address.clone(), source }),
            }
        }
        Ok(NetServer { source: self, runtime: runtime.clone(), bound, figures: Arc::default() })
    }
}

impl NetServer {
    /// Where it listens: the ports, too, if the operating system was to choose them. By listener; nothing for a Unix socket.
    pub fn addresses(&self) -> Vec<Option<SocketAddr>> {
        self.bound.iter().map(Bound::address).collect()
    }

    /// The figures, while it runs and after.
    pub fn figures(&self) -> Arc<NetFigures> {
        self.figures.clone()
    }

    /// Takes requests in until a stop, on this thread; a live source never ends by itself and leaves its partition open. Requests that
    /// were taken in are answered by and by, as what becomes of them is known: give the rest of the run time for it by
    /// [`Answers::wait`].
    pub fn run(self, admission: &Admission, stop: &Stop) -> Result<Answers, NetError> {
        let Self { source, runtime, bound, figures } = self;
        let start = |error: io::Error| NetError::Start { name: source.name.clone(), source: error };
        let stopped = {
            let _inside = runtime.enter();
            Stopped::new(stop).map_err(start)?
        };
        let partition = Partition { source: source.number, number: 0 };
        let (intake, requests) = Intake::new(&source, figures.clone());
        let mut feeder = Feeder::new(admission, partition, &source, figures);
        let waiter = match source.acknowledge {
            Acknowledge::Delivered => None,
            Acknowledge::Journalled => Some(feeder.answer_when_logged().map_err(start)?),
        };
        if admission.open(partition, &source.partition, None, None).is_err() {
            return Ok(Answers { runtime, task: None });
        }
        let gates = bound.into_iter().zip(source.listeners).map(|(bound, listener)| {
            let tls = listener.tls.map(|tls| tls.agreeing_on(listener.door.alpn()));
            Gate { bound, tls, door: listener.door }
        });
        let task = runtime.spawn(serve(gates.collect(), intake, stopped));
        feeder.run(requests);
        // The feeder has hung up, so the waiter comes to its end.
        let _ = waiter.map(std::thread::JoinHandle::join);
        Ok(Answers { runtime, task: Some(task) })
    }
}

/// Answers that are still to be given.
#[derive(Debug)]
pub struct Answers {
    runtime: Handle,
    task: Option<JoinHandle<()>>,
}

impl Answers {
    /// Waits until all have been given, once everything that was taken in has left the engine; not longer than so long. Gives whether
    /// all have been.
    pub fn wait(self, at_most: Duration) -> bool {
        let Some(task) = self.task else { return true };
        self.runtime.block_on(async { tokio::time::timeout(at_most, task).await }).is_ok()
    }
}
