//! The door for Fluent Forward: messages of all modes, one after the other, and acks in the same order.

mod connection;

use std::sync::Arc;

use super::SharedKey;
use crate::intake::{Intake, Pool};
use crate::net::{NetLimits, Stream};
use crate::socket::told::Told;

use connection::Connection;

/// How Fluent Forward is spoken.
#[derive(Clone, Debug)]
pub struct ForwardDoor {
    shared_key: Option<SharedKey>,
    max_body_bytes: usize,
    /// What may be read of all connections and not handed in yet.
    reading: Arc<Pool>,
    told: Told,
}

impl ForwardDoor {
    /// Without a key anybody is let in. Longer messages are not taken, packed or unpacked.
    pub fn new(shared_key: Option<SharedKey>, max_body_bytes: usize) -> Self {
        let most = NetLimits::default().waiting_bytes.max(max_body_bytes.saturating_mul(2));
        Self { shared_key, max_body_bytes, reading: Pool::new(most), told: Told::default() }
    }

    /// Serves a connection to its end; on a stop, until what is under way is answered.
    pub(crate) async fn serve(&self, stream: Stream, intake: Intake) {
        let (peer, source) = (stream.peer(), intake.source().to_owned());
        let connection = Connection::new(stream, intake, self.reading.hold(), self.max_body_bytes);
        if let Err(wrong) = connection.serve(self.shared_key.as_ref()).await {
            self.told.tell(&source, peer, &wrong.to_string());
        }
    }
}
