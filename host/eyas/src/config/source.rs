//! `[sources.X]`.

use std::net::SocketAddr;

use eyas_codec::{Decoding, Encoding, OnBad, TimeSpec};

use super::http::{listening_address, read_auth};
use super::live::read_live;
use super::plan::{SourceKind, SourcePlan, Top};
use super::reader::Reader;
use super::tree::Value;

/// Reads a source; nothing if it has no type that there is.
pub fn read_source(reader: Reader<'_>, name: &str, top: &Top) -> Option<SourcePlan> {
    #[derive(Clone, Copy)]
    enum Kind {
        Stdin,
        File,
        Http,
    }
    let kind = match reader.required("type", "there are: stdin, file, http") {
        Some(_) => reader.choice("type", &[("stdin", Kind::Stdin), ("file", Kind::File), ("http", Kind::Http)]),
        None => None,
    };
    let kind = match kind? {
        Kind::Stdin => SourceKind::Stdin,
        Kind::File => read_files(&reader),
        Kind::Http => read_http(&reader),
    };
    let live = read_live(&reader, &kind, top.state.as_ref());
    let credit = reader.within("credit");
    let credit_batches =
        credit.as_ref().filter(|credit| credit.table.get("batches").is_some()).map(|credit| credit.size("batches", 1..=65_536, 1));
    let (mut decoding, mut max_lateness) = (Decoding { annotation_key: top.annotation_key.clone(), ..Decoding::default() }, 0);
    decoding.encoding = read_encoding(&reader)?;
    if let (SourceKind::Http { .. }, Encoding::Csv { .. }, Some(entry)) = (&kind, &decoding.encoding, reader.table.get("encoding")) {
        reader.problems.at(
            &entry.node.place,
            "over HTTP there is no CSV",
            "it takes JSON: an object a line, one object, or a list of them",
        );
    }
    if let Some(time) = reader.within("time") {
        max_lateness = read_time(time, &mut decoding);
    }
    decoding.fields = read_fields(&reader);
    decoding.trust_annotations = reader.boolean("trust_annotations", false);
    let longest = i64::try_from(Decoding::LONGEST_EVENT).unwrap_or(i64::MAX);
    decoding.max_event_bytes = reader.size("max_event_bytes", 1024..=longest, decoding.max_event_bytes);
    let source = SourcePlan {
        name: name.to_owned(),
        place: reader.place.clone(),
        kind,
        decoding,
        max_lateness,
        credit_batches,
        credit_bytes: credit.as_ref().map_or(32 << 20, |credit| credit.size("bytes", 1..=1 << 40, 32 << 20)),
        idle: live.idle,
        clock_on_idle: live.clock_on_idle,
        journal: live.journal,
        acknowledge: live.acknowledge,
    };
    if let Some(credit) = credit {
        let _ = credit.entry("batches");
        credit.finish();
    }
    reader.finish();
    Some(source)
}

fn read_files(reader: &Reader<'_>) -> SourceKind {
    let help = "name the files to read, such as include = [\"logs/*.ndjson\"]";
    let include = match reader.texts("include") {
        Some(include) if !include.is_empty() => include,
        Some(_) => {
            reader.problems.at(&reader.place, format!("{} includes no file", reader.what), help);
            Vec::new()
        }
        None if reader.table.get("include").is_none() => {
            reader.problems.at(&reader.place, format!("{} has no \"include\"", reader.what), help);
            Vec::new()
        }
        None => Vec::new(),
    };
    let exclude = reader.texts("exclude").unwrap_or_default();
    for (text, place) in include.iter().chain(&exclude) {
        if let Err(error) = eyas_connect::check_pattern(&text.value) {
            reader.problems.at(
                place,
                format!("{text:?} is no pattern: {error}"),
                "\"*\" stands for anything within a name, \"**\" for any folders",
            );
        }
    }
    SourceKind::File {
        include: include.into_iter().map(|(text, place)| (text.clone(), place.clone())).collect(),
        exclude: exclude.into_iter().map(|(text, _)| text.clone()).collect(),
        follow: reader.boolean("follow", false),
    }
}

fn read_http(reader: &Reader<'_>) -> SourceKind {
    let path = reader.text("path");
    if let Some((path, place)) = path
        && !(path.value.starts_with('/') && path.value.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte)))
    {
        reader.problems.at(place, format!("{path:?} is no path of a request"), "it begins with \"/\", such as \"/events\"");
    }
    SourceKind::Http {
        // What is not there has been said.
        address: listening_address(reader, "127.0.0.1:8080").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
        path: path.map_or_else(|| "/".to_owned(), |(path, _)| path.value.clone()),
        max_body_bytes: reader.size("max_body_bytes", 1024..=1 << 30, 10 << 20),
        token: read_auth(reader),
    }
}

