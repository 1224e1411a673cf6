//! What is wrong with connections is told once of each address, so that nobody can fill the log.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::net::Peer;

/// Of so many addresses.
const MOST: usize = 256;

/// The addresses of which something was told already.
#[derive(Clone, Debug, Default)]
pub struct Told(Arc<Mutex<HashSet<IpAddr>>>);

impl Told {
    /// Tells why a connection is closed.
    pub fn tell(&self, source: &str, peer: Peer, why: &str) {
        if self.is_new(peer) {
            tracing::warn!(
                source,
                "the connection with {peer} is closed: {why}; what else is wrong with that address is told at debug level"
            );
        } else {
            tracing::debug!(source, "the connection with {peer} is closed: {why}");
        }
    }

    fn is_new(&self, peer: Peer) -> bool {
        let Peer::Tcp(address) = peer else { return true };
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < MOST && told.insert(address.ip())
    }
}
