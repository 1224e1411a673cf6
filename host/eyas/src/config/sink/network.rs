//! Sinks that send.

use eyas_connect::Compression;

use crate::config::net::{
    Scheme, check_forward_auth, read_auth, read_batch, read_client_tls, read_endpoint, read_request, read_secret, read_uri, target_address,
};
use crate::config::plan::{ClientPlan, Endpoint, SendPlan, TagPlan};
use crate::config::reader::Reader;
use crate::config::source::read_hostname;
use crate::config::tree::Text;

/// Which protocol it speaks.
#[derive(Clone, Copy)]
pub enum Sends {
    Http,
    Otlp,
    Vector,
    Forward,
    Socket,
}

/// Reads what such a sink has beside what every sink has; nothing where it is not said where to.
pub fn read_sending(reader: &Reader<'_>, sends: Sends) -> Option<SendPlan> {
    let (client, scheme) = match sends {
        Sends::Http => read_http(reader),
        Sends::Otlp => read_otlp(reader),
        Sends::Vector => read_vector(reader),
        Sends::Forward => (read_forward(reader), None),
        Sends::Socket => (read_place(reader, true, "127.0.0.1:9000").map(|at| ClientPlan::Socket { at }), None),
    };
    let has_headers = !matches!(sends, Sends::Forward | Sends::Socket);
    let tls = read_client_tls(reader, scheme);
    let auth = (!matches!(sends, Sends::Socket)).then(|| read_auth(reader)).flatten();
    if let Some(ClientPlan::Forward { shared_key, .. }) = &client {
        check_forward_auth(reader, shared_key.is_some());
    }
    let request = read_request(reader, has_headers);
    let batch = read_batch(reader);
    let drop_newest = reader.choice("when_full", &[("block", false), ("drop_newest", true)]).unwrap_or_default();
    if let (true, Some(entry)) = (reader.boolean("acknowledging", !drop_newest) && drop_newest, reader.table.get("acknowledging")) {
        let help = "take it away, or write when_full = \"block\"";
        reader.problems.at(&entry.place, "a sink that drops takes no part in acknowledgement", help);
    }
    Some(SendPlan { client: client?, tls, auth, request, batch, drop_newest })
}

fn read_http(reader: &Reader<'_>) -> (Option<ClientPlan>, Option<Scheme>) {
    let (uri, scheme) = read_uri(reader, "http://127.0.0.1:8081/events", true).unzip();
    let compression = read_compression(reader, &ALL);
    (uri.map(|uri| ClientPlan::Http { uri, compression }), scheme.flatten())
}

fn read_otlp(reader: &Reader<'_>) -> (Option<ClientPlan>, Option<Scheme>) {
    let grpc = reader.choice("protocol", &[("grpc", true), ("http", false)]).unwrap_or(true);
    let example = if grpc { "http://127.0.0.1:4317" } else { "http://127.0.0.1:4318" };
    let (uri, scheme) = read_uri(reader, example, !grpc).unzip();
    let json = reader.choice("encoding", &[("proto", false), ("json", true)]).unwrap_or_default();
    if let (true, true, Some(entry)) = (json, grpc, reader.table.get("encoding")) {
        let help = "add protocol = \"http\", or take this away";
        reader.problems.at(&entry.node.place, "over gRPC there is no JSON", help);
    }
    let compression = read_compression(reader, &WITHOUT_SNAPPY);
    (uri.map(|uri| ClientPlan::Otlp { uri, grpc, json, compression }), scheme.flatten())
}

fn read_vector(reader: &Reader<'_>) -> (Option<ClientPlan>, Option<Scheme>) {
    let packed = reader.boolean("compression", false);
    let compression = if packed { Compression::Gzip } else { Compression::None };
    if let (Some(entry), true) = (reader.table.get("address"), reader.table.get("uri").is_some()) {
        reader.problems.at(&entry.place, "where to has been said by a URI", "take one of them away");
    }
    if reader.table.get("uri").is_some() {
        let _ = reader.entry("address");
        let (uri, scheme) = read_uri(reader, "http://127.0.0.1:6000", false).unzip();
        return (uri.map(|uri| ClientPlan::Vector { uri, compression }), scheme.flatten());
    }
    let _ = reader.entry("uri");
    let address = target_address(reader, "127.0.0.1:6000");
    // Without a URI it is `tls` that says whether there is TLS.
    let tls = reader.table.get("tls").is_some_and(|tls| !tls.node.says_false("enabled"));
    let scheme = if tls { "https" } else { "http" };
    let uri = |address: Text| Text { value: format!("{scheme}://{}", address.value), shown: format!("{scheme}://{}", address.shown) };
    (address.map(|address| ClientPlan::Vector { uri: uri(address), compression }), None)
}

fn read_forward(reader: &Reader<'_>) -> Option<ClientPlan> {
    let at = read_place(reader, false, "127.0.0.1:24224");
    let shared_key = reader.text("shared_key").map(|(text, place)| read_secret(reader, "shared_key", text, place));
    let require_ack = reader.boolean("require_ack_response", true);
    let (replace, prefix) = (reader.text("tag"), reader.text("tag_prefix"));
    if let (Some(_), Some((_, place))) = (replace, prefix) {
        reader.problems.at(
            place,
            "the tag is replaced already",
            "tag gives all events one tag, tag_prefix goes before the one that each has: take one away",
        );
    }
    let tag = match (replace, prefix) {
        (Some((tag, place)), _) | (_, Some((tag, place))) if tag.value.is_empty() => {
            reader.problems.at(place, "a tag is not empty", "take it away: events keep the tags that they came with");
            TagPlan::Keep
        }
        (Some((tag, _)), _) => TagPlan::Replace(tag.clone()),
        (_, Some((prefix, _))) => TagPlan::Prefix(prefix.clone()),
        (None, None) => TagPlan::Keep,
    };
    let (self_hostname, compression) = (read_hostname(reader), read_compression(reader, &WITHOUT_SNAPPY));
    at.map(|at| ClientPlan::Forward { at, shared_key, self_hostname, require_ack, tag, compression })
}

fn read_place(reader: &Reader<'_>, has_mode: bool, example: &str) -> Option<Endpoint<Text>> {
    read_endpoint(reader, has_mode, |reader| target_address(reader, example))
}

const ALL: [(&str, Compression); 4] =
    [("none", Compression::None), ("gzip", Compression::Gzip), ("zstd", Compression::Zstd), ("snappy", Compression::Snappy)];
const WITHOUT_SNAPPY: [(&str, Compression); 3] = [("none", Compression::None), ("gzip", Compression::Gzip), ("zstd", Compression::Zstd)];

fn read_compression(reader: &Reader<'_>, known: &[(&'static str, Compression)]) -> Compression {
    reader.choice("compression", known).unwrap_or_default()
}
