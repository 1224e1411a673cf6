//! Where to listen, and whom to connect to.

use std::net::SocketAddr;

use super::uri::is_authority;
use crate::config::plan::Endpoint;
use crate::config::reader::Reader;
use crate::config::tree::Text;

/// Longer names of Unix sockets do not fit into the operating system's structure.
const LONGEST_SOCKET_PATH: usize = 107;

/// `address`, which must be there: an IP address and a port to listen at.
pub fn listening_address(reader: &Reader<'_>, example: &str) -> Option<SocketAddr> {
    let help = format!("it is an IP address and a port, such as {example:?}");
    let (text, place) = reader.required("address", &help)?;
    match text.value.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            reader.problems.at(place, format!("{text:?} is no address to listen at"), help);
            None
        }
    }
}

/// `address`, which must be there: a host and a port to connect to.
pub fn target_address(reader: &Reader<'_>, example: &str) -> Option<Text> {
    let help = format!("it is a host and a port, such as {example:?}");
    let (text, place) = reader.required("address", &help)?;
    if !is_authority(&text.value, true) {
        reader.problems.at(place, format!("{text:?} names no host and port"), help);
    }
    Some(text.clone())
}

/// Either an address, which `address` reads, or the `path` of a Unix socket; `mode` says which where the type has one.
pub fn read_endpoint<A>(reader: &Reader<'_>, has_mode: bool, address: impl FnOnce(&Reader<'_>) -> Option<A>) -> Option<Endpoint<A>> {
    let there = |key: &str| reader.table.get(key);
    // Both are known, whichever it is.
    let _ = (reader.entry("address"), reader.entry("path"));
    let is_unix = if has_mode {
        reader.required("mode", "there are: tcp, unix")?;
        reader.choice("mode", &[("tcp", false), ("unix", true)])
    } else {
        Some(there("path").is_some() && there("address").is_none())
    };
    let is_unix = is_unix?;
    if let Some(entry) = there(if is_unix { "address" } else { "path" }) {
        let message =
            format!("a component is at an address or at a path, and {} has been said", if is_unix { "a path" } else { "an address" });
        let help = if has_mode { "mode = \"tcp\" wants an address, mode = \"unix\" the path of a socket" } else { "take one of them away" };
        reader.problems.at(&entry.place, message, help);
    }
    if is_unix { read_socket_path(reader).map(Endpoint::Unix) } else { address(reader).map(Endpoint::Tcp) }
}

fn read_socket_path(reader: &Reader<'_>) -> Option<Text> {
    let (path, place) = reader.required("path", "name the Unix socket, such as path = \"/run/eyas/events.sock\"")?;
    if path.value.is_empty() || path.value.len() > LONGEST_SOCKET_PATH || path.value.contains('\0') {
        let help = format!("its name has 1 to {LONGEST_SOCKET_PATH} bytes");
        reader.problems.at(place, format!("{path:?} cannot be the path of a Unix socket"), help);
    }
    Some(path.clone())
}