fn read_encoding(reader: &Reader<'_>) -> Option<Encoding> {
    let csv = reader.choice("encoding", &[("ndjson", false), ("csv", true)])?;
    if !csv {
        if let Some(entry) = reader.entry("csv") {
            reader.problems.at(&entry.place, "there is a \"csv\", but the encoding is not", "add encoding = \"csv\", or take this away");
        }
        return Some(Encoding::Ndjson);
    }
    let Some(csv) = reader.within("csv") else { return Some(Encoding::Csv { delimiter: b',', columns: Vec::new(), header: true }) };
    let delimiter = match csv.text("delimiter") {
        None => b',',
        Some((text, place)) => match text.value.as_bytes() {
            &[byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => byte,
            _ => {
                csv.problems.at(
                    place,
                    format!("{text:?} cannot be a delimiter"),
                    "it is one ASCII character, such as \",\", \";\" or \"\\t\"",
                );
                b','
            }
        },
    };
    let header = csv.boolean("header", true);
    let columns = csv.texts("columns").map(|columns| columns.into_iter().map(|(text, _)| text.value.clone()).collect());
    let columns: Vec<String> = columns.unwrap_or_default();
    if !header && columns.is_empty() {
        csv.problems.at(&csv.place, "without a header the columns have no names", "name them: columns = [\"time\", \"source_ip\", ...]");
    }
    csv.finish();
    Some(Encoding::Csv { delimiter, columns, header })
}

/// Fills in how the event time is read, and gives how late events may be.
fn read_time(reader: Reader<'_>, decoding: &mut Decoding) -> i64 {
    let field = reader.required("field", "name the field that holds the event time, such as field = \"timestamp\"");
    let mut formats = Vec::new();
    for (format, place) in reader.texts("format").unwrap_or_default() {
        match TimeSpec::new("time", std::slice::from_ref(&format.value), "UTC") {
            Ok(_) => formats.push(format.value.clone()),
            Err(error) => reader.problems.at(place, error, "a list of several is tried in its order"),
        }
    }
    if formats.is_empty() {
        formats.push("rfc3339".to_owned());
    }
    let mut zone = "UTC";
    if let Some((text, place)) = reader.text("zone") {
        match TimeSpec::new("time", &formats, &text.value) {
            Ok(_) => zone = &text.value,
            Err(error) => reader.problems.at(place, error, "it is for times that are written without a zone; \"UTC\" by default"),
        }
    }
    let max_lateness = reader.seconds("max_lateness_secs", 60);
    // `false` turns it off.
    decoding.max_future = match reader.table.get("max_future_secs").map(|entry| &entry.node.value) {
        Some(Value::Boolean(false)) => reader.entry("max_future_secs").and(None),
        _ => Some(reader.seconds("max_future_secs", 3600)),
    };
    let choices = [("pass", OnBad::Pass), ("dead_letter", OnBad::DeadLetter), ("ingest_time", OnBad::IngestTime)];
    decoding.on_bad = reader.choice("on_bad", &choices).unwrap_or_default();
    if let Some((text, place)) = field {
        match TimeSpec::new(&text.value, &formats, zone) {
            Ok(spec) => decoding.time = Some(spec),
            Err(error) => reader.problems.at(place, error, ""),
        }
    }
    reader.finish();
    max_lateness
}

fn read_fields(reader: &Reader<'_>) -> Vec<(String, String)> {
    let Some(fields) = reader.within("fields") else { return Vec::new() };
    let mut map = Vec::new();
    flatten(&fields, "", fields.table, &mut map);
    map
}

/// `fields.a.b = "c"` and `fields."a.b" = "c"` are the same.
fn flatten(reader: &Reader<'_>, prefix: &str, table: &super::tree::Table, map: &mut Vec<(String, String)>) {
    for entry in &table.entries {
        let name = format!("{prefix}{}", entry.key);
        match &entry.node.value {
            Value::Text(path) if !path.value.is_empty() => map.push((name, path.value.clone())),
            Value::Table(inner) => flatten(reader, &format!("{name}."), inner, map),
            _ => reader.wrong(&entry.node, "the path of a field in the event, such as \"source.ip\""),
        }
    }
}
