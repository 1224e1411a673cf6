//! Connections: accepted up to a number, secured, served, and brought to their ends on a stop.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::listen::Bound;
use super::tls::ServerTls;
use super::{Counted, Door, Stream};
use crate::intake::Intake;
use crate::stop::Stopped;

/// How long to wait where there are no more file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// A listener at work.
pub struct Gate {
    pub bound: Bound,
    pub tls: Option<ServerTls>,
    pub door: Door,
}

/// What is shared by all connections.
#[derive(Clone)]
struct House {
    intake: Intake,
    places: Arc<Semaphore>,
    /// Held by every connection: the other end hears when the last has gone.
    open: mpsc::Sender<()>,
}

/// Serves until a stop, or until the feeder has ended; then until all requests have their answers.
pub async fn serve(gates: Vec<Gate>, intake: Intake, stopped: Stopped) {
    let (open, mut all_gone) = mpsc::channel(1);
    let places = Arc::new(Semaphore::new(intake.limits().connections.min(Semaphore::MAX_PERMITS)));
    let house = House { intake: intake.clone(), places, open };
    let mut accepting = JoinSet::new();
    for gate in gates {
        accepting.spawn(accept(gate, house.clone()));
    }
    drop(house);
    tokio::select! {
        () = stopped.wait() => {}
        () = intake.ended() => {}
    }
    accepting.shutdown().await;
    intake.stop().await;
    drop(intake);
    // Nothing is ever sent.
    let _ = all_gone.recv().await;
}

/// Accepts connections for ever.
async fn accept(gate: Gate, house: House) {
    let Gate { bound, tls, door } = gate;
    let entrance = Arc::new((tls, door));
    let mut failing = false;
    loop {
        match bound.accept().await {
            Ok(stream) => {
                failing = false;
                admit(stream, &entrance, &house);
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(source = %house.intake.source(), "cannot accept connections: {error}");
                }
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Serves a connection if there is a place for it.
fn admit(stream: Stream, entrance: &Arc<(Option<ServerTls>, Door)>, house: &House) {
    match house.places.clone().try_acquire_owned() {
        Ok(place) => {
            tokio::spawn(connection(stream, place, entrance.clone(), house.clone()));
        }
        Err(_) => {
            house.intake.figures().refused_connections.fetch_add(1, Relaxed);
            if entrance.0.is_none() {
                stream.last_word(entrance.1.too_many());
            }
        }
    }
}

async fn connection(stream: Stream, place: OwnedSemaphorePermit, entrance: Arc<(Option<ServerTls>, Door)>, house: House) {
    let House { intake, open, .. } = house;
    let figures = intake.figures().clone();
    let _open = Counted::new(&figures.connections);
    let (tls, door) = &*entrance;
    let stream = match tls {
        None => Some(stream),
        Some(tls) => secure(stream, tls, &intake).await,
    };
    if let Some(stream) = stream {
        door.serve(stream, intake).await;
    }
    drop((place, open));
}

/// Brings the handshake about; nothing where that fails, which is the client's affair.
async fn secure(stream: Stream, tls: &ServerTls, intake: &Intake) -> Option<Stream> {
    let peer = stream.peer();
    let accepted = tokio::select! {
        accepted = tokio::time::timeout(intake.limits().handshake, tls.accept(stream)) => accepted,
        () = intake.stopping() => return None,
    };
    let why = match accepted {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it took too long".to_owned(),
    };
    // Anybody may bring as many of them about as they like, so only the first one is told aloud.
    if intake.figures().failed_handshakes.fetch_add(1, Relaxed) == 0 {
        tracing::warn!(source = %intake.source(), "no TLS connection with {peer}: {why}; further ones are told at debug level");
    } else {
        tracing::debug!(source = %intake.source(), "no TLS connection with {peer}: {why}");
    }
    None
}
