//! `[sources.X]`.

mod network;

use eyas_codec::{Decoding, Encoding, OnBad, TimeSpec};

use self::network::{Listens, read_listening};
use super::live::read_live;
use super::plan::{DoorPlan, SourceKind, SourcePlan, Top};
use super::reader::Reader;
use super::tree::Value;

pub use self::network::read_hostname;

const DEFAULT_FORMAT: &str = "rfc3339";
const DEFAULT_LATENESS_SECS: i64 = 60;

/// Reads a source; nothing if it has no type that there is.
pub fn read_source(reader: Reader<'_>, name: &str, top: &Top) -> Option<SourcePlan> {
    #[derive(Clone, Copy)]
    enum Kind {
        Stdin,
        File,
        Network(Listens),
    }
    let names = [
        ("stdin", Kind::Stdin),
        ("file", Kind::File),
        ("http", Kind::Network(Listens::Http)),
        ("otlp", Kind::Network(Listens::Otlp)),
        ("vector", Kind::Network(Listens::Vector)),
        ("forward", Kind::Network(Listens::Forward)),
        ("socket", Kind::Network(Listens::Socket)),
    ];
    let kind = match reader.required("type", &format!("there are: {}", names.map(|(name, _)| name).join(", "))) {
        Some(_) => reader.choice("type", &names),
        None => None,
    };
    let kind = match kind? {
        Kind::Stdin => SourceKind::Stdin,
        Kind::File => read_files(&reader),
        Kind::Network(listens) => SourceKind::Network(Box::new(read_listening(&reader, listens))),
    };
    let credit = reader.within("credit");
    let credit_batches =
        credit.as_ref().filter(|credit| credit.table.get("batches").is_some()).map(|credit| credit.size("batches", 1..=65_536, 1));
    let max_lateness;
    let mut decoding = Decoding { annotation_key: top.annotation_key.clone(), ..Decoding::default() };
    decoding.encoding = encoding_of(&reader, &kind)?;
    let own_time = own_time(&decoding.encoding);
    match reader.within("time") {
        Some(time) => max_lateness = read_time(time, own_time, &mut decoding),
        None => {
            decoding.time = own_time.and_then(|field| TimeSpec::new(field, &[DEFAULT_FORMAT.to_owned()], "UTC").ok());
            max_lateness = if own_time.is_some() { DEFAULT_LATENESS_SECS * eyas_event::NANOS_PER_SECOND } else { 0 };
        }
    }
    let has_time = own_time.is_some() || reader.table.get("time").is_some();
    let live = read_live(&reader, &kind, has_time, top.state.as_ref());
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

/// How its events are written: as the protocol says, or as it is configured.
fn encoding_of(reader: &Reader<'_>, kind: &SourceKind) -> Option<Encoding> {
    let SourceKind::Network(plan) = kind else { return read_encoding(reader) };
    match plan.door {
        DoorPlan::Otlp { .. } => Some(Encoding::Otlp),
        DoorPlan::Vector { .. } => Some(Encoding::Vector),
        DoorPlan::Forward { .. } => Some(Encoding::Forward),
        DoorPlan::Http { .. } | DoorPlan::Socket { .. } => {
            let encoding = read_encoding(reader)?;
            if let (Encoding::Csv { .. }, Some(entry)) = (&encoding, reader.table.get("encoding")) {
                let help = "it takes JSON: an object a line, and over HTTP one object or a list of them, too";
                reader.problems.at(&entry.node.place, "over the network there is no CSV", help);
            }
            Some(encoding)
        }
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

/// The field in which events of this encoding bear their own time, if it has one: there it needs no format.
fn own_time(encoding: &Encoding) -> Option<&'static str> {
    match encoding {
        Encoding::Ndjson | Encoding::Csv { .. } => None,
        Encoding::Otlp => Some("time"),
        Encoding::Vector => Some("timestamp"),
        Encoding::Forward => Some("@timestamp"),
    }
}

/// Fills in how the event time is read, and gives how late events may be.
fn read_time(reader: Reader<'_>, own: Option<&str>, decoding: &mut Decoding) -> i64 {
    let field = match own {
        None => reader.required("field", "name the field that holds the event time, such as field = \"timestamp\""),
        Some(_) => reader.text("field"),
    };
    let mut formats = Vec::new();
    for (format, place) in reader.texts("format").unwrap_or_default() {
        match TimeSpec::new("time", std::slice::from_ref(&format.value), "UTC") {
            Ok(_) => formats.push(format.value.clone()),
            Err(error) => reader.problems.at(place, error, "a list of several is tried in its order"),
        }
    }
    if formats.is_empty() {
        formats.push(DEFAULT_FORMAT.to_owned());
    }
    let mut zone = "UTC";
    if let Some((text, place)) = reader.text("zone") {
        match TimeSpec::new("time", &formats, &text.value) {
            Ok(_) => zone = &text.value,
            Err(error) => reader.problems.at(place, error, "it is for times that are written without a zone; \"UTC\" by default"),
        }
    }
    let max_lateness = reader.seconds("max_lateness_secs", DEFAULT_LATENESS_SECS);
    // `false` turns it off.
    decoding.max_future = match reader.table.get("max_future_secs").map(|entry| &entry.node.value) {
        Some(Value::Boolean(false)) => reader.entry("max_future_secs").and(None),
        _ => Some(reader.seconds("max_future_secs", 3600)),
    };
    let choices = [("pass", OnBad::Pass), ("dead_letter", OnBad::DeadLetter), ("ingest_time", OnBad::IngestTime)];
    decoding.on_bad = reader.choice("on_bad", &choices).unwrap_or_default();
    let (name, place) = field.map_or((own, &reader.place), |(text, place)| (Some(text.value.as_str()), place));
    if let Some(name) = name {
        match TimeSpec::new(name, &formats, zone) {
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
