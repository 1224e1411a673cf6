//! Sources that listen.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::net::{check_forward_auth, listening_address, read_auth, read_endpoint, read_secret, read_server_tls};
use crate::config::plan::{DoorPlan, Endpoint, ListenPlan};
use crate::config::reader::Reader;
use crate::config::tree::{Text, Value};

/// Which protocol it listens for.
#[derive(Clone, Copy)]
pub enum Listens {
    Http,
    Otlp,
    Vector,
    Forward,
    Socket,
}

/// Nobody listens there: stands for an address that is missing or wrong, which has been said.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Reads what such a source has beside what every source has.
pub fn read_listening(reader: &Reader<'_>, listens: Listens) -> ListenPlan {
    let door = match listens {
        Listens::Http => read_http(reader),
        Listens::Otlp => read_otlp(reader),
        Listens::Vector => DoorPlan::Vector { address: listening_address(reader, "127.0.0.1:6000").unwrap_or(NOWHERE) },
        Listens::Forward => read_forward(reader),
        Listens::Socket => DoorPlan::Socket { at: read_place(reader, true, "127.0.0.1:9000") },
    };
    let has_auth = matches!(listens, Listens::Http | Listens::Otlp | Listens::Forward);
    let (mut max_body_bytes, mut dedupe) = (10 << 20, None);
    if door.answers() {
        // Of a socket the lines come one by one, and nobody sends one twice for want of an answer.
        max_body_bytes = reader.size("max_body_bytes", 1024..=1 << 30, max_body_bytes);
        dedupe = read_dedupe(reader);
    }
    let auth = has_auth.then(|| read_auth(reader)).flatten();
    if let DoorPlan::Forward { shared_key, .. } = &door {
        check_forward_auth(reader, shared_key.is_some());
    }
    ListenPlan { door, tls: read_server_tls(reader), auth, max_body_bytes, dedupe }
}

fn read_http(reader: &Reader<'_>) -> DoorPlan {
    let address = listening_address(reader, "127.0.0.1:8080").unwrap_or(NOWHERE);
    let path = reader.text("path");
    if let Some((path, place)) = path
        && !(path.value.starts_with('/') && path.value.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte)))
    {
        reader.problems.at(place, format!("{path:?} is no path of a request"), "it begins with \"/\", such as \"/events\"");
    }
    DoorPlan::Http { address, path: path.map_or_else(|| "/".to_owned(), |(path, _)| path.value.clone()) }
}

fn read_otlp(reader: &Reader<'_>) -> DoorPlan {
    let within = |key: &'static str, example: &str| {
        let table = reader.within(key)?;
        let address = listening_address(&table, example);
        table.finish();
        Some(address.unwrap_or(NOWHERE))
    };
    let (grpc, http) = (within("grpc", "127.0.0.1:4317"), within("http", "127.0.0.1:4318"));
    if reader.table.get("grpc").is_none() && reader.table.get("http").is_none() {
        let help = "say where it listens: grpc.address = \"127.0.0.1:4317\", or http.address = \"127.0.0.1:4318\", or both";
        reader.problems.at(&reader.place, format!("{} has neither \"grpc\" nor \"http\"", reader.what), help);
    }
    DoorPlan::Otlp { grpc, http }
}

fn read_forward(reader: &Reader<'_>) -> DoorPlan {
    let shared_key = reader.text("shared_key").map(|(text, place)| read_secret(reader, "shared_key", text, place));
    DoorPlan::Forward { at: read_place(reader, false, "127.0.0.1:24224"), shared_key, self_hostname: read_hostname(reader) }
}

/// `self_hostname`.
pub fn read_hostname(reader: &Reader<'_>) -> Option<Text> {
    let (name, place) = reader.text("self_hostname")?;
    if name.value.is_empty() {
        reader.problems.at(place, "self_hostname is empty", "take it away: \"eyas\" stands in");
    }
    Some(name.clone())
}

fn read_place(reader: &Reader<'_>, has_mode: bool, example: &str) -> Endpoint<SocketAddr> {
    read_endpoint(reader, has_mode, |reader| listening_address(reader, example)).unwrap_or(Endpoint::Tcp(NOWHERE))
}

fn read_dedupe(reader: &Reader<'_>) -> Option<Duration> {
    if let Some(Value::Boolean(false)) = reader.table.get("dedupe_secs").map(|entry| &entry.node.value) {
        let _ = reader.entry("dedupe_secs");
        return None;
    }
    let seconds = reader.integer("dedupe_secs", 0..=86_400, 600).unsigned_abs();
    (seconds > 0).then(|| Duration::from_secs(seconds))
}
