//! What a source reads, and what a sink writes to, in a line.

use eyas_codec::Encoding;

use crate::config::{Auth, ClientPlan, ClientTls, DoorPlan, ListenPlan, SendPlan, SinkKind, SourceKind, SourcePlan};
use crate::text::{bytes, seconds};

/// Of `files` files, if it reads files.
pub fn describe_source(source: &SourcePlan, files: usize) -> String {
    let kind = match &source.kind {
        SourceKind::Stdin => "standard input".to_owned(),
        SourceKind::File { include, follow, .. } => {
            let patterns: Vec<_> = include.iter().map(|(text, _)| text.shown.as_str()).collect();
            format!("{}files {} ({files} now)", if *follow { "follows " } else { "" }, patterns.join(", "))
        }
        SourceKind::Network(listening) => describe_listening(listening),
    };
    let encoding = match (&source.kind, &source.decoding.encoding) {
        (SourceKind::Network(_), Encoding::Ndjson) => "JSON",
        (_, Encoding::Ndjson) => "NDJSON",
        (_, Encoding::Csv { .. }) => "CSV",
        (_, Encoding::Otlp) => "OTLP",
        (_, Encoding::Vector) => "Vector's protocol",
        (_, Encoding::Forward) => "Fluent Forward",
    };
    let time = match &source.decoding.time {
        Some(time) => format!("event time from {:?}, at most {} out of order", time.field(), seconds(source.max_lateness)),
        None => "no event time".to_owned(),
    };
    format!("  {}: {kind}, {encoding}, {time}", source.name)
}

/// Where a sink writes.
pub fn describe_sink(kind: &SinkKind) -> String {
    match kind {
        SinkKind::Stdout => "standard output".to_owned(),
        SinkKind::Stderr => "standard error".to_owned(),
        SinkKind::File { path, rotate_bytes: None } => format!("appends to {path}"),
        SinkKind::File { path, rotate_bytes: Some(most) } => format!("appends to {path}, to another file after {}", bytes(*most)),
        SinkKind::Network(sending) => describe_sending(sending),
        SinkKind::Blackhole => "nowhere".to_owned(),
    }
}

fn describe_listening(listening: &ListenPlan) -> String {
    let s = if listening.tls.is_some() { "s" } else { "" };
    let mut text = match &listening.door {
        DoorPlan::Http { address, path } => format!("listens at http{s}://{address}{path}"),
        DoorPlan::Otlp { grpc, http } => {
            let grpc = grpc.map(|address| format!("http{s}://{address} (gRPC)"));
            let http = http.map(|address| format!("http{s}://{address}"));
            format!("listens at {}", grpc.into_iter().chain(http).collect::<Vec<_>>().join(" and "))
        }
        DoorPlan::Vector { address } => format!("listens at http{s}://{address}"),
        DoorPlan::Forward { at, .. } | DoorPlan::Socket { at } => format!("listens at {at}{}", if s.is_empty() { "" } else { " with TLS" }),
    };
    match (&listening.auth, &listening.door) {
        (Some(Auth::Bearer(_)), _) => text += ", for those who have its token",
        (Some(Auth::Basic { user, .. }), _) => text += &format!(", for those who know the password of {user}"),
        (None, DoorPlan::Forward { shared_key: Some(_), .. }) => text += ", for those who have its key",
        _ => {}
    }
    if listening.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some()) {
        text += ", for those who have a certificate";
    }
    text
}

fn describe_sending(sending: &SendPlan) -> String {
    let tls = |tls: &Option<ClientTls>| if tls.is_some() { " with TLS" } else { "" };
    match &sending.client {
        ClientPlan::Http { uri, .. } => format!("posts to {uri}"),
        ClientPlan::Otlp { uri, grpc, .. } => format!("sends OTLP to {uri}{}", if *grpc { " (gRPC)" } else { "" }),
        ClientPlan::Vector { uri, .. } => format!("sends to Vector at {uri}"),
        ClientPlan::Forward { at, .. } => format!("forwards to {at}{}", tls(&sending.tls)),
        ClientPlan::Socket { at } => format!("writes to the socket at {at}{}", tls(&sending.tls)),
    }
}
