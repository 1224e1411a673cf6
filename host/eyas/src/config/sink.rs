//! `[sinks.X]`.

mod network;

use eyas_connect::check_path;

use self::network::{Sends, read_sending};
use super::component::{RawSink, read_inputs};
use super::plan::SinkKind;
use super::reader::Reader;
use super::targets::is_device;

/// Reads a sink; nothing if it has no type that there is.
pub fn read_sink(reader: Reader<'_>, name: &str) -> Option<RawSink> {
    #[derive(Clone, Copy)]
    enum Kind {
        Stdout,
        Stderr,
        File,
        Network(Sends),
        Blackhole,
    }
    let names = [
        ("stdout", Kind::Stdout),
        ("stderr", Kind::Stderr),
        ("file", Kind::File),
        ("http", Kind::Network(Sends::Http)),
        ("otlp", Kind::Network(Sends::Otlp)),
        ("vector", Kind::Network(Sends::Vector)),
        ("forward", Kind::Network(Sends::Forward)),
        ("socket", Kind::Network(Sends::Socket)),
        ("blackhole", Kind::Blackhole),
    ];
    let kind = match reader.required("type", &format!("there are: {}", names.map(|(name, _)| name).join(", "))) {
        Some(_) => reader.choice("type", &names),
        None => None,
    };
    let kind = match kind? {
        Kind::Stdout => Some(SinkKind::Stdout),
        Kind::Stderr => Some(SinkKind::Stderr),
        Kind::Blackhole => Some(SinkKind::Blackhole),
        Kind::File => read_file(&reader),
        Kind::Network(sends) => read_sending(&reader, sends).map(|plan| SinkKind::Network(Box::new(plan))),
    };
    let inputs = read_inputs(&reader);
    let place = reader.place.clone();
    reader.finish();
    Some(RawSink { name: name.to_owned(), place, kind: kind?, inputs })
}

fn read_file(reader: &Reader<'_>) -> Option<SinkKind> {
    let path = reader.required("path", "name the file to append to");
    let rotate = reader.within("rotate");
    let rotate_bytes = rotate.as_ref().and_then(|rotate| {
        let help = "say how large the file may become: rotate.max_bytes = 1073741824";
        if rotate.table.get("max_bytes").is_none() {
            rotate.problems.at(&rotate.place, format!("{} has no \"max_bytes\"", rotate.what), help);
        }
        let bytes = rotate.integer("max_bytes", 4096..=i64::MAX, 1 << 30);
        rotate.table.get("max_bytes").map(|_| bytes.unsigned_abs())
    });
    let (path, place) = path?;
    if let Err(error) = check_path(&path.value) {
        reader.problems.at(place, error, "%Y, %m, %d, %H and the like stand for the date");
    }
    if let Some(rotate) = rotate {
        if is_device(&path.value) {
            reader.problems.at(&rotate.place, format!("{path:?} is no file that could be renamed"), "take this away");
        }
        rotate.finish();
    }
    Some(SinkKind::File { path: path.clone(), rotate_bytes })
}
